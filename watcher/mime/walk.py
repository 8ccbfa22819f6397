"""The parts of a mail found by their boundaries, in one pass over the file and without recursion.

As tolerant as mails demand: a header may lack its empty line, a boundary may be missing, wrong, or come again after
it was closed, and lines may end in any way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import IO

from msgspec import Struct
from msgspec.structs import replace

from watcher.headers import read_header
from watcher.mime.lines import FIELD, LINE, LONGEST_BOUNDARY, header_end, mark_lines
from watcher.mime.part import CHUNK_BYTES, MimePart

_DEEPEST = 100
_FIRST_WINDOW, _LARGEST_HEADER = 8 * 1024, 1024 * 1024
_OVERLAP = LONGEST_BOUNDARY + 8

_GUESSED = re.compile(rb"[\r\n]--([^\r\n]{1,200}?)[ \t]*(?:\r\n|\r|\n)Content-", re.IGNORECASE)
_NOT_MESSAGES = frozenset({"message/delivery-status", "message/partial", "message/external-body"})
_PACKED = frozenset({"base64", "quoted-printable"})


class TooDeep(Exception):
    """Parts within parts, deeper than any mail has."""


class _Level(Struct):
    """An open multipart with its boundary, or a nested message, which has none."""

    boundary: bytes | None
    default_type: str = "text/plain"
    message: MimePart | None = None


class _Mark(Struct, frozen=True, kw_only=True):
    """A boundary line: where what stands before it ends, where what follows begins, and of which level it is."""

    before: int
    after: int
    level: int
    closing: bool


def parts(file: IO[bytes], *, look_up: Callable[[], None] = lambda: None) -> Iterator[MimePart]:
    """Every part without parts, in its order, those of nested messages too; an encoded message is a part itself.

    So is the header of a nested message, when it ends: whoever wants files has to know where there is none.
    `look_up` is called now and then, and may raise to end it. Raises TooDeep, after what was found before.
    """
    return _Walk(file, look_up).parts()


class _Walk:
    def __init__(self, file: IO[bytes], look_up: Callable[[], None]) -> None:
        self._file = file
        self._size = file.seek(0, 2)
        self._look_up = look_up
        self._levels: list[_Level] = []
        self._marks: dict[bytes, tuple[int, bool]] = {}
        self._over: list[MimePart] = []  # the headers of nested messages that have ended

    def parts(self) -> Iterator[MimePart]:
        position: int | None = self._begin()
        while position is not None:
            self._look_up()
            part = self._part(position)
            if part.media_type.startswith("multipart/"):
                mark = self._enter(part)
            elif self._is_open_message(part):
                self._push(_Level(None, message=part))
                position = part.begin
                continue
            else:
                mark = self._next_mark(part.begin)
                yield self._until(part, mark)
            position = self._resume(mark)
            over, self._over = self._over, []
            yield from over

    def _begin(self) -> int:
        """Some put a byte order mark, empty lines or a quoted envelope line before the header."""
        start = self._read(0, _FIRST_WINDOW)
        begin = len(start) - len(start.removeprefix(b"\xef\xbb\xbf").lstrip())
        return begin if begin < len(start) else 0

    def _resume(self, mark: _Mark | None) -> int | None:
        """Where the next part begins. A closed multipart stays known: some go on after their end."""
        while mark is not None:
            self._close_down_to(mark.level, mark.before)
            if not mark.closing:
                return mark.after
            mark = self._next_mark(mark.after)
        self._close_down_to(-1, self._size)
        return None

    def _enter(self, part: MimePart) -> _Mark | None:
        """The first boundary line of a multipart, or what ends it where it has none."""
        default = "message/rfc822" if part.media_type == "multipart/digest" else "text/plain"
        boundary = (part.parameter("boundary") or b"").rstrip()
        self._push(_Level(boundary or None, default))
        mark = self._next_mark(part.begin)
        if mark is not None and mark.level == len(self._levels) - 1:
            return mark
        guessed = self._guess(self._until(part, mark))
        if guessed is None:
            return mark
        self._levels[-1].boundary = guessed
        self._renew_marks()
        return self._next_mark(part.begin)

    def _guess(self, part: MimePart) -> bytes | None:
        """The first line that looks like a boundary, where the header names none or a wrong one."""
        begin = max(part.begin - 1, 0)
        found = _GUESSED.search(self._read(begin, min(CHUNK_BYTES, part.end - begin)))
        return found[1] if found else None

    def _is_open_message(self, part: MimePart) -> bool:
        """Whether its parts can be walked here. Some declare an encoding that they have not applied."""
        if not part.media_type.startswith("message/") or part.media_type in _NOT_MESSAGES:
            return False
        if part.encoding not in _PACKED:
            return True
        head = self._read(part.begin, _FIRST_WINDOW)
        if part.encoding == "base64":
            return FIELD.match(head.lstrip()) is not None
        block = head[: self._header_end(part.begin)[0] - part.begin]
        return FIELD.match(head.lstrip()) is not None and b"=3D" not in block

    def _part(self, position: int) -> MimePart:
        """The part that begins there, its end not known yet."""
        end, body = self._header_end(position)
        block = LINE.sub(rb"\1\n", self._read(position, end - position))
        default = self._levels[-1].default_type if self._levels else "text/plain"
        return MimePart(
            header=read_header(block), begin=body, end=self._size, default_type=default, within=self._within()
        )

    def _within(self) -> str:
        return next((each.message.trail for each in reversed(self._levels) if each.message is not None), "")

    def _until(self, part: MimePart, mark: _Mark | None) -> MimePart:
        end = self._size if mark is None else max(part.begin, mark.before)
        return replace(part, end=end)

    def _header_end(self, position: int) -> tuple[int, int]:
        """Where the header ends, and where the body begins."""
        window = _FIRST_WINDOW
        while True:
            data = self._read(position, window)
            is_all = len(data) < window or window >= _LARGEST_HEADER
            found = header_end(data, is_all=is_all, is_mark=self._is_mark)
            if found is not None:
                return position + found[0], position + found[1]
            window *= 8

    def _is_mark(self, line: bytes) -> bool:
        return line.startswith(b"--") and line[2:].rstrip(b" \t") in self._marks

    def _next_mark(self, position: int) -> _Mark | None:
        """The next boundary line of an open multipart, of the innermost that it fits."""
        offset, data, window = max(position - 1, 0), b"", _FIRST_WINDOW
        while self._marks:
            chunk = self._read(offset + len(data), window)
            data += chunk
            window = CHUNK_BYTES
            for found in mark_lines(data):
                if found.end() == len(data) and chunk:
                    break  # the line may go on
                hit = self._marks.get(found[1].rstrip(b" \t"))
                if hit is not None:
                    return self._mark(offset + found.start(), offset + found.end(), hit)
            if not chunk:
                break
            self._look_up()
            kept = max(len(data) - _OVERLAP, 0)
            offset, data = offset + kept, data[kept:]
        return None

    def _mark(self, begin: int, end: int, hit: tuple[int, bool]) -> _Mark:
        """The line ends around it belong to it."""
        before = begin - 1 if begin and self._read(begin - 1, 2) == b"\r\n" else begin
        after = end + (2 if self._read(end, 2) == b"\r\n" else 1)
        return _Mark(before=before, after=min(after, self._size), level=hit[0], closing=hit[1])

    def _push(self, level: _Level) -> None:
        if len(self._levels) >= _DEEPEST:
            raise TooDeep
        self._levels.append(level)
        self._renew_marks()

    def _close_down_to(self, level: int, end: int) -> None:
        if len(self._levels) > level + 1:
            while len(self._levels) > level + 1:
                message = self._levels.pop().message
                if message is not None:
                    end_of_header = min(self._header_end(message.begin)[0], end)
                    self._over.append(replace(message, end=max(message.begin, end_of_header), is_walked=True))
            self._renew_marks()

    def _renew_marks(self) -> None:
        self._marks = {}
        for number, level in enumerate(self._levels):
            if level.boundary:
                self._marks[level.boundary] = (number, False)
                self._marks[level.boundary + b"--"] = (number, True)

    def _read(self, position: int, length: int) -> bytes:
        self._file.seek(position)
        return self._file.read(max(length, 0))
