"""Where a command's file goes: to a name, whole or not at all, or to standard output."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    """What is written to a path, made in a temporary folder first, because it cannot be made in a stream."""
    with tempfile.TemporaryDirectory(prefix="invoice-watcher-") as folder:
        made = Path(folder, "made")
        count = write(made)
        with made.open("rb") as content, standard_output() as stream:
            shutil.copyfileobj(content, stream)
    return count


def to_file(target: Path, write: Callable[[Path], int]) -> int:
    """Have the file made beside its name, and put in place when it is whole and on the disk.

    So a failure leaves what was there. A new file is for its owner alone (0600); one that is replaced hands on its
    mode and group. Where links lead, that file is replaced; a device or a pipe is written to. Raises FileNotWritten.
    """
    try:
        return _to_file(target.resolve(), write)
    except OSError as error:
        raise FileNotWritten(f"{target} cannot be written: {error.strerror}") from error


def _to_file(target: Path, write: Callable[[Path], int]) -> int:
    before = _status(target)
    if before is not None and stat.S_ISDIR(before.st_mode):
        raise IsADirectoryError(None, "it is a folder")
    with tempfile.TemporaryDirectory(prefix=f".{target.name[:100]}.", dir=_place_beside(target, before)) as folder:
        made = Path(folder, "made")
        count = write(made)
        if before is not None and not stat.S_ISREG(before.st_mode):
            with made.open("rb") as content, target.open("wb") as stream:
                shutil.copyfileobj(content, stream)
        else:
            _finish(made, before)
            made.replace(target)
    return count


def _status(target: Path) -> os.stat_result | None:
    try:
        return target.stat()
    except FileNotFoundError:
        return None


def _place_beside(target: Path, before: os.stat_result | None) -> Path | None:
    """Where a file can be made that is to have that name; anywhere for what is no file."""
    return target.parent if before is None or stat.S_ISREG(before.st_mode) else None


def _finish(made: Path, before: os.stat_result | None) -> None:
    """Whose it is, who may read it, and on the disk."""
    with made.open("rb") as file:
        if before is not None:
            with contextlib.suppress(PermissionError):
                os.fchown(file.fileno(), -1, before.st_gid)
        os.fchmod(file.fileno(), 0o600 if before is None else stat.S_IMODE(before.st_mode))
        os.fsync(file.fileno())
