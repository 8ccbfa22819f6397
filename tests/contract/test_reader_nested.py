"""However documents are packed into each other: each comes out once, in its order, with its bytes."""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.fuzz import targets
from tests.support.archives import PNG, XML, attachment, message, ofd, pdf, zipped
from tests.support.files import BytesLeaf, open_spools
from watcher.config.sections import Limits
from watcher.documents.reader import DocumentReader

DEEPEST = 8  # containers within containers
READER = DocumentReader(accept=["pdf", "ofd", "image", "xml"], limits=Limits(documents=100))


@dataclass(frozen=True, slots=True)
class Node:
    """A container of a kind, or, without anything in it, a file of a kind."""

    kind: str
    inside: tuple[Node, ...] = ()

    @property
    def depth(self) -> int:
        return 1 + max((node.depth for node in self.inside), default=-1)


# Documents, by a number that makes each another one.
DOCUMENTS: dict[str, Callable[[int], bytes]] = {
    "pdf": pdf,
    "ofd": lambda number: ofd(first=f"Doc_{number}/Document.xml"),
    "xml": lambda number: XML + b"<!-- %d -->" % number,
    "png": lambda number: PNG + b"%d" % number,
}
NO_DOCUMENTS: dict[str, bytes] = {
    "text": b"see the invoice",
    "empty": b"",
    "page": b"<html><body>%PDF</body></html>",
    "office": zipped(("[Content_Types].xml", b"<x/>"), ("word/media/a.pdf", pdf(0))),
}
CONTAINERS = ("zip", "stored zip", "mail", "mail in quoted-printable", "forwarded")

FILES = st.sampled_from([*DOCUMENTS, *DOCUMENTS, *NO_DOCUMENTS]).map(Node)
TREES = st.recursive(
    FILES,
    lambda nodes: st.builds(Node, st.sampled_from(CONTAINERS), st.lists(nodes, min_size=1, max_size=4).map(tuple)),
    max_leaves=14,
)


class Packer:
    """Makes bytes of a tree, and remembers the documents that it put in."""

    def __init__(self) -> None:
        self.documents: list[bytes] = []
        self._numbers = itertools.count()

    def packed(self, node: Node) -> bytes:
        if node.kind in DOCUMENTS:
            self.documents.append(DOCUMENTS[node.kind](next(self._numbers)))
            return self.documents[-1]
        if node.kind in NO_DOCUMENTS:
            return NO_DOCUMENTS[node.kind]
        inside = [(each, self.packed(each)) for each in node.inside]
        if node.kind.endswith("zip"):
            method = zipfile.ZIP_STORED if node.kind == "stored zip" else zipfile.ZIP_DEFLATED
            return zipped(*((f"目录/{number}", data) for number, (_, data) in enumerate(inside)), method=method)
        mail = message(*(_part(node.kind, each.kind, data) for each, data in inside))
        return mail.replace(b"=b", b"=b%d" % next(self._numbers))


def _part(kind: str, inside: str, data: bytes) -> bytes:
    if kind == "forwarded" and inside in ("mail", "mail in quoted-printable", "forwarded"):
        return b"Content-Type: message/rfc822\r\n\r\n" + data
    if kind == "mail in quoted-printable":
        lines = (data[start : start + 25] for start in range(0, len(data), 25))
        quoted = b"=\r\n".join(b"".join(b"=%02X" % byte for byte in line) for line in lines)
        return b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + quoted
    return attachment(data, None)  # what has the name of a document and is none would be told


@pytest.fixture(autouse=True)
def _nothing_stays_open() -> Iterator[None]:
    """After all examples of a test."""
    before = open_spools()
    yield
    assert open_spools() <= before


@settings(max_examples=100)
@given(TREES)
def test_every_document_comes_out_once_with_its_bytes_and_in_its_order(tree: Node) -> None:
    assume(tree.depth <= DEEPEST)
    packer = Packer()
    data = packer.packed(tree)

    found = READER.documents([BytesLeaf(data)])

    assert [document.reason for document in found] == [None] * len(packer.documents)
    assert [document.content.read() for document in found if document.content] == packer.documents
    for document in found:
        assert document.content is not None
        document.content.close()


@settings(max_examples=100)
@given(TREES, st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=6), st.integers(0, 10**6))
def test_a_damaged_packing_is_read_or_refused_within_the_limits(
    tree: Node, changes: list[tuple[int, int]], end: int
) -> None:
    data = bytearray(Packer().packed(tree))
    for place, value in changes if data else ():
        data[place % len(data)] = value
    for damaged in (data, data[: end % (len(data) + 1)]):
        targets.unpacker(bytes(damaged))


@given(st.binary(max_size=300), st.sampled_from([b"", b"PK\x03\x04", b"From: a@b\r\nSubject: x\r\n", b"%PDF-1.7\n"]))
def test_what_only_begins_like_something_is_read_or_refused(junk: bytes, begin: bytes) -> None:
    targets.unpacker(begin + junk)
    targets.mails(begin + junk)
