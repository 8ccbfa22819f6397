"""What the tests of the reader share: reading leaves, and watching what that costs."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

from tests.support.files import BytesLeaf
from watcher.config.sections import Limits
from watcher.documents.reader import DocumentReader
from watcher.ports import FoundDocument

Read = Callable[..., list[FoundDocument]]


def read_leaves(
    *leaves: bytes | BytesLeaf, accept: tuple[str, ...] = ("pdf", "ofd"), **limits: int
) -> list[FoundDocument]:
    """What is found in these. Whatever was not kept has to be closed by then."""
    reader = DocumentReader(accept=accept, limits=Limits.model_validate(limits))
    given = [BytesLeaf(leaf) if isinstance(leaf, bytes) else leaf for leaf in leaves]
    documents = reader.documents(given)
    kept = [one.content for one in documents]
    for leaf in given:
        if leaf.fetched is not None:
            assert leaf.fetched in kept or leaf.fetched._file.closed
    return documents


def names(documents: list[FoundDocument]) -> list[tuple[str, str | None]]:
    return [(one.name, one.reason) for one in documents]


def content(document: FoundDocument) -> bytes:
    assert document.content is not None
    return document.content.read()


def bounded(read: Callable[[], list[FoundDocument]], *, megabytes: int = 100) -> list[FoundDocument]:
    """What `read` gives, where it takes less than 10 seconds of this thread and so much memory."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.thread_time()
    found = read()
    assert time.thread_time() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < megabytes * 1024  # kB
    return found
