"""The one way in which work is taken by one at a time, and how sources take turns.

A row that is due is claimed by moving its `due_at` past the hold and counting `claim` up, in one
statement, by the database's clock. Nothing is renewed. What is written under a claim names its number:
once the hold is over and another has the row, that write finds nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    CTE,
    Column,
    ColumnElement,
    FromClause,
    Table,
    Update,
    and_,
    bindparam,
    or_,
    select,
    text,
    true,
    update,
)

from watcher.journal.clock import now_ms
from watcher.journal.connection import Connection
from watcher.journal.deferred import Deferred
from watcher.model import Claim

T = TypeVar("T")


def claiming(
    table: Table,
    *,
    waiting: str,
    narrowed: Sequence[str] = (),
    among: Sequence[str] = (),
    also: Mapping[Column[Any], ColumnElement[Any]] | None = None,
    due_only: bool = True,
    told: Sequence[Column[Any]] | None = None,
) -> Update:
    """The statement that claims `:limit` rows for `:hold` milliseconds, the longest due first.

    `waiting` is the literal condition of the partial index, `narrowed` names the columns whose values
    `claim` is given, `among` those of which it is given several; `also` is set along with the claim. With
    `due_only` false a row is taken before its time, if only nobody is at work on it. It returns the columns `told`
    (the key first), or else the whole rows, as they are after it.
    """
    (key,) = table.primary_key.columns
    candidate = table.alias("candidate")
    fitting = [candidate.c[name] == bindparam(f"of_{name}") for name in narrowed]
    fitting += [candidate.c[name].in_(bindparam(f"of_{name}", expanding=True)) for name in among]
    chosen = (
        select(candidate.c[key.name])
        .where(text(waiting), ripe(candidate, due_only=due_only), *fitting)
        .order_by(candidate.c.due_at, candidate.c[key.name])
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True)
        # A CTE that locks is computed once; as a sub-select PostgreSQL might run it again and lock more rows.
        .cte("chosen")
    )
    return taking(table, chosen, due_only=due_only, also=also).returning(*(table.c if told is None else told))


def ripe(table: FromClause, *, due_only: bool = True) -> ColumnElement[bool]:
    """Whether a row may be claimed now; with `due_only` false also before its time.

    Who claimed one and let the hold pass is taken for dead, but when the clock shows more than `:take_over_until`.
    """
    if not due_only:
        return ~table.c.claimed
    return and_(table.c.due_at <= now_ms(), not_left_alone(table))


def not_left_alone(table: FromClause) -> ColumnElement[bool]:
    """Whether nobody is at work on a row, or who is may be succeeded when the hold is over."""
    return or_(~table.c.claimed, now_ms() <= bindparam("take_over_until"))


def taking(
    table: Table, chosen: CTE, *, due_only: bool = True, also: Mapping[Column[Any], ColumnElement[Any]] | None = None
) -> Update:
    """The update that claims `chosen` rows for `:hold` milliseconds: those that are ripe still, under their locks."""
    (key,) = table.primary_key.columns
    return (
        update(table)
        .where(key.in_(select(chosen.c[key.name])), ripe(table, due_only=due_only))
        .values(
            {
                table.c.due_at: now_ms() + bindparam("hold"),
                table.c.claim: table.c.claim + 1,
                table.c.claimed: true(),
                **(also or {}),
            }
        )
    )


def claim(
    connection: Connection, statement: Deferred[Update], *, hold: int, limit: int = 1, **narrowed: object
) -> list[Any]:
    """Run a `claiming` statement; the rows that are now ours, the earliest written first."""
    values = {f"of_{name}": value for name, value in narrowed.items()}
    until = connection.take_over_until(hold)
    rows = connection.execute(statement, {"hold": hold, "limit": limit, "take_over_until": until, **values}).all()
    return sorted(rows, key=lambda row: row[0]) if len(rows) > 1 else list(rows)


def fenced(table: Table, *, state: str | None = None) -> Update:
    """An update of the row `:row` that finds nothing once claim `:mine` is lost (or the `state` has changed)."""
    (key,) = table.primary_key.columns
    statement = update(table).where(key == bindparam("row"), table.c.claim == bindparam("mine"))
    return statement if state is None else statement.where(text(f"{table.name}.state = '{state}'"))


def fence(claim: Claim) -> dict[str, int]:
    """What a `fenced` update of a numbered row is told, beside its own values."""
    return {"row": int(claim.row), "mine": claim.number}


class Turns:
    """Whose turn it is among the sources, on this node: the one after the last that was served comes first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: str | None = None

    def order(self, sources: Sequence[str]) -> list[str]:
        with self._lock:
            last = self._last
        if last not in sources:
            return list(sources)
        start = sources.index(last) + 1
        return [*sources[start:], *sources[:start]]

    def served(self, source: str) -> None:
        with self._lock:
            self._last = source


def in_turn(order: Sequence[str], limit: int, take: Callable[[str, int], list[T]]) -> list[T]:
    """Up to `limit` things, the same share from each source that has any, one of each in turn.

    `take(source, n)` gives at most n things of a source; what one source does not use the others get.
    """
    taken: dict[str, list[T]] = {source: [] for source in order}
    left, hungry = limit, list(order)
    while hungry and left > 0:
        share = max(1, left // len(hungry))
        still_hungry = []
        for source in hungry:
            wanted = min(share, left)
            got = take(source, wanted) if wanted else []
            taken[source] += got
            left -= len(got)
            if wanted and len(got) == wanted:
                still_hungry.append(source)
        hungry = still_hungry
    return one_of_each(taken.values())


def one_of_each(taken: Collection[Sequence[T]]) -> list[T]:
    """All that was taken, one of each in turn."""
    turns = max(map(len, taken), default=0)
    return [things[turn] for turn in range(turns) for things in taken if turn < len(things)]
