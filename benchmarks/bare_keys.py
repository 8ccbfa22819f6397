"""A table of random keys and nothing else, in the hands of the bare driver: what a journal's size costs at the least.

No measurement by itself. The keys are as long as the journal's, as random, and looked up as many at once.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import make_url

from benchmarks.journal_work import Clock, least_ms

ASKED_AT_ONCE = 500
_MAKE = "CREATE TABLE keys (key text NOT NULL PRIMARY KEY, submission text NOT NULL)"


def fill_keys(url: str, count: int) -> None:
    """Make the table, with so many rows, in a database without it."""
    with _connected(url) as connection:
        connection.execute(_MAKE)
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA cache_size=-1000000")
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO keys VALUES (?, ?)", (_row() for _ in range(count)))
            connection.execute("COMMIT")
            return
        with connection.cursor() as cursor, cursor.copy("COPY keys FROM STDIN") as copy:
            for _ in range(count):
                copy.write_row(_row())
        connection.execute("VACUUM ANALYZE keys")
        connection.execute("CHECKPOINT")


def work_on_keys(url: str, count: int, clock: Clock) -> dict[str, float]:
    """Milliseconds of `clock` to write one and to commit it, as `record`; and to look some hundred up, as `known`."""
    rows = [_row() for _ in range(max(count, ASKED_AT_ONCE))]
    with _connected(url) as connection:
        write, ask = _by_sqlite(connection) if isinstance(connection, sqlite3.Connection) else _by_psycopg(connection)
        began = clock()
        for row in rows:
            write(row)
        spent = (clock() - began) * 1000 / len(rows)
        asked = [key for key, _ in rows[:ASKED_AT_ONCE]]
        return {"record": spent, "known": least_ms(lambda: ask(asked))}


Row = tuple[str, str]
Ways = tuple[Callable[[Row], object], Callable[[list[str]], object]]


def _row() -> Row:
    return f"mail:{secrets.token_hex(32)}", secrets.token_hex(8)


def _by_sqlite(connection: sqlite3.Connection) -> Ways:
    question = f"SELECT * FROM keys WHERE key IN ({', '.join('?' * ASKED_AT_ONCE)})"
    return (
        lambda row: connection.execute("INSERT INTO keys VALUES (?, ?)", row),
        lambda keys: connection.execute(question, keys).fetchall(),
    )


def _by_psycopg(connection: Any) -> Ways:
    return (
        lambda row: connection.execute("INSERT INTO keys VALUES (%s, %s)", row),
        lambda keys: connection.execute("SELECT * FROM keys WHERE key = ANY(%s)", (keys,)).fetchall(),
    )


@contextmanager
def _connected(url: str) -> Iterator[Any]:
    """What commits each statement by itself, as durably as the journal does."""
    if make_url(url).get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(make_url(url).database), isolation_level=None)) as connection:
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                connection.execute(f"PRAGMA {pragma}")
            yield connection
        return
    import psycopg

    with psycopg.connect(url, autocommit=True) as served:
        yield served
