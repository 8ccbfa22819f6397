"""Mails in envelopes (S/MIME, PGP): signed or compressed ones are opened, encrypted ones are named as such."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing

from watcher.documents import words
from watcher.documents.ranges import Range
from watcher.documents.signed import Kind, NotCms, Structure, armour_bytes, is_armoured
from watcher.documents.unpacking import Allowance, Entry, Refusal
from watcher.errors import DocumentRefused
from watcher.mime.transfer import from_base64
from watcher.model import Reason
from watcher.spool import CHUNK_BYTES, Spooled


def open_enveloped(content: Spooled, allowance: Allowance) -> Generator[Entry | Refusal, None, None]:
    """The one thing that it carries: a mail, or a file that somebody signed by itself. Signatures are not verified.

    Raises DocumentRefused: ENCRYPTED_MAIL, UNREADABLE (damaged), TOO_LARGE (a bomb).
    """
    head = content.head()
    if not is_armoured(head):
        yield from _opened(content, allowance)
        return
    with closing(allowance.spool(_unarmoured(content, armour_bytes(head)))) as plain:
        yield from _opened(plain, allowance)


def open_sealed(_content: Spooled, allowance: Allowance) -> Generator[Entry | Refusal, None, None]:
    """Nothing, because whoever it is meant for holds the key. Raises DocumentRefused: ENCRYPTED_MAIL."""
    allowance.count_entry()
    yield from ()
    raise DocumentRefused(Reason.ENCRYPTED_MAIL, words.SEALED)


def _unarmoured(content: Spooled, skipped: int) -> Iterator[bytes]:
    chunks = content.chunks()
    return from_base64(itertools.chain([next(chunks, b"")[skipped:]], chunks))


def _opened(content: Spooled, allowance: Allowance) -> Iterator[Entry | Refusal]:
    allowance.count_entry()
    whole = Range(content.file(), 0, content.size)

    def read(position: int, length: int) -> bytes:
        allowance.check_time()
        return whole.read(position, length)

    try:
        structure = Structure(read)
        if structure.kind.is_locked:
            raise DocumentRefused(Reason.ENCRYPTED_MAIL, words.SEALED)
        carried = _carried(whole, structure)
        if structure.kind is Kind.COMPRESSED:
            carried = _inflated(carried, allowance.most_bytes(content.size))
        found = allowance.entry(carried, declared_type="message/rfc822")
    except (NotCms, zlib.error) as error:
        raise DocumentRefused(Reason.UNREADABLE, words.DAMAGED) from error
    if found is not None:
        yield found


def _carried(whole: Range, structure: Structure) -> Iterator[bytes]:
    for position, length in structure.content():
        piece = whole.part(position, length)
        if piece.is_cut:
            raise NotCms
        yield from piece.chunks()


def _inflated(chunks: Iterator[bytes], most: int) -> Iterator[bytes]:
    inflater = zlib.decompressobj()
    for chunk in chunks:
        waiting = chunk
        while waiting:
            piece = inflater.decompress(waiting, CHUNK_BYTES)
            waiting = inflater.unconsumed_tail
            most -= len(piece)
            if most < 0:
                raise DocumentRefused(Reason.TOO_LARGE, words.BOMB)
            yield piece
    if not inflater.eof:
        raise NotCms
