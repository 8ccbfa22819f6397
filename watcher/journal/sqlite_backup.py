"""The copy of a SQLite journal that is made before a migration changes it."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from watcher.durable import sync_directory
from watcher.errors import JournalUnusable

log = logging.getLogger(__name__)


def back_up(path: Path, revision: str) -> None:
    """A copy beside it, as it is before it is changed; it takes the place of an earlier one when it is complete."""
    copy = path.with_name(f"{path.name}.{revision}.bak")
    unfinished = copy.with_name(copy.name + ".part")
    unfinished.unlink(missing_ok=True)
    try:
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(path)) as origin, closing(sqlite3.connect(unfinished)) as target:
            origin.backup(target)
        unfinished.rename(copy)
        sync_directory(path.parent)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)  # it would take the room that is wanted
        raise JournalUnusable(
            f"the journal {path} is of an older version and could not be copied to {copy} before it is changed: {error}"
        ) from error
    log.info("The journal was copied before its migration.", extra={"copy": str(copy)})
