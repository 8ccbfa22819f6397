"""Why a journal cannot be opened, in words; and where that is whose it is, whose."""

from __future__ import annotations

import errno
import os
import pwd
from contextlib import suppress
from pathlib import Path


def told(path: Path, error: OSError) -> str:
    """The error's own words; of what another user has made, who that is and how to go on."""
    said = error.strerror or type(error).__name__
    if error.errno not in (errno.EACCES, errno.EPERM):
        return said
    owner = _owner(path)
    if owner is None or owner == os.geteuid():
        return said
    name = _login(owner)
    return f"{said}: it is of the user {name}; run this as that user: runuser -u {name} -- invoice-watcher …"


def _owner(path: Path) -> int | None:
    """Of the file, or of the nearest folder above it that can be seen."""
    for each in (path, *path.parents):
        with suppress(OSError):
            return each.stat().st_uid
    return None


def _login(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"#{number}"
