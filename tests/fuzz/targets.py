"""The targets: each takes any bytes, and raises where a promise is broken."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping

from tests.support.files import BytesLeaf
from watcher.config.sections import Limits
from watcher.documents.reader import DocumentReader
from watcher.headers import (
    clean,
    clean_name,
    decode,
    decode_bytes,
    decode_parameter,
    file_name,
    mailbox,
    mailboxes,
    read_header,
    split_parameters,
)
from watcher.mime.transfer import decoded, decoded_at_once
from watcher.ports import FoundDocument
from watcher.sources.mailbox.grammar import Malformed, Value, attributes, parse
from watcher.sources.mailbox.look import look
from watcher.sources.mailbox.structure import contradiction, files, read_structure
from watcher.sources.mailbox.whole import whole_leaves, whole_texts
from watcher.spool import Spooled

_LIMITS = Limits(document=100_000, submission=300_000, documents=5)
_READER = DocumentReader(accept=["pdf", "ofd", "image", "xml"], limits=_LIMITS)
_ANSWER = {"UID": b"7", "RFC822.SIZE": b"5000", "BODY[HEADER]": b"Content-Type: multipart/mixed\r\n\r\n"}


def headers(data: bytes) -> None:
    """The header decoder never raises, and what it gives can be stored, shown and written into a header."""
    text = data.decode("ascii", "surrogateescape")
    for given in (data, text):
        value, parameters = split_parameters(given)
        for read in (decode(given), value, decode_parameter(parameters, "filename"), decode_parameter(parameters, "")):
            _storable(read)
        _storable(file_name([("Content-Disposition", given), ("Content-Type", given)]))
        _address(*mailbox(given))
        for address in mailboxes(given):
            _address(address, None)
    charset, _, rest = data.partition(b"?")
    _storable(decode_bytes(rest, charset.decode("latin-1")))
    _shown(decode(data))
    _block(data)


def _block(data: bytes) -> None:
    for header in (read_header(data), read_header(b"From: " + data), read_header(b"References: " + data)):
        assert (header.from_address is None) != (header.from_problem is None)
        _storable(header.subject)
        for word in (header.message_id, *header.references, *(address for _, address in header.recipients)):
            assert word is None or (word.isascii() and word.isprintable())
        assert len(header.references) <= 20


def _shown(text: str) -> None:
    line, name = clean(text, 50), clean_name(text, "document")
    assert len(line) <= 50
    assert line == clean(line, 50)
    assert not {unicodedata.category(character) for character in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert name == clean_name(name, "document")
    assert name
    assert not set(name) & set("/\\\r\n\0")
    assert not name.startswith(".")


def _storable(text: str | None) -> None:
    if text is not None:
        text.encode("utf-8")


def _address(address: str | None, problem: str | None) -> None:
    if address is None:
        assert problem
    else:
        assert address.isascii()
        assert address.count("@") == 1
        assert not set(address) & set('<>(),;:"\\ \r\n')


def answers(data: bytes) -> None:
    """What an IMAP server says is read or malformed, and a structure has no part that FETCH cannot name."""
    try:
        values: list[Value] = parse([data])
        _structure(values[0] if values else None)
        attributes([data])
    except Malformed:
        pass


def _structure(value: Value) -> None:
    found = look({**_ANSWER, "BODYSTRUCTURE": value})
    assert found is not None
    root = read_structure(value)
    contradiction(root, b"", 1000)
    for part in files(root):
        assert part.octets >= 0
        assert all(number.isdigit() for number in part.section.split("."))
        _storable(part.name)


def mails(data: bytes) -> None:
    """A mail that is read whole gives up its files without raising, and transfer encodings are undone in pieces."""
    mail = Spooled([data])
    for leaf in whole_leaves(mail):
        _storable(leaf.name)
        content = leaf.fetch()
        assert content.size >= leaf.least_bytes
        content.close()
    for text in whole_texts(mail):
        _storable(text.text)
    mail.close()
    pieces = [data[start : start + 7] for start in range(0, len(data), 7)]
    for encoding in ("base64", "quoted-printable", "8bit"):
        whole = decoded_at_once(encoding, data)
        assert b"".join(decoded(encoding, [data])) == whole
        if encoding != "quoted-printable":  # binascii treats the spaces at the end of a line by what follows
            assert b"".join(decoded(encoding, pieces)) == whole


def unpacker(data: bytes) -> None:
    """Whatever a file is: it is read or refused, within the limits, and nothing is left open."""
    for declared_type in (None, "message/rfc822"):
        leaf = BytesLeaf(data, name=None, declared_type=declared_type)
        found = _READER.documents([leaf])
        try:
            _within_limits(found)
        finally:
            for document in found:
                if document.content is not None:
                    document.content.close()
        assert leaf.fetched is not None
        assert leaf.fetched._file.closed


def _within_limits(found: list[FoundDocument]) -> None:
    kept = [document for document in found if document.reason is None]
    assert len(found) <= _LIMITS.documents + 1
    assert sum(document.size for document in kept) <= _LIMITS.submission
    for document in found:
        assert document.name == clean_name(document.name, "")
        assert (document.reason is None) == (document.message is None)
        assert document.reason is not None or document.content is not None
        assert document.content is None or document.content.size == document.size
    assert all(document.size <= _LIMITS.document for document in kept)


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "headers": headers,
    "answers": answers,
    "mails": mails,
    "unpacker": unpacker,
}
