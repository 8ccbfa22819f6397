"""Single steps of the file system that never overwrite, on every kind of drive. All raise OSError."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import stat
from collections.abc import Callable

from watcher.sources.folder.drive import NEW_FILE
from watcher.sources.folder.identity import are_one_file

_RENAME_NOREPLACE = 1
_CHUNK_BYTES = 1024 * 1024
_CANNOT = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)
_CANNOT_LINK = (*_CANNOT, errno.EPERM, errno.EMLINK, errno.EACCES)


def rename_new(source: int, name: str, target: int, new_name: str, *, over_empty: bool = False) -> None:
    """Rename between two open folders; FileExistsError where the new name is taken. Other drives: EXDEV.

    `over_empty`: where a drive can only take a name by an empty file, one that is there was left by a try that died.
    """
    try:
        _renameat2(source, name, target, new_name)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
        _link_and_unlink(source, name, target, new_name, over_empty=over_empty)


def rename_aside(folder: int, name: str, own_name: str) -> None:
    """Rename within a folder to a name that nobody but us makes; FileExistsError where it is there all the same.

    In one step on every drive: by a link that is made and a name that is removed, as in `rename_new`, what somebody has
    put in the place of the file in between would be removed with it.
    """
    try:
        _renameat2(folder, name, folder, own_name)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
        if status_of(folder, own_name) is not None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), own_name) from error
        os.rename(name, own_name, src_dir_fd=folder, dst_dir_fd=folder)


def status_of(folder: int, name: str) -> os.stat_result | None:
    """What is there under this name, or None."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def copy_of(file: int, folder: int, name: str) -> None:
    """Write a copy of an open file under a new name, with its mode, group and time, and have it on the disk."""
    status = os.fstat(file)
    _require_room(folder, status.st_size)
    copy = os.open(name, NEW_FILE, 0o600, dir_fd=folder)
    try:
        os.lseek(file, 0, os.SEEK_SET)
        while chunk := os.read(file, _CHUNK_BYTES):
            _write_all(copy, chunk)
        take_after(copy, status)
        _take_times(copy, status)
        os.fsync(copy)
    finally:
        os.close(copy)


def write_new(folder: int, name: str, content: bytes, like: os.stat_result, temporary: str) -> None:
    """Write a file that is whole from its first moment, with the mode and group of another. FileExistsError."""
    was_left = _write_temporary(folder, temporary, content, like)
    try:
        rename_new(folder, temporary, folder, name, over_empty=was_left)
    except BaseException:
        remove(folder, temporary)
        raise


def write_over(folder: int, name: str, content: bytes, like: os.stat_result, temporary: str) -> None:
    """The same, in the place of what has that name."""
    _write_temporary(folder, temporary, content, like)
    os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)


def remove(folder: int, name: str) -> bool:
    """Unlink it, if it is there; whether it was."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True


def is_empty_file(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and status.st_size == 0


def make_folder(parent: int, name: str, like: os.stat_result) -> None:
    """Make a folder with the mode and group (and, where we may, the owner) of another; it may be there already."""
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
    except FileExistsError:
        return
    made = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        take_after(made, like)
    finally:
        os.close(made)


def take_after(file: int, like: os.stat_result) -> None:
    """Give an open file the mode and group of another, and its owner where we may; a drive without these has none.

    A file may have come to be ours: what its owner let others run as him must not run as us.
    """
    try:
        os.fchown(file, like.st_uid, like.st_gid)
    except OSError:
        with contextlib.suppress(OSError):
            os.fchown(file, -1, like.st_gid)
    mode = stat.S_IMODE(like.st_mode) if stat.S_ISDIR(like.st_mode) else like.st_mode & 0o777
    try:
        os.fchmod(file, mode)
    except OSError:  # systemd's RestrictSUIDSGID refuses a folder's setgid, and without the rest nobody could enter it
        with contextlib.suppress(OSError):
            os.fchmod(file, mode & 0o777)


def _take_times(file: int, like: os.stat_result) -> None:
    """A share that is mounted as another user's lets us write, and keeps its times to that user."""
    try:
        os.utime(file, ns=(like.st_atime_ns, like.st_mtime_ns))
    except OSError as error:
        if error.errno not in (*_CANNOT, errno.EPERM, errno.EACCES):
            raise


def sync_folder(folder: int) -> None:
    """Have the names in an open folder on the disk; some network drives cannot, and need not."""
    with contextlib.suppress(OSError):
        os.fsync(folder)


def same_content(one: int, other: int) -> bool:
    """Whether two open files hold the same bytes."""
    offset = 0
    while chunk := os.pread(one, _CHUNK_BYTES, offset):
        if os.pread(other, len(chunk), offset) != chunk:
            return False
        offset += len(chunk)
    return not os.pread(other, 1, offset)


def _link_and_unlink(source: int, name: str, target: int, new_name: str, *, over_empty: bool) -> None:
    try:
        os.link(name, new_name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
    except FileExistsError:
        mine, there = status_of(source, name), status_of(target, new_name)
        if mine is None or there is None or not are_one_file(mine, there):
            raise  # else the drive did link, and its answer was lost on the way
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
        _reserve_and_rename(source, name, target, new_name, over_empty=over_empty)
        return
    os.unlink(name, dir_fd=source)


def _reserve_and_rename(source: int, name: str, target: int, new_name: str, *, over_empty: bool) -> None:
    """For drives that know no links: take the name with an empty file, then rename over that."""
    try:
        os.close(os.open(new_name, NEW_FILE, 0o600, dir_fd=target))
    except FileExistsError:
        if not (over_empty and _is_empty(target, new_name)):
            raise
    try:
        os.rename(name, new_name, src_dir_fd=source, dst_dir_fd=target)
    except BaseException:
        if status_of(source, name) is not None:
            if _is_empty(target, new_name):
                remove(target, new_name)
            raise
        if _is_empty(target, new_name):
            raise
        # Else the drive did rename it, and its answer was lost on the way.


def _is_empty(folder: int, name: str) -> bool:
    status = status_of(folder, name)
    return status is None or is_empty_file(status)


def _write_temporary(folder: int, name: str, content: bytes, like: os.stat_result) -> bool:
    """Whether somebody has left one of this name, which is written anew."""
    was_left = remove(folder, name)
    file = os.open(name, NEW_FILE, 0o600, dir_fd=folder)
    try:
        _write_all(file, content)
        take_after(file, like)
        os.fsync(file)
    except BaseException:
        remove(folder, name)
        raise
    finally:
        os.close(file)
    return was_left


def _require_room(folder: int, size: int) -> None:
    """Rather than fill a drive, again and again, that others may need as well: holes are written out in a copy."""
    disk = os.fstatvfs(folder)
    if disk.f_blocks and disk.f_bavail * disk.f_frsize < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _write_all(file: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(file, view) :]


@functools.cache
def _renameat2_call() -> Callable[..., int] | None:
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is not None:
        call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
        call.restype = ctypes.c_int
    return call


def _renameat2(source: int, name: str, target: int, new_name: str) -> None:
    call = _renameat2_call()
    if call is None:  # an old libc
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if call(source, os.fsencode(name), target, os.fsencode(new_name), _RENAME_NOREPLACE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)
