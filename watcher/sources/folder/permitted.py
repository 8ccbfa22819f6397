"""Names that a drive of answers refuses, as FAT, exFAT and Windows shares do, and what stands in their place there."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

from watcher.sources.folder.drive import NEW_FILE
from watcher.sources.folder.names import OWN_PREFIX

_DOUBTFUL = frozenset('"*:<>?\\|') | {chr(code) for code in range(1, 32)}
_REFUSED = (errno.EINVAL, errno.ENOENT)  # ENOENT: what Linux makes of an SMB server's STATUS_OBJECT_NAME_INVALID


def permitted_in(folder: str, path: str) -> str:
    """The path below `folder`, which need not be there, with "_" for each character that its drive takes in no name.

    Asked by a file that is made and removed, for hardly any name: a drive may take them all the same.
    """
    if _DOUBTFUL.isdisjoint(path):
        return path
    refused = {each for each in _DOUBTFUL.intersection(path) if not _takes(folder, each)}
    return "".join("_" if each in refused else each for each in path)


def _takes(folder: str, doubtful: str) -> bool:
    here = Path(folder)
    there = next(each for each in (here, *here.parents) if each.is_dir())
    probe = there / f"{OWN_PREFIX}{secrets.token_hex(8)}{doubtful}.tmp"
    try:
        os.close(os.open(probe, NEW_FILE, 0o600))
        probe.unlink()
    except OSError as error:  # any other will be told by the move
        return error.errno not in _REFUSED
    return True
