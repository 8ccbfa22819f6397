"""Invoice-like PDFs and OFDs written by hand: Chinese text layers, QR codes, embedded files, forms."""

from __future__ import annotations

import io
import random
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import cast

import zxingcpp

from tests.support.locked_pdf import Lock
from watcher.sandbox.invoices import pdf_file

WIDTH, HEIGHT = 595, 396
# Turns what is drawn against the page, so that the turned page shows it upright.
_UPRIGHT = {
    0: "",
    90: f"0 1 -1 0 {HEIGHT} 0 cm",
    180: f"-1 0 0 -1 {WIDTH} {HEIGHT} cm",
    270: f"0 -1 1 0 0 {WIDTH} cm",
}
_FONTS_FROM = 5  # the objects after catalog, page tree, properties and form are those of the two fonts


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """An invoice as it is printed. `code` makes it one of the older kind; `net` is its amount without tax."""

    number: str = "26117000001234567890"
    code: str | None = None
    day: date = date(2026, 5, 1)
    amount: str = "318.00"
    net: str = "300.00"
    seller: str = "杭州示例餐饮有限公司"
    buyer: str = "云岭示例科技有限公司"
    title: str = "电子发票（普通发票）"

    @property
    def qr(self) -> str:
        """What its code says."""
        day = f"{self.day:%Y%m%d}"
        if self.code:
            return f"01,10,{self.code},{self.number},{self.net},{day},14754822929856772523,E400,"
        return f"01,32,,{self.number},{self.amount},{day},,FAFB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Text at a place, in points from the lower left corner."""

    x: float
    y: float
    text: str
    size: float = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    words: Sequence[Words] = ()
    qr: str | None = None
    is_scan: bool = False  # the picture of the code covers much of the page
    rotation: int = 0
    note: str | None = None  # an annotation
    typed: str | None = None  # what is filled into the form's one field, which stands on this page


def invoice_page(paper: Paper, *, qr: bool = True, words: bool = True, rotation: int = 0) -> Page:
    """All labels first and all values after them, as the platforms' templates have it."""
    return Page(
        words=_old(paper) if words and paper.code else _new(paper) if words else (),
        qr=paper.qr if qr else None,
        rotation=rotation,
    )


def _new(paper: Paper) -> list[Words]:
    day = f"{paper.day:%Y年%m月%d日}"
    labels = [
        Words(x=400, y=350, text="发票号码："),
        Words(x=400, y=332, text="开票日期："),
        Words(x=52, y=292, text="名称："),
        Words(x=320, y=292, text="名称："),
        Words(x=52, y=266, text="统一社会信用代码/纳税人识别号："),
        Words(x=320, y=266, text="统一社会信用代码/纳税人识别号："),
        Words(x=60, y=104, text="价税合计（大写）"),
        Words(x=400, y=104, text="（小写）"),
    ]
    values = [
        Words(x=180, y=362, text=paper.title, size=18),
        Words(x=446, y=350, text=paper.number),
        Words(x=446, y=332, text=day),
        Words(x=80, y=292, text=paper.buyer),
        Words(x=348, y=292, text=paper.seller),
        Words(x=192, y=266, text="91500000MA00000001"),
        Words(x=460, y=266, text="91330000MA00000002"),
        Words(x=160, y=104, text="叁佰壹拾捌圆整"),
        Words(x=437, y=104, text=f"¥{paper.amount}"),
    ]
    return [*labels, *values]


def _old(paper: Paper) -> list[Words]:
    day = f"{paper.day:%Y年%m月%d日}"
    labels = [
        Words(x=430, y=365, text="发票代码："),
        Words(x=430, y=350, text="发票号码："),
        Words(x=430, y=335, text="开票日期："),
        Words(x=430, y=320, text="校 验 码："),
        Words(x=52, y=292, text="名　　　　称："),
        Words(x=52, y=278, text="纳税人识别号："),
        Words(x=60, y=130, text="价税合计（大写）"),
        Words(x=400, y=130, text="（小写）"),
        Words(x=52, y=96, text="名　　　　称："),
        Words(x=52, y=82, text="纳税人识别号："),
    ]
    values = [
        Words(x=180, y=362, text="浙江增值税电子普通发票", size=18),
        Words(x=480, y=365, text=paper.code or ""),
        Words(x=480, y=350, text=paper.number),
        Words(x=480, y=335, text=day),
        Words(x=480, y=320, text="14754822929856772523"),
        Words(x=120, y=292, text=paper.buyer),
        Words(x=120, y=278, text="91500000MA00000001"),
        Words(x=440, y=130, text=f"￥{paper.amount}"),
        Words(x=120, y=96, text=paper.seller),
        Words(x=120, y=82, text="91330000MA00000002"),
    ]
    return [*labels, *values]


