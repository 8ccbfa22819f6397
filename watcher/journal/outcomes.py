"""Outcomes that came together, settled by as few statements as one of them takes.

What is special goes the way of a single outcome, see settling: later tries, probes, and claims that are lost.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select, text

from watcher.journal import gates
from watcher.journal.connection import Connection
from watcher.journal.deferred import Deferred
from watcher.journal.late import settle_late
from watcher.journal.portions import portions
from watcher.journal.settling import settle_first_tries, settle_held, stored_before
from watcher.journal.tables import bookings
from watcher.model import ANYTHING, NOTHING_NEW, News, SettledTry, joined

# Locked in one order, so that two nodes that settle what was each other's do not stand in each other's way.
_PENDING = Deferred(
    lambda: (
        select(bookings.c.id, bookings.c.claim)
        .where(bookings.c.id.in_(bindparam("rows", expanding=True)), text("bookings.state = 'pending'"))
        .order_by(bookings.c.id)
        .with_for_update()
    )
)


def settle(connection: Connection, tried: Sequence[SettledTry]) -> tuple[list[bool], News]:
    """Of each whether the outcome that stands is this one; if not, the ending is kept, and what it booked.

    And what is due by them: the answers of the sources whose submissions are settled now.
    """
    plain = [each for each in tried if _is_plain(each)]
    held = _held(connection, plain) if len(plain) > 1 else {}  # a single one is settled sooner by itself
    stand, news = [], [settle_first_tries(connection, list(held.values())) if held else NOTHING_NEW]
    for each in tried:
        if held.get(each.claimed.booking) is each:  # else it may be an earlier claim's to the same booking
            stand.append(True)
        else:
            stands, due = _settle_by_itself(connection, each)
            stand.append(stands)
            news.append(due)
    return stand, joined(news)


def _is_plain(tried: SettledTry) -> bool:
    """No answer to an earlier try can have come late, and no gate waits for it."""
    return tried.claimed.try_number == 1 and tried.claimed.probe_of is None


def _held(connection: Connection, tried: Sequence[SettledTry]) -> dict[int, SettledTry]:
    """By booking, those whose claims hold; they do so until the transaction ends."""
    by_booking = {each.claimed.booking: each for each in tried}
    rows = sorted(by_booking)
    claims = {row.id: row.claim for some in portions(rows) for row in connection.execute(_PENDING, {"rows": some})}
    return {row: by_booking[row] for row in rows if claims.get(row) == by_booking[row].claimed.claim.number}


def _settle_by_itself(connection: Connection, tried: SettledTry) -> tuple[bool, News]:
    claimed, settlement, ending = tried.claimed, tried.settlement, tried.ending
    # No answer to an earlier try can have come late where there was none.
    stored = None if claimed.try_number == 1 else stored_before(connection, claimed)
    answered = settle_held(connection, claimed, settlement, ending, stored)
    if claimed.probe_of is not None:
        _after_probe(connection, claimed.probe_of, opens=tried.opens_gate, held=answered is not None)
    if answered is None:
        return settle_late(connection, claimed, settlement, ending), ANYTHING
    return True, News(answering=answered, posting=claimed.probe_of is not None)


def _after_probe(connection: Connection, endpoint: str, *, opens: bool, held: bool) -> None:
    """What the endpoint answered counts for its gate, whoever has the booking; only who has it spends an interval."""
    if opens:
        gates.reopen(connection, endpoint)
    elif held:
        gates.end_probe(connection, endpoint)
