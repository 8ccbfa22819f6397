"""File events as hints where to look. They may be late, doubled or lost: the scan is the truth.

This module loads watchdog, so it is imported only where a folder's events are believed.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchCallback,
    WatchDescriptor,
)

from watcher.ignored import is_ignored, is_ignored_folder
from watcher.sources.folder.hints import Hints

_FINISHED = InotifyConstants.IN_CLOSE_WRITE | InotifyConstants.IN_MOVED_TO
_APPEARED = InotifyConstants.IN_CREATE | InotifyConstants.IN_MOVED_TO
_OF_FILES = _FINISHED | _APPEARED
_FOLDER = InotifyConstants.IN_ISDIR
# Of a file that goes away, such as by our own moves, nothing is said; of a folder its own watch says that it went.
_IN_FOLDER = Mask(_FINISHED | InotifyConstants.IN_DONT_FOLLOW | InotifyConstants.IN_ONLYDIR)
_IN_TREE = Mask(_IN_FOLDER | InotifyConstants.IN_CREATE | InotifyConstants.IN_MOVE_SELF)
_OURS = CallbackId(0)


class Observer(InotifyFD):
    """Watches one folder, and those in it that are scanned, until it is stopped.

    watchdog's reader of the kernel's events, and its book of watches. What watchdog makes of these events is
    left out: it hands each through two queues to a third thread, which cost more than all else that a file's
    appearance does, and it keeps files back that were renamed away, and all that comes after them, to see where
    they went. Here the thread that reads an event tells the hints.
    """

    def __init__(self, root: str, hints: Hints, *, recursive: bool, leave_out: Callable[[str], bool]) -> None:
        """`leave_out` says of a folder, relative to `root`, that it is not scanned."""
        super().__init__()
        self.name = "folder-events"
        self._root = root.rstrip("/")
        self._hints = hints
        self._recursive = recursive
        self._leave_out = leave_out
        self._mask = _IN_TREE if recursive else _IN_FOLDER
        self._folders: dict[WatchDescriptor, str] = {}  # where each watched folder lies, relative to the root
        self._root_watch = WatchDescriptor(-1)

    @property
    def is_working(self) -> bool:
        """Whether events still come: they end with the folder."""
        return self.is_alive() and self._root_watch in self._folders

    def on_thread_start(self) -> None:
        """Raises OSError where the machine's limits forbid to watch the folder."""
        self._root_watch = self._watch("")
        if self._recursive:
            self._watch_below("")

    def on_thread_stop(self) -> None:
        super().on_thread_stop()
        if self.ident is None:  # it never ran; else the thread lets go of all when it ends
            self._close_resources()

    def handle_event(self, event: InotifyEvent) -> None:
        """A file that is finished is a hint, one that only begins is none. All else concerns what is watched."""
        if event.mask & _FOLDER or not event.mask & _OF_FILES:
            super().handle_event(event)
        elif event.mask & _FINISHED:
            folder, name = self._folders.get(event.wd), os.fsdecode(event.name)
            if folder is not None and not is_ignored(name):
                self._hints.add_file(_joined(folder, name))

    def on_event(self, event: InotifyEvent) -> None:
        """Something has become of a folder."""
        folder = self._folders.get(event.wd)
        if folder is None:
            return
        if event.mask & InotifyConstants.IN_MOVE_SELF:
            self._forget_if_gone(event.wd, folder)
        elif self._recursive and event.mask & _FOLDER and event.mask & _APPEARED:
            self._follow(_joined(folder, os.fsdecode(event.name)))

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        self._folders.pop(wd, None)

    def on_queue_overflow(self) -> None:
        """Events were lost, perhaps those of new folders."""
        if self._recursive:
            self._watch_below("")
        self._hints.add_doubt()

    def add_callback(self, path: bytes, mask: Mask, callback: WatchCallback, id_: CallbackId) -> WatchDescriptor:
        """As in watchdog, which warns of a folder that is watched already; with new nested folders that is usual."""
        with self._lock:
            watch = self._get_or_create_watch(path, mask)
            watch.callbacks[id_] = callback
            return watch.wd

    def _follow(self, folder: str) -> None:
        """A folder has come. What it holds by then is found by whoever looks into it, what comes later has events."""
        if is_ignored_folder(folder.rpartition("/")[2]) or self._leave_out(folder):
            return
        with contextlib.suppress(OSError):
            self._watch(folder)
            self._watch_below(folder)
        self._hints.add_folder(folder)

    def _watch(self, folder: str) -> WatchDescriptor:
        """Also tells anew where a folder lies that was moved, for it keeps its watch. Raises OSError."""
        path = self._path(folder) or "/"
        watch = self.add_callback(os.fsencode(path), self._mask, self, _OURS)
        if watch == -1:  # watchdog raises for all but this
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        self._folders[watch] = folder
        return watch

    def _watch_below(self, folder: str) -> None:
        """Each is watched before it is looked into, so that no folder comes unseen. What cannot be watched is not."""
        to_read = [folder]
        while to_read:
            for below in self._folders_in(to_read.pop()):
                with contextlib.suppress(OSError):
                    self._watch(below)
                    to_read.append(below)

    def _folders_in(self, folder: str) -> Iterator[str]:
        """Those that are scanned."""
        try:
            with os.scandir(self._path(folder) or "/") as entries:
                names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:
            return
        for below in (_joined(folder, name) for name in names if not is_ignored_folder(name)):
            if not self._leave_out(below):
                yield below

    def _forget_if_gone(self, wd: WatchDescriptor, folder: str) -> None:
        """A folder that went to another place in the tree was told of before, as one that came there."""
        with contextlib.suppress(OSError):
            if self._watch(folder) == wd:
                return
        inside = folder + "/"
        gone = [watch for watch, path in self._folders.items() if watch == wd or path.startswith(inside)]
        for watch in gone:
            del self._folders[watch]
        self.remove_callbacks([(watch, _OURS) for watch in gone])

    def _path(self, folder: str) -> str:
        return f"{self._root}/{folder}" if folder else self._root


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
