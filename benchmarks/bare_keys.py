"""Tables of random keys and nothing else, in the hands of the bare driver: what a journal's size costs at the least.

No measurement by itself. The keys are those that a journal has to have: what a submission is known by, its id, and the
content of its document. They are as long as the journal's, as random, written in one transaction as there, and looked
up as many at once. Whatever depends on the order of time has its place at an index's end, and costs the same in both.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import make_url

from benchmarks.journal_work import Clock, least_ms

ASKED_AT_ONCE = 500
_TABLES = {  # their columns that are given; the first is the key
    "identities": ("key", "submission"),
    "submissions": ("id",),
    "bookings": ("content",),
}
_NUMBERED = frozenset({"submissions", "bookings"})  # as in the journal: rows have a number beside the key
_LONG_ID = 16  # characters

Row = Sequence[str]
Ways = tuple[Callable[[Sequence[Row]], object], Callable[[list[str]], object]]


def fill_keys(url: str, count: int) -> None:
    """Make the tables, with so many rows each, in a database without them."""
    with _connected(url) as connection:
        on_sqlite = isinstance(connection, sqlite3.Connection)
        for table in _TABLES:
            connection.execute(_table(table, "integer" if on_sqlite else "bigint GENERATED ALWAYS AS IDENTITY"))
        if on_sqlite:
            connection.execute("PRAGMA cache_size=-1000000")
            connection.execute("BEGIN")
            for index, table in enumerate(_TABLES):
                connection.executemany(_insert(table, "?"), (_rows(number)[index] for number in range(count)))
            connection.execute("COMMIT")
            return
        with connection.cursor() as cursor:
            for index, table in enumerate(_TABLES):
                with cursor.copy(f"COPY {table} ({_names(table)}) FROM STDIN") as copy:
                    for number in range(count):
                        copy.write_row(_rows(number)[index])
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def work_on_keys(url: str, count: int, first: int, clock: Clock) -> dict[str, float]:
    """Milliseconds of `clock` to write one and to commit it, as `record`; and to look some hundred up, as `known`.

    `first`: how many there are.
    """
    rows = [_rows(number) for number in range(first, first + max(count, ASKED_AT_ONCE))]
    with _connected(url) as connection:
        write, ask = _by_sqlite(connection) if isinstance(connection, sqlite3.Connection) else _by_psycopg(connection)
        began = clock()
        for each in rows:
            write(each)
        spent = (clock() - began) * 1000 / len(rows)
        asked = [identity[0] for identity, *_ in rows[:ASKED_AT_ONCE]]
        return {"record": spent, "known": least_ms(lambda: ask(asked))}


def _rows(number: int) -> tuple[Row, Row, Row]:
    """One for each table, as random as hashes are, and the same each time."""
    key, name, content = (hashlib.sha256(f"{kind} {number}".encode()).hexdigest() for kind in _TABLES)
    return (f"mail:{key}", name[:_LONG_ID]), (name[:_LONG_ID],), (content,)


def _table(name: str, number: str) -> str:
    """`number`: the type of what counts up by itself."""
    key, *others = (f"{column} text NOT NULL" for column in _TABLES[name])
    columns = [f"seq {number} PRIMARY KEY", f"{key} UNIQUE"] if name in _NUMBERED else [f"{key} PRIMARY KEY"]
    return f"CREATE TABLE {name} ({', '.join([*columns, *others])})"


def _names(table: str) -> str:
    return ", ".join(_TABLES[table])


def _insert(table: str, value: str) -> str:
    return f"INSERT INTO {table} ({_names(table)}) VALUES ({', '.join(value for _ in _TABLES[table])})"


def _question(keys: str) -> str:
    return (
        "SELECT identities.key, submissions.seq FROM identities "
        f"LEFT JOIN submissions ON submissions.id = identities.submission WHERE identities.key {keys}"
    )


def _by_sqlite(connection: sqlite3.Connection) -> Ways:
    question = _question(f"IN ({', '.join('?' * ASKED_AT_ONCE)})")
    inserts = [_insert(table, "?") for table in _TABLES]

    def write(rows: Sequence[Row]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        for insert, row in zip(inserts, rows, strict=True):
            connection.execute(insert, row)
        connection.execute("COMMIT")

    return write, lambda keys: connection.execute(question, keys).fetchall()


def _by_psycopg(connection: Any) -> Ways:
    inserts = [_insert(table, "%s") for table in _TABLES]

    def write(rows: Sequence[Row]) -> None:
        with connection.transaction():
            for insert, row in zip(inserts, rows, strict=True):
                connection.execute(insert, row)

    return write, lambda keys: connection.execute(_question("= ANY(%s)"), (keys,)).fetchall()


@contextmanager
def _connected(url: str) -> Iterator[Any]:
    """What commits as durably as the journal does."""
    if make_url(url).get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(make_url(url).database), isolation_level=None)) as connection:
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                connection.execute(f"PRAGMA {pragma}")
            yield connection
        return
    import psycopg

    with psycopg.connect(url, autocommit=True) as served:
        yield served
