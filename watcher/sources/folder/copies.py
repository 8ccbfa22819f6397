"""Copies that are on their way to another drive, each under a name that nobody but its maker uses.

A copy may take longer than the claim that it was begun under, so that another node begins it as well: with one name
for both, the one that ends first would give the file's own name to what the other has just begun to write.
"""

from __future__ import annotations

import os
import secrets

from watcher.sources.folder.atomic import remove
from watcher.sources.folder.identity import Fingerprint, token_of
from watcher.sources.folder.names import OWN_PREFIX

_SUFFIX = ".tmp"


def new_copy_name(name: str, recorded: Fingerprint) -> str:
    """For a copy of a file, as it was recorded, that is to get this name."""
    return f"{_beginning(name, recorded)}{secrets.token_hex(8)}{_SUFFIX}"


def remove_copies(folder: int, name: str, recorded: Fingerprint) -> None:
    """Remove all of them from the folder: those of who died, and of who is late. Raises OSError."""
    beginning = _beginning(name, recorded)
    for each in os.listdir(folder):
        if each.startswith(beginning) and each.endswith(_SUFFIX):
            remove(folder, each)


def _beginning(name: str, recorded: Fingerprint) -> str:
    return f"{OWN_PREFIX}{token_of(name, recorded)}."
