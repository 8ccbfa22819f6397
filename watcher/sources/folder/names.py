"""Names and paths of files as text: reversible for the journal, clean for people, short enough for a disk.

A path here is relative to the folder, with "/", and decoded as `os.fsdecode` does: bytes that are no
UTF-8 are lone surrogates. All of it is pure.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

LONGEST_NAME_BYTES = 255
LONGEST_ENCRYPTED_BYTES = 143  # of eCryptfs, as a NAS has its encrypted shares: some 47 Chinese characters
NOTE_SUFFIX = ".txt"
OWN_PREFIX = ".invoice-watcher-"  # our temporary names: hidden, so that every scan leaves them alone
MARK = f"{OWN_PREFIX}answered"  # in a folder of answers

_UNSAFE = re.compile("[%\x00-\x1f\x7f-\x9f\u2028\u2029\udc80-\udcff]")
_LONGEST_SUFFIX_BYTES = 32


def to_text(path: str) -> str:
    """A path as text that any database stores: what is no UTF-8, controls and "%" are percent-encoded."""
    return _UNSAFE.sub(lambda found: "".join(f"%{byte:02X}" for byte in os.fsencode(found[0])), path)


def from_text(text: str) -> str:
    """The path that `to_text` made this of."""
    if "%" not in text:  # as in nearly all
        return text
    return os.fsdecode(unquote_to_bytes(text))


def for_display(path: str) -> str:
    """A path that may be shown: what cannot be, or would turn the text around it, becomes U+FFFD."""
    if path.isprintable():  # as nearly all are
        return path
    return "".join("\ufffd" if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") else char for char in path)


def shortened(name: str, room: int) -> str:
    """A name of at most `room` bytes: the stem is cut between characters, the suffix stays."""
    if _fits(name, room):
        return name
    stem, suffix = _split(name)
    end = room - len(os.fsencode(suffix))
    return os.fsdecode(_cut(os.fsencode(stem), end)) + suffix


def numbered(name: str) -> Iterator[str]:
    """`name.pdf`, `name (2).pdf`, `name (3).pdf` … for ever, each short enough for a disk."""
    yield shortened(name, LONGEST_NAME_BYTES)
    stem, suffix = _split(name)
    number = 2
    while True:
        ending = f" ({number}){suffix}"
        room = LONGEST_NAME_BYTES - len(os.fsencode(ending))
        yield os.fsdecode(_cut(os.fsencode(stem), room)) + ending
        number += 1


def note_name(name: str) -> str:
    """`name.pdf.txt`; of a name that leaves no room for that, a shorter one that no other file's note has."""
    room = LONGEST_NAME_BYTES - len(NOTE_SUFFIX)
    if _fits(name, room):
        return name + NOTE_SUFFIX
    stem, suffix = _split(name)
    ending = f"~{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}{suffix}"
    return os.fsdecode(_cut(os.fsencode(stem), room - len(os.fsencode(ending)))) + ending + NOTE_SUFFIX


def _fits(name: str, room: int) -> bool:
    """Whether a name has at most so many bytes; a character has four at most, so that of nearly all none is counted."""
    return len(name) * 4 <= room or len(os.fsencode(name)) <= room


def _split(name: str) -> tuple[str, str]:
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - a name, not a path
    return (stem, suffix) if len(os.fsencode(suffix)) <= _LONGEST_SUFFIX_BYTES else (name, "")


def _cut(encoded: bytes, length: int) -> bytes:
    if len(encoded) <= length:
        return encoded
    while length > 0 and encoded[length] & 0xC0 == 0x80:  # noqa: PLR2004 - inside a UTF-8 character
        length -= 1
    return encoded[:length]
