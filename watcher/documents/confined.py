"""A program of others at work on a file, in a process that can neither grow nor write nor go on for long."""

from __future__ import annotations

import contextlib
import io
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO

_MEMORY_BYTES = 512 * 1024 * 1024
_LONGEST_SECONDS = 120.0  # by the clock: a busy machine is not a reason to give up
_KEPT_OF_ERRORS = 4096
_PIECE_BYTES = 64 * 1024
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}


class Stopped(Exception):
    """It took more time than it may."""


@cache
def found(program: str) -> str | None:
    """Where a program is; looked up once. None where it, or what confines it, is not installed."""
    path = shutil.which(program)
    return path if shutil.which("prlimit") else None


class Confined:
    """A program at work. `read` gives its output; `finish` says how it ended."""

    def __init__(self, command: Sequence[str], given: IO[bytes], *, seconds: float, piped: bool = False) -> None:
        """Starts it, with the whole of a file as its standard input. `seconds` are of computing.

        `piped`: it shall not be able to look at the end first.
        """
        self._ends_at = time.monotonic() + _LONGEST_SECONDS
        self._said = b""
        self.waited = 0.0  # seconds, for what it puts out
        with _by_itself(given) as whole:
            self._feeder = _feeding(whole) if piped else None
            self._process = subprocess.Popen(  # noqa: S603 - no shell, and no word of it is from outside
                [*_limits(seconds), *command],
                stdin=self._feeder.stdout if self._feeder else whole,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,  # no terminal that it could ask for a password
            )
        self._selector = selectors.DefaultSelector()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                self._selector.register(stream, selectors.EVENT_READ)

    def read(self, size: int = _PIECE_BYTES) -> bytes:
        """Some of what it puts out, at most `size` bytes; nothing at its end. Raises Stopped."""
        output = self._process.stdout
        while output is not None and self._selector.get_map():
            for key, _events in self._ready():
                piece = os.read(key.fd, min(size, _PIECE_BYTES))
                if not piece:
                    self._selector.unregister(key.fileobj)
                elif key.fileobj is output:
                    return piece
                else:
                    self._said = (self._said + piece)[:_KEPT_OF_ERRORS]
        return b""

    def finish(self) -> tuple[bool, bytes]:
        """Whether it ended well, and the begin of what it complained of. Raises Stopped."""
        while self.read():
            pass
        try:
            status = self._process.wait(self._left())
        except subprocess.TimeoutExpired as error:
            raise Stopped from error
        if -status in (signal.SIGXCPU, signal.SIGKILL):
            raise Stopped
        return status == 0, self._said

    def end(self) -> None:
        """Whatever it is doing."""
        self._selector.close()
        for process in filter(None, (self._process, self._feeder)):
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()
            for stream in filter(None, (process.stdout, process.stderr)):
                stream.close()

    def _ready(self) -> list[tuple[selectors.SelectorKey, int]]:
        began = time.monotonic()
        try:
            return self._selector.select(self._left())
        finally:
            self.waited += time.monotonic() - began

    def _left(self) -> float:
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise Stopped
        return left


@contextmanager
def confined(
    command: Sequence[str], given: IO[bytes], *, seconds: float, spend: Callable[[float], None], piped: bool = False
) -> Iterator[Confined]:
    """Runs it, and ends it with the block; `spend` is told how many of the `seconds` it took."""
    program = Confined(command, given, seconds=seconds, piped=piped)
    try:
        yield program
    finally:
        program.end()
        spend(min(program.waited, seconds))


@contextmanager
def _by_itself(given: IO[bytes]) -> Iterator[IO[bytes]]:
    """The file with a descriptor and a position of its own; one in memory has neither, and is small."""
    if isinstance(given, io.BytesIO):
        with open(os.memfd_create("packed", os.MFD_CLOEXEC), "w+b") as copy:  # noqa: PTH123 - it has no path
            copy.write(given.getbuffer())
            copy.seek(0)
            yield copy
    else:
        with Path(f"/proc/self/fd/{given.fileno()}").open("rb") as whole:
            yield whole


def _feeding(whole: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["cat"], stdin=whole, stdout=subprocess.PIPE, env=_ENVIRONMENT, cwd="/")  # noqa: S607


def _limits(seconds: float) -> list[str]:
    cpu = max(1, int(seconds))
    return ["prlimit", f"--as={_MEMORY_BYTES}", f"--cpu={cpu}:{cpu + 1}", "--fsize=0", "--core=0", "--"]
