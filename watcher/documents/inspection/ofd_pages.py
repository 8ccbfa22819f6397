"""The pages of an OFD: their words at their places, and the objects that tags point to. Runs in the child."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping

from lxml import etree
from msgspec import Struct, field

from watcher.documents.inspection.layout import Piece, laid_out
from watcher.documents.inspection.ofd_files import OfdFiles
from watcher.documents.inspection.structured import named

_MOST_OBJECTS = 5_000
_ASCENT = 0.85  # of the font's size
_NARROW = 0.5  # the width of Latin letters and digits, of the font's size
_LAST_NARROW = 0x2E7F  # Chinese characters and punctuation come after it
_UNTURNED = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


class PageWords(Struct, kw_only=True):
    """A page's text as a reader sees it, and the text of each object by its ID."""

    text: str
    objects: dict[str, str] = field(default_factory=dict)


class OfdPages:
    """The pages of the document whose root is at `path` in the files; none where there is no such root."""

    def __init__(self, files: OfdFiles, path: str, root: etree._Element | None) -> None:
        self._files = files
        self._folder = posixpath.dirname(path)
        elements = [] if root is None else list(named(root, "TemplatePage"))
        self._templates = {element.get("ID", ""): element.get("BaseLoc", "") for element in elements}
        self.paths = [] if root is None else [page.get("BaseLoc", "") for page in named(root, "Page")]

    def words(self, path: str) -> PageWords:
        """What stands on the page at one of `paths`: its own, and what it takes from templates."""
        root = self._files.xml(self._files.resolve(path, self._folder))
        if root is None:
            return PageWords(text="")
        objects: dict[str, str] = {}
        pieces = list(_pieces(root, objects))
        for template in named(root, "Template"):
            location = self._templates.get(template.get("TemplateID", ""))
            drawn = self._files.xml(self._files.resolve(location, self._folder)) if location else None
            if drawn is not None:
                pieces += _pieces(drawn, {})
        return PageWords(text=laid_out(pieces), objects=objects)


def _pieces(root: etree._Element, objects: dict[str, str]) -> Iterator[Piece]:
    for number, element in enumerate(named(root, "TextObject")):
        if number == _MOST_OBJECTS:
            return
        left, top, *_ = (*_numbers(element.get("Boundary")), 0.0, 0.0)
        drawn = _Drawn(left=left, top=top, size=_number(element.get("Size"), 3.0), turned=_matrix(element.get("CTM")))
        for code in named(element, "TextCode"):
            text = (code.text or "").strip()
            if text:
                objects[element.get("ID", "")] = objects.get(element.get("ID", ""), "") + text
                yield drawn.piece(text, _number(code.get("X")), _number(code.get("Y"), drawn.size))


class _Drawn(Struct, frozen=True, kw_only=True):
    """How a text object is drawn: its corner on the page, its font's size, and the matrix that turns and scales it."""

    left: float
    top: float
    size: float
    turned: tuple[float, ...]

    def piece(self, text: str, x: float, y: float) -> Piece:
        """The text whose line begins at x and y in the object's own coordinates."""
        a, b, c, d, e, f = self.turned
        left, baseline = self.left + a * x + c * y + e, self.top + b * x + d * y + f
        width, height = self.size * max(abs(a), abs(b)), self.size * max(abs(c), abs(d))
        letters = sum(_NARROW if ord(character) <= _LAST_NARROW else 1.0 for character in text)
        upper = baseline - _ASCENT * height
        return Piece(text=text, left=left, right=left + letters * width, top=upper, bottom=upper + height)


def _matrix(text: str | None) -> tuple[float, ...]:
    numbers = _numbers(text)
    return numbers if len(numbers) == len(_UNTURNED) else _UNTURNED


def _numbers(text: str | None) -> tuple[float, ...]:
    return tuple(_number(part) for part in (text or "").split()[: len(_UNTURNED)])


def _number(text: str | None, otherwise: float = 0.0) -> float:
    try:
        number = float(text) if text else otherwise
    except ValueError:
        return otherwise
    return number if abs(number) < 1e6 else otherwise  # noqa: PLR2004 - a kilometre of paper; and no infinity, no NaN


def texts_of(refs: etree._Element, objects: Mapping[str, str]) -> str:
    """The text of the objects that a tag points to, in its order."""
    return "".join(objects.get((ref.text or "").strip(), "") for ref in named(refs, "ObjectRef"))
