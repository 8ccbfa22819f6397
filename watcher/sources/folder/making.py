"""Folders that are made on the way of a file, after those that it came through. All of it raises OSError."""

from __future__ import annotations

import os
from collections.abc import Sequence

from watcher.sources.folder.atomic import make_folder, status_of
from watcher.sources.folder.drive import FOLDER, descend, folder_below, open_below


def made(path: str, like: os.stat_result) -> int:
    """A folder by its absolute path, made where it is missing, open."""
    try:
        return os.open(path, FOLDER)
    except FileNotFoundError:
        parent, _, name = path.rpartition("/")
    above = made(parent or "/", like)
    try:
        make_folder(above, name, like)
        return os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=above)
    finally:
        os.close(above)


def made_below(base: int, names: Sequence[str], root: int, subfolders: Sequence[str]) -> int:
    """The folder of these names below `base`, which is taken over, through no link; made where it is missing, open.

    The last of the names are those of `subfolders` below `root`: each is made after the one of its name there, all
    others after `root` itself.
    """
    before = len(names) - len(subfolders)

    def step(here: int, numbered: tuple[int, str]) -> int:
        number, name = numbered
        if status_of(here, name) is None:
            make_folder(here, name, _model_status(root, "/".join(subfolders[: max(0, number - before + 1)])))
        return open_below(here, name)

    return descend(base, enumerate(names), step)


def _model_status(root: int, subfolder: str) -> os.stat_result:
    """What a made folder takes after: the subfolder of the same name, or the watched folder."""
    try:
        with folder_below(root, subfolder) as folder:
            return os.fstat(folder)
    except OSError:  # it is gone; its file was the last in it
        return os.fstat(root)
