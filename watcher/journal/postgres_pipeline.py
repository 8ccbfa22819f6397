"""A transaction on PostgreSQL in which nobody waits for what nobody looks at: psycopg's pipeline mode.

Each statement is sent when it is executed, in its order, and the server begins with it. An answer is waited for when
somebody looks at it, along with all that was sent until then: where the server is far away, that is what takes time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy

from watcher.journal.connection import Awaited, Connection, Found, Result
from watcher.journal.prepared import Prepared, Statement, Statements

_NOTHING: Mapping[str, Any] = {}


class PipelinedConnection(Connection):
    """See Connection. An error is raised by whoever waits next, at the end at the latest; nothing is written then."""

    _waits = False

    def __init__(
        self, plain: sqlalchemy.Connection, statements: Statements, take_over_until: Callable[[int], int], pipeline: Any
    ) -> None:
        super().__init__(plain, statements, take_over_until)
        self._pipeline = pipeline
        self._sent_so_far = 0  # statements
        self._heard_of = 0  # of so many of them the answers are there

    def execute(
        self, statement: Statement, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> Found:
        if isinstance(parameters, list) and len(parameters) != 1:
            return self._execute_all(statement, parameters)
        given: Any = (parameters[0] if isinstance(parameters, list) else parameters) or _NOTHING
        prepared = self._statements.prepared(statement, given)
        return self._awaited(self._sent(prepared.sql, prepared.bound(given)), prepared)

    def say(self, *statements: str) -> Found:
        """In the database's own words; what the last one returns."""
        for statement in statements[:-1]:
            self._sent(statement)
        return self._awaited(self._sent(statements[-1]), None)

    def _execute_all(self, statement: Statement, parameters: list[Mapping[str, Any]]) -> Found:
        if not parameters:
            return Result([], 0)
        prepared = self._statements.prepared(statement, parameters[0])
        return self._awaited(self._sent(prepared.sql, [prepared.bound(each) for each in parameters], many=True), None)

    def has_heard_all(self) -> None:
        """What was sent is answered: it can be looked at from now on, also when the transaction is over."""
        self._heard_of = self._sent_so_far

    def exec_driver_sql(self, statement: str) -> Found:
        return self.say(statement)

    def _sent(self, sql: str, *values: Any, many: bool = False) -> Any:
        """The driver's cursor, which has no answer yet."""
        self._sent_so_far += 1
        cursor, _ = self._run(sql, *values, many=many)
        return cursor

    def _awaited(self, cursor: Any, prepared: Prepared | None) -> Awaited:
        number = self._sent_so_far

        def answer() -> Result:
            if number > self._heard_of:
                with self.translating("a statement sent before"):
                    self._pipeline.sync()
                self.has_heard_all()
            found = [] if cursor.description is None else cursor.fetchall()
            rows = prepared.rows(found, cursor.description) if found and prepared is not None else found
            return Result(rows, cursor.rowcount)

        return Awaited(answer)

    def _translated(self, statement: str, error: Exception) -> Exception:
        """What went wrong: the statements after it only tell that they were not carried out."""
        while type(error).__name__ == "PipelineAborted" and isinstance(error.__context__, Exception):
            error = error.__context__
        return super()._translated(statement, error)

    @contextmanager
    def translating(self, sql: str) -> Iterator[None]:
        """Errors of the driver as Connection raises them."""
        try:
            yield
        except self._error as error:
            raise self._translated(sql, error) from error


@contextmanager
def pipelined(
    plain: sqlalchemy.Connection, statements: Statements, take_over_until: Callable[[int], int]
) -> Iterator[PipelinedConnection]:
    """A connection for one transaction; at its end all that was sent is waited for, which raises as that does."""
    mode = plain.connection.dbapi_connection.pipeline()  # type: ignore[union-attr]
    connection = PipelinedConnection(plain, statements, take_over_until, mode.__enter__())
    try:
        yield connection
    except BaseException:
        with (
            suppress(connection.driver.Error),
            _left(connection),
        ):  # what was sent after that was not carried out, and says so
            mode.__exit__(None, None, None)
        raise
    with connection.translating("COMMIT"), _left(connection):
        mode.__exit__(None, None, None)
    connection.has_heard_all()


@contextmanager
def _left(connection: PipelinedConnection) -> Iterator[None]:
    """A session that did not find back to its ordinary mode is nobody's any more; a broken one is given up anyway."""
    try:
        yield
    finally:
        if not connection.driver.closed and connection.driver.pgconn.pipeline_status:
            connection.plain.invalidate()
