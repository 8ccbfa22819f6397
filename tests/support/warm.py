"""The installed command, started by forking a process that has loaded it, because a second of imports for each look at
a journal is half of what the tests take, and twice in each of thousands of cases would be hours.

As a program (`python -m tests.support.warm DESCRIPTOR`) it is that process: it gets requests, and forks a keeper for
each, which forks the command, tells its id, and tells how it ended.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import functools
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

_PDEATHSIG = 1
_CONTROL = 1000  # the descriptor by which a forked command speaks, far from all others
_LONGEST_BYTES = 65536
_LOADED = """
    apscheduler.schedulers.background opendal rich.console sqlalchemy.dialects.sqlite watcher.bootstrap.daemon
    watcher.cli.app watcher.cli.checking watcher.cli.deciding watcher.cli.exporting watcher.cli.reading
    watcher.cli.running watcher.cli.tables watcher.journal.migrate watcher.recognition.client
    watcher.recognition.token watcher.sources.folder watcher.sources.mailbox watcher.stores.objects
    watcher.stores.resolve watcher.stores.upload
""".split()


@dataclass(slots=True)
class Running:
    """A command that was started. `handed` is the descriptor that its preparation handed over, where it had one."""

    pid: int
    handed: int | None
    _channel: socket.socket
    _status: int | None = None

    def status(self, timeout: float) -> int | None:
        """Its exit status, negative for a signal; None: it still runs."""
        if self._status is None:
            self._channel.settimeout(timeout)
            with contextlib.suppress(TimeoutError):
                self._status = int(json.loads(self._channel.recv(_LONGEST_BYTES))["status"])
        return self._status

    def signal(self, number: signal.Signals) -> None:
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return

    def kill(self) -> None:
        """Where it still runs."""
        if self.status(0.001) is None:
            self.signal(signal.SIGKILL)

    def close(self) -> None:
        self._channel.close()
        if self.handed is not None:
            os.close(self.handed)
            self.handed = None


class Warm:
    """Starts commands; `with` ends it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.warm", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                cwd=Path(__file__).resolve().parent.parent.parent,
                env={**os.environ, "PYTHONWARNINGS": "error::ResourceWarning", "NO_COLOR": "1"},
            )
        self._socket = ours
        self._lock = threading.Lock()

    def start(
        self,
        arguments: Sequence[str],
        *,
        log: Path,
        errors: Path | None = None,
        environment: Mapping[str, str],
        prepared_by: str | None = None,
    ) -> Running:
        """`invoice-watcher` with these arguments, its output in `log`, of standard error in `errors` if given.

        `prepared_by`, as ``module:function``, is called in the command before it begins, with a socket on which it may
        act freely, and returns the descriptor that is handed over.
        """
        request = {
            "arguments": list(arguments),
            "log": str(log),
            "errors": str(errors or log),
            "environment": dict(environment),
            "prepared_by": prepared_by,
        }
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, self._lock:
            socket.send_fds(self._socket, [json.dumps(request).encode()], [theirs.fileno()])
        pid = int(_told(ours.recv(_LONGEST_BYTES))["pid"])
        handed = None
        if prepared_by:
            message, descriptors, _, _ = socket.recv_fds(ours, _LONGEST_BYTES, 1)
            _told(message)
            (handed,) = descriptors
        return Running(pid, handed, ours)

    def close(self) -> None:
        """End the process; what it has started goes on or ends by itself."""
        self._socket.close()
        self._process.wait(timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def warm_command(
    arguments: Sequence[str], *, environment: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """As subprocess.run has it, by one process of this test worker. Raises TimeoutExpired where it does not end."""
    with tempfile.TemporaryDirectory() as directory:
        output, errors = Path(directory) / "output", Path(directory) / "errors"
        running = _of_this_worker().start(arguments, log=output, errors=errors, environment=environment)
        try:
            status = running.status(timeout)
            if status is None:
                raise subprocess.TimeoutExpired(list(arguments), timeout)
        finally:
            running.kill()
            running.close()
        said, complained = (file.read_text(encoding="utf-8") for file in (output, errors))
    return subprocess.CompletedProcess(list(arguments), status, said, complained)


@functools.cache
def _of_this_worker() -> Warm:
    warm = Warm()
    atexit.register(warm.close)
    return warm


def _told(message: bytes) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(message or b'{"error": "the command was not started"}')
    if "error" in said:
        raise OSError(said["error"])
    return said


# ---------------------------------------------------------------------------------- the warm process


def _serve(requests: socket.socket) -> None:
    """Returns in the forked command alone, and at the end."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers are nobody's to wait for
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, _LONGEST_BYTES, 1)
        if not message:
            return
        if os.fork() == 0:
            requests.close()
            os.dup2(descriptors[0], _CONTROL)
            os.close(descriptors[0])
            _keep(json.loads(message))
            return
        os.close(descriptors[0])


def _keep(request: dict[str, Any]) -> None:
    """Fork the command, tell its id and how it ended. Returns in the command alone."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _die_with_parent()
    with socket.socket(fileno=os.dup(_CONTROL)) as channel:
        ready, go = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(go)
            _die_with_parent()
            os.read(ready, 1)  # the id is told first
            os.close(ready)
            _become(request, channel)
            return
        channel.send(json.dumps({"pid": pid}).encode())
        os.close(go)
        _, status = os.waitpid(pid, 0)
        with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
            channel.send(json.dumps({"status": os.waitstatus_to_exitcode(status)}).encode())
    os._exit(0)


def _die_with_parent() -> None:
    """So that nothing outlives a matrix that was ended."""
    ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)


def _become(request: dict[str, Any], channel: socket.socket) -> None:
    os.setsid()
    for descriptor, name in ((1, "log"), (2, "errors")):
        file = os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(file, descriptor)
        os.close(file)
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["invoice-watcher", *request["arguments"]]
    if request["prepared_by"]:
        _prepare(request["prepared_by"])
    os.close(_CONTROL)


def _prepare(prepared_by: str) -> None:
    module, _, function = prepared_by.partition(":")
    with socket.socket(fileno=os.dup2(_CONTROL, _CONTROL + 1)) as channel:
        try:
            handed = getattr(importlib.import_module(module), function)(channel)
        except OSError as error:
            channel.send(json.dumps({"error": str(error)}).encode())
            os._exit(1)
        socket.send_fds(channel, [b"{}"], [handed])
        os.close(handed)


def _load() -> None:
    """All that the commands import, so that none of it is imported after the fork, nor looked through for garbage."""
    for name in _LOADED:
        importlib.import_module(name)
    gc.freeze()


def _look_for_garbage_at_the_end() -> None:
    """Here that takes no time, and a resource in it that nobody has closed is told."""
    gc.freeze = gc.collect  # type: ignore[assignment]


if __name__ == "__main__":
    _load()
    asked = socket.socket(fileno=int(sys.argv[1]))
    _serve(asked)
    asked.close()
    if "invoice-watcher" in sys.argv[0]:
        from watcher.__main__ import main

        _look_for_garbage_at_the_end()
        main()
