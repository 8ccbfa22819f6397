"""The migrations make exactly the tables that the program speaks of, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, NullPool, create_engine, make_url

from watcher.errors import JournalUnusable
from watcher.journal import migrate as migrations
from watcher.journal.opening import migrate, open_journal
from watcher.journal.tables import metadata


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/journal.db"
    return str(request.getfixturevalue("postgres").database())


def test_the_newest_migration_is_the_one_that_the_program_knows() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations.MIGRATIONS))
    directory = ScriptDirectory.from_config(config)

    assert directory.get_heads() == [migrations.HEAD]
    assert {script.revision for script in directory.walk_revisions()} == set(migrations.REVISIONS)


def engine_of(url: str) -> Engine:
    driver = make_url(url)
    if driver.get_backend_name() == "postgresql":
        driver = driver.set(drivername="postgresql+psycopg")
    return create_engine(driver, poolclass=NullPool)


def clauses(sql: str) -> list[str]:
    """What stands between a statement's commas; the order of constraints means nothing."""
    return sorted(" ".join(clause.strip(" ()\n\t").split()) for clause in sql.split(","))


def shape(connection: Connection) -> list[tuple[str, ...]]:
    """Every column, index and trigger as the database itself describes it, partial indexes and all."""
    if connection.dialect.name == "sqlite":
        statement = "SELECT name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
        rows = connection.exec_driver_sql(statement).all()
        return [(row.name, row.tbl_name, *clauses(row.sql)) for row in rows]
    columns = (
        "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns "
        "WHERE table_schema = 'public' ORDER BY table_name, column_name"
    )
    indexes = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname"
    triggers = (
        "SELECT tgname, pg_get_triggerdef(pg_trigger.oid), prosrc FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid "
        "WHERE NOT tgisinternal ORDER BY tgname"
    )
    return [
        tuple(" ".join(str(value).split()) for value in row)
        for statement in (columns, indexes, triggers)
        for row in connection.exec_driver_sql(statement)
    ]


def is_everywhere(_object: object, name: str | None, *_more: object) -> bool:
    """But for the index that only SQLite has: Alembic would miss it on PostgreSQL."""
    return name != "ix_totals_counted"


# Alembic cannot compare what SQLite does not tell it; the next test compares it as text.
@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_the_migrations_and_the_tables_agree(url: str) -> None:
    engine = engine_of(url)
    with engine.connect() as connection:
        migrations.upgrade(connection)
        connection.commit()
        opts = {"compare_type": True, "compare_server_default": True, "include_object": is_everywhere}
        context = MigrationContext.configure(connection, opts=opts)
        differences = compare_metadata(context, metadata)
    engine.dispose()

    assert differences == []


def test_a_journal_that_is_made_is_what_the_migrations_come_to(url: str, request: pytest.FixtureRequest) -> None:
    made, migrated = engine_of(url), engine_of(_second(url, request))
    with made.connect() as first, migrated.connect() as second:
        migrations.bring_up(first, None)
        migrations.upgrade(second)
        assert shape(first) == shape(second)
        assert migrations.stored_revision(first, "it") == migrations.stored_revision(second, "it") == migrations.HEAD
    made.dispose()
    migrated.dispose()


def _second(url: str, request: pytest.FixtureRequest) -> str:
    if url.startswith("sqlite"):
        return url.replace("journal.db", "second.db")
    return str(request.getfixturevalue("postgres").database())


def test_a_journal_is_migrated_again_and_again_without_harm(url: str) -> None:
    migrate(url)
    migrate(url)

    open_journal(url, exclusive=False).close()


def test_nodes_that_start_at_once_make_one_journal(request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("postgres").database()
    with pytest.raises(JournalUnusable, match="no journal"):
        open_journal(url, exclusive=False)

    with ThreadPoolExecutor(4) as pool:
        journals = list(pool.map(lambda _: open_journal(url, exclusive=True), range(4)))

    for journal in journals:
        assert journal.counts().documents == {"pending": 0}
        journal.close()
