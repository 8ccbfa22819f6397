"""winmail.dat (MS-OXTNEF): what Outlook makes of the attachments of a mail in its own format.

Read by ranges, and not with a library: the ones there are hold it several times, and take a cut file for a whole one.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator

from msgspec import Struct, field

from watcher.documents import mapi, words
from watcher.documents.ranges import Range
from watcher.documents.unpacking import Allowance, Entry, Refusal
from watcher.errors import DocumentRefused
from watcher.model import Reason
from watcher.spool import Spooled

_BEGIN = 6  # signature and key
_ATTRIBUTE = struct.Struct("<BHHI")  # level, name, type, octets
_CHECKSUM = 2  # not looked at: Outlook does not either, and some writers get it wrong
_OF_MESSAGE, _OF_ATTACHMENT = 1, 2
_OLD_NAMES, _NAMES = range(0x10), range(0x8000, 0x9100)
_DATA, _TITLE, _BEGINS, _PROPERTIES, _CODE_PAGE = 0x800F, 0x8010, 0x9002, 0x9005, 0x9007
_INTERFACE = 16  # before an embedded object stands which one it is
_FIXED = {0x0002: 4, 0x0003: 4, 0x0004: 4, 0x000A: 4, 0x000B: 4, 0x0048: 16}
_FIXED |= dict.fromkeys((0x0005, 0x0006, 0x0007, 0x0014, 0x0040), 8)
_MANY = 0x1000
_VARIABLE = (0x0000, mapi.OBJECT, mapi.STRING8, mapi.UNICODE, mapi.BINARY)
_NAMED = 0x8000
_MOST_PROPERTIES = 10_000


class _Cut(Exception):
    """It ends within something."""


class _Attachment(Struct):
    """What is known of the attachment that is being read."""

    title: str | None = None
    strings: dict[int, str] = field(default_factory=dict)
    data: Range | None = None
    is_cut: bool = False

    @property
    def name(self) -> str | None:
        return mapi.file_name(self.strings, self.title)


def open_tnef(content: Spooled, allowance: Allowance) -> Generator[Entry | Refusal, None, None]:
    """Every attachment that may be or hold a document; an embedded message is such a file in itself."""
    for attachment in _attachments(Range(content.file(), 0, content.size), allowance):
        allowance.count_entry()
        if attachment.is_cut:
            yield Refusal(name=attachment.name, reason=Reason.UNREADABLE, message=words.DAMAGED)
            continue
        found = _taken(attachment, allowance)
        if found is not None:
            yield found


def _taken(attachment: _Attachment, allowance: Allowance) -> Entry | Refusal | None:
    if attachment.data is None:
        return allowance.without_bytes(attachment.name)
    declared = attachment.strings.get(mapi.MIME_TAG)
    return allowance.entry(attachment.data.chunks(), name=attachment.name, declared_type=declared)


def _attachments(whole: Range, allowance: Allowance) -> Iterator[_Attachment]:
    code_page: int | None = None
    current: _Attachment | None = None
    for level, name, data in _attributes(whole, allowance):
        if name == _CODE_PAGE and data.size >= 4:  # noqa: PLR2004 - a number of 32 bits
            code_page = _number(data, 0)
        if level != _OF_ATTACHMENT:
            continue
        if current is None or name == _BEGINS:
            if current is not None:
                yield current
            current = _Attachment()
        _read_attribute(current, name, data, code_page)
    if current is not None:
        yield current


def _attributes(whole: Range, allowance: Allowance) -> Iterator[tuple[int, int, Range]]:
    """Level, name and data of each; the last one may be shorter than it says. What is no attribute ends them.

    Raises DocumentRefused where it is cut before the attachments.
    """
    position = _BEGIN
    while position + _ATTRIBUTE.size <= whole.size:
        allowance.check_time()
        level, name, _kind, octets = _ATTRIBUTE.unpack(whole.read(position, _ATTRIBUTE.size))
        if level not in (_OF_MESSAGE, _OF_ATTACHMENT) or not (name in _OLD_NAMES or name in _NAMES):
            return
        data = whole.part(position + _ATTRIBUTE.size, octets)
        yield level, name, data
        if data.is_cut and level == _OF_MESSAGE:
            raise DocumentRefused(Reason.UNREADABLE, words.DAMAGED)
        position += _ATTRIBUTE.size + octets + _CHECKSUM


def _read_attribute(attachment: _Attachment, name: int, data: Range, code_page: int | None) -> None:
    if data.is_cut:
        attachment.is_cut = attachment.data is None or name == _DATA
    elif name == _TITLE:
        attachment.title = mapi.text(mapi.STRING8, data.read(0, mapi.LONGEST_STRING), code_page)
    elif name == _DATA:
        attachment.data = data
    elif name == _PROPERTIES:
        try:
            _read_properties(attachment, data, code_page)
        except (_Cut, struct.error):
            attachment.is_cut = attachment.data is None


def _read_properties(attachment: _Attachment, data: Range, code_page: int | None) -> None:
    for identifier, kind, value in _properties(data):
        if kind in mapi.STRINGS:
            raw = value.read(0, mapi.LONGEST_STRING)
            attachment.strings.setdefault(identifier, mapi.text(kind, raw, code_page))
        elif identifier == mapi.DATA and kind == mapi.OBJECT:
            attachment.data = value.part(_INTERFACE, max(value.size - _INTERFACE, 0))
        elif identifier == mapi.DATA and kind == mapi.BINARY:
            attachment.data = value


def _properties(data: Range) -> Iterator[tuple[int, int, Range]]:
    """Identifier, type and value of each that is of a variable length. Raises _Cut."""
    position = 4
    for _ in range(min(_number(data, 0), _MOST_PROPERTIES)):
        kind, identifier = struct.unpack("<HH", _exactly(data, position, 4))
        position += 4
        if identifier >= _NAMED:
            position = _after_name(data, position)
        base, many = kind & ~_MANY, bool(kind & _MANY)
        if base in _FIXED:
            count, position = (_number(data, position), position + 4) if many else (1, position)
            position += _FIXED[base] * count
            continue
        if base not in _VARIABLE:
            return
        count, position = _number(data, position), position + 4
        for _value in range(min(count, _MOST_PROPERTIES)):
            octets = _number(data, position)
            value = data.part(position + 4, octets)
            if value.is_cut:
                raise _Cut
            position += 4 + octets + -octets % 4
            yield identifier, base, value


def _after_name(data: Range, position: int) -> int:
    """Where a property that is known by a name begins: after a GUID and a number or a text."""
    kind, length = struct.unpack("<II", _exactly(data, position + 16, 8))
    return position + 24 + (length + -length % 4 if kind else 0)


def _number(data: Range, position: int) -> int:
    return int.from_bytes(_exactly(data, position, 4), "little")


def _exactly(data: Range, position: int, length: int) -> bytes:
    found = data.read(position, length)
    if len(found) < length:
        raise _Cut
    return found
