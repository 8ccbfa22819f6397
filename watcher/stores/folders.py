"""The folders of a store in a file system."""

from __future__ import annotations

import errno
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from msgspec import Struct, field

from watcher.durable import sync_directory
from watcher.mounts import is_network, kind_of, mount_of

T = TypeVar("T")

TEMPORARY_FOLDER = ".invoice-watcher-partial"  # so that no half-written file bears its name
_PARTIAL_SECONDS = 86400.0  # no upload takes a day


class Entries:
    """Folders with new entries that may not be on the disk yet. Safe for threads."""

    def __init__(self) -> None:
        self._changed: set[str] = set()
        self._lock = threading.Lock()  # whoever comes second waits for what the first one writes

    def add(self, *folders: str) -> None:
        self._changed.update(folders)

    def write(self) -> None:
        """All that were added before are on the disk when this returns. Raises OSError, and knows them still.

        But for one that is gone: who put something there puts it again.
        """
        with self._lock:
            for folder in list(self._changed):
                self._changed.discard(folder)  # first: what comes while it is written is another matter
                try:
                    sync_directory(folder)
                except PermissionError:
                    continue  # who may write to it, and not read it, leaves that to the system
                except FileNotFoundError:
                    raise
                except OSError:
                    self._changed.add(folder)
                    raise


class Mount:
    """The drive that a folder is on, to know when it is not mounted any more: below it lies another, empty folder."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._device: int | None = None
        self._point = ""

    def require(self, device: int) -> None:
        """What is in the folder is on the file system `device` (`st_dev`). Raises OSError."""
        if device == self._device:
            return
        point = mount_of(os.path.realpath(self._folder)).point
        if len(point) < len(self._point):
            raise OSError(errno.ENODEV, "its drive is not mounted any more")
        self._device, self._point = device, point

    def require_above(self) -> None:
        """The same where the folder need not be there."""
        here = Path(self._folder)
        self.require(next(each for each in (here, *here.parents) if each.exists()).stat().st_dev)


class LocalFolder(Struct, frozen=True, kw_only=True):
    """Where documents lie on a drive of this machine. For many threads.

    OpenDAL hands each step of a write to another thread (is the folder there, open, write, sync, rename), which was a
    fifth of all that taking in a small file costs. Here each is a call of the system, and the same ones.
    """

    root: str
    partial: str  # on the same drive, for what is not whole yet
    mount: Mount
    entries: Entries = field(default_factory=Entries)

    def make(self) -> None:
        """Raises OSError."""
        self.mount.require_above()
        for folder in (self.root, self.partial):
            Path(folder).mkdir(parents=True, exist_ok=True)

    def write(self, key: str, chunks: Iterable[bytes]) -> None:
        """Its content is on the disk and bears its name, or nothing does; its name is on the disk after `secure`.

        Raises OSError, and what `chunks` raises.
        """
        target = f"{self.root}/{key}"
        part = f"{self.partial}/{target.rpartition('/')[2]}.{secrets.token_hex(8)}"
        try:
            with self._in_its_folder(part, lambda: open(part, "xb")) as file:  # noqa: PTH123 - a Path takes longer than all of this
                self.mount.require(os.fstat(file.fileno()).st_dev)
                file.writelines(chunks)
                file.flush()
                os.fsync(file.fileno())
            self._in_its_folder(target, lambda: os.replace(part, target), self._is_new)  # noqa: PTH105 - as above
            self.entries.add(target.rpartition("/")[0])
        except BaseException:
            with suppress(OSError):
                os.unlink(part)  # noqa: PTH108 - as above
            raise

    def secure(self) -> None:
        """All that was written before is on the disk, under its name. Raises OSError."""
        self.entries.write()

    def _in_its_folder(self, path: str, act: Callable[[], T], made: Callable[[Path], None] = lambda _folder: None) -> T:
        """Do it; where its folder is not there, make that first, and tell."""
        try:
            return act()
        except FileNotFoundError:
            self.mount.require_above()
            folder = Path(path).parent
            folder.mkdir(parents=True, exist_ok=True)
            made(folder)
            return act()

    def _is_new(self, folder: Path) -> None:
        """It was made for something that comes into it: its own name has to be on the disk, too."""
        self.entries.add(*(str(each) for each in folder.parents if each.is_relative_to(self.root)))


def is_local(folder: str) -> bool:
    """Whether it lies on a drive of this machine, as far as that is known."""
    try:
        return not is_network(kind_of(os.path.realpath(folder)))
    except OSError:
        return False


@contextmanager
def without_new_folders(files: Sequence[Path]) -> Iterator[None]:
    """What is made on the way to files is removed again: it would belong to whoever checks, who often is root."""
    absent = {folder for file in files for folder in file.parents if not folder.exists()}
    try:
        yield
    finally:
        for folder in sorted(absent, key=lambda each: len(each.parts), reverse=True):
            with suppress(OSError):  # something else is in it by now
                folder.rmdir()


def clear_partial(folder: Path) -> None:
    """Remove what killed uploads have left half written; younger files may be another node's, under way."""
    if folder.name != TEMPORARY_FOLDER:
        return  # somebody's own, who may keep other things there
    old = time.time() - _PARTIAL_SECONDS
    with suppress(OSError):
        for path in folder.iterdir():
            with suppress(OSError):
                if path.is_file() and path.stat().st_mtime < old:
                    path.unlink()
