"""Whether a file still is what was taken in, for whoever is about to be told of its address."""

from __future__ import annotations

import hashlib
import os

from watcher.config.sections import Folder
from watcher.errors import Vanished
from watcher.sources.folder.atomic import status_of
from watcher.sources.folder.drive import FOLDER, is_gone, open_file_below


def holds(folder: Folder, path: str, sha256: str) -> bool | None:
    """Whether the folder has a file with these bytes at `path`; None: it cannot be seen from here now."""
    try:
        root = os.open(folder.path, FOLDER)
    except OSError:
        return None
    try:
        if folder.marker is not None and status_of(root, folder.marker) is None:
            return None
        file, _ = open_file_below(root, path)
        with open(file, "rb") as opened:  # noqa: PTH123 - a descriptor has no path
            return hashlib.file_digest(opened, "sha256").hexdigest() == sha256
    except Vanished:
        return False
    except OSError as error:
        return False if is_gone(error) else None
    finally:
        os.close(root)
