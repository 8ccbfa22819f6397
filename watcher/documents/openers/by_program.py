"""7z and rar, by bsdtar of libarchive: it makes a tar of them, which comes through a pipe and is never on the disk.

It makes its tar without a word about wrong checksums. So those of a rar are compared here, and a 7z is unpacked to
nowhere before, by a run that does tell.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import IO, TYPE_CHECKING, cast

from msgspec import Struct

from watcher.documents import words
from watcher.documents.confined import Confined, Stopped, confined, found
from watcher.documents.litter import is_litter
from watcher.documents.ranges import Range
from watcher.documents.rar import NamesLocked, NotRar, PackedFile, listed
from watcher.documents.unpacking import Allowance, Entry, Refusal
from watcher.errors import DocumentRefused
from watcher.headers import decode_bytes
from watcher.model import Reason
from watcher.spool import CHUNK_BYTES, Spooled

if TYPE_CHECKING:  # few daemons ever see such an archive
    import tarfile

_PROGRAM = "bsdtar"
_UNPACK = ("-xOf", "-")
_CONVERT = ("-cf", "-", "--format", "pax", "@-")
_LOCKED = (b"is encrypted", b"encryption is not supported")


class _WrongChecksum(Exception):
    """An entry is not what was packed."""


class _Run(Struct, frozen=True, kw_only=True):
    """One archive being opened."""

    program: str
    content: Spooled
    allowance: Allowance

    def start(self, arguments: Sequence[str], *, piped: bool = False) -> AbstractContextManager[Confined]:
        self.allowance.check_time()
        return confined(
            [self.program, *arguments],
            self.content.file(),
            seconds=self.allowance.seconds_left(),
            spend=self.allowance.spend,
            piped=piped,
        )


def open_seven_zip(content: Spooled, allowance: Allowance) -> Generator[Entry | Refusal, None, None]:
    """Every entry that may be or hold a document. Raises DocumentRefused: see `unpacked`."""
    yield from unpacked(content, allowance, "7z")


def open_rar(content: Spooled, allowance: Allowance) -> Generator[Entry | Refusal, None, None]:
    """Every entry that may be or hold a document; one with a wrong checksum is named.

    Raises DocumentRefused: TOO_LARGE (a bomb), TOO_MANY, UNREADABLE (damaged, or the program is not there), and
    ENCRYPTED after the entries that are not.
    """
    run = _prepared(content, allowance, "rar")
    try:
        packed = listed(Range(content.file(), 0, content.size), allowance.count_entry)
    except NamesLocked as error:
        raise DocumentRefused(Reason.ENCRYPTED, words.LOCKED) from error
    except NotRar as error:
        raise DocumentRefused(Reason.UNREADABLE, words.DAMAGED) from error
    if sum(each.size for each in packed) > allowance.most_bytes(content.size):
        raise DocumentRefused(Reason.TOO_LARGE, words.BOMB)
    locked = any(each.locked for each in packed)
    if not all(each.locked for each in packed) or not packed:
        yield from _told_if_stopped(_entries(run, str, packed))
    if locked:
        raise DocumentRefused(Reason.ENCRYPTED, words.LOCKED)


def unpacked(
    content: Spooled, allowance: Allowance, form: str, *, name_of: Callable[[str], str] = str
) -> Iterator[Entry | Refusal]:
    """What the program finds in it; `name_of` gives the name of an entry by what it is called in there.

    Raises DocumentRefused: ENCRYPTED, TOO_LARGE (a bomb), UNREADABLE (damaged, or the program is not there).
    """
    run = _prepared(content, allowance, form)
    yield from _told_if_stopped(_verified(run, name_of))


def _prepared(content: Spooled, allowance: Allowance, form: str) -> _Run:
    program = found(_PROGRAM)
    if program is None:
        raise DocumentRefused(Reason.UNREADABLE, words.unsupported(form))
    return _Run(program=program, content=content, allowance=allowance)


def _told_if_stopped(entries: Iterator[Entry | Refusal]) -> Iterator[Entry | Refusal]:
    import tarfile

    try:
        yield from entries
    except Stopped as error:
        raise DocumentRefused(Reason.TOO_LARGE, words.SLOW) from error
    except tarfile.TarError as error:
        raise DocumentRefused(Reason.UNREADABLE, words.DAMAGED) from error


def _verified(run: _Run, name_of: Callable[[str], str]) -> Iterator[Entry | Refusal]:
    left = run.allowance.most_bytes(run.content.size)
    with run.start(_UNPACK) as running:
        while piece := running.read():
            left -= len(piece)
            if left < 0:
                raise DocumentRefused(Reason.TOO_LARGE, words.BOMB)
        _raise_if_failed(running)
    yield from _entries(run, name_of)


def _raise_if_failed(running: Confined) -> None:
    is_well, said = running.finish()
    if is_well:
        return
    if any(each in said.lower() for each in _LOCKED):
        raise DocumentRefused(Reason.ENCRYPTED, words.LOCKED)
    raise DocumentRefused(Reason.UNREADABLE, words.DAMAGED)


def _entries(
    run: _Run, name_of: Callable[[str], str], packed: Sequence[PackedFile] | None = None
) -> Iterator[Entry | Refusal]:
    """`packed` is what a rar itself says of its entries, in the same order.

    A rar that ends with a zip would be taken for that zip, if the program could look at its end.
    """
    import tarfile

    with run.start(_CONVERT, piped=packed is not None) as running:
        pipe = cast("IO[bytes]", running)  # only its `read` is used
        with tarfile.open(fileobj=pipe, mode="r|", encoding="utf-8", errors="surrogateescape") as archive:
            for number, member in enumerate(archive):
                if packed is None:
                    run.allowance.count_entry()
                own = packed[number] if packed is not None and number < len(packed) else None
                if own is None or not own.locked:
                    yield from _entry(archive, member, run.allowance, name_of, own)
        _raise_if_failed(running)


def _entry(
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    allowance: Allowance,
    name_of: Callable[[str], str],
    own: PackedFile | None,
) -> Iterator[Entry | Refusal]:
    name = name_of(decode_bytes(member.name.encode("utf-8", "surrogateescape")))
    stream = archive.extractfile(member) if member.isreg() else None
    if stream is None or is_litter(name):
        return
    most = allowance.limits.submission
    if member.size > most:
        yield Refusal(name=name, reason=Reason.TOO_LARGE, message=words.too_large(most), size=member.size)
        return
    try:
        entry = allowance.entry(_chunks(stream, own.checksum if own else None), name=name)
    except _WrongChecksum:
        yield Refusal(name=name, reason=Reason.UNREADABLE, message=words.DAMAGED, size=member.size)
        return
    if entry is not None:
        yield entry


def _chunks(stream: IO[bytes], checksum: int | None) -> Iterator[bytes]:
    so_far = 0
    while chunk := stream.read(CHUNK_BYTES):
        so_far = zlib.crc32(chunk, so_far)
        yield chunk
    if checksum is not None and so_far != checksum:
        raise _WrongChecksum
