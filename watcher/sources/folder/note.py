"""Notes beside answered files, and how one of ours is told from what people keep there."""

from __future__ import annotations

import hashlib
import os
from codecs import BOM_UTF8
from collections.abc import Callable

from watcher.errors import TargetTaken, Vanished
from watcher.sources.folder.atomic import remove, status_of, write_new, write_over
from watcher.sources.folder.drive import open_file
from watcher.sources.folder.names import OWN_PREFIX, for_display, note_name
from watcher.sources.folder.spot import Spot

_BYTE_ORDER_MARK = BOM_UTF8  # so that every Notepad reads Chinese
_MARK = b"invoice-watcher "  # begins the last line, which ends in a checksum of all before it
_MARK_BYTES = len(_MARK) + 8 + len(b"\r\n")
_LONGEST_BYTES = 4 * 1024 * 1024  # a file beyond is no note, and need not be read


def note_bytes(text: str) -> bytes:
    """A note as every editor on every desk reads it. Who changes it makes it his own."""
    lines = text.replace("\r\n", "\n").removesuffix("\n").replace("\n", "\r\n")
    said = _BYTE_ORDER_MARK + lines.encode("utf-8", "replace") + b"\r\n"
    return said + _mark(said)


def has_note(file: Spot, text: str | None) -> bool:
    """Whether this note is the one of ours that stands beside a file; None: whether there is none."""
    return own_note(file.folder, note_name(file.name)) == (None if text is None else note_bytes(text))


def keep_note(file: Spot, text: str, like: os.stat_result) -> bytes | None:
    """Write the note of a file (`like`) beside it, in place of an older one of ours, which is given back.

    Raises TargetTaken, OSError.
    """
    spot = file.beside(note_name(file.name))
    before = own_note(spot.folder, spot.name)
    _write(spot, note_bytes(text), like, write_new if before is None else write_over)
    return before


def take_back_note(file: Spot, text: str, before: bytes | None, like: os.stat_result) -> None:
    """Undo `keep_note`, for a file that did not come. Raises TargetTaken, OSError.

    Another node's file may have come instead: then its note is there by now, or was there before.
    """
    spot, mine = file.beside(note_name(file.name)), note_bytes(text)
    if own_note(spot.folder, spot.name) != mine:
        return
    if before is None or before == mine:
        remove(spot.folder, spot.name)
    else:
        _write(spot, before, like, write_over)


def _write(spot: Spot, content: bytes, like: os.stat_result, write: Callable[..., None]) -> None:
    temporary = f"{OWN_PREFIX}{hashlib.sha256(os.fsencode(spot.name)).hexdigest()[:16]}.note"
    try:
        write(spot.folder, spot.name, content, like, temporary)
    except FileExistsError as error:
        raise TargetTaken(f"{for_display(spot.name)} is there already") from error


def drop_note(file: Spot) -> None:
    """Remove our note beside a file, which says what is not true any more. Raises OSError."""
    spot = file.beside(note_name(file.name))
    if is_own_note(spot.folder, spot.name):
        remove(spot.folder, spot.name)


def is_own_note(folder: int, name: str) -> bool:
    """Whether what has this name in an open folder is a note of ours."""
    return own_note(folder, name) is not None


def own_note(folder: int, name: str) -> bytes | None:
    """The note of ours that has this name in an open folder; None: there is none, or something else."""
    if status_of(folder, name) is None:
        return None
    try:
        file, _ = open_file(folder, name)
    except (OSError, Vanished):
        return None
    try:
        return _note_in(file)
    except OSError:
        return None
    finally:
        os.close(file)


def is_note_in(file: int) -> bool:
    """Whether an open file is a note of ours, and nobody has changed it. Raises OSError."""
    return _note_in(file) is not None


def _note_in(file: int) -> bytes | None:
    size = os.fstat(file).st_size
    if not _MARK_BYTES < size <= _LONGEST_BYTES:
        return None
    content = os.pread(file, size, 0)
    return content if _is_note(content) else None


def _mark(said: bytes) -> bytes:
    return _MARK + hashlib.sha256(said).hexdigest()[:8].encode() + b"\r\n"


def _is_note(content: bytes) -> bool:
    said, mark = content[:-_MARK_BYTES], content[-_MARK_BYTES:]
    return said.startswith(_BYTE_ORDER_MARK) and mark == _mark(said)
