"""Ways below the watched folder, where employees may put a link in the place of any folder."""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import suppress

from watcher.errors import SourceUnavailable
from watcher.sources.folder.drive import FOLDER, descend
from watcher.sources.folder.identity import are_one_folder
from watcher.sources.folder.names import for_display


def open_own(root: str, path: str) -> int:
    """A folder by its absolute path, open. Raises OSError.

    SourceUnavailable where the way to it goes, below `root`, through a link that is neither root's, nor ours, nor of
    the owner of `root`: it could lead what is moved there to any place that we may write to.
    """
    way = inside(root, path)
    if way is None:
        return os.open(path, FOLDER)
    here = os.open(root, FOLDER)
    trusted = {0, os.geteuid(), os.fstat(here).st_uid}
    return descend(here, way.split("/"), lambda above, name: _step(above, name, trusted, path))


def inside(root: str, path: str) -> str | None:
    """The way from `root` on, also where `path` leads there by another name or mount of it; None: it lies elsewhere."""
    rest = path.removeprefix(root.rstrip("/") + "/")
    if rest != path:
        return rest
    with suppress(OSError):  # as opening it will say
        watched = os.stat(root)  # noqa: PTH116 - it may be no text that pathlib keeps
        for slash in re.finditer("/", path[1:]):  # the outermost first: below it links are anybody's
            above = os.stat(path[: slash.end()])  # noqa: PTH116 - as above
            if os.path.samestat(watched, above) and are_one_folder(watched, above, os.stat(root)):  # noqa: PTH116
                return path[slash.end() + 1 :]
    return None


def _step(here: int, name: str, trusted: set[int], path: str) -> int:
    try:
        return os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=here)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        return _through_link(here, name, trusted, path)


def _through_link(here: int, name: str, trusted: set[int], path: str) -> int:
    """The link itself is opened, so that what is asked and what is followed are one, whatever takes its name."""
    link = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
    try:
        status = os.fstat(link)
        if not stat.S_ISLNK(status.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), name)
        if status.st_uid not in trusted:
            said = f"{for_display(path)} is reached through a link that user {status.st_uid} has made"
            raise SourceUnavailable(f"{said}: nothing is moved there")
        return os.open(os.readlink("", dir_fd=link), FOLDER, dir_fd=here)
    finally:
        os.close(link)