def lines_page(*lines: str) -> Page:
    """A page of plain lines, from the top; a tab begins another column."""
    words = []
    for row, line in enumerate(lines):
        for column, text in enumerate(line.split("\t")):
            words.append(Words(x=40 + 220 * column, y=HEIGHT - 40 - 18 * row, text=text))
    return Page(words=words)


@dataclass(slots=True)
class _Objects:
    """The numbered objects of a PDF."""

    found: list[bytes] = field(default_factory=list)

    def add(self, content: str | bytes) -> int:
        self.found.append(content.encode() if isinstance(content, str) else content)
        return len(self.found)

    def stream(self, entries: str, data: bytes) -> int:
        packed = zlib.compress(data)
        head = f"<<{entries}/Filter/FlateDecode/Length {len(packed)}>>\nstream\n".encode()
        return self.add(head + packed + b"\nendstream")


def pdf(
    *pages: Page,
    embedded: Mapping[str, bytes] | None = None,
    properties: Mapping[str, str] | None = None,
    catalog: str = "",
    packed: bool = False,
    lock: Lock | None = None,
) -> bytes:
    """A PDF of these pages, with files embedded in it and with properties of the document.

    `catalog` is more that stands in it; `packed`: what is no stream stands in a packed one, as newer programs have it,
    and is locked with `lock`.
    """
    objects = _Objects()
    for _ in range(_FONTS_FROM - 1):
        objects.add(b"")
    latin = objects.add("<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>")
    letters = "".join(sorted({letter for page in pages for word in page.words for letter in word.text}))
    chinese = _font(objects, letters)
    kids, fields = [], []
    for page in pages:
        number, field_number = _page(objects, page, latin, chinese, letters)
        kids.append(number)
        fields += [field_number] if field_number else []
    references = " ".join(f"{number} 0 R" for number in kids)
    objects.found[1] = f"<</Type/Pages/Kids[{references}]/Count {len(kids)}>>".encode()
    values = "".join(f"/{name} <{_hex(value, mark=True)}>" for name, value in (properties or {}).items())
    objects.found[2] = f"<<{values}>>".encode()
    form = f"<</Fields[{' '.join(f'{number} 0 R' for number in fields)}]/DR<</Font<</L {latin} 0 R>>>>>>"
    objects.found[3] = form.encode()
    names = _embedded(objects, embedded or {})
    acroform = "/AcroForm 4 0 R" if fields else ""
    objects.found[0] = f"<</Type/Catalog/Pages 2 0 R{names}{acroform}{catalog}>>".encode()
    return _packed(objects.found, lock) if packed else pdf_file(objects.found, "/Info 3 0 R")


def _packed(objects: Sequence[bytes], lock: Lock | None = None) -> bytes:
    """The objects, those without a stream in a stream of objects, and a table of places that is a stream itself."""
    inside = [number for number, content in enumerate(objects, 1) if b"stream" not in content]
    begins, body = [], b""
    for number in inside:
        begins.append(f"{number} {len(body)} ".encode())
        body += objects[number - 1] + b" "
    index = b"".join(begins)
    holder = len(objects) + 1
    stream = zlib.compress(index + body)
    if lock is not None:
        stream = lock.locked(holder, stream)
    file = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
    places = {}
    for number, content in enumerate(objects, 1):
        if number not in inside:
            places[number] = len(file)
            file += f"{number} 0 obj\n".encode() + _locked(number, content, lock) + b"\nendobj\n"
    places[holder] = len(file)
    head = f"<</Type/ObjStm/N {len(inside)}/First {len(index)}/Filter/FlateDecode/Length {len(stream)}>>"
    file += f"{holder} 0 obj\n{head}\nstream\n".encode() + stream + b"\nendstream\nendobj\n"
    places[holder + 1] = start = len(file)
    rows = [b"\0" * 7]
    for number in range(1, holder + 2):
        kind, place, last = (2, holder, inside.index(number)) if number in inside else (1, places[number], 0)
        rows.append(bytes([kind]) + place.to_bytes(4, "big") + last.to_bytes(2, "big"))
    table = zlib.compress(b"".join(rows))
    more = lock.trailer if lock is not None else ""
    head = f"<</Type/XRef/Size {holder + 2}/W[1 4 2]/Root 1 0 R{more}/Filter/FlateDecode/Length {len(table)}>>"
    file += f"{holder + 1} 0 obj\n{head}\nstream\n".encode() + table + b"\nendstream\nendobj\n"
    return bytes(file + f"startxref\n{start}\n%%EOF\n".encode())


