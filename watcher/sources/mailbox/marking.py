"""The commands that mark and move answered mails of the folder that is selected; one mail or many."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

from watcher.sources.mailbox.connection import CommandRefused
from watcher.sources.mailbox.finding import DONE_KEYWORD
from watcher.sources.mailbox.folders import Folders
from watcher.sources.mailbox.grammar import Value
from watcher.sources.mailbox.identity import HEADER_ITEMS
from watcher.sources.mailbox.session import Session

LYING_ITEMS = f"{HEADER_ITEMS} FLAGS"  # asked of a mail before it is moved: which it is, and whether it is there


def mark_seen(session: Session, uids: Sequence[int]) -> None:
    with contextlib.suppress(CommandRefused):
        session.store(uids, r"\Seen")


def mark_done(session: Session, uids: Sequence[int]) -> None:
    """Where they stay."""
    try:
        session.store(uids, rf"\Seen {DONE_KEYWORD}")
    except CommandRefused:  # no keywords here; the journal knows it all the same
        session.store(uids, r"\Seen")


def move_into(session: Session, folders: Folders, uids: Sequence[int], target: str) -> Sequence[int]:
    """Those that were moved. Whether there is such a folder is asked when the server refuses, not before each move."""
    name = folders.name(target)
    try:
        return session.move(uids, name)
    except CommandRefused:
        if folders.exists(target):
            raise
        folders.make(target)
        return session.move(uids, name)


def is_deleted(attributes: Mapping[str, Value]) -> bool:
    """Whether a FETCH response with FLAGS has it marked so: it is not expunged yet."""
    flags = attributes.get("FLAGS")
    words = flags if isinstance(flags, list) else []
    return any(isinstance(word, bytes) and word.lower() == b"\\deleted" for word in words)
