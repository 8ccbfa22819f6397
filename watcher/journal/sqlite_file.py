"""The SQLite file before it is used: that it is a journal, sound, of this version, and nobody else's to read."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import sqlalchemy
from sqlalchemy import NullPool, bindparam, exists, false, select, text, true, update
from sqlalchemy.exc import DatabaseError, OperationalError

from watcher.durable import sync_directory
from watcher.errors import JournalMissing, JournalUnavailable, JournalUnusable
from watcher.journal import denial
from watcher.journal.clock import now_ms, span_ms
from watcher.journal.connection import Connection
from watcher.journal.database import FULL
from watcher.journal.deferred import Deferred
from watcher.journal.migrate import bring_up, needs_migration, require_current, stored_revision
from watcher.journal.sqlite_backup import back_up
from watcher.journal.sqlite_database import bare_engine
from watcher.journal.tables import bookings, duties, gates, metadata, sources, submissions, tries
from watcher.ports import HOLD_MARGIN

log = logging.getLogger(__name__)

_LONGEST_NAME_BYTES = 240  # names of files that stand beside it are longer, and 255 is what a disk has
_MAGIC = b"SQLite format 3\x00"
# Up to here the whole file is read and checked at the start of the daemon: about a tenth of a second.
CHECKED_BYTES = 32 * 1024 * 1024
_LEAST_ROOM_BYTES = 128 * 1024  # of SQLite's own at a start: 32 KiB that readers and writers share, and a few pages
# Nobody is left who may write late or be far from the database: of the margin of a claim remain the two seconds
# within which its request may have begun, and some for the clock.
_AFTER_DEATH = timedelta(seconds=5)

_RESTORE = "restore it from a backup, without the -wal and -shm that lie beside it now"
_COLUMNS = text("SELECT name FROM pragma_table_info(:of)")

_IN_FLIGHT = Deferred(lambda: select(bookings.c.id).where(text("bookings.state = 'pending'"), bookings.c.claimed))
_DIED = Deferred(lambda: tries.c.ended_at.is_(None) & ~tries.c.in_doubt)  # else an earlier start has shortened its time
_LET_WAIT = Deferred(
    lambda: (
        update(bookings)
        .where(bookings.c.id.in_(_IN_FLIGHT()))
        .where(exists().where(tries.c.booking == bookings.c.id, tries.c.number == bookings.c.tries, _DIED()))
        .values(due_at=bookings.c.due_at - bindparam("spared"))
    )
)
_DOUBT = Deferred(lambda: update(tries).where(tries.c.booking.in_(_IN_FLIGHT()), _DIED()).values(in_doubt=true()))


def require(path: Path, *, at_rest: bool = False) -> None:
    """Raises JournalUnusable unless the file is a journal of this version. `at_rest`: nobody else has it open."""
    if not _is_there(path):
        if has_no_room(path):  # the daemon may be waiting for it
            raise JournalUnavailable(FULL)
        raise JournalMissing(f"there is no journal at {path}: start the daemon first")
    _check_header(path)
    with _opened(path, immutable="1", uri="true") if at_rest else _inspected(path) as connection:
        require_current(stored_revision(connection, str(path)), str(path))
        _check_columns(connection, path)


def is_complete(path: Path) -> bool:
    """Whether all of a journal is in its file: there is no log of what is still to come into it, or to be undone."""
    return path.is_file() and not _has_log(path) and not path.with_name(path.name + "-journal").exists()


def page_fault(path: Path) -> str | None:
    """What is wrong with a small journal's pages, beside a daemon; None: nothing, or it is too large for that."""
    with _inspected(path) as connection:
        return _first_fault(connection, path)


def prepare(path: Path) -> None:
    """Make the journal, or bring it to this version; what is something else is never written over."""
    if not _is_there(path):
        _make(path)
        return
    _check_header(path)
    with _inspected(path) as connection:
        revision = stored_revision(connection, str(path))
        _check_pages(connection, path)
        current = not needs_migration(revision, str(path))
        if current:
            _check_columns(connection, path)
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK | os.X_OK):
        raise JournalUnusable(f"the journal {path} may not be written by this program, or its directory may not")
    if not current:
        _migrate(path, revision)


def drop_claims(connection: Connection) -> None:
    """Whoever held them is gone. A booking in flight waits: the endpoint may still be at work on it."""
    free = {"due_at": now_ms(), "claimed": false()}
    for table in (submissions, sources, gates, duties):
        statement = update(table).where(table.c.claimed).values(**free, claim=table.c.claim + 1)
        if table is submissions:  # by the indexes of the few that want something: nothing else of them is claimed
            statement = statement.where(text("state <> 'closed'"))
        connection.execute(statement)
    connection.execute(_LET_WAIT, {"spared": span_ms(HOLD_MARGIN - _AFTER_DEATH)})
    connection.execute(_DOUBT)


@contextmanager
def _inspected(path: Path) -> Iterator[sqlalchemy.Connection]:
    """A connection that changes nothing: closing another one would copy into the file what may be a foreign log."""
    half_undone = path.with_name(path.name + "-journal").exists()  # which only a writer can complete
    with _opened(path) if half_undone else _opened(path, mode="ro", uri="true") as connection:
        yield connection


