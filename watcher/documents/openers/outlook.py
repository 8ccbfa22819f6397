"""A mail that Outlook saved (.msg, MS-OXMSG): an OLE compound file with a storage for each attachment.

olefile reads the file's directory; it would believe any number in the header, and hold a stream whole, so that both
are kept from it.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator
from typing import IO, Any

from watcher.documents import mapi, words
from watcher.documents.unpacking import Allowance, Entry, Refusal
from watcher.errors import DocumentRefused
from watcher.mime.part import SAID, SAID_AS_PAGE
from watcher.mime.said import LARGEST_TEXT_BYTES
from watcher.model import Reason
from watcher.spool import CHUNK_BYTES, Spooled

_HEADER_BYTES = 512
_SECTOR_SHIFTS = (9, 12)
_OFFSET_OF_SHIFTS, _OFFSET_OF_TABLES = 30, 44
_ATTACHMENT = "__attach_version1.0_"
_PROPERTIES = "__properties_version1.0"
_VALUE = "__substg1.0_{:04x}{:04x}"
_PROPERTY_HEADER_OF_FILE, _PROPERTY_HEADER_OF_NESTED = 32, 24
_LARGEST_PROPERTIES = 64 * 1024
_DAMAGE = (struct.error, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError)

# As plain text it has nearly all that it says: where its HTML is packed into RTF, links stand behind their words.
_SAID = (
    *((mapi.BODY, kind) for kind in mapi.STRINGS),
    *((mapi.HTML, kind) for kind in (mapi.BINARY, *mapi.STRINGS)),
)

_Node = Any  # olefile has no types: a directory entry
_Path = tuple[str, ...]


class _Damaged(Exception):
    """It is not what its own tables say."""


def open_outlook(content: Spooled, allowance: Allowance) -> Generator[Entry | Refusal, None, None]:
    """Every attachment that may be or hold a document, those of messages attached to it too, and what they say.

    Raises DocumentRefused where the file is damaged; a damaged attachment is named beside the sound ones.
    """
    import olefile

    file = content.file()
    _refuse_forged(file.read(_HEADER_BYTES), content.size)
    try:
        with olefile.OleFileIO(file) as ole:
            yield from _Message(ole, content.size, allowance).entries()
    except (*_DAMAGE, _Damaged) as error:
        raise DocumentRefused(Reason.UNREADABLE, words.DAMAGED) from error
    except OSError as error:
        _raise_if_ours(error)
        raise DocumentRefused(Reason.UNREADABLE, words.DAMAGED) from error


def _refuse_forged(header: bytes, size: int) -> None:
    """Sectors of a size that none has, or more tables than the file has room for, would fill the memory."""
    try:
        shift, mini_shift = struct.unpack_from("<HH", header, _OFFSET_OF_SHIFTS)
        tables = struct.unpack_from("<I", header, _OFFSET_OF_TABLES)[0]
    except struct.error as error:
        raise DocumentRefused(Reason.UNREADABLE, words.DAMAGED) from error
    covered = (1 << shift) ** 2 // 4 if shift in _SECTOR_SHIFTS else 1
    if shift not in _SECTOR_SHIFTS or mini_shift >= shift or tables > size // covered + 2:
        raise DocumentRefused(Reason.UNREADABLE, words.DAMAGED)


def _raise_if_ours(error: OSError) -> None:
    """olefile's own errors are OSErrors without a number; one with a number is the disk's."""
    if error.errno is not None:
        raise error


class _Message:
    def __init__(self, ole: Any, size: int, allowance: Allowance) -> None:
        self._ole = ole
        self._size = size
        self._allowance = allowance

    def entries(self) -> Iterator[Entry | Refusal]:
        """Depth first, without recursion."""
        waiting: list[tuple[_Node, _Path, str | None]] = [(self._ole.root, (), None)]
        while waiting:
            message, path, name = waiting.pop()
            code_page = self._code_page(message, path)
            yield from self._said(message, path, code_page)
            nested: list[tuple[_Node, _Path, str | None]] = []
            is_empty = True
            for attachment in message.kids:
                if not attachment.name.lower().startswith(_ATTACHMENT):
                    continue
                self._allowance.count_entry()
                place = (*path, attachment.name)
                inner = attachment.kids_dict.get(_VALUE.format(mapi.DATA, mapi.OBJECT))
                if inner is not None and _PROPERTIES in inner.kids_dict:
                    nested.append((inner, (*place, inner.name), self._name(attachment, place, code_page)))
                elif (found := self._attachment(attachment, place, code_page)) is not None:
                    is_empty = False
                    yield found
            if path and is_empty and not nested:
                self._allowance.leave_out_mail(name)
            waiting.extend(reversed(nested))

    def _said(self, message: _Node, path: _Path, code_page: int | None) -> Iterator[Entry]:
        """What it says, for whoever looks for files and links in that. What cannot be read of it says nothing."""
        for identifier, kind in _SAID:
            stream = message.kids_dict.get(_VALUE.format(identifier, kind))
            if stream is None:
                continue
            self._allowance.count_entry()
            try:
                raw = self._beginning(stream, (*path, stream.name))
            except (*_DAMAGE, _Damaged):
                continue
            except OSError as error:
                _raise_if_ours(error)
                continue
            text = mapi.text(kind, raw, code_page).encode("utf-8", "replace")
            declared = SAID if identifier == mapi.BODY else SAID_AS_PAGE
            if (found := self._allowance.entry([text], declared_type=declared)) is not None:
                yield found

    def _beginning(self, stream: _Node, path: _Path) -> bytes:
        gathered = bytearray()
        for chunk in self._chunks(stream, path):
            gathered += chunk
            if len(gathered) >= LARGEST_TEXT_BYTES:
                break
        return bytes(gathered[:LARGEST_TEXT_BYTES])

    def _name(self, attachment: _Node, path: _Path, code_page: int | None) -> str | None:
        """Of a message that is attached: its subject. None where that cannot be read."""
        try:
            return mapi.file_name(self._strings(attachment, path, code_page))
        except (*_DAMAGE, _Damaged):
            return None
        except OSError as error:
            _raise_if_ours(error)
            return None

    def _attachment(self, attachment: _Node, path: _Path, code_page: int | None) -> Entry | Refusal | None:
        strings: dict[int, str] = {}
        try:
            strings = self._strings(attachment, path, code_page)
            data = attachment.kids_dict.get(_VALUE.format(mapi.DATA, mapi.BINARY))
            name, declared = mapi.file_name(strings), strings.get(mapi.MIME_TAG)
            if data is None:
                return self._allowance.without_bytes(name)
            chunks = self._chunks(data, (*path, data.name))
            return self._allowance.entry(chunks, name=name, declared_type=declared)
        except (*_DAMAGE, _Damaged):
            pass
        except OSError as error:
            _raise_if_ours(error)
        return Refusal(name=mapi.file_name(strings), reason=Reason.UNREADABLE, message=words.DAMAGED)

    def _strings(self, attachment: _Node, path: _Path, code_page: int | None) -> dict[int, str]:
        found: dict[int, str] = {}
        for identifier in (mapi.LONG_FILE_NAME, mapi.FILE_NAME, mapi.DISPLAY_NAME, mapi.MIME_TAG):
            for kind in mapi.STRINGS:
                value = attachment.kids_dict.get(_VALUE.format(identifier, kind))
                if value is not None and identifier not in found:
                    raw = self._small(value, (*path, value.name), mapi.LONGEST_STRING)
                    found[identifier] = mapi.text(kind, raw, code_page)
        return found

    def _code_page(self, message: _Node, path: _Path) -> int | None:
        """Of its strings that are not Unicode."""
        stream = message.kids_dict.get(_PROPERTIES)
        if stream is None:
            return None
        raw = self._small(stream, (*path, stream.name), _LARGEST_PROPERTIES)
        begin = _PROPERTY_HEADER_OF_NESTED if path else _PROPERTY_HEADER_OF_FILE
        entries = raw[begin : begin + (len(raw) - begin) // 16 * 16] if len(raw) > begin else b""
        numbers = {tag >> 16: value for tag, _flags, value, _rest in struct.iter_unpack("<IIII", entries)}
        return numbers.get(mapi.MESSAGE_CODE_PAGE) or numbers.get(mapi.INTERNET_CODE_PAGE)

    def _small(self, stream: _Node, path: _Path, most: int) -> bytes:
        if stream.size > most:
            return b""
        return b"".join(self._chunks(stream, path))

    def _chunks(self, stream: _Node, path: _Path) -> Iterator[bytes]:
        """The bytes of a stream, by its chain of sectors. Raises _Damaged where that is not so long."""
        if stream.size > self._size:
            raise _Damaged
        if stream.size < self._ole.minisectorcutoff:
            yield self._ole.openstream(list(path)).read()
            return
        sector, left, gathered = stream.isectStart, stream.size, bytearray()
        while left:
            piece = self._sector(sector)[:left]
            if len(piece) < min(left, self._ole.sectorsize):
                raise _Damaged
            gathered += piece
            left -= len(piece)
            sector = self._ole.fat[sector]
            if len(gathered) >= CHUNK_BYTES:
                yield bytes(gathered)
                gathered.clear()
        yield bytes(gathered)

    def _sector(self, number: int) -> bytes:
        if not 0 <= number < len(self._ole.fat):
            raise _Damaged
        file: IO[bytes] = self._ole.fp
        file.seek((number + 1) * self._ole.sectorsize)
        return file.read(self._ole.sectorsize)
