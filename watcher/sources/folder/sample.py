"""A file to try an address with."""

from __future__ import annotations

import os

from watcher.config.sections import Folder
from watcher.ignored import is_ignored, is_ignored_folder
from watcher.sources.folder.target import Template

_MOST_FOLDERS = 200


def sample_of(folder: Folder) -> tuple[str, int] | None:
    """Some file that waits there: its path in the folder, and its size. None: there is none, or nothing can be read."""
    root = os.path.realpath(folder.path)
    ours = [Template.of(root, text).leaves_out(root) for text in (folder.done, folder.error) if text is not None]
    for number, (here, below, names) in enumerate(os.walk(root)):
        inside = os.path.relpath(here, root)
        path = "" if inside == "." else f"{inside}/"
        below[:] = [
            name
            for name in sorted(below)
            if not is_ignored_folder(name) and not any(is_ours(path + name) for is_ours in ours)
        ]
        for name in sorted(names):
            if not is_ignored(name) and name != folder.marker:
                return path + name, os.stat(f"{here}/{name}").st_size  # noqa: PTH116 - bytes that are no text too
        if number >= _MOST_FOLDERS or not folder.recursive:
            return None
    return None
