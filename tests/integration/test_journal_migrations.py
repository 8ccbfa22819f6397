"""The migrations make exactly the tables that the program speaks of, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, make_url

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


def test_the_migrations_and_the_tables_agree(url: str) -> None:
    migrate(url)
    driver = make_url(url)
    if driver.get_backend_name() == "postgresql":
        driver = driver.set(drivername="postgresql+psycopg")
    engine = create_engine(driver, poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = compare_metadata(context, metadata)
    engine.dispose()

    assert differences == []


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
