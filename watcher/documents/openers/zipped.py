"""Zip archives: as Windows, macOS and invoice platforms make them, and as attackers do."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Generator, Iterator
from typing import IO

from watcher.documents import words
from watcher.documents.directory import entry_name, opened
from watcher.documents.sniff import HEAD_BYTES
from watcher.documents.unpacking import Allowance, Entry, Refusal
from watcher.errors import DocumentRefused
from watcher.model import Reason
from watcher.spool import CHUNK_BYTES, Spooled

_ENCRYPTED_FLAG = 0x1
_UNIX = 3
# Small things compress well without being a bomb.
_SMALL_BYTES = 1_000_000
# bzip2 and LZMA are left out: they are rare here, and their decoders give or take memory without bounds.
_METHODS = {zipfile.ZIP_STORED: "stored", zipfile.ZIP_DEFLATED: "deflate"}
_METHOD_NAMES = {9: "deflate64", 12: "bzip2", 14: "LZMA", 93: "zstd", 95: "xz", 98: "PPMd"}
_LITTER = ("thumbs.db", "desktop.ini", ".ds_store")
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError)


def open_zip(content: Spooled, allowance: Allowance) -> Generator[Entry | Refusal, None, None]:
    """Every entry that may be or hold a document, in the directory's order.

    Raises DocumentRefused: UNREADABLE (damaged), TOO_LARGE (a bomb), TOO_MANY, and ENCRYPTED after the entries
    that are not.
    """
    locked = False
    try:
        with opened(content) as archive:
            files = [info for info in archive.infolist() if not _is_litter(info)]
            _refuse_bomb(files, content.size, allowance)
            for info in files:
                allowance.count_entry()
                if info.flag_bits & _ENCRYPTED_FLAG:
                    locked = True
                elif info.compress_type not in _METHODS:
                    yield _unknown_method(info)
                else:
                    yield from _entry(archive, info, allowance)
    except zipfile.BadZipFile as error:
        raise DocumentRefused(Reason.UNREADABLE, words.DAMAGED) from error
    if locked:
        raise DocumentRefused(Reason.ENCRYPTED, words.LOCKED)


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, allowance: Allowance) -> Iterator[Entry | Refusal]:
    name = entry_name(info)
    try:
        with archive.open(info) as stream:
            head = stream.read(HEAD_BYTES)
            if not allowance.wants(head):
                return
            largest = allowance.largest(head)
            if info.file_size > largest:
                yield Refusal(name=name, reason=Reason.TOO_LARGE, message=words.too_large(largest), size=info.file_size)
                return
            content = allowance.spool(_chunks(head, stream))
    except _DAMAGE:
        yield Refusal(name=name, reason=Reason.UNREADABLE, message=words.DAMAGED, size=info.file_size)
        return
    yield Entry(name=name, content=content)


def _chunks(head: bytes, stream: IO[bytes]) -> Iterator[bytes]:
    """zipfile gives no more bytes than the directory declares, and then compares the checksum."""
    yield head
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


def _refuse_bomb(files: list[zipfile.ZipInfo], packed: int, allowance: Allowance) -> None:
    declared = sum(info.file_size for info in files)
    if declared > max(_SMALL_BYTES, packed * allowance.limits.archive_ratio):
        raise DocumentRefused(Reason.TOO_LARGE, words.BOMB)


def _unknown_method(info: zipfile.ZipInfo) -> Refusal:
    form = f"zip ({_METHOD_NAMES.get(info.compress_type, f'method {info.compress_type}')})"
    return Refusal(
        name=entry_name(info), reason=Reason.UNREADABLE, message=words.unsupported(form), size=info.file_size
    )


def _is_litter(info: zipfile.ZipInfo) -> bool:
    """Folders (which are empty, whatever their name looks like), links, and what systems put beside the files."""
    if info.file_size == 0:
        return True
    if info.create_system == _UNIX and stat.S_ISLNK(info.external_attr >> 16):
        return True
    *folders, last = entry_name(info).replace("\\", "/").lower().split("/")
    return "__macosx" in folders or last.startswith(("._", "~$")) or last in _LITTER
