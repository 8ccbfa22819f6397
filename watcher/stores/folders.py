"""The folders of a store in a file system."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from watcher.mounts import is_network, kind_of

TEMPORARY_FOLDER = ".invoice-watcher-partial"  # so that no half-written file bears its name
_PARTIAL_SECONDS = 86400.0  # no upload takes a day


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
