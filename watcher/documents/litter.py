"""What systems put beside the files that people pack."""

from __future__ import annotations

_NAMES = ("thumbs.db", "desktop.ini", ".ds_store")


def is_litter(path: str) -> bool:
    """Whether an entry of an archive with this path is nobody's file."""
    *folders, last = path.replace("\\", "/").lower().split("/")
    return "__macosx" in folders or last.startswith(("._", "~$")) or last in _NAMES
