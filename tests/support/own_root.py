"""A machine like this one on which no change stays: this machine's files, under a layer that is thrown away."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import pytest

from tests.support.servers.process import program

# Lives as long as its standard input is open; what it mounts, nobody else sees.
_HOLD = """
set -eu
mount -t tmpfs tmpfs "$1"
mkdir "$1/changes" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/changes,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount -t tmpfs tmpfs "$1/root/run"
mount -t tmpfs tmpfs "$1/root/tmp"
mount --bind "$2" "$1/root/mnt"
exec chroot "$1/root" sh -c 'echo ready; exec cat'
"""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class OwnRoot:
    """Between `with` and its end; `shared`, a folder of ours, is /mnt there. No systemd runs in it.

    Skips the test where such a root cannot be made: that needs root, and a kernel that lets it mount.
    """

    def __init__(self, shared: Path) -> None:
        if os.geteuid() != 0:
            pytest.skip("only root can mount what is thrown away")
        self._shared = shared
        self._place = tempfile.TemporaryDirectory(prefix="watcher-root-")

    def __enter__(self) -> Self:
        self._holder = subprocess.Popen(
            [*_in_mounts_of_its_own(), "sh", "-c", _HOLD, "sh", self._place.name, str(self._shared)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != "ready\n":
            _, said = self._holder.communicate()
            self._place.cleanup()
            pytest.skip(f"this kernel lets nobody mount: {said.strip()}")
        return self

    def __exit__(self, *_: object) -> None:
        self._holder.communicate()
        self._place.cleanup()

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command there, as root in root's home with the umask of a careful administrator."""
        return subprocess.run(
            [*_among_the_mounts_of(self._holder.pid), "sh", "-c", 'umask 077; cd /root; exec "$@"', "sh", *command],
            env=_environment(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


def _in_mounts_of_its_own() -> list[str]:
    return [str(program("unshare", "util-linux")), "--mount", "--propagation", "private"]


def _among_the_mounts_of(pid: int) -> list[str]:
    return [str(program("nsenter", "util-linux")), f"--target={pid}", "--mount", "--root", "--wd"]


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": _PATH, "HOME": "/root", "LANG": "C.UTF-8", **more}
