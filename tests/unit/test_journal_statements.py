"""The journal's statements are built when they are first run, so that a start does not pay for them."""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import ClauseElement, Dialect, Executable, Insert, make_url
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import SelectBase

import watcher.journal
from watcher.journal.deferred import Deferred


def declared() -> Iterator[tuple[str, Any]]:
    """What the journal's modules have at their top, and the parts of what is a tuple there."""
    for module in pkgutil.iter_modules(watcher.journal.__path__, "watcher.journal."):
        for name, value in vars(importlib.import_module(module.name)).items():
            for each in value if isinstance(value, tuple) else (value,):
                yield f"{module.name}.{name}", each


def deferred() -> dict[str, Deferred[Any]]:
    return {name: value for name, value in declared() if isinstance(value, Deferred)}


def sql(statement: object, dialect: Dialect) -> str:
    """An insert as if each column were given: a key has no value of its own."""
    if not (isinstance(statement, ClauseElement) and isinstance(statement, Executable)):
        return "a part of statements"
    given = list(statement.table.c.keys()) if isinstance(statement, Insert) and statement.select is None else None
    return str(statement.compile(dialect=dialect, column_keys=given))


@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
def test_each_statement_and_each_part_can_be_built_for_both_databases(name: str) -> None:
    dialect = make_url(f"{name}://").get_dialect()()

    built = {name: sql(statement(), dialect) for name, statement in deferred().items()}

    assert len(built) > 150
    assert all(built.values())


def test_no_module_builds_a_statement_when_it_is_loaded() -> None:
    built = [name for name, value in declared() if isinstance(value, (SelectBase, UpdateBase))]

    assert built == []


def test_a_statement_is_built_when_it_is_asked_for_and_not_before() -> None:
    built: list[str] = []
    statement = Deferred(lambda: built.append("now"))
    assert built == []

    statement()
    statement()

    assert built == ["now"]


def test_all_threads_that_ask_at_once_get_the_same_statement() -> None:
    at_once = threading.Barrier(8)
    given: list[object] = []
    statement = Deferred(object)

    def ask() -> None:
        at_once.wait(timeout=10)
        given.append(statement())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(given) == 8
    assert len(set(map(id, given))) == 1
