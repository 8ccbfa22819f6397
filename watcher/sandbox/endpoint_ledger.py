"""What the sandbox endpoint was asked and what it booked: the oracle for tests."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from msgspec import Struct
from msgspec.structs import asdict

FIRST_EXPENSE_ID = 387_278_780


class Received(Struct, frozen=True, kw_only=True):
    """One POST to the recognition route that has been dealt with. Times are seconds since 1970."""

    number: int  # in the order of their ends
    received_at: float
    ended_at: float
    connection: int
    biz_id: str | None
    user_code: str | None
    attachment_url: str | None
    timestamp: int | None  # milliseconds, as the client wrote it
    outcome: str  # booked | again | recognised | refused | misbehaved
    status: int | None  # HTTP; None: never answered, or cut off
    res_code: str | None
    message: str | None
    expense_ids: tuple[int, ...]
    overlapped: bool  # another request with this bizId was under way
    body: bytes

    def as_json(self) -> dict[str, Any]:
        """For the log; without the body."""
        values = asdict(self)
        del values["body"]
        values["time"] = datetime.fromtimestamp(self.received_at, UTC).isoformat(timespec="milliseconds")
        return {"time": values.pop("time"), **values}


class Ledger:
    """Bookings by bizId, and the log of requests. Safe for threads."""

    def __init__(self, log: Path | None = None) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._requests: list[Received] = []
        self._expenses: dict[str, list[int]] = {}
        self._owners: dict[str, str | None] = {}
        self._next_expense = FIRST_EXPENSE_ID
        self._under_way: dict[str, int] = {}
        self.most_at_once = 0
        self._log: IO[str] | None = log.open("a", encoding="utf-8", buffering=1) if log else None

    @property
    def requests(self) -> tuple[Received, ...]:
        with self._changed:
            return tuple(self._requests)

    @property
    def bookings(self) -> dict[str, tuple[int, ...]]:
        """Expense ids by bizId."""
        with self._changed:
            return {biz_id: tuple(ids) for biz_id, ids in self._expenses.items()}

    @property
    def under_way(self) -> int:
        with self._changed:
            return sum(self._under_way.values())

    def begin(self, biz_id: str) -> bool:
        """Whether another request with this bizId is under way."""
        with self._changed:
            others = self._under_way.get(biz_id, 0)
            self._under_way[biz_id] = others + 1
            self.most_at_once = max(self.most_at_once, sum(self._under_way.values()))
            self._changed.notify_all()
            return others > 0

    def book(self, biz_id: str, user_code: str | None, count: int) -> tuple[list[int], bool]:
        """The expense ids of a bizId, made where there are none yet; and whether there were any."""
        with self._changed:
            known = biz_id in self._expenses
            if not known:
                self._expenses[biz_id] = list(range(self._next_expense, self._next_expense + count))
                self._owners[biz_id] = user_code
                self._next_expense += count
            return list(self._expenses[biz_id]), known

    def belongs_to_another(self, biz_id: str, user_code: str | None) -> bool:
        with self._changed:
            return biz_id in self._owners and self._owners[biz_id] != user_code

    def end(self, **values: Any) -> None:
        """Write a request down; `begun` says whether `begin` was called for it."""
        with self._changed:
            if values.pop("begun"):
                self._leave(values["biz_id"])
            received = Received(number=len(self._requests) + 1, ended_at=time.time(), **values)
            self._requests.append(received)
            if self._log is not None:
                self._log.write(json.dumps(received.as_json(), ensure_ascii=False) + "\n")
            self._changed.notify_all()

    def wait_until(self, holds: Callable[[], bool], timeout: float) -> bool:
        """Whether it came to hold; looked at after every change."""
        with self._changed:
            return self._changed.wait_for(holds, timeout)

    def close(self) -> None:
        if self._log is not None:
            self._log.close()

    def _leave(self, biz_id: str) -> None:
        self._under_way[biz_id] -= 1
        if not self._under_way[biz_id]:
            del self._under_way[biz_id]
