"""The directory in a CSV file, and the rules that read an employee number off an address."""

from __future__ import annotations

import errno
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from watcher.config import sections
from watcher.errors import DirectoryUnavailable
from watcher.model import Finding, Person
from watcher.people.employees import LARGEST_BYTES, BrokenFile, Employees, read_employees
from watcher.people.rules import rule_findings

log = logging.getLogger(__name__)

_LOOK_AGAIN_SECONDS = 1.0
_SETTLE_SECONDS = 2.0
_MOST_FINDINGS = 20
_UNFINISHED = "it looks cut off, and may still be being written"
_SUBJECT = "directory"
_MEND = "mend the file; it is read again by itself"
_MAKE = "make the file, or mend its place in directory.file; relative places start at the configuration's folder"

_Version = tuple[int, int, int]  # mtime in ns, size, inode


class _Moment(Struct, frozen=True, kw_only=True):
    wall: float  # seconds since 1970
    clock: float  # of a clock that is never set


class _State(Struct, frozen=True, kw_only=True):
    """The last version of the file that could be read, and what is wrong with the present one."""

    employees: Employees | None = None
    version: _Version | None = None  # of the last one that was looked at, good or bad
    problem: str | None = None
    doubted: tuple[_Version, float] | None = None  # one that looks cut off, and since when it stands so (`clock`)


