"""What is on the disk for good."""

from __future__ import annotations

import os


def sync_directory(directory: str | os.PathLike[str]) -> None:
    """Let the names in it be on disk before anything is done that relies on them. Raises OSError."""
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
