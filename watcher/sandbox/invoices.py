"""Made-up invoices as files: one-page PDFs, OFDs and zips, written byte by byte and always the same."""

from __future__ import annotations

import binascii
import struct
import zlib
from collections.abc import Sequence
from xml.sax.saxutils import escape

from msgspec import Struct

_WIDTH, _HEIGHT = 595, 396  # points
_OFD = "http://www.ofdspec.org/2016"


class SampleInvoice(Struct, frozen=True, kw_only=True):
    """What a made-up electronic invoice says."""

    number: str  # 20 digits
    date: str  # YYYY-MM-DD
    seller: str
    goods: str
    amount: str


def invoice_pdf(invoice: SampleInvoice) -> bytes:
    """A PDF 1.4 of one page. Chinese is set in a standard CJK font that viewers bring along: nothing is embedded."""
    page = b"\n".join([*_frame(), *_texts(invoice)])
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {_WIDTH} {_HEIGHT}]/Contents 4 0 R"
        "/Resources<</Font<</L 5 0 R/C 6 0 R>>>>>>".encode(),
        f"<</Length {len(page)}>>\nstream\n".encode() + page + b"\nendstream",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[7 0 R]>>",
        (
            b"<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/DW 1000/FontDescriptor 8 0 R"
            b"/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>>>"
        ),
        (
            b"<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]/ItalicAngle 0"
            b"/Ascent 880/Descent -120/CapHeight 880/StemV 93>>"
        ),
    ]
    return pdf_file(objects)


def pdf_file(objects: Sequence[bytes], trailer: str = "") -> bytes:
    """Header, numbered objects (the first is the catalog), cross-reference table (20 bytes an entry) and trailer."""
    file = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(file))
        file += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    start = len(file)
    file += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    file += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    file += f"trailer\n<</Size {len(objects) + 1}/Root 1 0 R{trailer}>>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(file)


def _frame() -> list[bytes]:
    return [b"0.55 0.1 0.1 RG 1 w 30 60 535 230 re S 30 245 m 565 245 l S 30 110 m 565 110 l S"]


def _texts(invoice: SampleInvoice) -> list[bytes]:
    facts = [
        (390, 348, "发票号码：", invoice.number),
        (390, 330, "开票日期：", invoice.date),
        (45, 262, "购买方：云岭示例科技有限公司", ""),
        (300, 262, f"销售方：{invoice.seller}", ""),
        (45, 220, f"项目名称：{invoice.goods}", ""),
        (45, 85, "价税合计（小写）：", f"CNY {invoice.amount}"),
        (45, 35, "本文件为演示样张，不是真实发票", ""),
    ]
    lines = [_chinese(150, 340, 20, "电子发票（普通发票）")]
    for x, y, label, value in facts:
        lines.append(_chinese(x, y, 10, label))
        if value:
            lines.append(f"BT /L 10 Tf {x + 10 * len(label)} {y} Td ({value}) Tj ET".encode())
    return lines


def _chinese(x: int, y: int, size: int, text: str) -> bytes:
    return f"BT /C {size} Tf {x} {y} Td <{text.encode('utf-16-be').hex()}> Tj ET".encode()


def invoice_ofd(invoice: SampleInvoice) -> bytes:
    """A minimal OFD: a zip with the document's root, one page, and the number where invoices have it."""
    custom = {"发票号码": invoice.number, "开票日期": invoice.date, "合计金额": invoice.amount}
    data = "".join(f'<ofd:CustomData Name="{name}">{escape(value)}</ofd:CustomData>' for name, value in custom.items())
    root = (
        f'<ofd:OFD xmlns:ofd="{_OFD}" Version="1.0" DocType="OFD"><ofd:DocBody><ofd:DocInfo>'
        f"<ofd:DocID>{invoice.number.zfill(32)}</ofd:DocID><ofd:CustomDatas>{data}</ofd:CustomDatas></ofd:DocInfo>"
        "<ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>"
    )
    document = (
        f'<ofd:Document xmlns:ofd="{_OFD}"><ofd:CommonData><ofd:MaxUnitID>20</ofd:MaxUnitID><ofd:PageArea>'
        "<ofd:PhysicalBox>0 0 210 140</ofd:PhysicalBox></ofd:PageArea></ofd:CommonData><ofd:Pages>"
        '<ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages></ofd:Document>'
    )
    lines = ("电子发票（普通发票）", invoice.number, invoice.date, invoice.seller, invoice.goods, invoice.amount)
    texts = "".join(
        f'<ofd:TextObject ID="{10 + n}" Boundary="20 {20 + 12 * n} 170 8" Font="2" Size="5">'
        f'<ofd:TextCode X="0" Y="5">{escape(text)}</ofd:TextCode></ofd:TextObject>'
        for n, text in enumerate(lines)
    )
    page = (
        f'<ofd:Page xmlns:ofd="{_OFD}"><ofd:Content><ofd:Layer ID="3" Type="Body">{texts}</ofd:Layer>'
        "</ofd:Content></ofd:Page>"
    )
    parts = {"OFD.xml": root, "Doc_0/Document.xml": document, "Doc_0/Pages/Page_0/Content.xml": page}
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return zip_file([(name.encode(), (head + text).encode()) for name, text in parts.items()])


def zip_file(entries: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A zip whose names stand in it as the bytes given, which the standard library would not write (GBK)."""
    file, directory = bytearray(), bytearray()
    for name, content in entries:
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        packed = packer.compress(content) + packer.flush()
        # version 2.0, no flags, deflated, 2026-01-01 00:00, CRC and sizes, lengths of the name and of no extra field
        common = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0x5C21, binascii.crc32(content), len(packed), len(content),
                             len(name), 0)  # fmt: skip
        directory += (
            b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, len(file)) + name
        )
        file += b"PK\x03\x04" + common + name + packed
    end = struct.pack("<HHHHIIH", 0, 0, len(entries), len(entries), len(directory), len(file), 0)
    return bytes(file + directory + b"PK\x05\x06" + end)