class FileDirectory:
    """The file first, then the rules. Safe to call from many threads.

    The file is looked at again once a second at most and read when it has changed; one that looks cut
    off is not believed before it has stood still for two seconds. A version that cannot be used is
    logged, `check` tells of it, and the one before stays; without any usable version,
    every look-up raises DirectoryUnavailable. Addresses are compared whole and without regard to case.
    """

    def __init__(
        self,
        section: sections.Directory,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = section.file
        self._rules = tuple(section.rules)
        self._delegates = frozenset(_folded(address) for address in section.delegates)
        self._clock = clock
        self._wall_clock = wall_clock
        self._lock = threading.Lock()
        self._state = _State(employees=None if self._path else Employees())
        self._looked_at: float | None = None

    def by_address(self, address: str) -> Person | None:
        wanted = _folded(address)
        if self.is_contested(wanted):
            return None
        return self._employees().by_address.get(wanted) or self._by_rule(wanted)

    def is_contested(self, address: str) -> bool:
        """Whether the file has it for several people, so that it is nobody's."""
        return _folded(address) in self._employees().contested

    def by_code(self, user_code: str) -> Person | None:
        """Of the file alone: a rule cannot be read backwards."""
        employees = self._employees()
        return employees.by_code.get(user_code) or employees.by_folded_code.get(user_code.casefold())

    def by_login(self, login: str) -> Person | None:
        """By an `email` that is the login name itself, else by the one person whose address has it before the @."""
        employees, wanted = self._employees(), _folded(login)
        return employees.by_address.get(wanted) or employees.by_local_part.get(wanted)

    def may_submit_for_others(self, address: str) -> bool:
        return _folded(address) in self._delegates

    def check(self) -> list[Finding]:
        rules = rule_findings(self._rules)
        if self._path is None:
            return [Finding(subject=_SUBJECT, ok=True, message=f"no file, {len(self._rules)} rules"), *rules]
        with self._lock:
            state = self._state = _looked(self._path, self._state, self._moment())
        return [*_findings(self._path, state), *rules]

    def _by_rule(self, address: str) -> Person | None:
        for rule in self._rules:
            found = rule.match.fullmatch(address.lower())
            code = _expanded(found, rule.user_code) if found else ""
            if code:
                return Person(user_code=code)
        return None

    def _moment(self) -> _Moment:
        return _Moment(wall=self._wall_clock(), clock=self._clock())

    def _employees(self) -> Employees:
        with self._lock:
            now = self._clock()
            if self._path and (self._looked_at is None or now - self._looked_at >= _LOOK_AGAIN_SECONDS):
                self._state = _looked(self._path, self._state, self._moment())
                self._looked_at = now
            state = self._state
        if state.employees is None:
            raise DirectoryUnavailable(f"the directory's file {self._path} cannot be used: {state.problem}")
        return state.employees


def _folded(text: str) -> str:
    return text.strip().casefold()


def _expanded(found: re.Match[str], template: str) -> str:
    try:
        return found.expand(template).strip()
    except (re.error, IndexError):
        return ""  # the configuration is checked for it


def _looked(path: Path, state: _State, now: _Moment) -> _State:
    """The state after a look at the file. What cannot be used leaves the employees as they were."""
    version: _Version | None = None
    try:
        version = _version(path.stat())
        if version == state.version:
            return state
        version, data = _read(path)
        employees = read_employees(data)
    except OSError as error:
        return _unusable(state, None, error.strerror or type(error).__name__)
    except BrokenFile as error:
        if state.employees is not None and version is not None and _is_fresh(version, state, now):
            return _doubting(state, version, now)
        return _unusable(state, version, str(error))
    cut_off = not data.endswith((b"\n", b"\r")) or len(employees.by_address) < _count(state)
    return (
        _doubting(state, version, now) if cut_off and _is_fresh(version, state, now) else _read_anew(employees, version)
    )


def _read_anew(employees: Employees, version: _Version) -> _State:
    for problem in employees.problems[:_MOST_FINDINGS]:
        log.warning("A row of the directory's file is wrong.", extra={"problem": problem})
    log.info("The directory's file was read.", extra={"addresses": len(employees.by_address)})
    return _State(employees=employees, version=version)


def _is_fresh(version: _Version, state: _State, now: _Moment) -> bool:
    """Whether somebody may still be writing it: half a file is not the file.

    A time ahead of ours, as a server with another clock gives it, says nothing of that: then it is what we have seen.
    """
    if now.wall - version[0] / 1e9 >= _SETTLE_SECONDS:
        return False
    return now.clock - _doubted_since(state, version, now) < _SETTLE_SECONDS


def _doubted_since(state: _State, version: _Version, now: _Moment) -> float:
    return state.doubted[1] if state.doubted is not None and state.doubted[0] == version else now.clock


def _doubting(state: _State, version: _Version, now: _Moment) -> _State:
    """As before, but that it is known since when this one stands so."""
    problem = _UNFINISHED if state.employees is None else state.problem
    return replace(state, problem=problem, doubted=(version, _doubted_since(state, version, now)))


def _count(state: _State) -> int:
    return len(state.employees.by_address) if state.employees is not None else 0


def _version(status: os.stat_result) -> _Version:
    return status.st_mtime_ns, status.st_size, status.st_ino


def _read(path: Path) -> tuple[_Version, bytes]:
    """The bytes, and the version that they are of."""
    with path.open("rb") as file:
        version = _version(os.fstat(file.fileno()))
        return version, file.read(LARGEST_BYTES + 1)


def _unusable(state: _State, version: _Version | None, problem: str) -> _State:
    if problem != state.problem or version != state.version:
        kept = "the last good version stays in use" if state.employees else "nobody can be looked up"
        log.error("The directory's file cannot be used: %s.", kept, extra={"problem": problem})
    return _State(employees=state.employees, version=version, problem=problem)


def _findings(path: Path, state: _State) -> list[Finding]:
    findings = []
    if state.problem is not None:
        kept = "" if state.employees is None else " (the last good version is in use)"
        message = f"{path} cannot be used: {state.problem}{kept}"
        mend = _MAKE if state.problem == os.strerror(errno.ENOENT) else _MEND
        findings.append(Finding(subject=_SUBJECT, ok=False, message=message, mend=mend))
    if state.employees is not None:
        count = len(state.employees.by_address)
        encoding = state.employees.encoding
        message = f"{count} addresses of {len(state.employees.by_code)} employees in {path} ({encoding})"
        findings.append(Finding(subject=_SUBJECT, ok=True, message=message))
        findings += _row_findings(path, list(state.employees.problems))
        findings += _doubt_findings(path, state.employees.doubts)
    return findings


def _row_findings(path: Path, problems: list[str]) -> list[Finding]:
    told = problems[:_MOST_FINDINGS]
    if len(problems) > len(told):
        told.append(f"and {len(problems) - len(told)} more rows like these")
    return [Finding(subject=_SUBJECT, ok=False, message=f"{path}: {problem}", mend=_MEND) for problem in told]


def _doubt_findings(path: Path, doubts: Sequence[str]) -> list[Finding]:
    """One person may be written in two ways, so that the rows are used."""
    mend = "give one number one name, and have the column of numbers be text before the file is saved"
    return [
        Finding(subject=_SUBJECT, ok=True, message=f"{path}: {doubt}", mend=mend, warning=True)
        for doubt in doubts[:_MOST_FINDINGS]
    ]
