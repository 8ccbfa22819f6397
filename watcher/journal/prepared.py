"""Statements of SQLAlchemy's, compiled once: their SQL, and what makes a row of what comes back.

SQLAlchemy writes one SQL for both databases. To run a statement its own way costs a tenth of a millisecond each
time, however simple it is: it is looked up by its structure, and a context and a description of the rows are made.
That was half of what the journal cost a document. Here it is looked up by its identity, and the driver runs it.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct, field
from sqlalchemy import Dialect, Insert, Select, TextClause
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase

from watcher.journal.binding import Binding, Parameters, binding_of
from watcher.journal.deferred import Deferred

Built = Select[*tuple[Any, ...]] | UpdateBase | TextClause
Statement = Built | Deferred[Built]
Numbered = Insert | Deferred[Insert]  # its rows have numbers

# Nearly all statements are made once, by their modules; what is made anew each time must not pile up.
_MOST_STATEMENTS = 1000
_MOST_ROW_TYPES = 256
_PADDED_EXACTLY, _STEP = 1024, 1024  # how long lists are padded
_MOST_VALUES = 32_000  # of one list: SQLite takes 32,766 in all


class Prepared(Struct):
    """One statement for one set of parameters, and for lists of up to so many values."""

    sql: str
    bound: Binding  # what the driver is given for parameters of these names
    _types: tuple[Any, ...]  # of the columns
    _dialect: Dialect
    _make: Callable[[Any], Any] | None = field(default=None)

    def rows(self, found: Sequence[Any], description: Sequence[Any]) -> list[Any]:
        """The driver's rows, with their columns as attributes, and their values as Python has them."""
        if self._make is None:
            self._make = self._maker(description)
        return [*map(self._make, found)]

    def _maker(self, description: Sequence[Any]) -> Callable[[Any], Any]:
        if self._types and len(self._types) != len(description):
            raise AssertionError(f"the columns of a statement are not known one by one: {self.sql}")
        as_row = _row_maker(tuple(column[0] for column in description))
        processes = [
            (index, process)
            for index, (type_, column) in enumerate(zip(self._types, description, strict=False))
            if (process := type_.dialect_impl(self._dialect).result_processor(self._dialect, column[1])) is not None
        ]
        if not processes:
            return as_row

        def make(found: Any) -> Any:
            values = list(found)
            for index, process in processes:
                values[index] = process(values[index])
            return as_row(values)

        return make


@lru_cache(maxsize=_MOST_ROW_TYPES)
def _row_maker(columns: tuple[str, ...]) -> Callable[[Any], Any]:
    """To make a class takes longer than most statements do, and a statement's is the same for longer lists."""
    row: Any = namedtuple("row", columns, rename=True)  # type: ignore[misc] # noqa: PYI024
    make: Callable[[Any], Any] = row._make
    return make


class _Variants:
    """One statement, by the names of its parameters and the lengths of its lists."""

    def __init__(self, statement: Statement, dialect: Dialect) -> None:
        self.statement = statement  # kept, so that its identity is nobody else's
        self.lists: tuple[str, ...] | None = None
        self.prepared: dict[tuple[Any, ...], Prepared] = {}
        self._built = statement() if isinstance(statement, Deferred) else statement
        self._dialect = dialect
        # The last one: a thousandth of a second to make, and the same whatever the lengths of its lists are.
        self._compiled: tuple[tuple[str, ...], SQLCompiler] | None = None

    def lists_of(self, parameters: Parameters) -> tuple[str, ...]:
        """The names of the parameters that are lists."""
        binds = self._for(parameters).binds.values()
        self.lists = tuple(sorted({bind.key for bind in binds if bind.expanding and bind.key in parameters}))
        return self.lists

    def prepare(self, parameters: Parameters, lists: tuple[str, ...]) -> Prepared:
        """For parameters of these names, and lists of these lengths."""
        prepared = _prepare(self._for(parameters), self._built, self._dialect, parameters, lists)
        if not lists:
            self._compiled = None
        return prepared

    def _for(self, parameters: Parameters) -> SQLCompiler:
        names = tuple(parameters)
        known = self._compiled
        if known is None or known[0] != names:
            self._compiled = known = (names, _compiled(self._built, self._dialect, list(names)))
        return known[1]


class Statements:
    """Those of one database, for all its connections. Safe for threads."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._found: dict[int, _Variants] = {}
        self._numbering: dict[int, tuple[Numbered, UpdateBase]] = {}

    def prepared(self, statement: Statement, parameters: Parameters) -> Prepared:
        """For parameters of these names. Raises what SQLAlchemy raises where one is missing."""
        try:
            variants = self._found[id(statement)]
        except KeyError:
            variants = self._remember(statement)
        lists = variants.lists
        if lists is None:
            lists = variants.lists_of(parameters)
        key = (*parameters, *[_padded(len(parameters[name])) for name in lists]) if lists else tuple(parameters)
        try:
            return variants.prepared[key]
        except KeyError:
            return variants.prepared.setdefault(key, variants.prepare(parameters, lists))

    def numbering(self, statement: Numbered) -> UpdateBase:
        """The same, returning the number of the new row."""
        found = self._numbering.get(id(statement))
        if found is None:
            built = statement() if isinstance(statement, Deferred) else statement
            (key,) = built.table.primary_key
            found = self._numbering[id(statement)] = (statement, built.returning(key))
        return found[1]

    def _remember(self, statement: Statement) -> _Variants:
        if len(self._found) >= _MOST_STATEMENTS:
            self._found.clear()
        return self._found.setdefault(id(statement), _Variants(statement, self._dialect))


def _padded(count: int) -> int:
    """How long the list in the SQL is: few variants for all counts. What is too much is filled with the last value."""
    if count <= _PADDED_EXACTLY:
        return 1 << (count - 1).bit_length() if count else 0
    return max(count, min(-(-count // _STEP) * _STEP, _MOST_VALUES))


def _compiled(statement: Built, dialect: Dialect, names: list[str]) -> SQLCompiler:
    # As if for many rows: a single insert would else ask for the number that its row gets.
    plain_insert = isinstance(statement, Insert) and not _columns(statement)
    compiled = statement.compile(dialect=dialect, column_keys=names, for_executemany=plain_insert)
    if not isinstance(compiled, SQLCompiler):
        raise TypeError(f"not a statement that reads or writes rows: {statement}")
    return compiled


def _columns(statement: Built) -> list[Any]:
    return [*getattr(statement, "exported_columns", ())]


def _prepare(
    compiled: SQLCompiler, statement: Built, dialect: Dialect, parameters: Parameters, lists: tuple[str, ...]
) -> Prepared:
    samples = {**parameters, **{name: [None] * _padded(len(parameters[name])) for name in lists}}
    expanded = compiled.construct_expanded_state(samples)
    return Prepared(
        sql=expanded.statement,
        bound=binding_of(compiled, expanded, parameters),
        _types=tuple(column.type for column in _columns(statement)),
        _dialect=dialect,
    )