@contextmanager
def _opened(path: Path, **query: str) -> Iterator[sqlalchemy.Connection]:
    engine = bare_engine(path, query=query, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    except (DatabaseError, sqlite3.Error) as error:
        raise _unusable(path, error) from error
    finally:
        engine.dispose()


def _unusable(path: Path, error: Exception) -> JournalUnusable | JournalUnavailable:
    said = " ".join(str(getattr(error, "orig", error)).split())
    if "locked" in said or "busy" in said:
        return JournalUnavailable(f"the journal {path} is being written by another process: {said}")
    if "is full" in said or ("I/O error" in said and has_no_room(path)):
        return JournalUnavailable(FULL)
    if "I/O error" in said:
        return JournalUnavailable(f"the journal {path} cannot be read or written now: {said}")
    if isinstance(error, OperationalError):
        return JournalUnusable(f"the journal {path} cannot be used: {said}")
    return _damaged(path, said)


def _damaged(path: Path, how: str) -> JournalUnusable:
    return JournalUnusable(f"the journal {path} is damaged ({how}): {_RESTORE}")


def has_no_room(path: Path) -> bool:
    """Whether its disk is full, or so full that the journal may not be written any more."""
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < _LEAST_ROOM_BYTES


def _is_there(path: Path) -> bool:
    """Whether there is a file. Raises JournalUnusable where it has lost what it held, or where none can be."""
    if len(os.fsencode(path.name)) > _LONGEST_NAME_BYTES:
        told = os.strerror(errno.ENAMETOOLONG)
        raise JournalUnusable(f"the journal {path} cannot be there: {told} ({_LONGEST_NAME_BYTES} bytes at most)")
    try:
        status = path.stat()
    except FileNotFoundError as error:
        if _has_log(path):
            raise _damaged(path, "only its -wal is there") from error
        return False
    except OSError as error:
        raise JournalUnusable(f"the journal {path} cannot be read: {denial.told(path, error)}") from error
    if not stat.S_ISREG(status.st_mode):
        raise JournalUnusable(f"{path} is not a journal: it is no file")
    if status.st_size == 0:  # a journal gets its name when it is whole
        raise JournalUnusable(f"{path} is not a journal: it is empty; {_RESTORE}, or remove it to begin anew")
    return True


def _make(path: Path) -> None:
    """Under another name, and renamed when it is whole; its owner alone may read it and what SQLite puts beside it."""
    if not path.parent.is_dir():
        raise JournalUnusable(f"the journal's directory {path.parent} does not exist")
    unfinished = path.with_name(path.name + ".new")
    try:
        for ending in ("", "-journal", "-wal", "-shm"):  # of an earlier start that was killed
            unfinished.with_name(unfinished.name + ending).unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise JournalUnavailable(FULL) from error
        raise JournalUnusable(f"the journal {path} cannot be written: {denial.told(path, error)}") from error
    with _opened(unfinished) as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        bring_up(connection, None)
        connection.exec_driver_sql("COMMIT")
        _write_ahead(connection, path)
    try:
        unfinished.rename(path)
        sync_directory(path.parent)
    except OSError as error:
        raise JournalUnavailable(f"the journal {path} cannot be made now: {error.strerror}") from error


def _migrate(path: Path, revision: str | None) -> None:
    with _opened(path) as connection:
        _write_ahead(connection, path)
        if revision is not None:
            back_up(path, revision)
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        bring_up(connection, revision)
        connection.exec_driver_sql("COMMIT")


def _check_header(path: Path) -> None:
    try:
        with path.open("rb") as file:
            header = file.read(100)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise JournalUnusable(f"the journal {path} cannot be read: {denial.told(path, error)}") from error
    if header and not header.startswith(_MAGIC):
        raise JournalUnusable(f"{path} is not a journal: it is no SQLite database")
    page = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    if header and size < (65536 if page == 1 else page) * pages and not _has_log(path):
        raise _damaged(path, "it is cut short")


def _has_log(path: Path) -> bool:
    """Whether there is a write-ahead log: a checkpoint that was cut off goes on from it, and the file gets its size."""
    ahead = path.with_name(path.name + "-wal")
    return ahead.exists() and ahead.stat().st_size > 0


def _write_ahead(connection: sqlalchemy.Connection, path: Path) -> None:
    mode = str(connection.exec_driver_sql("PRAGMA journal_mode=WAL").scalar_one())
    if mode != "wal":
        raise JournalUnusable(f"the journal {path} cannot be on this file system: it needs a local disk")


def _check_pages(connection: sqlalchemy.Connection, path: Path) -> None:
    fault = _first_fault(connection, path)
    if fault is not None:
        raise _damaged(path, fault)


def _first_fault(connection: sqlalchemy.Connection, path: Path) -> str | None:
    if path.stat().st_size > CHECKED_BYTES:
        return None
    found = " ".join(str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()).split())
    return None if found == "ok" else found


def _check_columns(connection: sqlalchemy.Connection, path: Path) -> None:
    """It says that it is of this version; a database of somebody else's may say so by chance."""
    for table in metadata.sorted_tables:
        found = connection.execute(_COLUMNS, {"of": table.name}).scalars()
        if lacking := sorted(set(table.columns.keys()) - set(found)):
            raise JournalUnusable(f"{path} is not a journal, or damaged: it has no {table.name}.{lacking[0]}")
