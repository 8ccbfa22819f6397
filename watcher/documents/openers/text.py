"""What a mail says in plain text: old mailers and gateways write its files into it, in uuencode; some encrypt it.

A file begins with its mode and its name, each line of it says how long it is, and ``end`` stands below: no other text
looks so. After ``begin-base64`` its lines are that, and ``====`` ends them. What is quoted does not begin its lines so,
and is none.
"""

from __future__ import annotations

import itertools
import mmap
import re
from collections.abc import Callable, Generator, Iterable, Iterator

from msgspec import Struct

from watcher.documents import words
from watcher.documents.openers.unopened import unopened
from watcher.documents.unpacking import Allowance, Entry, Refusal
from watcher.headers import decode_bytes
from watcher.mime.transfer import from_base64, from_uuencode
from watcher.model import Reason
from watcher.spool import CHUNK_BYTES, Spooled

_Data = bytes | mmap.mmap

_BEGIN = re.compile(rb"^begin(-base64)?[ \t]+[0-7]{3,4}[ \t]+([^\r\n]{1,255})\r?\n", re.MULTILINE)
_LOOKED_UP = 4096  # lines, after which the time is looked at
_LEAST_OCTETS = 30  # of a line that no sentence looks like: all but the last have 45
_LEAST_BASE64 = 60  # characters of a line: all but the last have so many
_SEALED = re.compile(rb"^-----BEGIN PGP MESSAGE-----[ \t]*\r?$", re.MULTILINE)


class _Code(Struct, frozen=True):
    """How the lines of a file are written, and what stands below them; `is_full` says that one is surely of it."""

    line: re.Pattern[bytes]
    end: re.Pattern[bytes]
    is_full: Callable[[bytes], bool]
    decode: Callable[[Iterable[bytes]], Iterator[bytes]]


class _Block(Struct, frozen=True, kw_only=True):
    """A file in a text, from where its decoder begins to behind its last line."""

    name: str
    begin: int
    end: int
    is_whole: bool
    code: _Code


def open_text(content: Spooled, allowance: Allowance) -> Generator[Entry | Refusal, None, None]:
    """Every file that is written into it; one that is cut off is told where somebody would miss it."""
    with content.whole() as data:
        blocks = list(_blocks(data, allowance))
    for block in blocks:
        allowance.count_entry()
        if block.is_whole:
            found = allowance.entry(block.code.decode(_range(content, block)), name=block.name)
            if found is not None:
                yield found
        elif allowance.is_claimed(block.name):
            yield Refusal(name=block.name, reason=Reason.UNREADABLE, message=words.DAMAGED)
    yield from unopened(content, allowance)


def is_sealed(content: Spooled) -> bool:
    """Whether it has, not quoted, what only who holds a key can read."""
    with content.whole() as data:
        return _SEALED.search(data) is not None


def _blocks(data: _Data, allowance: Allowance) -> Iterator[_Block]:
    position = 0
    while (found := _BEGIN.search(data, position)) is not None:
        code, begin = (_BASE64, found.end()) if found[1] else (_UUENCODE, found.start())
        position, is_code = _end_of_lines(data, found.end(), code, allowance)
        end = code.end.match(data, position)
        if is_code or (end is not None and code is _BASE64):
            position = end.end() if end is not None else position
            name = decode_bytes(found[2]).strip()
            yield _Block(name=name, begin=begin, end=position, is_whole=end is not None, code=code)


def _end_of_lines(data: _Data, position: int, code: _Code, allowance: Allowance) -> tuple[int, bool]:
    """Where the lines end that may be of a file, and whether any of them surely is."""
    is_code = False
    for number in itertools.count():
        if number % _LOOKED_UP == 0:
            allowance.check_time()
        line = code.line.match(data, position)
        if line is None:
            break
        is_code = is_code or code.is_full(line[0].rstrip(b"\r\n"))
        position = line.end()
    return position, is_code


def _is_full(line: bytes) -> bool:
    """Whether it is as long as it says that it is; spaces at its end may be lost, so that not every line is."""
    octets = (line[0] - 32) & 63 if line else 0
    return octets > _LEAST_OCTETS and len(line) == 1 + (octets + 2) // 3 * 4


_UUENCODE = _Code(
    line=re.compile(rb"[ -`]{1,90}\r?\n|\r?\n"),
    end=re.compile(rb"end[ \t]*(?:\r?\n|\Z)"),
    is_full=_is_full,
    decode=from_uuencode,
)
_BASE64 = _Code(
    line=re.compile(rb"[A-Za-z0-9+/]{1,90}={0,2}[ \t]*\r?\n"),
    end=re.compile(rb"====[ \t]*(?:\r?\n|\Z)"),
    is_full=lambda line: len(line) >= _LEAST_BASE64,
    decode=from_base64,
)


def _range(content: Spooled, block: _Block) -> Iterator[bytes]:
    position = block.begin
    while position < block.end:
        file = content.file()
        file.seek(position)
        piece = file.read(min(CHUNK_BYTES, block.end - position))
        if not piece:
            return
        position += len(piece)
        yield piece
