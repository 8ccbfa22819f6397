"""A small disk of one's own, that can be filled."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_CHUNK_BYTES = 4096


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A tmpfs at `path`."""

    path: Path

    def fill(self, leave: int = 0) -> None:
        """Until nothing fits any more, but `leave` bytes."""
        ballast = os.open(self._ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        with contextlib.suppress(OSError):
            while True:
                os.write(ballast, bytes(_CHUNK_BYTES))
        os.ftruncate(ballast, max(0, os.fstat(ballast).st_size - leave))
        os.close(ballast)

    def make_room(self) -> None:
        self._ballast.unlink()

    @property
    def _ballast(self) -> Path:
        return self.path / "ballast"


@contextlib.contextmanager
def small_disk(path: Path, size: str) -> Iterator[SmallDisk]:
    """Mounted at `path`; where that is not allowed the test is skipped."""
    with _mounted(path, "tmpfs", "-o", f"size={size},mode=0755"):
        yield SmallDisk(path)


@contextlib.contextmanager
def disk_without_attributes(path: Path) -> Iterator[None]:
    """One whose files and folders have no extended attributes, at `path`; skips as `small_disk` does."""
    with _mounted(path, "ramfs"):
        yield


@contextlib.contextmanager
def _mounted(path: Path, kind: str, *options: str) -> Iterator[None]:
    """Skips the test where that is not allowed, in CI too: a container may forbid it to root.

    A user namespace would not do instead: what is mounted there only its own processes see, and not the test.
    """
    path.mkdir()
    command = ["mount", "-t", kind, *options, kind, str(path)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("a disk of one's own needs the command mount")
    if mounted.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
