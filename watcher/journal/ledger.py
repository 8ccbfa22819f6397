"""Everything that was received, in the order of receipt, for who keeps the books."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import bindparam, or_, select

from watcher.journal.clock import to_ms
from watcher.journal.connection import Connection
from watcher.journal.database import Part, Work
from watcher.journal.deferred import Deferred
from watcher.journal.reading import load
from watcher.journal.tables import submissions
from watcher.model import Submission

CHUNK = 500  # submissions that are loaded together

_Place = tuple[int, int]  # when it was received, and its number
_BEGIN: _Place = (-(2**62), 0)  # before all

# The first condition is what the index of the times is entered by; the second is of those of one millisecond.
_PAGE = Deferred(
    lambda: (
        select(submissions)
        .where(
            submissions.c.received_at >= bindparam("at"),
            or_(submissions.c.received_at > bindparam("at"), submissions.c.seq > bindparam("number")),
        )
        .order_by(submissions.c.received_at, submissions.c.seq)
        .limit(bindparam("size"))
    )
)


class LedgerPart(Part):
    """Implements ReadingJournal.ledger."""

    def ledger(self, since: datetime | None = None) -> Iterator[Submission]:
        """A page at a time, each from one consistent state: a slow reader holds nothing back.

        No submission comes twice, because neither its time nor its number ever changes.
        """
        after: _Place | None = _BEGIN if since is None else (to_ms(since), 0)
        while after is not None:
            page, after = self._database.read(_pager(after))
            yield from page


def _pager(after: _Place) -> Work[tuple[list[Submission], _Place | None]]:
    """A read of one page: its submissions, and the place of the last; None: there are no more."""

    def work(connection: Connection) -> tuple[list[Submission], _Place | None]:
        at, number = after
        rows = connection.execute(_PAGE, {"at": at, "number": number, "size": CHUNK}).all()
        last = (rows[-1].received_at, rows[-1].seq) if len(rows) == CHUNK else None
        return load(connection, rows, with_tries=False), last

    return work
