"""The script and its folders, as the cases about folders start it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import Meter, program
from benchmarks.rivals import script
from benchmarks.servers import Servers
from tests.support.workplace import ZHANG

BASE_URL = "https://files.example/inbox/"  # of files that have an address and need no upload
RESOLVE = {"type": "resolve", "base_url": BASE_URL}


@dataclass(frozen=True, slots=True)
class Nowhere:
    """An address that the endpoint does not have: the first answer closes the gate, and nothing more is posted."""

    servers: Servers

    @property
    def url(self) -> str:
        return f"{self.servers.url}/nowhere"


@dataclass(frozen=True, slots=True)
class Folders:
    """Below a folder of its own; ZHANG's lies in each."""

    root: Path

    def of(self, name: str) -> Path:
        return self.root / name / ZHANG

    def make(self) -> None:
        for name in ("inbox", "done", "error"):
            self.of(name).mkdir(parents=True, exist_ok=True)
        (self.root / "saved").mkdir()


@contextmanager
def script_on(folders: Folders, servers: Servers, *options: str, workers: int = 1) -> Iterator[Meter]:
    """The script, which watches the inbox until the end of the block."""
    folders.make()
    places = [word for name in ("inbox", "done", "error") for word in (f"--{name}", str(folders.root / name))]
    command = [sys.executable, script.__file__, "folder", *places, "--ocr", servers.url, "--workers", str(workers)]
    with program([*command, *options]) as meter:
        yield meter


def saving(folders: Folders) -> list[str]:
    """The option that lets it only copy files."""
    return ["--save", str(folders.root / "saved")]


def count_of(folder: Path) -> int:
    """How many files are in a folder; none where it is not there yet."""
    return len(os.listdir(folder)) if folder.is_dir() else 0  # noqa: PTH208 - a count of names
