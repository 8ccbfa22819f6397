"""How a daemon that runs is asked how it fares: on an abstract socket that is named after its configuration.

Who connects is told one line of JSON, by `service.presence`. Such a socket ends with its process, lies in no directory
that somebody would have to make, and is there for root and for the daemon's own user alike; where the daemon has a
network namespace of its own, it is there in that one only. Anybody on the machine may take a name that is free: so each
side asks the kernel who the other is, and what a stranger says does not count.

This module imports nothing of the program, and little else: health checks ask every few seconds.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import struct
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

Told = Mapping[str, Any]

_LONGEST_BYTES = 1 << 20
_CREDENTIALS = struct.Struct("3i")  # struct ucred


class Peer(NamedTuple):  # msgspec would add half to the time of a health check
    """Who is at the other end, by the kernel's word. `process` is 0 where it is none of ours: in another container."""

    process: int
    user: int
    group: int


class NoAnswer(Exception):
    """Nobody is there, or nobody whose word counts; `str()` says so in one line."""


def address_of(configuration: Path) -> bytes:
    """The socket's name: the file's own name in its real directory, so that a link that is turned changes nothing."""
    place = configuration.parent.resolve() / configuration.name
    return b"\0invoice-watcher/" + hashlib.sha256(os.fsencode(place)).hexdigest()[:40].encode()


def ask(configuration: Path, seconds: float = 5.0) -> Told:
    """What the daemon with this configuration tells. Raises NoAnswer."""
    ends_at = time.monotonic() + seconds
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as connection:
        connection.settimeout(seconds)
        try:
            connection.connect(address_of(configuration))
            _require_trusted(peer_of(connection), configuration)
            told = json.loads(_line(connection, ends_at))
        except ConnectionRefusedError:
            raise NoAnswer(f"no daemon runs with {configuration}") from None
        except TimeoutError:
            raise NoAnswer(f"the daemon does not answer within {seconds:g} s") from None
        except (OSError, ValueError) as error:
            raise NoAnswer(f"the daemon cannot be asked: {type(error).__name__}") from error
    if not isinstance(told, dict):
        raise NoAnswer("the daemon's answer is none")
    return told


def _line(connection: socket.socket, ends_at: float) -> bytes:
    found = b""
    while not found.endswith(b"\n") and len(found) < _LONGEST_BYTES:
        left = ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        piece = connection.recv(1 << 16)
        if not piece:
            break
        found += piece
    return found


def _require_trusted(peer: Peer, configuration: Path) -> None:
    """Root, whoever asks, and whoever has the configuration as its owner or in its group: those may run the daemon."""
    if peer.process == 0:
        raise NoAnswer("the daemon that answers is in another container")
    users, groups = {0, os.geteuid()}, set[int]()
    with suppress(OSError):
        status = configuration.stat()
        users.add(status.st_uid)
        groups.add(status.st_gid)
    if peer.user not in users and (peer.group not in groups or peer.group == 0):
        raise NoAnswer(
            f"process {peer.process} answers in the daemon's place, and its user {peer.user} has no share in "
            f"{configuration}: give the file to the daemon's group"
        )


def peer_of(connection: socket.socket) -> Peer:
    """Raises OSError."""
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    process, user, group = _CREDENTIALS.unpack(packed)
    return Peer(process=process, user=user, group=group)
