"""What a document costs the journal's database: statements and transactions, counted where the database hears them.

A count that falls is written into the table below; one that rises fails, and needs a reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, event

from tests.support.journals import ENDED, ENDPOINT, HOLD, claim, document, done, file, mail
from watcher.journal.opening import open_journal
from watcher.model import Closed, Kind, NewSubmission, Planned, SettledTry
from watcher.ports import Journal

if TYPE_CHECKING:
    from tests.support.servers.postgres import Postgres

AT_ONCE = 16
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """All that is said to the database, its BEGIN and COMMIT too, and how often something is committed."""

    said: int
    commits: int


# Of one document by itself, and of sixteen together, by database and by the way that they come and are answered.
COSTS = {
    ("sqlite", "file", 1): Cost(said=34, commits=6),
    ("sqlite", "file", AT_ONCE): Cost(said=230, commits=6),
    ("sqlite", "mail", 1): Cost(said=36, commits=6),
    ("sqlite", "mail", AT_ONCE): Cost(said=292, commits=21),
    ("postgres", "file", 1): Cost(said=41, commits=6),
    ("postgres", "file", AT_ONCE): Cost(said=222, commits=6),
    ("postgres", "mail", 1): Cost(said=43, commits=6),
    ("postgres", "mail", AT_ONCE): Cost(said=299, commits=21),
}
# Of what a thread asks that was woken, or has waited, and finds nothing to do.
IDLE = {"sqlite": Cost(said=5, commits=0), "postgres": Cost(said=5, commits=0)}


@dataclass(slots=True)
class Heard:
    """What a database was told, one line for each time that the client spoke."""

    lines: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join(line[:100] for line in self.lines)

    @property
    def cost(self) -> Cost:
        return Cost(
            said=len(self.lines), commits=sum(re.search(r"\bCOMMIT\b", line) is not None for line in self.lines)
        )


Listening = Callable[[], Any]  # a context manager of Heard


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def listening(database: str, request: pytest.FixtureRequest) -> Iterator[Listening]:
    if database == "postgres":
        yield lambda: _read_from_log(request.getfixturevalue("postgres").folder / "output.log")
        return
    spoken: list[str] = []

    def trace(connection: Any, _record: Any) -> None:
        connection.set_trace_callback(spoken.append)

    event.listen(Engine, "connect", trace)
    yield lambda: _told_by_sqlite(spoken)
    event.remove(Engine, "connect", trace)


@contextmanager
def _told_by_sqlite(spoken: list[str]) -> Iterator[Heard]:
    spoken.clear()
    heard = Heard()
    yield heard
    # Of each trigger that it looks at it tells by the same words once more; they are said to it once.
    heard.lines = [line for line, last in zip(spoken, ["", *spoken], strict=False) if line != last or not _writes(line)]


def _writes(line: str) -> bool:
    return line.startswith(("INSERT", "UPDATE", "DELETE"))


@contextmanager
def _read_from_log(log: Path) -> Iterator[Heard]:
    """The server writes what it is told before it carries it out."""
    before = log.stat().st_size
    heard = Heard()
    yield heard
    with log.open("rb") as file:
        file.seek(before)
        lines = file.read().decode().splitlines()
    heard.lines = [line for line in lines if " statement: " in line or " execute " in line]


@pytest.fixture
def journal(listening: Listening, database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    opened: Journal = open_journal(_url(database, request, tmp_path), exclusive=True)
    yield opened
    opened.close()


def _url(database: str, request: pytest.FixtureRequest, path: Path) -> str:
    if database == "sqlite":
        return f"sqlite:///{path}/journal.db"
    import psycopg

    server: Postgres = request.getfixturevalue("postgres")
    url = server.database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE \"{url.rpartition('/')[2]}\" SET log_statement = 'all'")
    return url


def new(way: str) -> NewSubmission:
    return file() if way == "file" else mail()


def job(journal: Journal, submissions: list[NewSubmission]) -> None:
    """All that the daemon asks of the journal for them: taken in, posted, answered and moved; to mails is replied."""
    source, kind = submissions[0].source, submissions[0].kind
    count = len(submissions)
    assert journal.known([each.key for each in submissions]) == {}
    journal.record_all(submissions)
    claims = claim(journal, source, limit=count)
    assert all(journal.settle([SettledTry(claimed=each, settlement=done(), ending=ENDED) for each in claims]))
    answers = journal.claim_answers(source, limit=count, hold=HOLD)
    assert len(answers) == count
    replied = kind is Kind.MAIL
    planned = [(answer, Planned(target="done/a", replied=replied)) for answer in answers]
    for each in [[one] for one in planned] if replied else [planned]:
        if replied:
            journal.sent_to("zhang@corp.example", HOUR)
        assert all(journal.note_answers(each))  # before the next reply is sent
    assert all(journal.note_answers([(answer, Closed(moved=True)) for answer in answers]))


@pytest.mark.parametrize("count", [1, AT_ONCE])
@pytest.mark.parametrize("way", ["file", "mail"])
def test_a_document_costs_no_more_statements_than_it_did(
    journal: Journal, listening: Listening, database: str, way: str, count: int
) -> None:
    job(journal, [new(way)])

    with listening() as heard:
        job(journal, [new(way) for _ in range(count)])

    assert heard.cost == COSTS[database, way, count], heard


def test_looking_for_work_where_there_is_none_commits_nothing(
    journal: Journal, listening: Listening, database: str
) -> None:
    job(journal, [new("mail")])

    with listening() as heard:
        assert journal.next_try_in(["fapiao"], ENDPOINT) is None
        assert journal.claim_notices("fapiao", limit=8, hold=HOLD, acknowledge_after=HOUR) == []
        assert journal.next_answer_in("fapiao", acknowledge_after=HOUR) is None
        assert journal.claim_returns("shared", limit=8, hold=HOLD) == []
        assert journal.released() == {}

    assert heard.cost == IDLE[database], heard


def test_a_mail_of_nine_documents_is_taken_in_by_one_statement_more_for_each_of_them(
    journal: Journal, listening: Listening, database: str
) -> None:
    """Its booking, which has a number that the document needs; the documents are written together."""
    journal.record(mail())  # it is connected now
    one, nine = mail(document("0")), mail(*(document(f"{number}") for number in range(1, 10)))

    with listening() as of_one:
        journal.record(one)
    with listening() as of_nine:
        journal.record(nine)

    # SQLite runs what is written together once for each row; PostgreSQL is told of each row, but not waited for.
    assert of_nine.cost.said - of_one.cost.said == 8 + 8, of_nine
    assert of_nine.cost.commits == of_one.cost.commits == 1
