"""What a journal is asked to do, through its ports: a submission's way, and what people and pages want to know.

No measurement by itself. All of it is the same on a journal of any size: what is listed and looked for is what was
written last.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from tests.support.journals import ENDED, ENDPOINT, FAILED, HOLD, REFUSED, document, done, file, mail, note, settle
from watcher.cli.overview import overview
from watcher.config.load import load
from watcher.journal.journal import SqlJournal
from watcher.model import ClaimedAnswer, ClaimedBooking, Closed, Outcome, Planned, SubmissionFilter
from watcher.web.overview import SPANS, read_figures

SOURCES = ("fapiao", "shared")
SENDER = "zhang@corp.example"  # of the mails that are written
_AT_ONCE = 8
_FAILS_EACH = 8  # one of so many ends in error
_GOES, _LONG_ENOUGH_SECONDS = 15, 0.5
_names = itertools.count(time.time_ns())  # other ones in each run, in a journal that is used again

Clock = Callable[[], float]
Operation = Callable[[], object]


def way_of_submissions(journal: SqlJournal, count: int, clock: Clock) -> tuple[dict[str, float], list[str]]:
    """Milliseconds of `clock` a submission for each step, and the documents' contents.

    About half are mails, the others files, each with one document; they are recorded, claimed, settled, answered and
    closed. What they are known by and what they hold is as random as hashes are.
    """
    contents = [hashlib.sha256(str(next(_names)).encode()).hexdigest() for _ in range(count)]
    spent: dict[str, float] = {}

    @contextlib.contextmanager
    def step(name: str) -> Iterator[None]:
        began = clock()
        yield
        spent[name] = (clock() - began) * 1000 / count

    with step("record"):
        for content in contents:
            _record(journal, content)
    with step("claim"):
        bookings = list(_bookings(journal))
    with step("settle"):
        for number, booking in enumerate(bookings):
            _settle(journal, booking, failed=number % _FAILS_EACH == 0)
    with step("answer"):
        answers = sum(_answer(journal, claimed) for claimed in _answers(journal))
    if not len(bookings) == answers == count:
        raise AssertionError(f"of {count} submissions {len(bookings)} were claimed and {answers} answered")
    return spent, contents


def _record(journal: SqlJournal, content: str) -> None:
    make, source = (mail, "fapiao") if _is_mail(content) else (file, "shared")
    journal.record(make(document(content), key=_key(content), source=source))


def _key(content: str) -> str:
    """What a submission is known by: among those of the daemon, and none of them."""
    return f"{'mail' if _is_mail(content) else 'file'}:{hashlib.sha256(content.encode()).hexdigest()}"


def _is_mail(content: str) -> bool:
    return int(content, 16) % 2 == 0


def _bookings(journal: SqlJournal) -> Iterator[ClaimedBooking]:
    while claimed := journal.claim_bookings(sources=SOURCES, endpoint=ENDPOINT, limit=_AT_ONCE, hold=HOLD):
        yield from claimed


def _settle(journal: SqlJournal, booking: ClaimedBooking, *, failed: bool) -> None:
    settle(journal, booking, *((FAILED, REFUSED) if failed else (done(), ENDED)))


def _answers(journal: SqlJournal) -> Iterator[ClaimedAnswer]:
    for source in SOURCES:
        while claimed := journal.claim_answers(source, limit=_AT_ONCE, hold=HOLD):
            yield from claimed


def _answer(journal: SqlJournal, claimed: ClaimedAnswer) -> int:
    note(journal, claimed, Planned(target="done/a"))
    note(journal, claimed, Closed(moved=True))
    return 1


def questions(journal: SqlJournal, config: Path, contents: Sequence[str]) -> Mapping[str, Operation]:
    """What people and pages ask, by name. `contents` are of documents that are in the journal."""
    configuration = load(config)

    def listed(wanted: SubmissionFilter) -> Operation:
        return lambda: sum(1 for _ in journal.submissions(wanted))

    def page() -> object:
        step, steps = SPANS["day"]
        return read_figures(journal, configuration), journal.activity(
            journal.now() - step * steps, step=step, steps=steps
        )

    return {
        "known": lambda: journal.known([_key(content) for content in contents[:500]]),
        "list": listed(SubmissionFilter()),
        "list, errors": listed(SubmissionFilter(outcome=Outcome.ERROR)),
        "list, a sender": listed(SubmissionFilter(sender=SENDER)),
        "list, a name": listed(SubmissionFilter(search=f"{contents[0]}.pdf", limit=1)),
        "status": lambda: overview(config, configuration, journal),
        "page": page,
        "forget": lambda: journal.forget(timedelta(days=36_500)),
    }


def least_ms(operation: Operation) -> float:
    """Of several goes, in milliseconds: what else the machine does only adds to it."""
    taken: list[float] = []
    while len(taken) < _GOES and sum(taken) < _LONG_ENOUGH_SECONDS:
        began = time.perf_counter()
        operation()
        taken.append(time.perf_counter() - began)
    return min(taken) * 1000
