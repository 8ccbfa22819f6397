"""What the databases do for each statement of the journal: which tables they walk, and how many steps it takes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Engine, event

from tests.support.journal_statements import heard
from watcher.journal.connection import Connection

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
    """Every statement that any journal runs in the block, but for what EXPLAIN knows nothing of."""
    found = Recorded()

    def note(_connection: Connection, statement: str, values: Any) -> None:
        if statement.split(maxsplit=1)[0] in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH"):
            many = bool(values) and isinstance(values, list) and isinstance(values[0], list | dict)
            found.statements.setdefault(statement, values[0] if many else values)

    def note_composed(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> None:
        found.statements.setdefault(statement, values)

    event.listen(Engine, "before_cursor_execute", note_composed)  # what is composed anew each time is SQLAlchemy's
    try:
        with heard(before=note):
            yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note_composed)


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

    def watch(connection: Connection, _statement: str, _values: Any) -> None:
        if connection.driver not in seen:
            seen.append(connection.driver)
            connection.driver.set_progress_handler(steps.tick, _STEPS_AT_ONCE)

    try:
        with heard(before=watch):
            yield steps
    finally:
        for driver in seen:
            with suppress(sqlite3.ProgrammingError):  # it is closed by now
                driver.set_progress_handler(None, 0)


def _sqlite_walks(connection: Connection, statement: str, values: Any) -> Iterator[str]:
    indexes = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'index'")
    partial = {name for name, sql in indexes if " WHERE " in (sql or "")}
    for *_numbers, detail in connection.driver.execute(f"EXPLAIN QUERY PLAN {statement}", values):
        words = detail.split()
        if words[0] == "SCAN" and words[1] in (*GROWING, "candidate") and words[-1] not in partial:
            yield detail


def _postgres_walks(connection: Connection, statement: str, values: Any) -> Iterator[str]:
    indexes = connection.exec_driver_sql("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'")
    partial = {name for name, definition in indexes if " WHERE " in definition}
    ((found,),) = connection.driver.execute(f"EXPLAIN (FORMAT JSON) {statement}", values)
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
