"""What a server says of itself and lets us do, asked without changing anything there."""

from __future__ import annotations

import contextlib
import time

from imap_tools.utils import encode_folder

from watcher.sources.mailbox.connection import CommandRefused
from watcher.sources.mailbox.grammar import number
from watcher.sources.mailbox.session import Session
from watcher.sources.mailbox.wakeup import Wakeup

_QUOTA_FIELDS = 3  # name, used, limit

Usage = tuple[str, int, int]


def quota(session: Session, folder: str) -> list[Usage]:
    """What is limited where the folder lies (STORAGE in KiB, MESSAGE), how much is used, and the limit."""
    if not session.has("QUOTA"):
        return []
    found = []
    with contextlib.suppress(CommandRefused):
        for line in session.untagged("GETQUOTAROOT", encode_folder(folder), answer="QUOTA"):
            limits = line[-1] if line and isinstance(line[-1], list) else []
            for at in range(0, len(limits) - _QUOTA_FIELDS + 1, _QUOTA_FIELDS):
                name, used, limit = limits[at], number(limits[at + 1]), number(limits[at + 2])
                if isinstance(name, bytes) and used is not None and limit:
                    found.append((name.decode("ascii", "replace").upper(), used, limit))
    return found


class Rights:
    """Our rights on a folder (RFC 4314)."""

    def __init__(self, letters: str) -> None:
        self._letters = frozenset(letters)

    @classmethod
    def on(cls, session: Session, folder: str) -> Rights | None:
        """None where the server does not tell."""
        if not session.has("ACL"):
            return None
        with contextlib.suppress(CommandRefused):
            lines = session.untagged("MYRIGHTS", encode_folder(folder))
            told = lines[0][-1] if lines and lines[0] else None
            return cls(told.decode("ascii", "replace")) if isinstance(told, bytes) else None
        return None

    @property
    def to_take_out(self) -> bool:
        """Mails may be moved away. `d` is what RFC 2086 had for both."""
        return "d" in self._letters or {"t", "e"} <= self._letters

    @property
    def to_put_in(self) -> bool:
        return "i" in self._letters

    @property
    def to_flag(self) -> bool:
        return {"s", "w"} <= self._letters

    @property
    def to_make_below(self) -> bool:
        return bool(self._letters & {"k", "c"})


def seconds_to_idle(session: Session) -> float:
    """How long the server took to accept IDLE and its end, in the folder that is selected. Raises as a session does."""
    wakeup = Wakeup()
    begun = time.monotonic()
    try:
        session.idle(0.0, wakeup.fileno())
    finally:
        wakeup.close()
    return time.monotonic() - begun
