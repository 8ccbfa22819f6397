"""Alembic's entry: the migrations run in the transaction of the connection that `migrate.upgrade` hands over."""

from __future__ import annotations

from alembic import context

from watcher.journal.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # SQLite can, too, where BEGIN is its own: see bare_engine
    render_as_batch=True,
)
context.run_migrations()
