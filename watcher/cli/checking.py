"""`check`: what would go wrong, before it does."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec.structs import asdict

from watcher.bootstrap.checks import findings
from watcher.bootstrap.journals import secrets_of
from watcher.checks.credentials import credentials_of_the_unit
from watcher.cli.streams import arrow, json_text
from watcher.config.cut import cut_short
from watcher.config.load import load, warnings
from watcher.config.sections import Configuration
from watcher.logs import conceal_tracebacks
from watcher.model import Finding
from watcher.secrecy import KnownSecrets

EXIT_WELL = 0
EXIT_FAILED = 1

Waiting = Callable[[str], None]


def check(path: Path, *, offline: bool, as_json: bool) -> int:
    """Say of each thing what was found and how to mend it; exit status. Raises ConfigurationError."""
    with credentials_of_the_unit(path):
        return _check(path, offline=offline, as_json=as_json)


def _check(path: Path, *, offline: bool, as_json: bool) -> int:
    configuration = load(path, secrets=not offline)
    known = secrets_of(configuration)
    conceal_tracebacks(known)
    logging.getLogger().addHandler(logging.NullHandler())  # what is logged on the way, the findings say better

    def found(waiting_for: Waiting) -> Iterator[Finding]:
        return _findings(path, configuration, known, waiting_for, offline=offline)

    if as_json:
        return _status(_printed(found, lambda finding: json_text(asdict(finding))))
    if sys.stdout.isatty():
        from watcher.cli.findings_table import on_a_terminal

        return _status(on_a_terminal(found, mark_of, summary))
    told = _printed(found, _line)
    print(f"\n{summary(told)}")  # noqa: T201
    return _status(told)


def summary(told: list[Finding]) -> str:
    """The last line, which counts."""
    wrong = sum(not finding.ok for finding in told)
    noted = sum(finding.ok and finding.warning for finding in told)
    warned = f"{noted} warning{'' if noted == 1 else 's'}"
    if wrong:
        return f"{wrong} thing{' must' if wrong == 1 else 's must'} be mended, {warned}"
    looked = f"{len(told)} thing{' was' if len(told) == 1 else 's were'} looked at"
    return f"all is well, but for {warned}" if noted else f"all is well: {looked}"


def _printed(found: Callable[[Waiting], Iterator[Finding]], form: Callable[[Finding], str]) -> list[Finding]:
    told = []
    for finding in found(lambda _: None):
        print(form(finding), flush=True)  # noqa: T201
        told.append(finding)
    return told


def _status(told: list[Finding]) -> int:
    return EXIT_WELL if all(finding.ok for finding in told) else EXIT_FAILED


def _findings(
    path: Path, configuration: Configuration, known: KnownSecrets, waiting_for: Waiting, *, offline: bool
) -> Iterator[Finding]:
    yield Finding(subject="configuration", ok=True, message=f"{path} is valid")
    for warning in [*cut_short(path), *warnings(configuration)]:
        yield Finding(subject="configuration", ok=True, warning=True, message=warning)
    if not offline:
        yield from findings(configuration, known, path, waiting_for=waiting_for)


def _line(finding: Finding) -> str:
    mend = f"\n      {arrow()} {finding.mend}" if finding.mend else ""
    return f"{mark_of(finding):4}  {finding.subject}: {finding.message}{mend}"


def mark_of(finding: Finding) -> str:
    """``FAIL``, ``warn`` or ``ok``."""
    return "FAIL" if not finding.ok else ("warn" if finding.warning else "ok")
