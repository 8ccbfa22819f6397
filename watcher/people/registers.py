"""A directory of several places: the file and its rules first, then services that are asked over the network."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

from watcher.model import Finding, Person
from watcher.people.directory import FileDirectory

_MOST_REMEMBERED = 10_000
_UNKNOWN_SECONDS = 60.0
# LDAP servers compare without regard to blanks, controls and forms of letters: what has any is not asked for.
_PLAIN = re.compile(r"[!-~]+")


class Register(Protocol):
    """A service that knows employees by their address."""

    @property
    def subject(self) -> str:
        """What it is called in findings."""

    def find(self, address: str) -> Person | None:
        """None where it does not have the address. Raises DirectoryUnavailable where it cannot be told now."""

    def check(self) -> list[Finding]: ...


class DirectoryWithRegisters:
    """Asks the registers for addresses that the file and the rules do not have. Safe to call from many threads."""

    def __init__(self, directory: FileDirectory, registers: Sequence[Register]) -> None:
        self._directory = directory
        self._registers = tuple(registers)

    def by_address(self, address: str) -> Person | None:
        found = self._directory.by_address(address)
        wanted = address.strip().lower()
        if not _PLAIN.fullmatch(wanted) or self._directory.is_contested(wanted):
            return found
        for register in self._registers:
            found = found or register.find(wanted)
        return found

    def by_code(self, user_code: str) -> Person | None:
        """Of the file alone: registers are asked by address."""
        return self._directory.by_code(user_code)

    def by_login(self, login: str) -> Person | None:
        """Of the file alone, as `by_code`."""
        return self._directory.by_login(login)

    def may_submit_for_others(self, address: str) -> bool:
        return self._directory.may_submit_for_others(address)

    def check(self) -> list[Finding]:
        return self._directory.check() + [finding for register in self._registers for finding in register.check()]


class Remembering:
    """A register whose answers are believed for a while; that somebody is unknown for a minute at most."""

    def __init__(self, register: Register, *, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._register = register
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._remembered: OrderedDict[str, tuple[float, Person | None]] = OrderedDict()

    @property
    def subject(self) -> str:
        return self._register.subject

    def find(self, address: str) -> Person | None:
        with self._lock:
            until, person = self._remembered.get(address, (0.0, None))
        if self._clock() < until:
            return person
        person = self._register.find(address)
        seconds = self._seconds if person is not None else min(self._seconds, _UNKNOWN_SECONDS)
        self._remember(address, self._clock() + seconds, person)
        return person

    def check(self) -> list[Finding]:
        return self._register.check()

    def _remember(self, address: str, until: float, person: Person | None) -> None:
        with self._lock:
            self._remembered[address] = (until, person)
            self._remembered.move_to_end(address)
            if len(self._remembered) > _MOST_REMEMBERED:
                self._remembered.popitem(last=False)
