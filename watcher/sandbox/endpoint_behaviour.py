"""How the sandbox endpoint misbehaves when it is asked to, and which request that is for."""

from __future__ import annotations

import random
import threading
from fnmatch import fnmatchcase
from typing import Any, Literal

from msgspec import Struct

Moment = Literal["before", "after"]  # … the booking
Route = Literal["recognition", "token", "upload"]


class Behaviour(Struct, frozen=True, kw_only=True):
    """Everything as the documentation says, but for what is set here. Times are seconds."""

    latency: float | tuple[float, float] | None = None  # fixed, or from a range; None: the endpoint's own
    held: bool = False  # dealt with only when the endpoint is told to release it, however long that is; recognition's
    status: int | None = None  # an HTTP status instead of an answer; nothing is booked
    retry_after: str | int | None = None  # as the header Retry-After, with `status`
    location: str | None = None  # as the header Location; the status is 302 where none is set
    res_code: int | str | None = None  # this resCode instead of 200000; nothing is booked
    res_msg: str | None = None
    no_key: bool = False  # "no recognition key": 400000, as documented
    invoices: int = 1  # found in the document; 0: none
    verified: bool = True  # check_result.result is 1
    check: bool = True  # there is a check_result
    expense: bool = True  # the expense is created
    invoice_message: str | None = None  # of the business validation; with `expense` false, why there is none
    invoice_message_code: str | None = None
    cut: Moment | None = None  # the connection is reset before or after the booking
    silent: Moment | None = None  # never answers, having booked nothing, or all
    trickle: float | None = None  # the answer comes byte by byte, so far apart
    broken: bool = False  # booked, and answered with what is no JSON
    padding: int = 0  # so many bytes more in the answer

    def delay(self, usual: float | tuple[float, float]) -> float:
        wanted = usual if self.latency is None else self.latency
        return random.uniform(*wanted) if isinstance(wanted, tuple) else wanted  # noqa: S311 - no secret


NORMAL = Behaviour()


def behaviour_from(values: dict[str, Any]) -> Behaviour:
    """From JSON; a pair is a range. Raises ValueError for names that do not exist."""
    known = set(Behaviour.__struct_fields__)
    if unknown := sorted(set(values) - known):
        raise ValueError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return Behaviour(**given)


class _Rule(Struct):
    behaviour: Behaviour
    route: Route
    pattern: str | None  # of attachment URLs (recognition) or file names (upload), with * and ?
    left: int | None  # None: for good


class Rules:
    """What was asked for: the newest rule that fits a request decides. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []

    def add(self, behaviour: Behaviour, route: Route, pattern: str | None, times: int | None) -> None:
        with self._lock:
            self._rules.insert(0, _Rule(behaviour, route, pattern, times))

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def release(self) -> None:
        """Hold nothing that comes from now on."""
        with self._lock:
            self._rules = [rule for rule in self._rules if not rule.behaviour.held]

    def take(self, route: Route, subject: str) -> Behaviour:
        """What holds for this request; a rule for the next n is used up by it."""
        with self._lock:
            for rule in self._rules:
                if rule.route == route and (rule.pattern is None or fnmatchcase(subject, rule.pattern)):
                    if rule.left is not None:
                        rule.left -= 1
                        if rule.left <= 0:
                            self._rules.remove(rule)
                    return rule.behaviour
        return NORMAL
