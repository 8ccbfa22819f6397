"""`check`: what would go wrong, before it does."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from watcher.bootstrap.daemon import findings
from watcher.bootstrap.journals import secrets_of
from watcher.cli.streams import json_text
from watcher.config.load import load, warnings
from watcher.config.sections import Configuration
from watcher.logs import conceal_tracebacks
from watcher.model import Finding
from watcher.secrecy import KnownSecrets

EXIT_WELL = 0
EXIT_FAILED = 1


def check(path: Path, *, offline: bool, as_json: bool) -> int:
    """Say of each thing what was found and how to mend it; exit status. Raises ConfigurationError."""
    configuration = load(path, secrets=not offline)
    known = secrets_of(configuration)
    conceal_tracebacks(known)
    logging.getLogger().addHandler(logging.NullHandler())  # what is logged on the way, the findings say better
    well = True
    for finding in _findings(path, configuration, known, offline=offline):
        print(json_text(asdict(finding)) if as_json else _line(finding))  # noqa: T201
        well = well and finding.ok
    return EXIT_WELL if well else EXIT_FAILED


def _findings(path: Path, configuration: Configuration, known: KnownSecrets, *, offline: bool) -> Iterator[Finding]:
    yield Finding(subject="configuration", ok=True, message=f"{path} is valid")
    for warning in warnings(configuration):
        yield Finding(subject="configuration", ok=True, warning=True, message=warning)
    if not offline:
        yield from findings(configuration, known)


def _line(finding: Finding) -> str:
    mark = "FAIL" if not finding.ok else ("warn" if finding.warning else "ok")
    mend = f"\n      → {finding.mend}" if finding.mend else ""
    return f"{mark:4}  {finding.subject}: {finding.message}{mend}"
