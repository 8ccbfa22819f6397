"""Names that are free where an answered file is to go, together with those of their notes."""

from __future__ import annotations

import errno
import os

from watcher.sources.folder.arriving import Arriving
from watcher.sources.folder.atomic import status_of
from watcher.sources.folder.drive import FOLDER, is_gone, unavailable
from watcher.sources.folder.names import LONGEST_ENCRYPTED_BYTES, NOTE_SUFFIX, shortened
from watcher.sources.folder.note import is_own_note
from watcher.sources.folder.spot import Spot
from watcher.sources.folder.target import free_name

_SHORT_BYTES = LONGEST_ENCRYPTED_BYTES - len(NOTE_SUFFIX) - len(" (999)")


def free_in(folder: str, name: str, arriving: Arriving) -> str:
    """A name that nothing has, or is about to have, in this folder; a shorter one where its drive has none so long."""
    try:
        return _free_in(folder, name, arriving)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise unavailable(error, folder) from error
    try:
        return _free_in(folder, shortened(name, _SHORT_BYTES), arriving)
    except OSError as error:
        raise unavailable(error, folder) from error


def _free_in(folder: str, name: str, arriving: Arriving) -> str:
    return free_name(
        name,
        lambda one: f"{folder}/{one}" in arriving or _is_there(f"{folder}/{one}"),
        lambda one: _is_there(f"{folder}/{one}") and _is_foreign_in(folder, one),
    )


def free_beside(source: Spot) -> Spot:
    """The file, or where somebody's own file has the name of its note, a number further."""
    name = free_name(source.name, lambda _name: False, lambda one: _is_foreign(source.folder, one))
    return source.beside(name)


def status_at(path: str) -> os.stat_result | None:
    """What lies at an absolute path, or None. Raises OSError where that cannot be seen."""
    try:
        return os.lstat(path)
    except OSError as error:
        if is_gone(error):
            return None
        raise


def _is_there(path: str) -> bool:
    return status_at(path) is not None


def _is_foreign_in(path: str, note: str) -> bool:
    folder = os.open(path, FOLDER)
    try:
        return _is_foreign(folder, note)
    finally:
        os.close(folder)


def _is_foreign(folder: int, note: str) -> bool:
    """Whether a note's name is taken by something else than a note of ours that has lost its file."""
    return status_of(folder, note) is not None and not is_own_note(folder, note)
