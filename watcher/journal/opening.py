"""Opening a journal by its URL, or saying in one sentence why that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from watcher.errors import JournalUnavailable, JournalUnusable
from watcher.journal import denial
from watcher.journal.database import Database
from watcher.journal.journal import SqlJournal
from watcher.journal.lock import FileLock, lock_of
from watcher.journal.sqlite_at_rest import DatabaseAtRest, is_at_rest
from watcher.journal.sqlite_database import SqliteDatabase
from watcher.journal.sqlite_file import drop_claims, prepare, require


def open_journal(url: str, *, exclusive: bool) -> SqlJournal:
    """The journal at ``sqlite:///PATH`` or ``postgresql://…``.

    `exclusive` is for the daemon: on SQLite it alone may run (others read and decide beside it), and a
    journal that is not there is made, an older one brought to this version. Otherwise the journal has
    to be there in this version. Raises JournalUnusable, JournalUnavailable.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() != "sqlite":
        return SqlJournal(_postgres(parsed, exclusive=exclusive))
    return SqlJournal(_sqlite(_path(parsed), exclusive=exclusive))


def open_to_read(url: str) -> SqlJournal:
    """As `open_journal` for others than the daemon, and also where the disk of a file is full that nobody works on.

    What is to be written to that raises JournalUnavailable.
    """
    try:
        return open_journal(url, exclusive=False)
    except JournalUnavailable:
        parsed = _parsed(url)
        if parsed.get_backend_name() != "sqlite" or not is_at_rest(_path(parsed)):
            raise
    require(_path(parsed), at_rest=True)
    return SqlJournal(DatabaseAtRest(_path(parsed)))


def is_same_journal(one: str, other: str) -> bool:
    """Whether two URLs mean one journal, whatever links and spellings lead to its file. Raises JournalUnusable."""
    if one == other:
        return True
    places = [_path(url) if url.get_backend_name() == "sqlite" else url for url in map(_parsed, (one, other))]
    return places[0] == places[1]


def has_one_node(url: str) -> bool:
    """Whether no other node can work on it at the same time. Raises JournalUnusable."""
    return _parsed(url).get_backend_name() == "sqlite"


def migrate(url: str) -> None:
    """Bring a journal to this version, or make it. Raises as `open_journal`; a running daemon has to stop first."""
    parsed = _parsed(url)
    if parsed.get_backend_name() != "sqlite":
        from watcher.journal.postgres_database import prepare as prepare_postgres

        prepare_postgres(parsed, alone=False)
        return
    lock = _lock(_path(parsed))
    try:
        prepare(_path(parsed))
    finally:
        lock.release()


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise JournalUnusable("the journal's URL is not of the form sqlite:///PATH or postgresql://…") from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise JournalUnusable(f"the journal cannot be on {parsed.get_backend_name()}: use sqlite or postgresql")
    return parsed


def _path(url: URL) -> Path:
    if not url.database or url.database == ":memory:":
        raise JournalUnusable("the journal's URL names no file: write sqlite:////var/lib/invoice-watcher/journal.db")
    return Path(url.database).resolve()  # whatever links lead to it, its lock is one file


def _lock(path: Path) -> FileLock:
    try:
        there = path.parent.is_dir()
    except OSError as error:  # a name in it is too long, or a directory above it is shut
        why = denial.told(path, error)
        raise JournalUnusable(f"the journal's directory {path.parent} cannot be read: {why}") from error
    if not there:
        raise JournalUnusable(f"the journal's directory {path.parent} does not exist")
    return FileLock(lock_of(path))


def _sqlite(path: Path, *, exclusive: bool) -> Database:
    if not exclusive:
        require(path)
        return SqliteDatabase(path)
    lock = _lock(path)
    return _or_release(lock, lambda: _prepared(path, lock))


def _prepared(path: Path, lock: FileLock) -> Database:
    prepare(path)
    database = SqliteDatabase(path, release=lock.release)
    database.write(drop_claims)
    return database


def _or_release(lock: FileLock, make: Callable[[], Database]) -> Database:
    try:
        return make()
    except BaseException:
        lock.release()
        raise


def _postgres(url: URL, *, exclusive: bool) -> Database:
    from watcher.journal.postgres_database import PostgresDatabase, prepare, require

    if exclusive:
        prepare(url, alone=True)
    else:
        require(url)
    return PostgresDatabase(url, daemon=exclusive)
