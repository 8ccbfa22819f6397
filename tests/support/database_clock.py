"""The clock of a database, which a test sets: as if that of its server were set, and for this database alone."""

from __future__ import annotations

from datetime import timedelta

_NOW_AHEAD = """
CREATE OR REPLACE FUNCTION told.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS $$ SELECT pg_catalog.clock_timestamp() + make_interval(secs => {seconds}) $$
"""


class DatabaseClock:
    """Of the database at a URL; connections that are made from now on go by it."""

    def __init__(self, url: str) -> None:
        self._url = url
        # What stands before pg_catalog is found before it.
        database = url.rpartition("/")[2]
        self._execute("CREATE SCHEMA told", f'ALTER DATABASE "{database}" SET search_path = public, told, pg_catalog')
        self.set(timedelta(0))

    def set(self, ahead: timedelta) -> None:
        """Let it be so far ahead of the server's, or behind it."""
        self._execute(_NOW_AHEAD.format(seconds=ahead.total_seconds()))

    def _execute(self, *statements: str) -> None:
        import psycopg

        with psycopg.connect(self._url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)
