"""File events as hints where to look. They may be late, doubled or lost: the scan is the truth.

This module loads watchdog, so it is imported only where a folder's events are believed.
"""

from __future__ import annotations

import contextlib
import os

from watchdog.events import DirCreatedEvent, DirMovedEvent, FileClosedEvent, FileMovedEvent, FileSystemEvent
from watchdog.events import FileSystemEventHandler as EventReceiver
from watchdog.observers.api import BaseObserver
from watchdog.observers.inotify import InotifyFullEmitter
from watchdog.observers.inotify_c import CallbackId, InotifyEvent, InotifyFD, Mask, WatchCallback, WatchDescriptor

from watcher.sources.folder.hints import Hints
from watcher.sources.folder.names import is_ignored

_EVENTS: list[type[FileSystemEvent]] = [FileClosedEvent, FileMovedEvent, DirCreatedEvent, DirMovedEvent]


class Inotify(InotifyFD):
    """watchdog's reader, without what holds it up or says nothing here.

    It keeps back every file that was renamed away for half a second, and all that comes after it, to
    see where the file went; that nobody here asks. Lost events become a hint to look at everything.
    Nothing is handed on, from thread to thread, of a file that only begins, or whose name is left alone:
    most of these are our own moves.
    """

    def __init__(self, hints: Hints) -> None:
        super().__init__()
        self._hints = hints

    def handle_event(self, event: InotifyEvent) -> None:
        if event.is_queue_overflow:
            self._hints.add_doubt()
        if event.is_directory or not (event.is_moved_from or event.is_create or is_ignored(os.fsdecode(event.name))):
            super().handle_event(event)

    def add_callback(self, path: bytes, mask: Mask, callback: WatchCallback, id_: CallbackId) -> WatchDescriptor:
        """As in watchdog, which warns of a folder that is watched already; with new nested folders that is usual."""
        with self._lock:
            watch = self._get_or_create_watch(path, mask)
            watch.callbacks[id_] = callback
            return watch.wd


class Receiver(EventReceiver):
    """Turns events into hints."""

    def __init__(self, root: str, hints: Hints) -> None:
        self._prefix = root.rstrip("/") + "/"
        self._hints = hints

    def on_closed(self, event: FileSystemEvent) -> None:
        self._file(event.src_path, closed=True)

    def on_moved(self, event: FileSystemEvent) -> None:
        if event.is_directory:
            self._folder(event.dest_path)
        else:  # with a source it moved together with its folder, and somebody may have it open
            self._file(event.dest_path, closed=not event.src_path)

    def on_created(self, event: FileSystemEvent) -> None:
        self._folder(event.src_path)

    def _file(self, path: bytes | str, *, closed: bool) -> None:
        if (relative := self._relative(path)) is not None:
            self._hints.add_file(relative, closed=closed)

    def _folder(self, path: bytes | str) -> None:
        if (relative := self._relative(path)) is not None:
            self._hints.add_folder(relative)

    def _relative(self, path: bytes | str) -> str | None:
        text = os.fsdecode(path)
        return text.removeprefix(self._prefix) if text.startswith(self._prefix) else None


class Observer(BaseObserver):
    """Watches one folder until it is stopped. Raises OSError where the machine's limits forbid it."""

    def __init__(self, root: str, hints: Hints, *, recursive: bool) -> None:
        self._inotify = Inotify(hints)
        super().__init__(InotifyFullEmitter, inotify_fd=self._inotify)
        self.schedule(Receiver(root, hints), root, recursive=recursive, event_filter=_EVENTS)

    @property
    def is_working(self) -> bool:
        """Whether events still come: they end with the folder."""
        return self._inotify.is_alive() and all(emitter.is_alive() for emitter in self.emitters)

    def on_thread_start(self) -> None:
        self._inotify.start()
        super().on_thread_start()

    def on_thread_stop(self) -> None:
        super().on_thread_stop()
        self._inotify.stop()
        with contextlib.suppress(RuntimeError):  # never started
            self._inotify.join()
