"""Documents and leaves made of bytes."""

from __future__ import annotations

import gc
import itertools
from dataclasses import dataclass, field

from watcher.ports import FoundDocument
from watcher.spool import Spooled


def document(data: bytes, *, name: str = "发票.pdf", extension: str = ".pdf", path: str | None = None) -> FoundDocument:
    """A document with these bytes. Whoever asks for it closes its content."""
    content = Spooled([data])
    return FoundDocument(
        name=name, media_type="application/pdf", extension=extension, size=content.size, content=content, path=path
    )


_NUMBERS = itertools.count(1)


@dataclass(slots=True)
class BytesLeaf:
    """A leaf of these bytes, or one that fails."""

    data: bytes | Exception
    name: str | None = "file"
    declared_type: str | None = None
    path: str | None = None
    least_bytes: int = 0
    trail: str = field(default_factory=lambda: f"/leaf {next(_NUMBERS)}")
    fetched: Spooled | None = None

    def fetch(self) -> Spooled:
        if isinstance(self.data, Exception):
            raise self.data
        self.fetched = Spooled([self.data])
        return self.fetched


def open_spools() -> set[int]:
    """Which documents' bytes are in hand anywhere: what other tests left behind is among them."""
    spools = [each for each in gc.get_objects() if isinstance(each, Spooled)]
    return {id(each) for each in spools if getattr(each, "_file", None) is not None and not each._file.closed}
