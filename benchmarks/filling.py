"""A journal of any size, written in bulk: years of work, in a minute or two.

Each submission has one document with its booking, try, invoice and identity, all of them long settled and
closed. Of a hundred, 94 are `done`, 2 `attention`, 2 `error` and 2 `duplicate`; half are mails of 300
people, half files; they were received evenly over two years. No measurement by itself.
"""

from __future__ import annotations

import hashlib
import sqlite3
from base64 import b32encode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

NOW_MS = 1_780_000_000_000  # some day in 2026; the databases' own clocks are later
SPAN_MS = 2 * 365 * 86_400_000
PEOPLE = 300
_ENDPOINT_SAID = '{"resCode": 200000, "data": {"invoices": [' + '"' + "x" * 600 + '"]}}'

Row = tuple[Any, ...]


def fill(url: str, count: int) -> None:
    """Write `count` submissions into a journal that is there and empty."""
    if make_url(url).get_backend_name() == "sqlite":
        _fill_sqlite(Path(str(make_url(url).database)), count)
    else:
        _fill_postgres(url, count)


def _digest(kind: str, number: int) -> bytes:
    return hashlib.sha256(f"{kind} {number}".encode()).digest()


def identifier(number: int) -> str:
    """The id of the submission of that number, as random as real ones."""
    return b32encode(_digest("submission", number)[:10]).decode().lower()


def key(number: int) -> str:
    return f"{'mail' if number % 2 else 'file'}:{_digest('key', number).hex()}"


def _outcome(number: int) -> str:
    part = number % 100
    return "attention" if part < 2 else "error" if part < 4 else "duplicate" if part < 6 else "done"


def _received_at(number: int, count: int) -> int:
    return NOW_MS - SPAN_MS + SPAN_MS * number // count


def _submissions(count: int) -> Iterator[Row]:
    for number in range(1, count + 1):
        at, mail = _received_at(number, count), bool(number % 2)
        path = None if mail else f"903851/发票-{number}.pdf"
        yield (
            number, identifier(number), key(number), "fapiao" if mail else "shared", "mail" if mail else "file",
            f"1:{number}" if mail else path, _digest("key", number).hex(),
            f"person-{number % PEOPLE}@corp.example" if mail else None, f"转发: 差旅发票 {number}" if mail else None,
            path, str(900_000 + number % PEOPLE), "张三", "zh", at, at + 1000, "closed", True, True, at + 60_000, 1,
            False, "发票/已处理", 2, False,
        )  # fmt: skip


def _documents(count: int) -> Iterator[Row]:
    for number in range(1, count + 1):
        at, content, outcome = _received_at(number, count), _digest("content", number).hex(), _outcome(number)
        duplicate = outcome == "duplicate"
        yield (
            number, number, f"发票-{number}.pdf", "application/pdf", 54_321, content, content, "default",
            f"invoices/{content}.pdf", f"https://files.example.com/invoices/{content}.pdf",
            number - 1 if duplicate and number > 1 else number, "settled", outcome,
            "400001" if outcome == "error" else None, "查验失败" if outcome == "error" else None, at + 30_000,
            number - 1 if duplicate else None,
        )  # fmt: skip


def _bookings(count: int) -> Iterator[Row]:
    for number in range(1, count + 1):
        at, content, outcome = _received_at(number, count), _digest("content", number).hex(), _outcome(number)
        biz_id = _digest("biz", number).hex()[:36]
        yield (
            number, content, str(900_000 + number % PEOPLE), True, 1, biz_id, "fapiao" if number % 2 else "shared",
            "default", f"invoices/{content}.pdf", f"https://files.example.com/invoices/{content}.pdf", "settled",
            "done" if outcome == "duplicate" else outcome, at, at + 30_000, number, 1, 1,
            at + 2000 if outcome == "error" else None, False, at + 1000, 1, False,
        )  # fmt: skip


def _tries(count: int) -> Iterator[Row]:
    for number in range(1, count + 1):
        at = _received_at(number, count)
        biz_id = _digest("biz", number).hex()[:36]
        yield (number, number, 1, biz_id, at + 2000, at + 30_000, "done", False, "200000", None, _ENDPOINT_SAID)


def _invoices(count: int) -> Iterator[Row]:
    for number in range(1, count + 1):
        yield (
            number, number, f"24{number:018}", "电子发票", "43.50", "CNY", "2026-02-05",
            f"上海示例出行有限公司{number % 500}", "91310000MA1K0000", True, f"E{number}",
        )  # fmt: skip


def _identities(count: int) -> Iterator[Row]:
    for number in range(1, count + 1):
        yield (key(number), identifier(number), False)


_TABLES: tuple[tuple[str, str, Any], ...] = (
    (
        "submissions",
        (
            "seq id key source kind place fingerprint sender subject path user_code person_name language received_at "
            "recorded_at state answer create_expense answered_at answer_number replied moved_to claim claimed"
        ),
        _submissions,
    ),
    (
        "bookings",
        (
            "id content user_code create_expense generation biz_id source store store_key url state outcome created_at "
            "settled_at first_document attempts tries first_failed_at in_doubt due_at claim claimed"
        ),
        _bookings,
    ),
    (
        "documents",
        (
            "id submission name media_type size sha256 content store store_key url booking state outcome code message "
            "settled_at duplicate_of"
        ),
        _documents,
    ),
    ("tries", "id booking number biz_id started_at ended_at result in_doubt code message raw", _tries),
    (
        "invoices",
        "id booking number name amount currency date seller_name seller_tax_code verified expense_id",
        _invoices,
    ),
    ("identities", "key submission stays", _identities),
)
_COUNTED = ("submissions.seq", "bookings.id", "documents.id", "tries.id", "invoices.id")


def _fill_sqlite(path: Path, count: int) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("synchronous=OFF", "cache_size=-1000000", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        for name, columns, rows in _TABLES:
            names = columns.split()
            _insert(connection, f"INSERT INTO {name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
                    rows(count))  # fmt: skip
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _insert(connection: sqlite3.Connection, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    connection.execute("BEGIN")
    connection.executemany(statement, rows)
    connection.execute("COMMIT")


def _fill_postgres(url: str, count: int) -> None:
    import psycopg

    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for name, columns, rows in _TABLES:
            with cursor.copy(f"COPY {name} ({', '.join(columns.split())}) FROM STDIN") as copy:
                for row in rows(count):
                    copy.write_row(row)
        for counted in _COUNTED:
            table, _, column = counted.partition(".")
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), {count} + 1)")
