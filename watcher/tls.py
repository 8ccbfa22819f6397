"""TLS to servers whose certificates the system's authorities vouch for, or those of a company of its own."""

from __future__ import annotations

import ssl
from pathlib import Path


class UnusableAuthorities(ValueError):
    """The file with the authorities cannot be used; `str()` names it and says why."""


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """A client's context that believes the file's authorities alone, else the system's. Raises UnusableAuthorities."""
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UnusableAuthorities(f"ca_file {ca_file} cannot be used: {reason}") from error
