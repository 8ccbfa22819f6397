"""An internet of one machine: a network namespace in which names lead to a public address that is this machine's own.

What runs in it is the program as it is installed, with nothing replaced: it resolves names, judges addresses and
checks certificates as it always does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.servers.process import program

PUBLIC = "93.184.216.34"
_NAME_SERVER = "127.0.0.1"  # port 53, where what runs in there may serve
_PROJECT = Path(__file__).resolve().parents[2]
_SECONDS = 600.0  # what runs in there waits with deadlines of its own, which say more when they are over


def inside(
    command: Sequence[str], names: Mapping[str, str], *, further: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a command, as who we are, where these host names have these addresses.

    Its name server is port 53 of its own loopback interface; `further` are other addresses that are its own.
    Skipped where namespaces may not be made, in CI too: a container may forbid them.
    """
    program("ip", "iproute2")
    ours = [] if os.getuid() == 0 else ["--map-root-user"]
    unshare = [str(program("unshare", "util-linux")), *ours, "--net", "--mount"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("network namespaces cannot be made here")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "hosts").write_text("".join(f"{address} {name}\n" for name, address in names.items()))
        (Path(folder) / "resolv.conf").write_text(f"nameserver {_NAME_SERVER}\n")
        addresses = ",".join((PUBLIC, *further))
        who = f"{os.getuid()}:{os.getgid()}"
        entering = [sys.executable, "-m", "tests.support.small_internet", folder, addresses, who]
        return subprocess.run(
            [*unshare, *entering, *command], capture_output=True, text=True, cwd=_PROJECT, check=False, timeout=_SECONDS
        )


def _enter(folder: str, addresses: str, who: str, command: Sequence[str]) -> None:
    for step in (
        ["ip", "link", "set", "lo", "up"],
        *(["ip", "address", "add", f"{address}/32", "dev", "lo"] for address in addresses.split(",")),
        *(["mount", "--bind", f"{folder}/{name}", f"/etc/{name}"] for name in ("hosts", "resolv.conf")),
    ):
        subprocess.run(step, check=True)
    # Who is not root became it to do this, and does not stay it: servers behave otherwise for root. The group has to be
    # known, too: Dovecot gives its folders to it.
    Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0")
    user, _, group = who.partition(":")
    again = [] if user == "0" else ["unshare", f"--map-user={user}", f"--map-group={group}"]
    os.execvp((again or list(command))[0], [*again, *command])


if __name__ == "__main__":
    _enter(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
