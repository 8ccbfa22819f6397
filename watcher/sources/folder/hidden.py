"""The name that a file has in the middle of its move, where no writer that comes anew finds it."""

from __future__ import annotations

import os

from watcher.sources.folder.identity import TOKEN_LENGTH, Fingerprint, token_of
from watcher.sources.folder.names import LONGEST_ENCRYPTED_BYTES, LONGEST_NAME_BYTES, OWN_PREFIX, shortened
from watcher.sources.folder.spot import Spot


def hidden_name(name: str, expected: Fingerprint) -> str:
    """The name that a file has in the middle of its move; what stands behind the second hyphen is its own."""
    prefix = f"{OWN_PREFIX}{token_of(name, expected)}-"
    longest = max(LONGEST_ENCRYPTED_BYTES, len(os.fsencode(name)))  # what the drive surely takes
    return prefix + shortened(name, min(longest, LONGEST_NAME_BYTES) - len(prefix))


def hidden_spot(file: Spot, expected: Fingerprint) -> Spot:
    return file.beside(hidden_name(file.name, expected))


def original_name(hidden: str) -> str | None:
    """The name that a hidden file had; None where it is not one of these."""
    token, hyphen, name = hidden.removeprefix(OWN_PREFIX).partition("-")
    return name if hidden.startswith(OWN_PREFIX) and hyphen and name and len(token) == TOKEN_LENGTH else None
