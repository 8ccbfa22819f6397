"""What a system call is about: a part of the workplace, or one of its servers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tests.torture.calls import Call

_PAGE = 4096
_AT_FDCWD = 0xFFFFFF9C
_FILES = {
    "journal.db": "journal",
    "journal.db-journal": "rollback",
    "journal.db-wal": "wal",
    "journal.db-shm": "shm",
    "journal.db.lock": "lock",
}
_FOLDERS = ("inbox", "done", "error", "store")
OTHER = "other"


class Places:
    """Names the places of one workplace; `servers` has the ports of its servers and their names."""

    on_disk = frozenset({*_FILES.values(), *_FOLDERS, "tmp", "folder"})

    def __init__(self, root: Path, servers: Mapping[int, str]) -> None:
        self._root = str(root.resolve())
        self._servers = servers
        self._sockets: dict[str, str] = {}

    def of(self, call: Call, thread: int, arguments: list[int]) -> str:
        try:
            if call.kind == "file":
                return self._of_path(_link(f"/proc/{thread}/fd/{arguments[call.at]}"), thread)
            if call.kind == "path":
                return self._of_path(self._path(thread, _AT_FDCWD, arguments[call.at]), thread)
            return self._of_path(self._path(thread, arguments[call.at], arguments[call.at + 1]), thread)
        except OSError:
            return OTHER

    def _path(self, thread: int, folder: int, address: int) -> str:
        name = os.fsdecode(_text(thread, address))
        if name.startswith("/"):
            return name
        at = folder & 0xFFFFFFFF
        base = _link(f"/proc/{thread}/cwd" if at == _AT_FDCWD else f"/proc/{thread}/fd/{at}")
        return f"{base}/{name}"

    def _of_path(self, path: str, thread: int) -> str:
        if path.startswith("socket:"):
            if path not in self._sockets:
                self._sockets[path] = self._server(path.removeprefix("socket:[").rstrip("]"), thread)
            return self._sockets[path]
        if path == self._root:
            return "folder"  # that the journal is in
        if not path.startswith(self._root + "/"):
            return OTHER
        first = path.removeprefix(self._root + "/").removesuffix(" (deleted)").partition("/")[0]
        first = first.replace("journal.db.new", "journal.db")  # while it is being made
        return _FILES.get(first, first if first in (*_FOLDERS, "tmp") else OTHER)

    def _server(self, inode: str, thread: int) -> str:
        for line in Path(f"/proc/{thread}/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] == inode:
                return self._servers.get(int(fields[2].partition(":")[2], 16), OTHER)
        return OTHER


def _link(path: str) -> str:
    return os.readlink(path)  # noqa: PTH115 - what a descriptor is, such as "socket:[4711]", is no path


def _text(process: int, address: int) -> bytes:
    """The bytes of a process's memory up to the first NUL."""
    found = b""
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        while b"\0" not in found:
            chunk = os.pread(memory.fileno(), _PAGE - address % _PAGE, address)
            if not chunk:
                break
            found += chunk
            address += len(chunk)
    return found.partition(b"\0")[0]
