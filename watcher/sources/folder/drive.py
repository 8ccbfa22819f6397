"""The drive that a folder lies on: whether it is there, and what may be believed of it."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from io import BufferedReader
from typing import TypeVar

from msgspec import Struct

from watcher.errors import SourceUnavailable, Vanished
from watcher.mounts import Mounted, MountTable, is_network
from watcher.sources.folder.names import for_display

# Some number their files anew whenever they have forgotten them: network drives, and what is plugged in.
_UNSTABLE_INODES = re.compile(
    r"cifs|smb\w*|9p|davfs\d?|vboxsf|vmhgfs|prl_fs|drvfs|fuse(\..*)?|fuseblk|vfat|msdos|exfat"
)

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC  # how a folder is opened
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC  # how one is made that was not there
_TO_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_DELETED = " (deleted)"  # what the kernel says behind the path of a folder that is gone
_Step = TypeVar("_Step")
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)  # ELOOP: a link now stands where a file or folder was
_SENTENCES = {
    errno.ENOENT: "is not there",
    errno.ENOTDIR: "is not a folder",
    errno.EACCES: "may not be read or written by this program",
    errno.EPERM: "may not be changed by this program (a sticky folder, or one that is protected)",
    errno.EROFS: "is read-only",
    errno.ENOSPC: "has no space left",
    errno.EDQUOT: "is beyond its quota",
    errno.EIO: "answers with input/output errors",
    errno.ENOTCONN: "has lost its connection",
    errno.ESTALE: "was replaced on the server (stale handle)",
    errno.EHOSTDOWN: "cannot be reached: the server is down",
    errno.EHOSTUNREACH: "cannot be reached",
    errno.ETIMEDOUT: "does not answer",
    errno.EMFILE: "cannot be read: this program has too many files open",
}


def unavailable(error: OSError, place: str) -> SourceUnavailable:
    """The error as a sentence that names the place and says what is the matter with it."""
    reason = _SENTENCES.get(error.errno or 0) or f"cannot be used: {error.strerror or type(error).__name__}"
    return SourceUnavailable(f"{for_display(place)} {reason}")


def is_gone(error: OSError) -> bool:
    """Whether the error says that the file is not there (any more), rather than that it cannot be seen."""
    return error.errno in _GONE


class Drive(Struct, frozen=True, kw_only=True):
    """Where a folder lies at this moment."""

    device: int
    inode: int
    real_path: str  # without links
    file_system: str

    @property
    def is_network(self) -> bool:
        return is_network(self.file_system)

    @property
    def stable_inodes(self) -> bool:
        return _UNSTABLE_INODES.fullmatch(self.file_system) is None


def open_below(root: int, path: str) -> int:
    """A descriptor of the folder `path` below the folder `root`, through no link; raises OSError."""
    first, *others = path.split("/") if path else [""]
    return descend(_step_down(root, first) if path else os.dup(root), others, _step_down)


def descend(here: int, way: Iterable[_Step], step: Callable[[int, _Step], int]) -> int:
    """The last folder of a way from `here`, which is taken over: `step` opens each in the one before it.

    Raises what `step` does.
    """
    try:
        for each in way:
            there = step(here, each)
            os.close(here)
            here = there
    except BaseException:
        os.close(here)
        raise
    return here


def _step_down(folder: int, name: str) -> int:
    if name in ("", ".", ".."):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    return os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=folder)


class LastFolder:
    """The folder below `root` that was asked for last, open: what is looked at comes in runs from one folder.

    That it is renamed meanwhile is no worse than right after a look: files are compared with what was seen.
    """

    def __init__(self, root: int) -> None:
        self.root = self._file = root
        self._path = ""

    def at(self, path: str) -> int:
        """As `open_below`; it stays open until another one is asked for, or `close`."""
        if path != self._path:
            file = open_below(self.root, path) if path else self.root
            self.close()
            self._path, self._file = path, file
        return self._file

    def opened(self, path: str) -> tuple[int, os.stat_result]:
        """A file by its path, as `open_file` opens it."""
        parent, _, name = path.rpartition("/")
        return open_file(self.at(parent), name)

    def close(self) -> None:
        file, self._file, self._path = self._file, self.root, ""
        if file != self.root:
            os.close(file)


@contextmanager
def folder_below(root: int, path: str) -> Iterator[int]:
    """`open_below`, closed in the end."""
    folder = open_below(root, path)
    try:
        yield folder
    finally:
        os.close(folder)


def open_file(folder: int, name: str) -> tuple[int, os.stat_result]:
    """A regular file, opened to be read, and its state: through no link, and never waiting for a pipe.

    Raises OSError, Vanished.
    """
    file = os.open(name, _TO_READ, dir_fd=folder)
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        os.close(file)
        raise Vanished(f"{for_display(name)} is not a regular file")
    return file, status


def file_if_there(folder: int, path: str) -> BufferedReader | None:
    """The regular file at a path below an open folder, opened to be read; None: there is none. Raises OSError."""
    try:
        file, _ = open_file_below(folder, path)
    except Vanished:
        return None
    except OSError as error:
        if is_gone(error):
            return None
        raise
    return os.fdopen(file, "rb")


def open_file_below(root: int, path: str) -> tuple[int, os.stat_result]:
    """The same for a path below an open folder."""
    with closing(LastFolder(root)) as folders:
        return folders.opened(path)


class Mount:
    """Opens the folder, and tells a folder that is gone from one that is empty. For many threads."""

    def __init__(self, path: str, marker: str | None) -> None:
        self.path = path
        self._marker = marker
        self._table = MountTable()
        self._seen: dict[str, tuple[str, Mounted]] = {}  # of a folder: where it really lay, and on what

    @contextmanager
    def opened(self) -> Iterator[tuple[int, Drive]]:
        """A descriptor of the folder, and its drive. Raises SourceUnavailable where it is not what it should be."""
        root, drive = self._entered()
        try:
            yield root, drive
        finally:
            os.close(root)

    def open_other(self, path: str, open_it: Callable[[], int]) -> int | None:
        """A descriptor of another folder; None where it is not there. Raises what `open_it` does.

        SourceUnavailable where a drive that it was seen on is not mounted any more.
        """
        try:
            folder = open_it()
        except FileNotFoundError:
            self._require_drive_at(path, os.path.realpath(path), 0)
            return None
        try:
            status = os.fstat(folder)
            self._require_drive_at(path, _real_path(folder, status), status.st_dev)
        except BaseException:
            os.close(folder)
            raise
        return folder

    def close(self) -> None:
        self._table.close()

    def _entered(self) -> tuple[int, Drive]:
        """What keeps us from the folder keeps us from every file in it."""
        try:
            return self._opened()
        except SourceUnavailable as error:
            error.altogether = True
            raise
        except OSError as error:
            hindered = unavailable(error, self.path)
            hindered.altogether = True
            raise hindered from error

    def _opened(self) -> tuple[int, Drive]:
        root = os.open(self.path, FOLDER)
        try:
            status = os.fstat(root)
            real_path = _real_path(root, status)
            self._require_marker(root)
            mounted = self._require_drive_at(self.path, real_path, status.st_dev)
        except BaseException:
            os.close(root)
            raise
        return root, Drive(device=status.st_dev, inode=status.st_ino, real_path=real_path, file_system=mounted.kind)

    def _require_marker(self, root: int) -> None:
        if self._marker is None:
            return
        try:
            os.stat(self._marker, dir_fd=root)
        except FileNotFoundError as error:
            sentence = f"the marker {self._marker} is not in {self.path}: the share counts as not mounted"
            raise SourceUnavailable(sentence) from error

    def _require_drive_at(self, path: str, real_path: str, device: int) -> Mounted:
        """What it is on. What lies below a mount point is another folder, mostly an empty one."""
        mounted = self._table.mount_of(real_path, device)
        was_at, was = self._seen.get(path, (real_path, mounted))
        if is_network(was.kind) and not is_network(mounted.kind):
            raise SourceUnavailable(f"the network drive of {path} is not mounted any more")
        if was_at == real_path and len(mounted.point) < len(was.point):
            raise SourceUnavailable(f"the drive of {path} is not mounted any more")
        self._seen[path] = (real_path, mounted)
        return mounted


def _real_path(folder: int, status: os.stat_result) -> str:
    """Where an open folder lies, without links, as the kernel has it: asked once, not for each folder on the way."""
    path = os.readlink(f"/proc/self/fd/{folder}")  # noqa: PTH115 - it may be no text that pathlib keeps
    if path.endswith(_DELETED) and not _is_at(path, status):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path.removesuffix(_DELETED))
    return path


def _is_at(path: str, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(path), status)  # noqa: PTH116 - as above
    except OSError:
        return False
