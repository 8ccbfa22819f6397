"""What is left of sources that nobody has any more: they were renamed in the configuration, or taken out of it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select, text

from watcher.journal.clock import from_ms, now_ms
from watcher.journal.connection import Connection
from watcher.journal.database import Part
from watcher.journal.deferred import Deferred
from watcher.journal.tables import sources, submissions
from watcher.model import Backlog

_UNCLOSED = Deferred(
    lambda: (
        select(submissions.c.source, func.count(), func.min(submissions.c.recorded_at))
        .where(text("submissions.state <> 'closed'"))
        .group_by(submissions.c.source)
        .order_by(submissions.c.source)
    )
)
_LOOKED_AFTER = Deferred(lambda: select(sources.c.name).where(sources.c.claimed, sources.c.due_at > now_ms()))


class StrayPart(Part):
    """Implements what the journal has on strays."""

    def strays(self, sources: Collection[str]) -> dict[str, Backlog]:
        return self._database.read(lambda connection: read_strays(connection, sources))


def read_strays(connection: Connection, ours: Collection[str]) -> dict[str, Backlog]:
    """By source, the submissions that are not closed, where it is neither ours nor looked after by another node."""
    left = [row for row in connection.execute(_UNCLOSED) if row[0] not in ours]
    others = _looked_after(connection) if left else frozenset()
    return {name: Backlog(count=count, oldest=from_ms(oldest)) for name, count, oldest in left if name not in others}


def _looked_after(connection: Connection) -> frozenset[str]:
    return frozenset(connection.execute(_LOOKED_AFTER).scalars())
