"""A folder full of files that were answered and stay, and the journal that knows them. No measurement by itself.

The journal is written in bulk, as if the daemon had taken the files in.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.support.workplace import ZHANG, Workplace, pdf
from watcher.journal.opening import migrate
from watcher.sources.folder.drive import Mount
from watcher.sources.folder.identity import Fingerprint

SUBFOLDERS = 100
STAYS = {"done": None, "error": None}  # the keys of a folder whose files stay where they are
_SUBMISSION = (
    "INSERT INTO submissions (seq, id, key, source, kind, place, fingerprint, path, user_code, received_at,"
    " recorded_at, state, answer, create_expense, answered_at) VALUES (?,?,?,?,'file',?,?,?,?,?,?,'closed',1,1,?)"
)
_DOCUMENT = (
    "INSERT INTO documents (submission, name, media_type, size, sha256, content, state, outcome)"
    " VALUES (?,?,'application/pdf',?,?,?,'settled','skipped')"
)


def make_known_files(workplace: Workplace, count: int, source: str = "shared") -> None:
    """Write so many into the inbox and into the journal, which is on SQLite and new; they stay, by the keys `STAYS`."""
    _write(workplace.inbox, count)
    migrate(str(workplace.config["journal"]))
    with Mount(str(workplace.inbox), None).opened() as (_, drive):
        stable = drive.stable_inodes
    now = time.time_ns() // 1_000_000
    with closing(sqlite3.connect(workplace.root / "journal.db")) as connection, connection:
        for number, (path, status) in enumerate(_files(workplace.inbox), 1):
            fingerprint = Fingerprint.of(status, stable_inodes=stable)
            key, name = fingerprint.key(source, path), hashlib.sha256(path.encode()).hexdigest()[:16]
            connection.execute("INSERT INTO identities VALUES (?, ?, ?)", (key, name, True))
            row = (number, name, key, source, path, str(fingerprint), path, ZHANG, now, now, now)
            connection.execute(_SUBMISSION, row)
            connection.execute(_DOCUMENT, (number, path, status.st_size, name, name))


def _write(inbox: Path, count: int) -> None:
    for number in range(count):
        folder = inbox / f"{900_000 + number % SUBFOLDERS}"
        if number < SUBFOLDERS:
            folder.mkdir()
        (folder / f"发票-{number:06}.pdf").write_bytes(pdf(str(number)))


def _files(inbox: Path) -> Iterator[tuple[str, os.stat_result]]:
    for folder in os.scandir(inbox):
        for entry in os.scandir(folder.path):
            yield f"{folder.name}/{entry.name}", entry.stat()
