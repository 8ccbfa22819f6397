"""Folders that stay open while several files are moved: a batch comes from few folders, and goes to few."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import NamedTuple, Self

from watcher.sources.folder.atomic import sync_folder
from watcher.sources.folder.drive import Drive, Mount

_MOST = 32  # each is a file descriptor of the process


class Opened(NamedTuple):
    """An open folder, and the drive that it is on."""

    file: int
    device: int


class OpenFolders:
    """Those of moves that are made together, for one thread; what came into them is on the disk once they are closed.

    To open them and to ask for their drives was two thirds of the system calls of a move. That one of them is
    renamed meanwhile is no worse than right after the move: its file is compared, and no name is overwritten.
    """

    def __init__(self, mount: Mount) -> None:
        self._mount = mount
        self._stack = ExitStack()
        self._root: tuple[int, Drive] | None = None
        self._open: dict[str, Opened] = {}
        self._unsynced: set[int] = set()

    def begin(self) -> tuple[int, Drive]:
        """The watched folder and its drive, looked at once until `close`; for the begin of each move.

        Raises SourceUnavailable.
        """
        if len(self._open) >= _MOST:
            self.close()
        if self._root is None:
            self._root = self._stack.enter_context(self._mount.opened())
        return self._root

    def get(self, path: str, open_it: Callable[[], int]) -> Opened:
        """The folder of this path, as it was opened first. Raises what `open_it` raises."""
        found = self._open.get(path)
        if found is None:
            file = open_it()
            self._stack.callback(os.close, file)
            found = self._open[path] = Opened(file, os.fstat(file).st_dev)
        return found

    def came(self, folder: int) -> None:
        """A file came into an open folder: it is synced once, however many those are."""
        self._unsynced.add(folder)

    def close(self) -> None:
        """Have all on the disk and open none: the next move looks anew what is there."""
        try:
            for folder in self._unsynced:
                sync_folder(folder)
        finally:
            self._unsynced.clear()
            self._open.clear()
            self._root = None
            self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()
