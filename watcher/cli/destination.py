"""Where a command's file goes: to a name, whole or not at all, or to standard output."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from watcher.errors import PersonalError

_STANDARD_OUTPUT = 1


class FileNotWritten(PersonalError):
    """The file that was asked for cannot be written."""


@contextmanager
def standard_output() -> Iterator[BinaryIO]:
    """As bytes; what was written has left the program at the end. Raises OSError."""
    sys.stdout.flush()
    with open(_STANDARD_OUTPUT, "wb", closefd=False) as stream:
        yield stream


def to_standard_output(write: Callable[[Path], int]) -> int:
    """What is written to a path, because it cannot be made in a stream; what `write` returns. Raises OSError."""
    return _to_stream(write, standard_output)


def to_file(target: Path, write: Callable[[Path], int]) -> int:
    """Have the file made beside its name, and put in place when it is whole and on the disk; what `write` returns.

    So a failure leaves what was there. A new file is for its owner alone (0600); one that is replaced hands on its
    mode and group. Where links lead, that file is replaced; a device or a pipe is written to. Raises FileNotWritten.
    """
    try:
        before = _status(target)
        if before is None or stat.S_ISREG(before.st_mode):
            return _in_place(Path(os.path.realpath(target)), before, write)
        return _to_stream(write, lambda: target.open("wb"))
    except OSError as error:
        raise FileNotWritten(f"{target} cannot be written: {error.strerror}") from error


def _to_stream(write: Callable[[Path], int], opened: Callable[[], AbstractContextManager[BinaryIO]]) -> int:
    with _temporary_folder() as folder:
        made = Path(folder, "made")
        value = write(made)
        with made.open("rb") as content, opened() as stream:
            shutil.copyfileobj(content, stream)
    return value


def _temporary_folder() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="invoice-watcher-")
    except OSError as error:
        raise FileNotWritten(f"no temporary folder can be made, see TMPDIR: {error.strerror}") from error


def _in_place(target: Path, before: os.stat_result | None, write: Callable[[Path], int]) -> int:
    with tempfile.TemporaryDirectory(prefix=".invoice-watcher-", dir=target.parent) as folder:
        made = Path(folder, "made")
        value = write(made)
        _finish(made, before)
        made.replace(target)
    return value


def _status(target: Path) -> os.stat_result | None:
    try:
        return target.stat()
    except FileNotFoundError:
        return None


def _finish(made: Path, before: os.stat_result | None) -> None:
    """Whose it is, who may read it, and on the disk."""
    with made.open("rb") as file:
        os.fchmod(file.fileno(), 0o600 if before is None else _mode_after(file.fileno(), before))
        os.fsync(file.fileno())


def _mode_after(file: int, before: os.stat_result) -> int:
    """The mode of what is replaced, with its group; where we may not give it that group, nothing for another."""
    mode = stat.S_IMODE(before.st_mode)
    try:
        os.fchown(file, -1, before.st_gid)
    except PermissionError:
        return mode & ~stat.S_IRWXG
    return mode
