"""What a mail is and what it is made of, as far as that is known before any of its files is fetched."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from watcher.sources.mailbox.grammar import Malformed, Value, number
from watcher.sources.mailbox.identity import HEADER_ITEMS, Sighting, sighting
from watcher.sources.mailbox.structure import Part, contradiction, files, pages, read_structure

LOOK_ITEMS = f"{HEADER_ITEMS} BODYSTRUCTURE"
SECOND_LOOK_ITEMS = "RFC822.SIZE INTERNALDATE BODYSTRUCTURE"


class Look(Struct, frozen=True, kw_only=True):
    """The first look at a mail."""

    seen: Sighting
    root: Part | None  # None: the mail has to be read whole
    doubt: str | None  # why
    files: tuple[Part, ...] = ()  # of the root
    pages: tuple[Part, ...] = ()  # what it says as HTML


def look(attributes: Mapping[str, Value]) -> Look | None:
    """Of what was fetched by LOOK_ITEMS, or less; None where it does not even say which mail it is."""
    seen = sighting(attributes)
    return None if seen is None else _look(seen, attributes.get("BODYSTRUCTURE"))


def second_look(seen: Sighting, attributes: Mapping[str, Value]) -> Look | None:
    """Of what was fetched by SECOND_LOOK_ITEMS, of a mail whose header is in hand already.

    None where its size or date is not what it was: servers estimate sizes until a mail is read, and a server that
    numbers as it likes may have another mail there.
    """
    if number(attributes.get("RFC822.SIZE")) != seen.size or attributes.get("INTERNALDATE") != seen.dated:
        return None
    return _look(seen, attributes.get("BODYSTRUCTURE"))


def _look(seen: Sighting, structure: Value) -> Look:
    try:
        root = read_structure(structure)
    except Malformed as error:
        return Look(seen=seen, root=None, doubt=str(error))
    doubt = contradiction(root, seen.header, seen.size)
    if doubt is not None:
        return Look(seen=seen, root=None, doubt=doubt)
    said = tuple(part for _, part in pages(root))
    return Look(seen=seen, root=root, doubt=None, files=tuple(files(root)), pages=said)
