"""Which booking a document points to: the rules of generations, shared by intake and retry."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, delete, false, insert, null, or_, select, update

from watcher.journal.clock import now_ms
from watcher.journal.connection import Connection
from watcher.journal.deferred import Deferred
from watcher.journal.in_step import Step
from watcher.journal.tables import bookings, invoices
from watcher.model import BookingKey, DocumentState, Locator, Outcome, Reason

FIRST_GENERATION = 1


class WaitsFor(StrEnum):
    """What a pending booking waits for that no time brings; but for a URL, which is asked for at times, it has none."""

    PERSON = "person"  # nobody knows whether it was booked, and `in_doubt` is `hold`
    FILE = "file"  # its file has to be put back to where its URL leads
    URL = "url"  # that it lacked as a probe, or its own request: it is posted when it is due, and probes no gate before


_FOR_ITS_FILE = (WaitsFor.FILE.value, WaitsFor.URL.value)  # nobody is at work on what waits so

_OF_EMPLOYEE = Deferred(
    lambda: (
        bookings.c.user_code == bindparam("user_code"),
        bookings.c.create_expense == bindparam("create_expense"),
    )
)
_OF_CONTENTS = Deferred(lambda: and_(bookings.c.content.in_(bindparam("contents", expanding=True)), *_OF_EMPLOYEE()))
_OF_PARENTS = Deferred(lambda: and_(bookings.c.parent.in_(bindparam("parents", expanding=True)), *_OF_EMPLOYEE()))


def _locked(which: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Locked, so that none settles between being found pending and being pointed to.

    In one order, so that two submissions with the same documents do not wait for each other.
    """
    return select(bookings).where(which).order_by(bookings.c.content, bookings.c.generation).with_for_update()


_LATEST = Deferred(lambda: _locked(_OF_CONTENTS()))
_LATEST_WITH_PARTS = Deferred(lambda: _locked(or_(_OF_CONTENTS(), _OF_PARENTS())))
_OPEN = Deferred(
    lambda: insert(bookings).values(state=DocumentState.PENDING.value, created_at=now_ms(), due_at=now_ms())
)
_ADOPT = Deferred(
    lambda: (
        update(bookings)
        .where(bookings.c.id == bindparam("row"))
        .values(
            **{name: bindparam(f"new_{name}") for name in ("source", "store", "store_key", "url")},
            # This one's file is where its URL leads.
            due_at=case((bookings.c.waits_for.in_(_FOR_ITS_FILE), now_ms()), else_=bookings.c.due_at),
            waits_for=case((bookings.c.waits_for.in_(_FOR_ITS_FILE), null()), else_=bookings.c.waits_for),
        )
    )
)
_REOPEN_BOOKING = Deferred(
    lambda: (
        update(bookings)
        .where(bookings.c.id == bindparam("row"))
        .values(
            state=DocumentState.PENDING.value,
            outcome=null(),
            code=null(),
            message=null(),
            settled_at=null(),
            attempts=0,
            first_failed_at=null(),
            due_at=now_ms(),
            waits_for=null(),
            claimed=false(),
            claim=bookings.c.claim + 1,
        )
    )
)
_WAIT_FOR = Deferred(
    lambda: update(bookings).where(bookings.c.id == bindparam("row")).values(due_at=null(), waits_for=bindparam("what"))
)
_FORGET_INVOICES = Deferred(lambda: delete(invoices).where(invoices.c.booking == bindparam("of")))
_EXPENSE = Deferred(
    lambda: (
        select(invoices.c.id).where(invoices.c.booking == bindparam("of"), invoices.c.expense_id.is_not(None)).limit(1)
    )
)


def latest(connection: Connection, contents: Iterable[str], *, user_code: str, create_expense: bool) -> dict[str, Any]:
    """The latest generation of each content, locked until the end of the transaction."""
    wanted = sorted(set(contents))
    if not wanted:
        return {}
    rows = connection.execute(_LATEST, {"contents": wanted, "user_code": user_code, "create_expense": create_expense})
    return {row.content: row for row in rows}


def latest_with_parts(
    connection: Connection, contents: Iterable[str], parents: Iterable[str], *, user_code: str, create_expense: bool
) -> Step[dict[str, Any]]:
    """As `latest`, and with them every part of the files `parents` that was posted."""
    wanted, files = sorted(set(contents)), sorted(set(parents))
    if not wanted:
        return {}
    employee = {"user_code": user_code, "create_expense": create_expense}
    rows = connection.execute(_LATEST_WITH_PARTS, {"contents": wanted, "parents": files, **employee})
    yield
    return {row.content: row for row in rows}


def booked(row: Any) -> bool:
    """Whether the content may stand in the endpoint's books."""
    return row.outcome is not None and Outcome(row.outcome).counts_as_booked


def is_doubtful(connection: Connection, row: Any) -> bool:
    """Whether its outcome is that nobody knows whether it was booked; a late answer may have told since."""
    doubted = row.outcome == Outcome.ATTENTION and row.code == Reason.IN_DOUBT
    return doubted and connection.execute(_EXPENSE, {"of": row.id}).first() is None


def open_generation(connection: Connection, key: BookingKey, generation: int, *, source: str, locator: Locator) -> int:
    """A new pending booking, due now; its id."""
    return connection.insert(_OPEN, _opened(key, generation, source=source, locator=locator))


def open_generation_later(
    connection: Connection, key: BookingKey, generation: int, *, source: str, locator: Locator
) -> Callable[[], int]:
    """The same; its id is told when it is asked for."""
    return connection.insert_later(_OPEN, _opened(key, generation, source=source, locator=locator))


def _opened(key: BookingKey, generation: int, *, source: str, locator: Locator) -> dict[str, Any]:
    return {
        "content": key.content,
        "user_code": key.user_code,
        "create_expense": key.create_expense,
        "generation": generation,
        "biz_id": key.biz_id(generation),
        "parent": key.parent,
        "source": source,
        **locator_columns(locator),
    }


def adopt(connection: Connection, booking: int, *, source: str, locator: Locator) -> None:
    """Let a pending booking go through the source that wants it now: the one that it had may be gone by now."""
    adopt_all(connection, [(booking, locator)], source=source)


def adopt_all(connection: Connection, pending: Iterable[tuple[int, Locator]], *, source: str) -> None:
    """The same for many."""
    connection.execute(_ADOPT, [_adopted(booking, source, locator) for booking, locator in pending])


def _adopted(booking: int, source: str, locator: Locator) -> dict[str, Any]:
    values = {"source": source, **locator_columns(locator)}
    return {"row": booking, **{f"new_{name}": value for name, value in values.items()}}


def let_go(connection: Connection, booking: int) -> None:
    """It is due now, as if it had never been tried, and keeps its bizId."""
    connection.execute(_REOPEN_BOOKING, {"row": booking})


def begin_anew(connection: Connection, booking: int) -> None:
    """What has ended is due as in `let_go`, and nothing of what was answered counts any more."""
    connection.execute(_FORGET_INVOICES, {"of": booking})
    let_go(connection, booking)


def let_wait(connection: Connection, booking: int, what: WaitsFor) -> None:
    """It is due at no time, but when somebody or something comes."""
    connection.execute(_WAIT_FOR, {"row": booking, "what": what.value})


def locator_columns(locator: Locator | None) -> dict[str, str | None]:
    if locator is None:
        return {"store": None, "store_key": None, "url": None}
    return {"store": locator.store, "store_key": locator.key, "url": locator.url}


def locator_of(row: Any) -> Locator:
    return Locator(store=row.store, key=row.store_key, url=row.url)