def _locked(number: int, content: bytes, lock: Lock | None) -> bytes:
    """An object with a stream."""
    head, _, rest = content.partition(b"stream\n")
    data, _, _ = rest.rpartition(b"\nendstream")
    return content if lock is None else head + b"stream\n" + lock.locked(number, data) + b"\nendstream"


def _font(objects: _Objects, letters: str) -> int:
    """A font of squares, one for each letter, that says which letter each is; Latin ones are half as wide."""
    square = objects.stream("", b"1000 0 50 -100 900 850 d1 100 0 700 700 re f")
    thin = objects.stream("", b"500 0 50 -100 450 850 d1 50 0 350 700 re f")
    names = " ".join("/thin" if letter.isascii() else "/square" for letter in letters)
    widths = " ".join("500" if letter.isascii() else "1000" for letter in letters)
    lines = "".join(f"<{code:02x}> <{_hex(letter)}>\n" for code, letter in enumerate(letters, 1))
    meanings = objects.stream(
        "",
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange <00> <ff> "
        f"endcodespacerange {len(letters)} beginbfchar\n{lines}endbfchar endcmap end end".encode(),
    )
    return objects.add(
        "<</Type/Font/Subtype/Type3/FontBBox[0 -120 1000 880]/FontMatrix[.001 0 0 .001 0 0]"
        f"/CharProcs<</square {square} 0 R/thin {thin} 0 R>>/Encoding<</Type/Encoding/Differences[1 {names}]>>"
        f"/FirstChar 1/LastChar {len(letters)}/Widths[{widths}]/ToUnicode {meanings} 0 R/Resources<<>>>>"
    )


def _page(objects: _Objects, page: Page, latin: int, chinese: int, letters: str) -> tuple[int, int | None]:
    """Its object, and that of its form field."""
    drawn = [_UPRIGHT[page.rotation]]
    drawn += [f"BT /C {word.size} Tf {word.x} {word.y} Td <{_codes(word.text, letters)}> Tj ET" for word in page.words]
    images = ""
    if page.qr is not None:
        images = f"/XObject<</Q {_qr(objects, page.qr, scale=4 if page.is_scan else 1)} 0 R>>"
        drawn.append(f"q {'300 0 0 300 20 80' if page.is_scan else '60 0 0 60 20 320'} cm /Q Do Q")
    contents = objects.stream("", "\n".join(drawn).encode())
    annotations, field_number = _annotations(objects, page)
    listed = " ".join(f"{number} 0 R" for number in annotations)
    width, height = (WIDTH, HEIGHT) if page.rotation in (0, 180) else (HEIGHT, WIDTH)
    number = objects.add(
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {width} {height}]/Contents {contents} 0 R/Rotate {page.rotation}"
        f"/Annots[{listed}]/Resources<</Font<</L {latin} 0 R/C {chinese} 0 R>>{images}>>>>"
    )
    return number, field_number


def _annotations(objects: _Objects, page: Page) -> tuple[list[int], int | None]:
    found, field_number = [], None
    if page.note is not None:
        found.append(objects.add(f"<</Type/Annot/Subtype/Text/Rect[500 20 520 40]/Contents({page.note})>>"))
    if page.typed is not None:
        font = "/Resources<</Font<</L 5 0 R>>>>"
        look = objects.stream(
            f"/Type/XObject/Subtype/Form/BBox[0 0 200 20]{font}", f"BT /L 12 Tf 2 5 Td ({page.typed}) Tj ET".encode()
        )
        field_number = objects.add(
            f"<</Type/Annot/Subtype/Widget/FT/Tx/T(amount)/V({page.typed})/DA(/L 12 Tf 0 g)/F 4"
            f"/Rect[100 200 300 220]/AP<</N {look} 0 R>>>>"
        )
        found.append(field_number)
    return found, field_number


