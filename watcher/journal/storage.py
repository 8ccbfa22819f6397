"""Where the journal is kept, and how large it has grown."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from watcher.journal.connection import Connection
from watcher.journal.database import Part
from watcher.journal.migrate import HEAD
from watcher.model import Storage

_PARTS = ("", "-wal", "-shm")


class StoragePart(Part):
    """Implements ReadingJournal.storage."""

    def storage(self) -> Storage:
        return self._database.read(lambda c: _of_file(c) if c.dialect.name == "sqlite" else _of_server(c))


def _of_file(connection: Connection) -> Storage:
    path = Path(next(row[2] for row in connection.exec_driver_sql("PRAGMA database_list") if row[1] == "main"))
    size, free = 0, None
    for part in _PARTS:
        with suppress(OSError):
            size += path.with_name(path.name + part).stat().st_size
    with suppress(OSError):
        disk = os.statvfs(path.parent)
        free = disk.f_bavail * disk.f_frsize
    return Storage(kind="sqlite", where=str(path), schema=HEAD, size=size, free=free)


def _of_server(connection: Connection) -> Storage:
    size = connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()
    url = connection.plain.engine.url
    where = f"{url.host or ''}/{url.database or ''}"
    return Storage(kind="postgresql", where=where, schema=HEAD, size=int(size), free=None)
