"""What `check` says of the journal; it is neither made nor changed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from sqlalchemy import make_url

from watcher.errors import JournalMissing, JournalOutdated, JournalUnavailable, JournalUnusable
from watcher.findings import About
from watcher.journal.database import FULL
from watcher.journal.lock import holder_of
from watcher.journal.opening import open_journal
from watcher.journal.sqlite_file import has_no_room, page_fault
from watcher.model import Backlog, Finding
from watcher.mounts import in_bytes, is_network, kind_of, lack_of_room

_MEND = "let the daemon's user read and write it; for what is no journal, name another place in `journal`"
_BRING_UP = "start the daemon anew, which brings it to this version, or stop it and run `invoice-watcher migrate`"
_ABOUT = About("journal")


def check_journal(url: str, sources: Collection[str] | None = None) -> list[Finding]:
    """Whether the journal can be opened, or could be made; then what is worth a warning about it.

    `sources` are those of the configuration: what is left of others is warned of. None: of none is.
    """
    try:
        journal = open_journal(url, exclusive=False)
    except JournalMissing:
        return list(_to_be_made(url))
    except JournalUnavailable as error:
        if str(error) == FULL:
            return [_ABOUT.wrong(FULL, "make room on the disk that it is on; nothing is lost meanwhile")]
        return [_ABOUT.wrong(str(error), "see whether the database runs, and its host, name and user in `journal`")]
    except JournalUnusable as error:
        return [_ABOUT.wrong(str(error), _BRING_UP if isinstance(error, JournalOutdated) else _MEND)]
    try:
        count, size = sum(journal.counts().submissions.values()), journal.storage().size
        strays = {} if sources is None else journal.strays(sources)
    finally:
        journal.close()
    path = _file(url)
    found = _on_postgres(url, count) if path is None else _in_a_file(path, count, size)
    return [*found, *_left_of(strays)]


def journal_trouble(url: str) -> str | None:
    """Why nothing can be written to it now, as far as that is seen from outside the daemon; None: nothing is seen."""
    path = _file(url)
    return FULL if path is not None and has_no_room(path) else None


def _file(url: str) -> Path | None:
    """Of a journal in a file."""
    parsed = make_url(url)
    return Path(parsed.database or "").resolve() if parsed.get_backend_name() == "sqlite" else None


def _left_of(strays: Mapping[str, Backlog]) -> Iterator[Finding]:
    """On PostgreSQL it may be another node's, which does not run now."""
    for name, left in strays.items():
        yield _ABOUT.note(
            f"{name} is no source of this node's configuration, and no node looks after it: {left.count} not finished",
            "give the source back the name that it had; where it is gone for good, see `invoice-watcher list --source "
            f"{name}`",
        )


# ------------------------------------------------------------------------------------------- in a file


def _in_a_file(path: Path, count: int, size: int) -> Iterator[Finding]:
    holder = holder_of(path)
    who = f"process {holder} works on it" if holder is not None else "no daemon is running"
    yield _ABOUT.well(f"{count} submissions, {in_bytes(size)} in {path}; {who}")
    fault = page_fault(path)
    if fault is not None:
        mend = "restore it from a backup, without the -wal and -shm that lie beside it now"
        yield _ABOUT.wrong(f"{path} is damaged: {fault}", mend)
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)):
        yield _ABOUT.wrong(f"{path} or its directory may not be written", "let the daemon's user write there")
    yield from _place(path.parent)


def _place(directory: Path) -> Iterator[Finding]:
    """Where it lies, or will lie."""
    kind = kind_of(str(directory.resolve()))
    if is_network(kind):
        message = f"{directory} is on a network drive ({kind}), where SQLite's locks and its log do not work"
        yield _ABOUT.wrong(message, "put it on a local disk, or use PostgreSQL")
    elif kind in ("tmpfs", "ramfs"):
        message = (
            f"{directory} is in memory ({kind}): the journal is gone after a restart, and what was booked is forgotten"
        )
        yield _ABOUT.note(message, "put it on a disk, such as /var/lib/invoice-watcher")
    lack = lack_of_room(directory)
    if lack is not None:
        yield _ABOUT.note(f"where it lies, {lack}; without room nothing is taken in", f"make room for {directory}")
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        yield _ABOUT.note(f"SQLite {sqlite3.sqlite_version} is old", "upgrade the system: 3.37 or later is tested")


_OLDEST_SQLITE = (3, 37, 0)


# -------------------------------------------------------------------------------------- yet to be made


def _to_be_made(url: str) -> Iterator[Finding]:
    path = _file(url)
    if path is None:
        yield from _empty_postgres(url)
        return
    directory = path.parent
    if not directory.is_dir():
        yield _ABOUT.wrong(
            f"the directory {directory} does not exist",
            f"make it for the daemon's user: install -d -m 0700 {directory}",
        )
        return
    if not os.access(directory, os.W_OK | os.X_OK):
        yield _ABOUT.wrong(f"the directory {directory} cannot be written", "let the daemon's user write there")
        return
    yield _ABOUT.well(f"{path} will be made by the first run")
    yield from _place(directory)


# ---------------------------------------------------------------------------------------- on PostgreSQL


def _on_postgres(url: str, count: int) -> Iterator[Finding]:
    from watcher.journal.postgres_checking import server_findings

    yield _ABOUT.well(f"{count} submissions")
    yield from server_findings(url, _ABOUT, empty=False)


def _empty_postgres(url: str) -> Iterator[Finding]:
    from watcher.journal.postgres_checking import server_findings

    yield _ABOUT.well("the database is empty; the journal will be made by the first run")
    yield from server_findings(url, _ABOUT, empty=True)