def _qr(objects: _Objects, text: str, *, scale: int) -> int:
    pixels = qr_pixels(text, scale)
    side = pixels.shape[0] if pixels.shape else 0
    entries = f"/Type/XObject/Subtype/Image/Width {side}/Height {side}/ColorSpace/DeviceGray/BitsPerComponent 8"
    return objects.stream(entries, pixels.tobytes())


def qr_pixels(text: str, scale: int = 1) -> memoryview:
    """The code in grey, a byte for each pixel."""
    barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode)
    return memoryview(cast("bytes", barcode.to_image(scale=scale, add_quiet_zones=True)))


def _embedded(objects: _Objects, files: Mapping[str, bytes]) -> str:
    entries = []
    for name, data in sorted(files.items()):
        stream = objects.stream("/Type/EmbeddedFile", data)
        spec = objects.add(f"<</Type/Filespec/F({name})/UF({name})/EF<</F {stream} 0 R>>>>")
        entries.append(f"({name}) {spec} 0 R")
    return f"/Names<</EmbeddedFiles<</Names[{' '.join(entries)}]>>>>" if entries else ""


def _codes(text: str, letters: str) -> str:
    return "".join(f"{letters.index(letter) + 1:02x}" for letter in text)


def _hex(text: str, *, mark: bool = False) -> str:
    return ("feff" if mark else "") + text.encode("utf-16-be").hex()


_OFD = "http://www.ofdspec.org/2016"


def ofd(
    pages: Sequence[Sequence[tuple[float, float, str]]] = ((),),
    *,
    custom: Mapping[str, str] | None = None,
    files: Mapping[str, bytes] | None = None,
    document: str = "",
    prefix: str = "ofd:",
    encoding: str = "utf-8",
    root: str = "Doc_0/Document.xml",
) -> bytes:
    """An OFD whose pages hold text at places (millimetres from the upper left corner).

    `document` goes into the root of the document, `files` into the zip.
    """
    parts = {
        "OFD.xml": _xml(f"<P:OFD P><P:DocBody>{_info(custom or {})}<P:DocRoot>{root}</P:DocRoot></P:DocBody></P:OFD>",
                        prefix, encoding),
        root.lstrip("/"): _xml(f"<P:Document P><P:Pages>{_page_list(len(pages))}</P:Pages>{document}</P:Document>",
                               prefix, encoding),
    }  # fmt: skip
    folder = root.lstrip("/").rpartition("/")[0]
    for index, page in enumerate(pages):
        objects = "".join(_object(10 * index + row, *item) for row, item in enumerate(page))
        text = f"<P:Page P><P:Content><P:Layer>{objects}</P:Layer></P:Content></P:Page>"
        parts[f"{folder}/Pages/Page_{index}/Content.xml"] = _xml(text, prefix, encoding)
    return zipped({**parts, **(files or {})})


def _info(custom: Mapping[str, str]) -> str:
    data = "".join(f'<P:CustomData Name="{name}">{value}</P:CustomData>' for name, value in custom.items())
    return f"<P:DocInfo><P:CustomDatas>{data}</P:CustomDatas></P:DocInfo>"


def _page_list(count: int) -> str:
    return "".join(f'<P:Page ID="{1000 + index}" BaseLoc="Pages/Page_{index}/Content.xml"/>' for index in range(count))


def _object(identifier: int, x: float, y: float, text: str) -> str:
    box = f'Boundary="{x} {y} 80 5"'
    return f'<P:TextObject ID="{identifier}" {box} Size="3"><P:TextCode X="0" Y="3">{text}</P:TextCode></P:TextObject>'


