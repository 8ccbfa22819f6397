"""Making text from outside fit to be shown, logged and written into a header."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

from watcher.headers.decoding import decode_bytes

# Letters, marks and non-characters that show as nothing, beside what the category tells (controls, formats).
_INVISIBLE = frozenset(
    [
        0x034F,
        0x115F,
        0x1160,
        0x17B4,
        0x17B5,
        0x180B,
        0x180C,
        0x180D,
        0x180F,
        0x2800,
        0x3164,
        0xFFA0,
        *range(0xFDD0, 0xFDF0),
        *range(0xFE00, 0xFE10),
        *range(0xE0000, 0xE1000),
        *(plane + last for plane in range(0, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF)),
    ]
)
_LONGEST_EXTENSION = 12
_NAME_LIMIT = 120
_WHITE = re.compile(r"\s+")
# Most text by far: ASCII, ideographs and full-width forms, with single blanks between. None of them is changed.
_PLAIN = "[!-~\u4e00-\u9fff\uff01-\uff5e]"
_ALL_PLAIN = re.compile(rf"{_PLAIN}+(?: {_PLAIN}+)*")
_MARK = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]"
_TOO_MANY_MARKS = re.compile(rf"({_MARK}{{4}}){_MARK}+")


def clean(text: str | None, limit: int = 120) -> str:
    """One line of visible characters in NFC, at most `limit` of them, the last one "…" where it was longer.

    No control character, no line end, nothing that turns the direction of writing, nothing invisible.
    """
    if not text or limit < 1:
        return ""
    if len(text) <= limit and _ALL_PLAIN.fullmatch(text):
        return text
    # Foreign text may be megabytes; what will be cut off need not be looked at.
    visible = "".join(map(_shown, text[: limit * 8 + 256]))
    line = _TOO_MANY_MARKS.sub(r"\1", unicodedata.normalize("NFC", _WHITE.sub(" ", visible).strip()))
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def server_words(said: bytes | str, limit: int = 200) -> str:
    """What a server said, in whatever character set, as `clean` has it."""
    return clean(decode_bytes(said) if isinstance(said, bytes) else said, limit)


def clean_name(name: str | None, fallback: str) -> str:
    """A document's name for display: the last component of whatever path came, never empty, never hidden."""
    line = clean(name, limit=4096)
    component = re.split(r"[/\\]", line.rstrip("/\\. "))[-1]
    bare = component.lstrip(". ").rstrip(". ")
    return _shortened(bare) if bare else fallback


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp", "Zs"):
        return " "
    if category == "Cs":
        return "\ufffd"
    return "" if category == "Cf" or ord(character) in _INVISIBLE else character


def _shortened(name: str) -> str:
    """Cut in the middle, so that the extension still says what it is."""
    if len(name) <= _NAME_LIMIT:
        return name
    extension = PurePosixPath(name).suffix
    if len(extension) > _LONGEST_EXTENSION:
        extension = ""
    return name[: _NAME_LIMIT - 1 - len(extension)].rstrip() + "…" + extension
