"""Journals as earlier versions left them: kept as text, for what was written once stays as it was."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, NullPool, create_engine, make_url

from watcher.journal.migrate import MIGRATIONS

DATA = Path(__file__).resolve().parents[1] / "integration" / "data"
# What it holds: see the sentences beside it.
BOOKED, ITS_DUPLICATE, FAILED, PENDING = "xaakf3bjh53dsar2", "tzor37tgidgoiliw", "ooyujhoxgkurvsud", "ngsa4c6lxpfkuz5f"
TABLES = ("submissions", "bookings", "documents", "tries", "invoices", "identities", "sources", "gates")


def make_journal_0001(url: str) -> None:
    """Of schema 0001, at a URL where there is none.

    `booked.pdf` was answered, and came again by mail, which stays; `failed.pdf` ended in error; a mail is held, one
    had nothing but what was skipped; `unanswered.pdf` is booked; `pending.pdf` was tried once, in doubt; `fresh.zip`
    has two documents that were never tried. The gate of another endpoint is closed.
    """
    if make_url(url).get_backend_name() == "sqlite":
        _make_sqlite(Path(str(make_url(url).database)))
    else:
        _make_postgres(url)


def content(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    engine = create_engine(_driver(url), poolclass=NullPool)
    with engine.connect() as connection:
        found = {name: [tuple(row) for row in _rows(connection, name)] for name in (*TABLES, "alembic_version")}
    engine.dispose()
    return found


def _rows(connection: Connection, table: str) -> Any:
    return connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1")


def _driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")


def _make_sqlite(path: Path) -> None:
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript((DATA / "journal_0001_sqlite.sql").read_text(encoding="utf-8"))
        connection.executescript((DATA / "journal_0001_rows.sql").read_text(encoding="utf-8"))
        connection.commit()


def _make_postgres(url: str) -> None:
    engine = create_engine(_driver(url), poolclass=NullPool)
    with engine.connect() as connection:
        run_migrations(connection, "0001")
        connection.exec_driver_sql("DELETE FROM alembic_version")
        for line in (DATA / "journal_0001_rows.sql").read_text(encoding="utf-8").splitlines():
            connection.exec_driver_sql(line.replace("%", "%%"))
        for table, column in (("submissions", "seq"), *((name, "id") for name in TABLES[1:5])):
            last = f"SELECT max({column}) FROM {table}"
            connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), ({last}))")
        connection.commit()
    engine.dispose()


def run_migrations(connection: Connection, revision: str) -> None:
    """Up to a revision, and no further."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def pdf(mark: str) -> bytes:
    """A document as the older version had it: its hash stands in the journal."""
    return b"%PDF-1.4\n% " + mark.encode() + b"\n\ntrailer<<>>\nstartxref\n0\n%%EOF\n"
