"""Zip archives: as Windows, macOS and invoice platforms make them, and as attackers do."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Generator, Iterator
from typing import IO

from watcher.documents import words
from watcher.documents.directory import entry_name, opened, opened_entry
from watcher.documents.litter import is_litter
from watcher.documents.openers.repacked import open_repacked
from watcher.documents.sniff import HEAD_BYTES
from watcher.documents.unpacking import Allowance, Entry, Refusal
from watcher.errors import DocumentRefused
from watcher.model import Reason
from watcher.spool import CHUNK_BYTES, Spooled

_ENCRYPTED_FLAG = 0x1
_UNIX = 3
# Python's decoders of bzip2 and LZMA give or take memory without bounds.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError)


def open_zip(content: Spooled, allowance: Allowance) -> Generator[Entry | Refusal, None, None]:
    """Every entry that may be or hold a document, in the directory's order, those that are packed in odd ways last.

    Raises DocumentRefused: UNREADABLE (damaged), TOO_LARGE (a bomb), TOO_MANY, and ENCRYPTED after the entries
    that are not.
    """
    locked, odd = False, dict[int, list[zipfile.ZipInfo]]()
    try:
        with opened(content) as archive:
            files = [info for info in archive.infolist() if not _is_litter(info, allowance)]
            _refuse_bomb(files, content.size, allowance)
            for info in files:
                if info.flag_bits & _ENCRYPTED_FLAG:
                    locked = True
                elif info.compress_type in _METHODS:
                    allowance.count_entry()
                    yield from _entry(archive, info, allowance)
                elif info.file_size > allowance.limits.submission:
                    yield _too_large(info, allowance.limits.submission)
                else:
                    odd.setdefault(info.compress_type, []).append(info)
    except zipfile.BadZipFile as error:
        raise DocumentRefused(Reason.UNREADABLE, words.DAMAGED) from error
    for infos in odd.values():
        yield from open_repacked(content, infos, allowance)
    if locked:
        raise DocumentRefused(Reason.ENCRYPTED, words.LOCKED)


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, allowance: Allowance) -> Iterator[Entry | Refusal]:
    name = entry_name(info)
    try:
        with opened_entry(archive, info) as stream:
            head = stream.read(HEAD_BYTES)
            if not allowance.wants(head, name=name):
                allowance.leave_out(head, info.file_size, name=name)
                return
            largest = allowance.largest(head)
            if info.file_size > largest:
                yield _too_large(info, largest)
                return
            content = allowance.spool(_chunks(head, stream))
    except _DAMAGE:
        yield Refusal(name=name, reason=Reason.UNREADABLE, message=words.DAMAGED, size=info.file_size)
        return
    yield Entry(name=name, content=content)


def _too_large(info: zipfile.ZipInfo, most: int) -> Refusal:
    return Refusal(name=entry_name(info), reason=Reason.TOO_LARGE, message=words.too_large(most), size=info.file_size)


def _chunks(head: bytes, stream: IO[bytes]) -> Iterator[bytes]:
    """zipfile gives no more bytes than the directory declares, and then compares the checksum."""
    yield head
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


def _refuse_bomb(files: list[zipfile.ZipInfo], packed: int, allowance: Allowance) -> None:
    if sum(info.file_size for info in files) > allowance.most_bytes(packed):
        raise DocumentRefused(Reason.TOO_LARGE, words.BOMB)


def _is_litter(info: zipfile.ZipInfo, allowance: Allowance) -> bool:
    """Folders, what is empty and nobody misses, links, and what systems put beside the files."""
    name = entry_name(info)
    if info.file_size == 0 and (name.endswith(("/", "\\")) or not allowance.is_claimed(name)):
        return True
    if info.create_system == _UNIX and stat.S_ISLNK(info.external_attr >> 16):
        return True
    return is_litter(name)
