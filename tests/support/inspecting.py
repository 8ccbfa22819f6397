"""Looking into bytes, and watching the children that do it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from watcher.documents.formats import Format
from watcher.documents.inspection.inspector import Inspector
from watcher.seen import Seen
from watcher.spool import Spooled


def look(inspector: Inspector, data: bytes, form: Format = Format.PDF, *, deep: bool = True) -> Seen:
    with closing(Spooled([data])) as content:
        return inspector.look(content, form, deep=deep)


def split(inspector: Inspector, data: bytes, *ranges: tuple[int, int]) -> list[bytes]:
    with closing(Spooled([data])) as content:
        parts = inspector.split(content, ranges)
    return [_bytes_of(part) for part in parts]


def _bytes_of(part: Spooled) -> bytes:
    with closing(part):
        return part.read()


def children(of: int | None = None) -> list[int]:
    """The processes whose parent is this one (or that one), zombies among them."""
    parent = str(of or os.getpid())
    return [pid for pid in _processes() if _stat(pid)[1:2] == [parent]]


def is_running(pid: int) -> bool:
    """Not gone, and no zombie."""
    return _stat(pid)[:1] not in ([], ["Z"])


def _processes() -> Sequence[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _stat(pid: int) -> list[str]:
    """State, parent and so on; nothing of a process that there is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
