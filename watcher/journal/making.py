"""The tables in an empty database, and the triggers by which it keeps the totals itself.

What is closed and what is settled only becomes more: to count it would take longer each year. What is under way is
little, has its partial indexes, and is counted when somebody asks; so a document is counted once, when it is settled,
its submission once, when it is closed, and what comes between costs nothing. A total belongs to the same snapshot as
the rows that it counts: what is rolled back is not counted, and what is not committed yet is counted by nobody else.

On SQLite, where one writes at a time, a change is added to the total. On PostgreSQL transactions would wait for each
other at that row: there each change is a row of its own, and the total is the sum of what is visible.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

from watcher.journal.tables import CONDITION, metadata


def make_tables(connection: Connection) -> None:
    """In an empty database.

    PostgreSQL is told the conditions of the partial indexes here and not where they are written down: what is told
    of it loads its part of SQLAlchemy, which a command that only reads from SQLite would load for nothing.
    """
    on_postgresql = connection.dialect.name == "postgresql"
    for table in metadata.tables.values():
        for index in table.indexes:
            if on_postgresql and CONDITION in index.info:
                index.dialect_options["postgresql"]["where"] = text(index.info[CONDITION])
    metadata.create_all(connection)
    for statement in _triggers(connection.dialect.name):
        connection.exec_driver_sql(statement)


_MORE = "INSERT INTO totals VALUES ({}, 1) ON CONFLICT (counted) DO UPDATE SET number = number + 1"
_LESS = "UPDATE totals SET number = number - 1 WHERE counted = {}"
_CLOSED, _BEFORE, _NOW = "'submissions closed'", "'documents ' || OLD.outcome", "'documents ' || NEW.outcome"
# The name of each, when it fires, on which rows, and what it does.
_ON_SQLITE = (
    ("submissions_made", "INSERT ON submissions", "NEW.state = 'closed'", _MORE.format(_CLOSED)),
    (
        "submissions_closed",
        "UPDATE OF state ON submissions",
        "NEW.state = 'closed' AND OLD.state <> 'closed'",
        _MORE.format(_CLOSED),
    ),
    (
        "submissions_reopened",
        "UPDATE OF state ON submissions",
        "OLD.state = 'closed' AND NEW.state <> 'closed'",
        _LESS.format(_CLOSED),
    ),
    ("submissions_deleted", "DELETE ON submissions", "OLD.state = 'closed'", _LESS.format(_CLOSED)),
    ("documents_made", "INSERT ON documents", "NEW.outcome IS NOT NULL", _MORE.format(_NOW)),
    (
        "documents_settled",
        "UPDATE OF outcome ON documents",
        "NEW.outcome IS NOT NULL AND NEW.outcome IS NOT OLD.outcome",
        _MORE.format(_NOW),
    ),
    (
        "documents_reopened",
        "UPDATE OF outcome ON documents",
        "OLD.outcome IS NOT NULL AND NEW.outcome IS NOT OLD.outcome",
        _LESS.format(_BEFORE),
    ),
    ("documents_deleted", "DELETE ON documents", "OLD.outcome IS NOT NULL", _LESS.format(_BEFORE)),
)

_FUNCTIONS = (
    """
    CREATE FUNCTION count_submission() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO totals VALUES (
            'submissions closed', CASE WHEN TG_OP <> 'DELETE' AND NEW.state = 'closed' THEN 1 ELSE -1 END
        );
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION count_document() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' AND OLD.outcome IS NOT NULL THEN
            INSERT INTO totals VALUES ('documents ' || OLD.outcome, -1);
        END IF;
        IF TG_OP <> 'DELETE' AND NEW.outcome IS NOT NULL THEN
            INSERT INTO totals VALUES ('documents ' || NEW.outcome, 1);
        END IF;
        RETURN NULL;
    END $$
    """,
)
# As above; where WHEN is false no function is called.
_ON_POSTGRESQL = (
    ("submissions_made", "INSERT ON submissions", "NEW.state = 'closed'", "count_submission()"),
    (
        "submissions_changed",
        "UPDATE OF state ON submissions",
        "(NEW.state = 'closed') <> (OLD.state = 'closed')",
        "count_submission()",
    ),
    ("submissions_deleted", "DELETE ON submissions", "OLD.state = 'closed'", "count_submission()"),
    ("documents_made", "INSERT ON documents", "NEW.outcome IS NOT NULL", "count_document()"),
    (
        "documents_changed",
        "UPDATE OF outcome ON documents",
        "NEW.outcome IS DISTINCT FROM OLD.outcome",
        "count_document()",
    ),
    ("documents_deleted", "DELETE ON documents", "OLD.outcome IS NOT NULL", "count_document()"),
)


def _triggers(name: str) -> Iterator[str]:
    """The statements that make the triggers in a database of this kind."""
    if name == "sqlite":
        for trigger, event, which, does in _ON_SQLITE:
            yield f"CREATE TRIGGER tr_{trigger} AFTER {event} WHEN {which} BEGIN {does}; END"
        return
    yield from _FUNCTIONS
    for trigger, event, which, does in _ON_POSTGRESQL:
        yield f"CREATE TRIGGER tr_{trigger} AFTER {event} FOR EACH ROW WHEN ({which}) EXECUTE FUNCTION {does}"
