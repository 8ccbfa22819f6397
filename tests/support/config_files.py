"""Configuration files for tests: the least that is valid, with what a test changes."""

from __future__ import annotations

from pathlib import Path

from watcher.config.load import load
from watcher.errors import ConfigurationError

MINIMUM = """\
journal: sqlite:///journal.db
recognition:
  url: https://endpoint.example/ocr
stores:
  default:
    type: http
    url: https://store.example/upload
folders:
  - name: shared
    path: inbox
"""

MAILBOX = """\
mailboxes:
  - name: fapiao
    host: imap.example
    username: fapiao@corp.example
    password: {env: IMAP_PASSWORD}
"""


def written(directory: Path, text: str | bytes) -> Path:
    """`text` as a configuration file in a directory."""
    path = directory / "config.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def problems_of(path: Path, *, secrets: bool = False) -> list[str]:
    """What is wrong with it, each line without the file's name: ``LINE: path: what``."""
    try:
        load(path, secrets=secrets)
    except ConfigurationError as error:
        return [problem.removeprefix(f"{path}:") for problem in error.problems]
    return []
