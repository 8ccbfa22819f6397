"""What `check` says of a PostgreSQL server: version, rights, clock, and what stands between."""

from __future__ import annotations

import time
from collections.abc import Iterator

from msgspec import Struct
from sqlalchemy import Connection, Engine, make_url, text

from watcher.errors import JournalUnavailable
from watcher.findings import About, some
from watcher.journal.database import translated
from watcher.journal.postgres_sessions import DAEMON, plain_engine
from watcher.journal.tables import metadata
from watcher.model import Finding

_SECONDS_APART = 5.0
_OLDEST = 120000  # 12.0, as server_version_num has it
_STATE = text(
    "SELECT current_setting('server_version'), current_setting('server_version_num')::int,"
    " extract(epoch FROM clock_timestamp())::float8, pg_backend_pid(), pg_is_in_recovery(),"
    " current_setting('default_transaction_read_only')::bool,"
    " has_schema_privilege(current_schema(), 'CREATE'),"
    " (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = :daemon)"
)
# Of several that are named at once the function asks for one only.
_RIGHTS = text(
    "SELECT bool_and(coalesce(has_table_privilege(to_regclass(:of), needed), false))"
    " FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS needed"
)


class _Server(Struct, frozen=True, kw_only=True):
    version: str
    number: int
    ahead_seconds: float  # of our clock
    behind_a_pooler: bool
    is_standby: bool
    reads_only: bool
    may_make: bool
    daemons: int  # connections of nodes that run
    barred: tuple[str, ...]  # tables that we may not change


def server_findings(url: str, about: About, *, empty: bool) -> Iterator[Finding]:
    """`empty`: the journal is yet to be made there."""
    engine = plain_engine(make_url(url))
    try:
        server = _looked_at(engine, empty=empty)
    except JournalUnavailable as error:
        yield about.note(f"the server cannot be asked about itself: {error}", "see what its log says")
        return
    finally:
        engine.dispose()
    way = ", through a pooler" if server.behind_a_pooler else ""
    running = "a daemon is connected" if server.daemons else "no daemon is connected"
    yield about.well(f"PostgreSQL {server.version}{way}; {running}")
    yield from _troubles(server, about, empty=empty)


def _troubles(server: _Server, about: About, *, empty: bool) -> Iterator[Finding]:
    if server.is_standby:
        yield about.wrong("the server is a standby, which cannot be written", "name the primary server in `journal`")
    elif server.reads_only:
        mend = "let transactions of this user write: ALTER ROLE … SET default_transaction_read_only = off"
        yield about.note("the server opens transactions for reading only by default", mend)
    if server.number < _OLDEST:
        yield about.note(f"PostgreSQL {server.version} is too old to be tested with", "upgrade it to 13 or later")
    if empty and not server.may_make:
        yield about.wrong("this user may make no tables there", "GRANT CREATE ON SCHEMA public TO this user")
    if server.barred:
        message = f"this user may not read and change {some(server.barred)}"
        yield about.wrong(message, "make this user the owner of the journal's tables")
    if abs(server.ahead_seconds) > _SECONDS_APART:
        side = "ahead of" if server.ahead_seconds > 0 else "behind"
        message = f"the database's clock is {abs(server.ahead_seconds):.0f} s {side} this machine's"
        yield about.note(message, "let both be set by NTP; work is done by the database's clock, logs are by ours")


def _looked_at(engine: Engine, *, empty: bool) -> _Server:
    """Raises JournalUnavailable."""
    with translated(), engine.connect() as connection:
        begun = time.time()
        row = connection.execute(_STATE, {"daemon": DAEMON}).one()
        ours = (begun + time.time()) / 2
        driver = connection.connection.dbapi_connection
        told = getattr(getattr(driver, "info", None), "backend_pid", row[3])
        return _Server(
            version=str(row[0]).split()[0],
            number=row[1],
            ahead_seconds=row[2] - ours,
            behind_a_pooler=told != row[3],
            is_standby=row[4],
            reads_only=row[5],
            may_make=bool(row[6]),
            daemons=row[7],
            barred=() if empty else tuple(_barred(connection)),
        )


def _barred(connection: Connection) -> Iterator[str]:
    for table in metadata.sorted_tables:
        if not connection.execute(_RIGHTS, {"of": table.name}).scalar_one():
            yield table.name
