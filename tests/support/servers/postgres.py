"""PostgreSQL: a cluster of its own, over TCP alone, with the settings that it has by default.

But for `fsync`: no test cuts the power of this machine, and on a slow disk to stop a server took twenty seconds.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
from pathlib import Path

from tests.support.servers.process import (
    LOOPBACK,
    Process,
    Served,
    as_servant,
    free_port,
    hand_over,
    program,
    served_folder,
)

USER = "watcher"


class Postgres(Served):
    """A server where `database` gives a new database each time; its user may do everything and has no password."""

    def __init__(self) -> None:
        self._programs = _newest_programs()
        program("postgres", "postgresql", *self._programs)
        self.port = free_port()
        self.folder = served_folder("postgres")
        self._data = self.folder / "data"
        self._process: Process | None = None
        self._make_cluster()

    def start(self) -> None:
        """Serve, on the same port and with the same data as before."""
        settings = {"listen_addresses": LOOPBACK, "port": str(self.port), "unix_socket_directories": "", "fsync": "off"}
        command = [str(program("postgres", "postgresql", *self._programs)), "-D", str(self._data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self._process = Process(
            as_servant(command, dies_by="QUIT"), log=self.folder / "output.log", environment=_environment()
        )
        self._process.wait_until(self._ready, timeout=60)

    @property
    def pid(self) -> int:
        """Of the process from which all others of the cluster come."""
        assert self._process is not None, "the server does not run"
        return self._process.pid

    def stop(self, *, immediate: bool = False) -> None:
        """Cut every connection; `immediate` as a crash would, so that the next start has to recover.

        What other tests did is written down before, lest that takes as long as all they did.
        """
        if self._process is not None:
            if immediate:
                self._execute("CHECKPOINT")
            self._process.stop(signal.SIGQUIT if immediate else signal.SIGINT, timeout=30)
        self._process = None

    def restart(self, *, immediate: bool = False) -> None:
        self.stop(immediate=immediate)
        self.start()

    def database(self) -> str:
        """The URL of a new, empty one."""
        name = f"test_{secrets.token_hex(6)}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return self._url(name)

    def copy(self, url: str) -> str:
        """The URL of a new one with all that this one has; nobody may be connected to it."""
        name = f"test_{secrets.token_hex(6)}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{url.rpartition("/")[2]}" STRATEGY file_copy')
        return self._url(name)

    def cut(self, url: str) -> None:
        """End every connection to a database, as a failover or an idle timeout does."""
        name = url.rpartition("/")[2]
        self._execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    def drop(self, url: str) -> None:
        """Delete a database, whoever is connected to it."""
        self._execute(f'DROP DATABASE "{url.rpartition("/")[2]}" WITH (FORCE)')

    def _url(self, name: str) -> str:
        return f"postgresql://{USER}@{LOOPBACK}:{self.port}/{name}"

    def _execute(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._url("postgres"), autocommit=True, connect_timeout=30) as connection:
            connection.execute(statement)

    def _ready(self) -> bool:
        import psycopg

        try:
            self._execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _make_cluster(self) -> None:
        self._data.mkdir(mode=0o700)
        hand_over(self._data)
        command = [str(program("initdb", "postgresql", *self._programs)), "--pgdata", str(self._data)]
        command += [f"--username={USER}", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
        done = subprocess.run(
            as_servant(command), cwd=self.folder, env=_environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def _newest_programs() -> list[Path]:
    """Where Debian keeps the servers, by version: outside the path, the newest first."""
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if re.fullmatch(r"\d+", path.parent.name)]
    return sorted(found, key=lambda path: int(path.parent.name), reverse=True)


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
