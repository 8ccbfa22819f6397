"""Mails as Outlook saves them (.msg) and packs them (winmail.dat), made of bytes."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

_FREE, _END, _FAT, _LIST = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFC
_IN_HEADER, _IN_LIST = 109, 127
_NONE = 0xFFFFFFFF
_SECTOR, _MINI, _CUTOFF = 512, 64, 4096
MESSAGE_CLASS = bytes.fromhex("0b0d020000000000c000000000000046")
MESSAGE_INTERFACE = bytes.fromhex("0703020000000000c000000000000046")
LONG_NAME, SHORT_NAME, DISPLAY_NAME, DATA, MIME_TAG = 0x3707, 0x3704, 0x3001, 0x3701, 0x370E

Tree = dict[str, "bytes | Tree"]


# ------------------------------------------------------------------------------------ compound files


@dataclass(slots=True)
class _Entry:
    name: str
    kind: int  # 1 a storage, 2 a stream, 5 the root
    child: int = _NONE
    right: int = _NONE
    start: int = _END
    size: int = 0
    data: bytes = b""


@dataclass(slots=True)
class _Layout:
    entries: list[_Entry] = field(default_factory=list)
    fat: list[int] = field(default_factory=list)
    sectors: list[bytes] = field(default_factory=list)

    def chain(self, data: bytes) -> int:
        """Put data into new sectors; the first of them."""
        if not data:
            return _END
        first, count = len(self.sectors), -(-len(data) // _SECTOR)
        for number in range(count):
            self.sectors.append(data[number * _SECTOR : (number + 1) * _SECTOR].ljust(_SECTOR, b"\0"))
            self.fat.append(first + number + 1 if number + 1 < count else _END)
        return first


def compound_file(tree: Tree, *, root_class: bytes = MESSAGE_CLASS) -> bytes:
    """An OLE compound file of version 3: bytes are streams, mappings are storages."""
    layout = _Layout()
    layout.entries.append(_Entry("Root Entry", 5))
    _add(layout, 0, tree)
    mini, mini_fat = _mini_streams(layout)
    for entry in layout.entries:
        if entry.kind == 2 and entry.size >= _CUTOFF:
            entry.start = layout.chain(entry.data)
    layout.entries[0].start, layout.entries[0].size = layout.chain(mini), len(mini)
    mini_start = layout.chain(struct.pack(f"<{len(mini_fat)}I", *mini_fat))
    directory = layout.chain(b"".join(_directory_entry(entry, root_class) for entry in layout.entries))
    return _assembled(layout, directory, mini_start, -(-len(mini_fat) * 4 // _SECTOR))


def _add(layout: _Layout, parent: int, tree: Tree) -> None:
    previous = None
    for name, value in tree.items():
        number = len(layout.entries)
        entry = _Entry(name, 1) if isinstance(value, dict) else _Entry(name, 2, size=len(value), data=value)
        layout.entries.append(entry)
        if previous is None:
            layout.entries[parent].child = number
        else:
            layout.entries[previous].right = number
        previous = number
        if isinstance(value, dict):
            _add(layout, number, value)


def _mini_streams(layout: _Layout) -> tuple[bytes, list[int]]:
    mini = b""
    mini_fat: list[int] = []
    for entry in layout.entries:
        if entry.kind == 2 and 0 < entry.size < _CUTOFF:
            entry.start, count = len(mini_fat), -(-entry.size // _MINI)
            mini_fat += [*range(entry.start + 1, entry.start + count), _END]
            mini += entry.data.ljust(count * _MINI, b"\0")
    return mini, mini_fat


def _directory_entry(entry: _Entry, root_class: bytes) -> bytes:
    name = entry.name.encode("utf-16-le")
    head = name.ljust(64, b"\0") + struct.pack("<HBB", len(name) + 2, entry.kind, 1)
    links = struct.pack("<III", _NONE, entry.right, entry.child)
    identity = root_class if entry.kind == 5 else bytes(16)
    return head + links + identity + bytes(20) + struct.pack("<IQ", entry.start, entry.size)


def _assembled(layout: _Layout, directory: int, mini_start: int, mini_sectors: int) -> bytes:
    """The header names the first 109 tables of sectors; further sectors, in a chain, name the rest."""
    tables, lists = 1, 0
    while (len(layout.sectors) + tables + lists) * 4 > tables * _SECTOR:
        tables += 1
        lists = -(-max(tables - _IN_HEADER, 0) // _IN_LIST)
    first = len(layout.sectors)
    fat = [*layout.fat, *[_FAT] * tables, *[_LIST] * lists]
    fat += [_FREE] * (tables * _SECTOR // 4 - len(fat))
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    header += struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    first_list = first + tables if lists else _END
    header += struct.pack("<9I", 0, tables, directory, 0, _CUTOFF, mini_start, mini_sectors, first_list, lists)
    places = list(range(first, first + tables))
    header += _numbers(places[:_IN_HEADER], _IN_HEADER)
    body = b"".join(layout.sectors) + _numbers(fat, len(fat))
    for number in range(lists):
        begin = _IN_HEADER + number * _IN_LIST
        following = first_list + number + 1 if number + 1 < lists else _END
        body += _numbers(places[begin : begin + _IN_LIST], _IN_LIST) + struct.pack("<I", following)
    return header + body


def _numbers(values: list[int], count: int) -> bytes:
    return struct.pack(f"<{count}I", *values, *[_FREE] * (count - len(values)))


# ------------------------------------------------------------------------------------------ .msg


def outlook_message(
    *attachments: Tree, code_page: int | None = None, nested: bool = False, said: Mapping[str, bytes] | None = None
) -> Tree:
    """The tree of a .msg, to be put into a file by `compound_file` or into another message by `attached_message`.

    `said`: what it says, by the property and its type.
    """
    properties = bytes(24 if nested else 32)
    if code_page is not None:
        properties += struct.pack("<IIII", 0x3FFD0003, 6, code_page, 0)
    tree: Tree = {"__properties_version1.0": properties}
    for property_and_type, data in (said or {}).items():
        tree[f"__substg1.0_{property_and_type}"] = data
    for number, attachment in enumerate(attachments):
        tree[f"__attach_version1.0_#{number:08X}"] = attachment
    return tree


def attached_file(data: bytes, name: str | bytes | None, *, mime: str | None = None) -> Tree:
    """A name in bytes is stored as it is, in whatever code page."""
    tree: Tree = {"__properties_version1.0": bytes(8), "__substg1.0_37010102": data}
    if isinstance(name, bytes):
        tree["__substg1.0_3707001E"] = name
    elif name is not None:
        tree["__substg1.0_3707001F"] = name.encode("utf-16-le")
        tree["__substg1.0_3704001F"] = "SHORT~1.PDF".encode("utf-16-le")
    if mime is not None:
        tree["__substg1.0_370E001F"] = mime.encode("utf-16-le")
    return tree


def attached_message(message: Tree, subject: str | None = None) -> Tree:
    tree: Tree = {"__properties_version1.0": bytes(8), "__substg1.0_3701000D": message}
    if subject is not None:
        tree["__substg1.0_3001001F"] = subject.encode("utf-16-le")
    return tree


# --------------------------------------------------------------------------------------- winmail.dat


def tnef(*attributes: bytes) -> bytes:
    """A winmail.dat of these attributes."""
    return struct.pack("<IH", 0x223E9F78, 1) + b"".join(attributes)


def tnef_attribute(level: int, name: int, data: bytes, *, kind: int = 6) -> bytes:
    return struct.pack("<BHHI", level, name, kind, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def tnef_file(data: bytes, title: bytes) -> bytes:
    """An attachment: its begin, its title, its data."""
    return (
        tnef_attribute(2, 0x9002, bytes(14))
        + tnef_attribute(2, 0x8010, title + b"\0")
        + tnef_attribute(2, 0x800F, data)
    )
