"""What a mail is and what it is made of, as far as that is known before any of its files is fetched."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from watcher.sources.mailbox.grammar import Malformed, Value
from watcher.sources.mailbox.identity import HEADER_ITEMS, Sighting, sighting
from watcher.sources.mailbox.structure import Part, contradiction, files, read_structure

LOOK_ITEMS = f"{HEADER_ITEMS} BODYSTRUCTURE"


class Look(Struct, frozen=True, kw_only=True):
    """The first look at a mail."""

    seen: Sighting
    root: Part | None  # None: the mail has to be read whole
    doubt: str | None  # why
    files: tuple[Part, ...] = ()  # of the root


def look(attributes: Mapping[str, Value]) -> Look | None:
    """Of what was fetched by LOOK_ITEMS, or less; None where it does not even say which mail it is."""
    seen = sighting(attributes)
    if seen is None:
        return None
    try:
        root = read_structure(attributes.get("BODYSTRUCTURE"))
    except Malformed as error:
        return Look(seen=seen, root=None, doubt=str(error))
    doubt = contradiction(root, seen.header, seen.size)
    if doubt is not None:
        return Look(seen=seen, root=None, doubt=doubt)
    return Look(seen=seen, root=root, doubt=None, files=tuple(files(root)))
