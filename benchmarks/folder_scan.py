"""What the daemon uses on a folder with 100,000 files: CPU for each poll, memory, and how long its start takes.

    .venv/bin/python -m benchmarks.folder_scan                      # all four kinds of files, 30 s polls
    .venv/bin/python -m benchmarks.folder_scan --kinds left,pending --poll 10 --rounds 3 --folder /dev/shm/x

It starts the installed command on a folder of 100 subfolders. Kinds of files:

- `none`: an empty folder, to compare with
- `left`: files outside `accept`, which stay
- `answered`: files that the journal knows and that stay (`done: null`)
- `pending`: files that the journal has taken in and whose bookings wait for their time
- `new`: nothing is known of them yet, and the endpoint cannot be reached: how long taking them in takes (fewer of them)

The journal is written in bulk, as if the daemon had taken the files in.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.daemons import per_round, quiet, usage
from tests.support.workplace import Workplace, pdf
from watcher.journal.opening import migrate
from watcher.sources.folder.drive import Mount
from watcher.sources.folder.identity import Fingerprint

SUBFOLDERS = 100
NEW = 2000
HOUR_MS = 3_600_000


class Nowhere:
    """An endpoint at which nobody listens."""

    url = "http://127.0.0.1:9/ocr"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", default="none,left,answered,pending,new")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--poll", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    for kind in arguments.kinds.split(","):
        root = Path(tempfile.mkdtemp(prefix="folder-scan-", dir=arguments.folder))
        try:
            _measure(root, kind, arguments)
        finally:
            shutil.rmtree(root)


def _measure(root: Path, kind: str, arguments: argparse.Namespace) -> None:
    workplace = Workplace(root, Nowhere(), connect_timeout="1s")
    stays = {"done": None, "error": None} if kind == "answered" else {}
    workplace.with_folder(poll=f"{arguments.poll:g}s", **stays).write()
    count = {"none": 0, "new": NEW}.get(kind, arguments.files)
    _make(workplace.inbox, kind, count)
    if kind in ("answered", "pending"):
        _take_in(workplace, kind)
    print(f"{kind}: {count} files", flush=True)
    began = time.monotonic()
    with workplace.daemon() as daemon:
        pid = daemon.process.pid
        ready = time.monotonic() - began
        rested = quiet(pid)
        first = usage(pid)
        print(f"  ready after {ready:.1f} s, at rest {rested:.1f} s later; {first.cpu:.1f} s CPU, {first.rss:.0f} MB")
        per_round(pid, poll=arguments.poll, rounds=arguments.rounds)
        last = usage(pid)
        print(f"  then {last.rss:.0f} MB, at most {last.peak:.0f} MB", flush=True)
        print(f"  {workplace.command('status').stdout.strip().splitlines()[:4]}")


def _make(inbox: Path, kind: str, count: int) -> None:
    for number in range(count):
        folder = inbox / f"{900_000 + number % SUBFOLDERS}"
        if number < SUBFOLDERS:
            folder.mkdir()
        left = kind == "left"
        name = f"报销说明-{number:06}.docx" if left else f"发票-{number:06}.pdf"
        (folder / name).write_bytes(b"some text" if left else pdf(str(number)))


def _files(inbox: Path) -> Iterator[tuple[str, os.stat_result]]:
    for folder in os.scandir(inbox):
        for entry in os.scandir(folder.path):
            yield f"{folder.name}/{entry.name}", entry.stat()


def _take_in(workplace: Workplace, kind: str) -> None:
    """Write what the daemon would have written about every file."""
    migrate(str(workplace.config["journal"]))
    with Mount(str(workplace.inbox), None).opened() as (_, drive):
        stable = drive.stable_inodes
    now, pending = time.time_ns() // 1_000_000, kind == "pending"
    with closing(sqlite3.connect(workplace.root / "journal.db")) as connection:
        for number, (path, status) in enumerate(_files(workplace.inbox), 1):
            fingerprint = Fingerprint.of(status, stable_inodes=stable)
            key, name = fingerprint.key("shared", path), hashlib.sha256(path.encode()).hexdigest()[:16]
            connection.execute("INSERT INTO identities VALUES (?, ?, ?)", (key, name, not pending))
            connection.execute(
                "INSERT INTO submissions (seq, id, key, source, kind, place, fingerprint, path, user_code, received_at,"
                " recorded_at, state, answer, create_expense, answered_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                (number, name, key, "shared", "file", path, str(fingerprint), path, "903851", now, now,
                 "open" if pending else "closed", True, True, None if pending else now),
            )  # fmt: skip
            if pending:
                connection.execute(
                    "INSERT INTO bookings (id, content, user_code, create_expense, generation, biz_id, source, store,"
                    " store_key, state, created_at, attempts, due_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
                    (number, name, "903851", True, 1, name, "shared", "default", name, "pending", now, 1,
                     now + 24 * HOUR_MS),
                )  # fmt: skip
            connection.execute(
                "INSERT INTO documents (submission, name, media_type, size, sha256, content, booking, state, outcome)"
                " VALUES (?,?,?,?,?,?,?,?,?)",
                (number, path, "application/pdf", status.st_size, name, name, number if pending else None,
                 "pending" if pending else "settled", None if pending else "skipped"),
            )  # fmt: skip
        connection.commit()


if __name__ == "__main__":
    main()
