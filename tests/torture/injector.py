"""Decides on each system call of a command: let it be, let it fail, or kill the command in its place."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import signal
import struct
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.support.warm import Running
from tests.torture import calls
from tests.torture.calls import Call
from tests.torture.places import Places

Kind = Literal["kill", "EIO", "ENOSPC", "EXDEV", "full"]

_RECEIVE, _SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV, _SEND
_NOTIFICATION = struct.Struct("QIIiIQ6Q")
_ANSWER = struct.Struct("QqiI")
_GO_ON = 1
_LOOK_EVERY_SECONDS = 0.2
_PATIENCE_SECONDS = 60.0  # after SIGTERM


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens at the `number`-th call of this name on this place."""

    kind: Kind
    call: str
    place: str
    number: int

    def __str__(self) -> str:
        return f"{self.kind}@{self.call}/{self.place}#{self.number}"

    @classmethod
    def parse(cls, text: str) -> Fault:
        kind, _, rest = text.partition("@")
        call, _, rest = rest.partition("/")
        place, _, number = rest.partition("#")
        return cls(kind=kind, call=call, place=place, number=int(number))  # type: ignore[arg-type]


@dataclass(slots=True, kw_only=True)
class Seen:
    """What came of a run. `struck`: how often the fault did; `status` as `Running.status`."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    struck: int = 0
    stopped: bool = False  # it went on for longer than the time it was given
    status: int = 0


def supervise(running: Running, places: Places, fault: Fault | None, within: float) -> Seen:
    """Until the command ends; after `within` seconds it is told to, by SIGTERM and then by SIGKILL."""
    watch = _Watch(running, places, fault)
    watch.run(time.monotonic() + within)
    status = running.status(10.0)
    assert status is not None, f"process {running.pid} has ended and has no status"
    watch.seen.status = status
    return watch.seen


def watch(running: Running) -> None:
    """Let every call be, until the command ends."""
    _Watch(running, Places(Path(os.devnull), {}), None).run(time.monotonic() + _PATIENCE_SECONDS)


class _Watch:
    def __init__(self, running: Running, places: Places, fault: Fault | None) -> None:
        assert running.handed is not None
        self.seen = Seen()
        self._running = running
        self._listener = running.handed
        self._places = places
        self._fault = fault
        self._known = calls.by_number()

    def run(self, deadline: float) -> None:
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        while True:
            events = poll.poll(_LOOK_EVERY_SECONDS * 1000)
            if events and not events[0][1] & select.POLLIN:
                return  # nobody is left who has the filter
            if events:
                self._decide()
            elif time.monotonic() > deadline:
                deadline = time.monotonic() + _PATIENCE_SECONDS
                self._running.signal(signal.SIGKILL if self.seen.stopped else signal.SIGTERM)
                self.seen.stopped = True

    def _decide(self) -> None:
        buffer = bytearray(_NOTIFICATION.size)
        try:
            fcntl.ioctl(self._listener, _RECEIVE, buffer)
        except OSError:
            return  # the thread was killed meanwhile
        identity, thread, _, number, _, _, *arguments = _NOTIFICATION.unpack(buffer)
        failure = self._failure(self._known[number], thread, arguments)
        if failure is not None:
            answer = _ANSWER.pack(identity, 0, -failure, 0) if failure else _ANSWER.pack(identity, 0, 0, _GO_ON)
            try:
                fcntl.ioctl(self._listener, _SEND, bytearray(answer))
            except OSError:
                return

    def _failure(self, call: Call, thread: int, arguments: list[int]) -> int | None:
        """The error number, 0 for none; None: the command was killed."""
        place = self._places.of(call, thread, arguments)
        counts = self.seen.counts
        counts[call.name, place] += 1
        fault = self._fault
        if fault is None:
            return 0
        if fault.kind == "full" and self.seen.struck:
            return errno.ENOSPC if call.takes_room and place in self._places.on_disk else 0
        if (fault.call, fault.place) != (call.name, place) or counts[call.name, place] != fault.number:
            return 0
        self.seen.struck += 1
        if fault.kind == "kill":
            os.kill(self._running.pid, signal.SIGKILL)
            return None
        return errno.ENOSPC if fault.kind == "full" else int(getattr(errno, fault.kind))
