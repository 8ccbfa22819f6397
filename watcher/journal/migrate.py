"""Which version a journal has, and bringing it to this one.

Alembic is imported only for a journal of an older version: it is slow to import and takes memory for as
long as the daemon runs.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, inspect

from watcher.errors import JournalMissing, JournalOutdated, JournalUnusable
from watcher.journal.making import make_tables

HEAD = "0007"  # the newest of migrations/versions
REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", HEAD)  # all that this program knows, the oldest first
MIGRATIONS = Path(__file__).parent / "migrations"
_OURS = "alembic_version"
_BRING = "run `invoice-watcher migrate`"


def stored_revision(connection: Connection, where: str) -> str | None:
    """The journal's version; None: the database is empty. Raises JournalUnusable for somebody else's."""
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return None
    if _OURS not in tables or (len(tables) > 1 and "submissions" not in tables):
        raise JournalUnusable(f"{where} is not a journal: it has tables of something else")
    rows = connection.exec_driver_sql(f"SELECT version_num FROM {_OURS}").scalars().all()  # noqa: S608 - a constant
    return str(rows[0]) if rows else None


def needs_migration(revision: str | None, where: str) -> bool:
    """Whether there is something to do. Raises JournalUnusable for a journal of a newer program."""
    if revision is not None and revision not in REVISIONS:
        raise JournalUnusable(
            f"{where} was written by a newer version of invoice-watcher ({revision}): install that version here, too; "
            "this one has changed nothing"
        )
    return revision != HEAD


def require_current(revision: str | None, where: str) -> None:
    """Raises JournalUnusable unless the journal is there in this version."""
    if revision is None:
        raise JournalMissing(f"there is no journal in {where} yet: start the daemon, or {_BRING}")
    if needs_migration(revision, where):
        raise JournalOutdated(f"{where} is of an older version ({revision}): {_BRING}")


def bring_up(connection: Connection, revision: str | None) -> None:
    """Make the journal in an empty database, or run the missing migrations, in the connection's transaction."""
    if revision is None:
        _create(connection)
    else:
        upgrade(connection)


def upgrade(connection: Connection) -> None:
    """Run the missing migrations in the transaction that the connection is in."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _create(connection: Connection) -> None:
    """What all migrations together come to; a test holds that they do."""
    make_tables(connection)
    version = Table(
        _OURS, MetaData(), Column("version_num", String(32)), PrimaryKeyConstraint("version_num", name=f"{_OURS}_pkc")
    )  # as Alembic would make it
    version.create(connection, checkfirst=True)
    connection.execute(version.insert(), {"version_num": HEAD})
