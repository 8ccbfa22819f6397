"""How many there are: what is under way is counted, what is behind us is in the totals that the database keeps."""

from __future__ import annotations

from sqlalchemy import func, select, text

from watcher.journal.clock import maybe_from_ms
from watcher.journal.connection import Connection
from watcher.journal.deferred import Deferred
from watcher.journal.tables import documents, submissions, totals
from watcher.model import Counts, Outcome, SubmissionState

_CLOSED = f"submissions {SubmissionState.CLOSED.value}"
_TOTALS = Deferred(
    lambda: select(totals.c.counted, func.sum(totals.c.number)).group_by(totals.c.counted).order_by(totals.c.counted)
)
# The few that are not closed, and the few documents that wait, have small indexes of their own.
_UNCLOSED = Deferred(
    lambda: (
        select(submissions.c.state, func.count())
        .where(text("submissions.state <> 'closed'"))
        .group_by(submissions.c.state)
    )
)
_PENDING = Deferred(lambda: select(func.count()).select_from(documents).where(text("documents.state = 'pending'")))
_OLDEST = Deferred(
    lambda: select(func.min(submissions.c.recorded_at)).where(
        text("submissions.state = 'open'"), text("submissions.state <> 'closed'")
    )
)

# For PostgreSQL, where each change is a row. It deletes what is committed when it begins, and adds the sum of what it
# has deleted: what others commit meanwhile stays, and of two that fold at once the later one waits, finds those rows
# gone, and folds the rest. Few are left as they are: to sum them is nothing.
_FOLD = Deferred(
    lambda: text(
        "WITH folded AS (DELETE FROM totals WHERE (SELECT count(*) FROM totals) > 100 RETURNING counted, number) "
        "INSERT INTO totals SELECT counted, sum(number) FROM folded GROUP BY counted"
    )
)


def read_counts(connection: Connection) -> Counts:
    """Of all, in the snapshot of the connection's transaction."""
    kept = {str(counted): int(number) for counted, number in connection.execute(_TOTALS) if number}
    return Counts(
        submissions=_by_state(connection, kept.pop(_CLOSED, 0)),
        documents=_by_outcome(connection, {counted.removeprefix("documents "): kept[counted] for counted in kept}),
        oldest_pending=maybe_from_ms(connection.execute(_OLDEST).scalar_one()),
    )


def fold_totals(connection: Connection) -> None:
    """Make the changes of each total one row; it is read and written as before meanwhile."""
    if connection.dialect.name == "postgresql":
        connection.execute(_FOLD)


def _by_state(connection: Connection, closed: int) -> dict[SubmissionState, int]:
    counted = {SubmissionState(state): int(count) for state, count in connection.execute(_UNCLOSED)}
    return {**counted, SubmissionState.CLOSED: closed} if closed else counted


def _by_outcome(connection: Connection, settled: dict[str, int]) -> dict[str, int]:
    done = settled.pop(Outcome.DONE.value, 0)
    counted = {**settled, "pending": int(connection.execute(_PENDING).scalar_one())}
    return {Outcome.DONE.value: done, **counted} if done else counted
