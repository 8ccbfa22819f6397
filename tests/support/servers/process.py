"""Programs that serve the tests: started in the foreground, watched until ready, ended by their own id."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.support.waiting import wait_for

LOOPBACK = "127.0.0.1"

# Far from the ports that the kernel gives to outgoing connections, so that none takes one between choice and use.
# For the same reason each worker of pytest-xdist has its share of them, and a process gives one after the other.
_FIRST_PORT, _PORTS = 20000, 10000
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_SHARE = _PORTS // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_turns = itertools.count(os.getpid() * 37 + time.monotonic_ns() // 1000)


class MissingProgram(Exception):
    """A server is not installed; `package` is the Debian package that has it."""

    def __init__(self, program: str, package: str) -> None:
        super().__init__(f"{program} is missing: apt-get install {package}")
        self.package = package


def program(name: str, package: str, *folders: Path) -> Path:
    """Where a program is: in `folders`, in the path, or where the system keeps its servers. Raises MissingProgram."""
    places = [str(folder) for folder in folders] + [os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        raise MissingProgram(name, package)
    return Path(found)


def free_port() -> int:
    """A port of the loopback interface on which nobody listens, and that no other call returns soon."""
    for turn in itertools.islice(_turns, _SHARE):
        port = _FIRST_PORT + _WORKER * _SHARE + turn % _SHARE
        with contextlib.suppress(OSError), socket.socket() as trial:
            trial.bind((LOOPBACK, port))
            return port
    raise AssertionError("no port of the loopback interface is free")


def accepts(port: int) -> bool:
    """Whether somebody listens."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False


def servant() -> pwd.struct_passwd:
    """The account that servers run as: ours, or nobody's where we are root, which Dovecot and PostgreSQL refuse."""
    return pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())


def as_servant(command: Sequence[str], *, dies_by: str = "TERM") -> list[str]:
    """`command` as the servant, ended by signal `dies_by` where the thread that started it is gone."""
    drop = []
    if os.getuid() == 0:
        account = servant()
        drop = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    return [str(program("setpriv", "util-linux")), *drop, f"--pdeathsig={dies_by}", *command]


def served_folder(prefix: str) -> Path:
    """A new folder that belongs to the servant; not below pytest's, which others may not enter."""
    folder = Path(tempfile.mkdtemp(prefix=f"watcher-{prefix}-")).resolve()
    hand_over(folder)
    return folder


def hand_over(path: Path) -> None:
    """Let a file belong to the servant."""
    if os.getuid() == 0:
        account = servant()
        os.chown(path, account.pw_uid, account.pw_gid)


class Served:
    """What serves from `start` to `stop`, and between `with` and its end; its folder goes with it."""

    folder: Path

    def start(self) -> None:
        """Serve, on the same port as before."""
        raise NotImplementedError

    def stop(self) -> None:
        """Refuse connections from now on."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Process:
    """A program in a process group of its own; it does not outlive the interpreter."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if environment is None else dict(environment),
                cwd=cwd or log.parent,
                start_new_session=True,
            )
        atexit.register(self.kill)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], timeout: float = 30.0) -> None:
        """Return once `ready` says so; AssertionError, with what the program said, where it ends or takes too long."""

        def settled() -> bool:
            return not self.running or ready()

        try:
            wait_for(settled, timeout, "the server to be ready")
            assert self.running, f"the server ended with status {self._process.returncode}"
        except AssertionError as error:
            said = self.log.read_text(errors="replace")[-4000:]
            self.kill()
            raise AssertionError(f"{error}; it said:\n{said}") from None

    def stop(self, how: signal.Signals = signal.SIGTERM, timeout: float = 10.0) -> None:
        """Ask the program to end by `how`, and end its whole group where it does not within `timeout` seconds."""
        if self.running:
            self._process.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout)
        self.kill()

    def signal(self, number: signal.Signals) -> None:
        """To the whole group."""
        os.killpg(self.pid, number)

    def kill(self) -> None:
        """End the whole group at once."""
        atexit.unregister(self.kill)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
