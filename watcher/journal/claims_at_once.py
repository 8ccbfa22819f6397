"""Claims of bookings, from all sources by one statement: for PostgreSQL, where each is a round trip.

The server may be far away, and a request leaves only so long after its claim was asked for: with a statement or two
for each source nothing left any more where sources were many.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    FromClause,
    Select,
    Text,
    bindparam,
    exists,
    false,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
    true,
    union_all,
)
from sqlalchemy.sql.selectable import LateralFromClause

from watcher.journal.claims import one_of_each, ripe, taking
from watcher.journal.claims_one_by_one import ALSO, FRESH, RETRIES, TOLD
from watcher.journal.clock import now_ms
from watcher.journal.connection import Connection
from watcher.journal.deferred import Deferred
from watcher.journal.tables import bookings, gates, tries


def _claiming(*kinds: str) -> Select[Any]:
    """The statement that claims `:limit` rows of `:sources`, of each that has any one in turn, and begins their tries.

    Each kind is the literal condition of a partial index; those of an earlier one are taken first. Looked at is more
    than what is taken, but locked is only that: others may take the rest at the same time. Where others are at rows
    that were looked at, it may be less than there is; the next claim gets that.
    """
    # What is open lets all through, and so does a gate that was never touched.
    shut = exists().where(
        gates.c.endpoint == bindparam("unless_shut"),
        or_(text("NOT gates.open"), func.coalesce(gates.c.resumes_at, 0) > now_ms()),
    )
    names = (
        func.unnest(bindparam("sources", type_=ARRAY(Text)))
        .table_valued("name", with_ordinality="turn")
        .render_derived()
    )
    sources = select(names.c.name, names.c.turn).where(~shut).cte("sources")
    shares = _shares(sources, kinds)
    locked = [_locked(shares, number, kind) for number, kind in enumerate(kinds)]
    chosen = union_all(*locked).cte("chosen")
    claimed = taking(bookings, chosen, also=ALSO()).returning(*TOLD).cte("claimed")
    try_of = select(claimed.c.id, claimed.c.tries, claimed.c.biz_id, now_ms(), false())
    begun = insert(tries).from_select(["booking", "number", "biz_id", "started_at", "in_doubt"], try_of).cte("begun")
    return select(claimed).add_cte(begun)


def _shares(sources: CTE, kinds: Sequence[str]) -> CTE:
    """How many of each kind are wanted of each source."""
    first = [_first(sources, kind, bindparam("limit")) for kind in kinds]
    found = union_all(
        *(
            select(sources, literal_column(str(number)).label("kind"), rows.c.due_at, rows.c.id).join_from(
                sources, rows, true()
            )
            for number, rows in enumerate(first)
        )
    ).subquery("found")
    nth = func.row_number().over(partition_by=found.c.turn, order_by=(found.c.kind, found.c.due_at, found.c.id))
    numbered = select(found.c.name, found.c.turn, found.c.kind, nth.label("nth")).subquery("numbered")
    in_turn = (
        select(numbered.c.name, numbered.c.kind)
        .order_by(numbered.c.nth, numbered.c.turn)
        .limit(bindparam("limit"))
        .subquery("in_turn")
    )
    wanted = select(in_turn.c.name, in_turn.c.kind, func.count().label("wanted"))
    return wanted.group_by(in_turn.c.name, in_turn.c.kind).cte("shares")


def _locked(shares: CTE, number: int, kind: str) -> Select[Any]:
    """As many of one kind as are wanted, and that nobody else has locked."""
    mine = shares.alias()
    rows = _first(mine, kind, mine.c.wanted, lock=True)
    return select(rows.c.id).join_from(mine, rows, true()).where(mine.c.kind == literal_column(str(number)))


def _first(of: FromClause, kind: str, most: Any, *, lock: bool = False) -> LateralFromClause:
    """The bookings of one kind that are the longest due, of each source that is named."""
    candidate = bookings.alias("candidate")
    rows = (
        select(candidate.c.id, candidate.c.due_at)
        .where(text(kind), ripe(candidate), candidate.c.source == of.c.name)
        .order_by(candidate.c.due_at, candidate.c.id)
        .limit(most)
        .correlate(of)
    )
    return (rows.with_for_update(skip_locked=True) if lock else rows).lateral()


_DUE = Deferred(lambda: _claiming(FRESH, RETRIES))


def due(connection: Connection, order: Sequence[str], *, limit: int, hold: int, unless_shut: str) -> list[Any]:
    """Claim up to `limit` bookings that are due, from the sources in turn, and begin their tries.

    Nothing is claimed while the gate of the endpoint `unless_shut` is closed or paused.
    """
    asked = {"sources": list(order), "limit": limit, "hold": hold, "take_over_until": connection.take_over_until(hold)}
    rows = connection.execute(_DUE, {**asked, "unless_shut": unless_shut}).all()
    return one_of_each([_of(source, rows) for source in order]) if len(rows) > 1 else rows


def _of(source: str, rows: Sequence[Any]) -> list[Any]:
    """Fresh ones before retries, and of either the earliest written first."""
    return sorted((row for row in rows if row.source == source), key=lambda row: (row.attempts > 0, row.id))
