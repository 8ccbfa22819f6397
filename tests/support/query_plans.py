"""What the databases do for each statement of the journal: which tables they walk, and how many steps it takes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Engine, event

# What grows for ever; the others have a row for each source or endpoint.
GROWING = ("identities", "submissions", "bookings", "documents", "tries", "invoices")
_STEPS_AT_ONCE = 10


class Recorded:
    """The statements that ran, each once, with the values that it first ran with."""

    def __init__(self) -> None:
        self.statements: dict[str, Any] = {}

    def walks(self, connection: Connection) -> list[str]:
        """Sentences about those that walk a table that grows, and not only the rows that they want."""
        explain = _sqlite_walks if connection.dialect.name == "sqlite" else _postgres_walks
        return [
            f"{walk}, for {' '.join(statement.split())}"
            for statement, values in self.statements.items()
            for walk in explain(connection, statement, values)
        ]


@contextmanager
def recorded() -> Iterator[Recorded]:
    """Every statement that any engine runs in the block, but for what EXPLAIN knows nothing of."""
    found = Recorded()

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        if statement.split(maxsplit=1)[0] in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH"):
            found.statements.setdefault(statement, values[0] if many and values else values)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


class Steps:
    """How many instructions SQLite's machine has run: a measure of work that no other process disturbs."""

    def __init__(self) -> None:
        self.count = 0

    def tick(self) -> None:
        self.count += _STEPS_AT_ONCE


@contextmanager
def counted_steps() -> Iterator[Steps]:
    """Of all SQLite connections that run a statement in the block."""
    steps = Steps()
    seen: list[Any] = []

    def watch(_connection: Any, cursor: Any, *_rest: Any) -> None:
        if cursor.connection not in seen:
            seen.append(cursor.connection)
            cursor.connection.set_progress_handler(steps.tick, _STEPS_AT_ONCE)

    event.listen(Engine, "before_cursor_execute", watch)
    try:
        yield steps
    finally:
        event.remove(Engine, "before_cursor_execute", watch)
        for driver in seen:
            with suppress(sqlite3.ProgrammingError):  # it is closed by now
                driver.set_progress_handler(None, 0)


def _sqlite_walks(connection: Connection, statement: str, values: Any) -> Iterator[str]:
    indexes = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'index'")
    partial = {row.name for row in indexes if " WHERE " in (row.sql or "")}
    for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values):
        words = row.detail.split()
        if words[0] == "SCAN" and words[1] in (*GROWING, "candidate") and words[-1] not in partial:
            yield row.detail


def _postgres_walks(connection: Connection, statement: str, values: Any) -> Iterator[str]:
    indexes = connection.exec_driver_sql("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'")
    partial = {row.indexname for row in indexes if " WHERE " in row.indexdef}
    found = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values).scalar_one()
    plans = json.loads(found) if isinstance(found, str) else found
    for node in _nodes(plans[0]["Plan"]):
        if node["Node Type"].endswith("Seq Scan") and node["Relation Name"] in GROWING:
            yield f"{node['Node Type']} on {node['Relation Name']}"
        elif "Index Name" in node and "Index Cond" not in node and node["Index Name"] not in partial:
            yield f"{node['Node Type']} of all of {node['Index Name']}"


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)
