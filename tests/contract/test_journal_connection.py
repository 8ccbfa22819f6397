"""What the journal's own way to run statements promises, on every database: it is SQLAlchemy's, but for the cost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import pytest
from sqlalchemy import Select, bindparam, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError, InvalidRequestError, MultipleResultsFound, NoResultFound
from sqlalchemy.sql.compiler import SQLCompiler

from tests.support.journals import book, close_gate, document, done, file, invoice, mail
from watcher.errors import JournalUnavailable
from watcher.journal import tables
from watcher.journal.connection import Connection
from watcher.journal.journal import SqlJournal
from watcher.journal.tables import alerts, sent, sources, submissions
from watcher.ports import Journal

_ADD = insert(sent)
_AMONG = select(sent.c.recipient).where(sent.c.recipient.in_(bindparam("names", expanding=True))).order_by(sent.c.id)
_NOT_AMONG = select(func.count()).where(sent.c.recipient.not_in(bindparam("names", expanding=True)))
_LATER = update(sent).where(sent.c.sent_at < bindparam("before")).values(sent_at=sent.c.sent_at + bindparam("by"))
_ALL = select(sent).order_by(sent.c.id)


def in_one(journal: Journal, work: Callable[[Connection], Any]) -> Any:
    """What it returns, in a transaction that is kept."""
    return cast("SqlJournal", journal)._database.write(work)


def add(connection: Connection, *recipients: str) -> int:
    rows = [{"recipient": name, "sent_at": number} for number, name in enumerate(recipients)]
    return connection.execute(_ADD, rows).rowcount


def both_ways(statement: Select[Any], connection: Connection) -> tuple[list[Any], list[Any]]:
    return connection.execute(statement).all(), list(connection.plain.execute(statement))


def test_rows_are_what_sqlalchemy_makes_of_them(journal: Journal) -> None:
    """Given texts that no database can store, booleans, numbers and nulls in every table."""
    hostile = "a\x00b \ud800 \ue000 %(x)s :y ?"
    journal.record(mail(document("a", name=hostile, media_type=hostile), subject=hostile, place=hostile))
    book(journal, done(invoice(verified=True, message=hostile), invoice("2", None, verified=False)))
    journal.record(file(document("b"), path=hostile, answer=False, sender=None))
    journal.report_source("fapiao", up=True, message=hostile)
    close_gate(journal, hostile, hostile, (journal.now() - journal.now()))

    for table in tables.metadata.sorted_tables:
        each = partial(both_ways, select(table).order_by(*table.primary_key.columns))
        ours, theirs = cast("SqlJournal", journal)._database.read(each)
        assert [tuple(row) for row in ours] == [tuple(row) for row in theirs]
        assert [[*map(type, row)] for row in ours] == [[*map(type, row)] for row in theirs]
        assert all(getattr(row, name) == row[at] for row in ours for at, name in enumerate(table.columns.keys()))


def test_a_list_may_be_of_any_length(journal: Journal) -> None:
    kept = ("n0", "n1", "n2", "n499", "n4999", "other")
    in_one(journal, lambda connection: add(connection, *kept))

    def asked(wanted: list[str]) -> tuple[list[str], int]:
        def work(connection: Connection) -> tuple[list[str], int]:
            names = {"names": wanted}
            return connection.execute(_AMONG, names).scalars(), connection.execute(_NOT_AMONG, names).scalar_one()

        return cast("tuple[list[str], int]", in_one(journal, work))

    for count in (0, 1, 2, 3, 500, 1024, 1025, 5000, 3, 0):
        wanted = [f"n{number}" for number in range(count)]
        found, others = asked(wanted)
        assert found == [name for name in kept if name in wanted]
        assert others == len(kept) - len(found)


def test_a_statement_is_compiled_once_however_long_its_lists_are(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[str] = []
    compile_ = SQLCompiler.__init__

    def heard(self: SQLCompiler, *args: Any, **more: Any) -> None:
        compile_(self, *args, **more)
        compiled.append(str(self))

    monkeypatch.setattr(SQLCompiler, "__init__", heard)
    statement = select(sent.c.recipient).where(sent.c.recipient.in_(bindparam("names", expanding=True)))

    def ask(count: int, connection: Connection) -> list[Any]:
        return connection.execute(statement, {"names": count * ["n"]}).all()

    for count in (1, 2, 5, 9, 2):
        in_one(journal, partial(ask, count))

    assert len([each for each in compiled if "recipient" in each]) == 1


def test_many_rows_are_written_in_their_order_and_counted(journal: Journal) -> None:
    names = [f"n{number}" for number in range(7)]

    assert in_one(journal, lambda connection: add(connection, *names)) == 7
    assert in_one(journal, add) == 0
    assert [row.recipient for row in in_one(journal, lambda connection: connection.execute(_ALL))] == names
    rows = [{"before": 3, "by": 10}, {"before": 5, "by": 100}]
    assert in_one(journal, lambda connection: connection.execute(_LATER, rows).rowcount) == 3 + 2


def test_one_row_among_many_that_is_refused_undoes_them_all(journal: Journal) -> None:
    rows = [{"key": key, "since": 1, "said": "x"} for key in ("a", "b", "a", "c")]

    with pytest.raises(JournalUnavailable) as refused:
        in_one(journal, lambda connection: connection.execute(insert(alerts), rows))

    assert isinstance(refused.value.__cause__, IntegrityError)
    assert journal.alerts() == []


def test_an_error_tells_of_the_statement_and_not_of_its_values(journal: Journal) -> None:
    secret = {"name": "zhang@corp.example", "kind": "mail"}
    in_one(journal, lambda connection: connection.execute(insert(sources), secret))

    with pytest.raises(JournalUnavailable) as refused:
        in_one(journal, lambda connection: connection.execute(insert(sources), secret))

    cause = refused.value.__cause__
    assert isinstance(cause, IntegrityError)
    # Where nobody waited for the statement by itself, it is told of when the transaction ends
    assert str(cause.statement).startswith(("INSERT INTO sources", "COMMIT"))
    assert "zhang" not in str(cause.statement)
    assert (cause.params, cause.hide_parameters) == (None, True)


def test_what_is_returned_is_the_row_as_it_is_afterwards(journal: Journal) -> None:
    def work(connection: Connection) -> list[Any]:
        add(connection, "a", "b")
        return connection.execute(_LATER.returning(*sent.c), {"before": 1, "by": 5}).all()

    (row,) = in_one(journal, work)

    assert (row.recipient, row.sent_at) == ("a", 5)
    assert in_one(journal, lambda connection: connection.execute(_LATER, {"before": 0, "by": 5}).rowcount) == 0
    assert in_one(journal, lambda connection: connection.execute(delete(sent)).rowcount) == 2


def test_one_statement_serves_whatever_columns_it_is_given(journal: Journal) -> None:
    statement = insert(sources)

    def work(connection: Connection) -> list[tuple[Any, ...]]:
        connection.execute(statement, {"name": "a"})
        connection.execute(statement, {"name": "b", "kind": "mail", "up": True})
        connection.execute(statement, {"up": False, "name": "c"})
        rows = connection.execute(select(sources.c.name, sources.c.kind, sources.c.up).order_by(sources.c.name))
        return [tuple(row) for row in rows]

    assert in_one(journal, work) == [("a", None, None), ("b", "mail", True), ("c", None, False)]


def test_a_value_that_is_missing_is_refused(journal: Journal) -> None:
    with pytest.raises(InvalidRequestError, match="names"):
        in_one(journal, lambda connection: connection.execute(_AMONG, {}))


def test_one_row_is_asked_for_where_there_must_be_one(journal: Journal) -> None:
    in_one(journal, lambda connection: add(connection, "a", "b"))

    with pytest.raises(MultipleResultsFound):
        in_one(journal, lambda connection: connection.execute(_ALL).one())
    with pytest.raises(NoResultFound):
        in_one(journal, lambda connection: connection.execute(_AMONG, {"names": []}).scalar_one())
    first = in_one(journal, lambda connection: connection.execute(_AMONG, {"names": []}).scalar_one_or_none())
    assert first is None


def test_text_is_run_as_it_stands(journal: Journal) -> None:
    """A `%` is nothing special, and a colon that is no parameter neither."""
    statement = text("SELECT :what AS said, '100 %' AS percent WHERE 'a' LIKE '%a'")

    row = in_one(journal, lambda connection: connection.execute(statement, {"what": "x"}).one())

    assert (row.said, row.percent) == ("x", "100 %")


def test_no_column_has_a_default_that_only_sqlalchemy_would_fill_in() -> None:
    filled = [column for table in tables.metadata.sorted_tables for column in table.columns if column.default]
    assert filled == []
    assert submissions.c.state.onupdate is None
