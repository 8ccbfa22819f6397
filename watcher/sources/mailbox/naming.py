"""The names of files where the server's word on them is in doubt.

Mailers write names without the quotation marks that these need, or leave one out. Servers then end the
name where the grammar ends it (``filename=增值税 发票.pdf`` becomes 增值税), or tell none. The header of the
part itself still has all of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from watcher.headers import MailHeader, file_name, read_header
from watcher.sources.mailbox.grammar import Value
from watcher.sources.mailbox.reading import piece_of
from watcher.sources.mailbox.structure import Part

_MOST_PARTS = 20  # of one mail: servers limit the length of a command
_HEADER_BYTES = 64 * 1024
_WHOLE_NAME = re.compile(r"[^:]+\.[A-Za-z][A-Za-z0-9]{2,4}")  # a colon: a path whose backslashes are lost


def doubtful(parts: Sequence[Part]) -> list[Part]:
    """Those whose names may be cut off, as many as are asked for at once."""
    wanting = [part for part in parts if part.name is None or not _WHOLE_NAME.fullmatch(part.name)]
    return [part for part in wanting if not part.has_no_name][:_MOST_PARTS]


def naming_items(parts: Sequence[Part]) -> str:
    """What FETCH is to be asked for."""
    return " ".join(f"{_item(part)}<0.{_HEADER_BYTES}>" for part in parts)


def named(part: Part, attributes: Mapping[str, Value]) -> Part:
    """By the part's own header, where that was fetched and has a name."""
    piece = piece_of(attributes, _item(part), 0)
    return named_by(part, read_header(piece[0])) if piece is not None else part


def named_by(part: Part, header: MailHeader) -> Part:
    found = file_name(header.fields)
    return replace(part, name=found) if found else part


def _item(part: Part) -> str:
    return f"BODY.PEEK[{part.section}.MIME]"
