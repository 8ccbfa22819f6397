"""What is left of sources that nobody has any more: they were renamed in the configuration, or taken out of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select, text, update

from watcher.journal.bookings import adopt, locator_of
from watcher.journal.clock import from_ms, now_ms
from watcher.journal.connection import Connection
from watcher.journal.database import Part
from watcher.journal.deferred import Deferred
from watcher.journal.identities import ADD_IDENTITY
from watcher.journal.portions import portions
from watcher.journal.tables import bookings, documents, notices, sources, submissions
from watcher.model import NOTHING_NEW, POSTING, Backlog, Kind, News

_UNCLOSED = Deferred(
    lambda: (
        select(submissions.c.source, func.count(), func.min(submissions.c.recorded_at))
        .where(text("submissions.state <> 'closed'"))
        .group_by(submissions.c.source)
        .order_by(submissions.c.source)
    )
)
_LOOKED_AFTER = Deferred(lambda: select(sources.c.name).where(sources.c.claimed, sources.c.due_at > now_ms()))
_FILES = Deferred(
    lambda: select(submissions.c.id, submissions.c.place, submissions.c.fingerprint).where(
        text("submissions.state <> 'closed'"),
        submissions.c.kind == Kind.FILE.value,
        submissions.c.source.in_(bindparam("strays", expanding=True)),
    )
)
_FOUND = Deferred(
    lambda: (
        select(submissions.c.seq, submissions.c.id, submissions.c.source)
        .where(submissions.c.id.in_(bindparam("names", expanding=True)), text("submissions.state <> 'closed'"))
        .order_by(submissions.c.seq)
        .with_for_update()
    )
)
_TAKE_OVER = Deferred(
    lambda: (
        update(submissions)
        .where(submissions.c.seq == bindparam("row"))
        .values(source=bindparam("to"), key=bindparam("found_as"))
    )
)
_TAKE_OVER_NOTICES = Deferred(
    lambda: (
        update(notices)
        .where(text("notices.due_at IS NOT NULL"), notices.c.source == bindparam("of"))
        .values(source=bindparam("to"))
    )
)
_PENDING_OF = Deferred(lambda: select(bookings.c.source).where(text("bookings.state = 'pending'")).distinct())
# Not what waits for a file that has yet to be put back: it is posted when that is done.
_WAITED_FOR = Deferred(
    lambda: (
        select(
            bookings.c.id,
            submissions.c.source,
            documents.c.store,
            documents.c.store_key,
            documents.c.url,
        )
        .select_from(bookings)
        .join(documents, documents.c.booking == bookings.c.id)
        .join(submissions, submissions.c.seq == documents.c.submission)
        .where(
            text("bookings.state = 'pending'"),
            bookings.c.source.in_(bindparam("strays", expanding=True)),
            text("documents.state = 'pending'"),
            submissions.c.source.in_(bindparam("ours", expanding=True)),
            submissions.c.due_at.is_(None),
        )
        .order_by(bookings.c.content, bookings.c.generation, documents.c.id)
        .with_for_update(of=bookings)
    )
)


class StrayPart(Part):
    """Implements what the journal has on strays."""

    def strays(self, sources: Collection[str]) -> dict[str, Backlog]:
        return self._database.read(lambda connection: read_strays(connection, sources))

    def left_files(self, sources: Collection[str]) -> dict[tuple[str, str], str]:
        def work(connection: Connection) -> dict[tuple[str, str], str]:
            left = list(read_strays(connection, sources))
            found = connection.execute(_FILES, {"strays": left}) if left else ()
            return {(row.place, row.fingerprint): row.id for row in found}

        return self._database.read(work)

    def take_over(self, found: Mapping[str, str], source: str, *, sources: Collection[str]) -> list[str]:
        def work(connection: Connection) -> list[str]:
            others = _looked_after(connection)
            left = [row for row in _found(connection, found) if row.source not in sources and row.source not in others]
            if left:
                _take_over(connection, left, found, source)
                _take_over_bookings(connection, sources)
            return [row.id for row in left]

        goes_on = News(posting=True, answering=frozenset((source,)))
        return self._database.write(work, news=lambda taken: goes_on if taken else NOTHING_NEW)

    def take_over_bookings(self, sources: Collection[str]) -> int:
        """Asks before it writes: there hardly ever is one."""
        if not self._database.read(lambda connection: _stray_bookings(connection, sources)):
            return 0
        return self._database.write(
            lambda connection: _take_over_bookings(connection, sources),
            news=lambda taken: POSTING if taken else NOTHING_NEW,
        )


def _found(connection: Connection, names: Collection[str]) -> list[Any]:
    """Locked, in their order."""
    return [row for some in portions(sorted(names)) for row in connection.execute(_FOUND, {"names": some})]


def _take_over(connection: Connection, left: Sequence[Any], found: Mapping[str, str], source: str) -> None:
    """The submissions, and what their senders are still to be told."""
    rows = [{"row": row.seq, "name": row.id, "found_as": found[row.id], "to": source} for row in left]
    connection.execute(_TAKE_OVER, [{name: row[name] for name in ("row", "found_as", "to")} for row in rows])
    connection.execute(ADD_IDENTITY, [{"key": row["found_as"], "name": row["name"]} for row in rows])
    for former in sorted({row.source for row in left}):
        connection.execute(_TAKE_OVER_NOTICES, {"of": former, "to": source})


def _take_over_bookings(connection: Connection, ours: Collection[str]) -> int:
    """Those of strays for which one of our documents waits go through its source from now on; how many."""
    strays = _stray_bookings(connection, ours)
    rows = connection.execute(_WAITED_FOR, {"strays": strays, "ours": sorted(ours)}) if strays else ()
    first: dict[int, Any] = {}
    for row in rows:
        first.setdefault(row.id, row)
    for row in first.values():
        adopt(connection, row.id, source=row.source, locator=locator_of(row))
    return len(first)


def _stray_bookings(connection: Connection, ours: Collection[str]) -> list[str]:
    """The sources of pending bookings that are neither ours nor looked after by another node."""
    left = [name for name in connection.execute(_PENDING_OF).scalars() if name not in ours]
    others = _looked_after(connection) if left else frozenset()
    return sorted(name for name in left if name not in others)


def read_strays(connection: Connection, ours: Collection[str]) -> dict[str, Backlog]:
    """By source, the submissions that are not closed, where it is neither ours nor looked after by another node."""
    left = [row for row in connection.execute(_UNCLOSED) if row[0] not in ours]
    others = _looked_after(connection) if left else frozenset()
    return {name: Backlog(count=count, oldest=from_ms(oldest)) for name, count, oldest in left if name not in others}


def _looked_after(connection: Connection) -> frozenset[str]:
    return frozenset(connection.execute(_LOOKED_AFTER).scalars())