def _xml(text: str, prefix: str, encoding: str) -> bytes:
    """With `P:` and the bare attribute `P` put into the prefix and its declaration."""
    declared = f'xmlns{":" + prefix[:-1] if prefix else ""}="{_OFD}"'
    text = text.replace(" P>", f" {declared}>").replace("<P:", f"<{prefix}").replace("</P:", f"</{prefix}")
    return f'<?xml version="1.0" encoding="{encoding}"?>\n{text}'.encode(encoding)


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def endless_pdf(steps: int = 20_000) -> bytes:
    """One page whose every pixel is the result of a program of many steps: hours of work in hardly any memory."""
    program = b"{add " + b"1 add 1 sub " * steps + b"dup dup}"
    shading = "/Shading<</S<</ShadingType 1/ColorSpace/DeviceRGB/Function 5 0 R>>>>"
    drawn = b"595 0 0 396 0 0 cm /S sh"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 396]/Contents 4 0 R/Resources<<{shading}>>>>".encode(),
        f"<</Length {len(drawn)}>>\nstream\n".encode() + drawn + b"\nendstream",
        f"<</FunctionType 4/Domain[0 1 0 1]/Range[0 1 0 1 0 1]/Length {len(program)}>>\nstream\n".encode()
        + program
        + b"\nendstream",
    ]
    return pdf_file(objects)


def laughing_pdf(depth: int = 9) -> bytes:
    """One page of a kilobyte that draws a form which draws another ten times, which draws another ten times …"""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 396]/Contents 4 0 R/Resources<</XObject<</F 5 0 R>>>>>>",
        b"<</Length 5>>\nstream\n/F Do\nendstream",
    ]
    for level in range(depth):
        inner = f"/XObject<</F {6 + level} 0 R>>" if level + 1 < depth else ""
        drawn = b"/F Do " * 10 if inner else b"0 0 m 500 300 l S "
        head = f"<</Type/XObject/Subtype/Form/BBox[0 0 595 396]/Resources<<{inner}>>/Length {len(drawn)}>>\nstream\n"
        objects.append(head.encode() + drawn + b"\nendstream")
    return pdf_file(objects)


def shared_picture_pdf(pages: int, *, size: int = 300_000) -> bytes:
    """Pages without a word that all show the same picture, of so many bytes that cannot be packed."""
    pixels = random.Random(1).randbytes(size)
    image = f"<</Type/XObject/Subtype/Image/Width 100/Height {size // 100}/ColorSpace/DeviceGray/BitsPerComponent 8"
    drawn = b"q 595 0 0 396 0 0 cm /I Do Q"
    kids = " ".join(f"{5 + number} 0 R" for number in range(pages))
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 396]/Contents 3 0 R/Resources<</XObject<</I 4 0 R>>>>>>"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {pages}>>".encode(),
        f"<</Length {len(drawn)}>>\nstream\n".encode() + drawn + b"\nendstream",
        f"{image}/Length {len(pixels)}>>\nstream\n".encode() + pixels + b"\nendstream",
        *[page] * pages,
    ]
    return pdf_file(objects)


def framed_picture_pdf(words: str, *, scale: float) -> bytes:
    """One page with these Latin words, whose picture is drawn by a form that is scaled."""
    image = "<</Type/XObject/Subtype/Image/Width 120/Height 120/ColorSpace/DeviceGray/BitsPerComponent 8/Length 14400>>"
    form = "<</Type/XObject/Subtype/Form/BBox[0 0 595 396]/Resources<</XObject<</I 6 0 R>>>>/Length 28>>"
    drawn = f"BT /F 9 Tf 20 20 Td ({words}) Tj ET q {scale} 0 0 {scale} 0 0 cm /X Do Q"
    resources = "/Resources<</XObject<</X 5 0 R>>/Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 396]/Contents 4 0 R{resources}>>".encode(),
        f"<</Length {len(drawn)}>>\nstream\n{drawn}\nendstream".encode(),
        f"{form}\nstream\nq 595 0 0 396 0 0 cm /I Do Q\nendstream".encode(),
        f"{image}\nstream\n".encode() + bytes(14_400) + b"\nendstream",
    ]
    return pdf_file(objects)


def vast_picture_pdf(side: int = 20_000) -> bytes:
    """One page with a picture that is small when packed and takes gigabytes when drawn."""
    row = bytes(side * 3)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(row) for _ in range(side // 20)) + packer.flush()
    image = f"<</Type/XObject/Subtype/Image/Width {side}/Height {side}/ColorSpace/DeviceRGB/BitsPerComponent 8"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 396]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>",
        b"<</Length 26>>\nstream\nq 595 0 0 396 0 0 cm /I Do\nendstream",
        f"{image}/Filter/FlateDecode/Length {len(packed)}>>\nstream\n".encode() + packed + b"\nendstream",
    ]
    return pdf_file(objects)
