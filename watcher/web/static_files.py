"""Our own style, script and picture: kept in memory, and versioned by content, so that browsers may keep them."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

from msgspec import Struct

_TYPES = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
NAMES = tuple(_TYPES)


class StaticFile(Struct, frozen=True, kw_only=True):
    data: bytes
    type: str
    version: str


@cache
def static_file(name: str) -> StaticFile:
    """One of NAMES."""
    data = resources.files(__package__).joinpath("static", name).read_bytes()
    return StaticFile(data=data, type=_TYPES[name], version=hashlib.sha256(data).hexdigest()[:12])
