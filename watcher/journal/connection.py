"""A connection to the journal's database, on which prepared statements run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy
from msgspec import Struct
from sqlalchemy import Dialect
from sqlalchemy.exc import DBAPIError, MultipleResultsFound, NoResultFound

from watcher.journal.clock import FOREVER_MS
from watcher.journal.prepared import Numbered, Statement, Statements

_NONE: dict[str, Any] = {}


class Result(Struct, frozen=True):
    """All rows of an execution; `rowcount` is how many it wrote."""

    _rows: list[Any]
    rowcount: int

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> list[Any]:
        return self._rows

    def first(self) -> Any:
        """None where there is none."""
        return self._rows[0] if self._rows else None

    def one(self) -> Any:
        if len(self._rows) != 1:
            raise (MultipleResultsFound if self._rows else NoResultFound)(f"{len(self._rows)} rows instead of one")
        return self._rows[0]

    def scalars(self) -> list[Any]:
        """The first column."""
        return [row[0] for row in self._rows]

    def scalar(self) -> Any:
        """The first column of the first row; None where there is none."""
        return self._rows[0][0] if self._rows else None

    def scalar_one(self) -> Any:
        return self.one()[0]

    def scalar_one_or_none(self) -> Any:
        return self.scalar_one() if self._rows else None


class Awaited:
    """A Result that is waited for when somebody looks at it."""

    def __init__(self, wait: Callable[[], Result]) -> None:
        self._wait = wait
        self._result: Result | None = None

    def result(self) -> Result:
        if self._result is None:
            self._result = self._wait()
        return self._result

    @property
    def rowcount(self) -> int:
        return self.result().rowcount

    def __iter__(self) -> Iterator[Any]:
        return iter(self.result())

    def all(self) -> list[Any]:
        return self.result().all()

    def first(self) -> Any:
        return self.result().first()

    def one(self) -> Any:
        return self.result().one()

    def scalars(self) -> list[Any]:
        return self.result().scalars()

    def scalar(self) -> Any:
        return self.result().scalar()

    def scalar_one(self) -> Any:
        return self.result().scalar_one()

    def scalar_one_or_none(self) -> Any:
        return self.result().scalar_one_or_none()


Found = Result | Awaited


class Connection:
    """Runs statements in a transaction that somebody else begins and ends; for one thread at a time.

    Raises SQLAlchemy's DBAPIError, which tells of the statement and not of its values: they are of people.
    """

    _waits = True  # for each answer, before anything else is said

    def __init__(
        self,
        plain: sqlalchemy.Connection,
        statements: Statements,
        take_over_until: Callable[[int], int] = lambda _hold: FOREVER_MS,
    ) -> None:
        """`take_over_until`: until the database's clock shows that, claims that are over may be taken over.

        It is asked by who claims for so many milliseconds.
        """
        self.take_over_until = take_over_until
        self.plain = plain  # SQLAlchemy's own: for statements that are composed anew each time
        self.dialect: Dialect = plain.dialect
        self.driver: Any = plain.connection.dbapi_connection
        self._statements = statements
        self._error: type[Exception] = self.dialect.loaded_dbapi.Error

    def execute(
        self, statement: Statement, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> Found:
        """Run it once; or for each of a list of parameters, which have the same names, for what returns no rows."""
        if isinstance(parameters, list):
            if len(parameters) != 1:
                return self._execute_many(statement, parameters)
            (parameters,) = parameters
        given: Any = parameters if parameters is not None else _NONE
        prepared = self._statements.prepared(statement, given)
        cursor, found = self._run(prepared.sql, prepared.bound(given))
        rows = prepared.rows(found, cursor.description) if found else found
        return Result(rows, cursor.rowcount)

    def insert(self, statement: Numbered, values: Mapping[str, Any]) -> int:
        """Insert one row; the number that it gets."""
        if self.dialect.name != "sqlite":
            return int(self.execute(self._statements.numbering(statement), values).scalar_one())
        prepared = self._statements.prepared(statement, values)
        cursor, _ = self._run(prepared.sql, prepared.bound(values))
        return int(cursor.lastrowid)  # at half the cost of RETURNING

    def insert_later(self, statement: Numbered, values: Mapping[str, Any]) -> Callable[[], int]:
        """The same; the number is waited for when it is asked for, where there is something to wait for."""
        if self.dialect.name == "sqlite":
            number = self.insert(statement, values)
            return lambda: number
        found = self.execute(self._statements.numbering(statement), values)
        return lambda: int(found.scalar_one())

    def _execute_many(self, statement: Statement, parameters: list[Mapping[str, Any]]) -> Result:
        if not parameters:
            return Result([], 0)
        prepared = self._statements.prepared(statement, parameters[0])
        cursor, _ = self._run(prepared.sql, [prepared.bound(each) for each in parameters], many=True)
        return Result([], cursor.rowcount)

    def exec_driver_sql(self, statement: str) -> Found:
        """In the database's own words, without values; the rows are bare."""
        cursor, rows = self._run(statement)
        return Result(rows, cursor.rowcount)

    def begin(self, statements: str) -> Result:
        """Several in the database's own words, said at once, as PostgreSQL takes them; what the last one returns."""
        cursor, rows = self._run(statements)
        while cursor.nextset():
            rows = [] if cursor.description is None else cursor.fetchall()
        return Result(rows, cursor.rowcount)

    def _run(self, sql: str, *values: Any, many: bool = False) -> tuple[Any, list[Any]]:
        """The driver's cursor, and its rows. All that is said to the database passes here."""
        try:
            if many:
                cursor = self.driver.cursor()
                cursor.executemany(sql, *values)
            else:
                cursor = self.driver.execute(sql, *values)
            return cursor, cursor.fetchall() if self._waits and cursor.description is not None else []
        except self._error as error:
            raise self._translated(sql, error) from error

    def roll_back(self) -> None:
        """Nothing, where no transaction is open."""
        try:
            self.driver.rollback()
        except self._error as error:
            raise self._translated("ROLLBACK", error) from error

    def _translated(self, statement: str, error: Exception) -> Exception:
        """As SQLAlchemy would have it; a connection that is lost is given up."""
        lost = bool(self.dialect.is_disconnect(error, self.driver, None))  # type: ignore[arg-type]
        if lost:
            self.plain.invalidate(error)
        return DBAPIError.instance(
            statement,
            None,
            error,
            self._error,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=self.dialect,
        )
