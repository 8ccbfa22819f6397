"""Reads the configuration file: all of it is right, or every fault is told at once."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError

from watcher.config.cautions import warnings
from watcher.config.consistency import faults
from watcher.config.cut import cuts
from watcher.config.document import Document, Problem, parse, spelled
from watcher.config.sections import Configuration
from watcher.config.wording import openly, problems
from watcher.errors import ConfigurationError

__all__ = ["load", "warnings"]


def load(path: Path, *, secrets: bool = True) -> Configuration:
    """The configuration in a file, with relative paths resolved against the file's directory.

    Raises ConfigurationError with every fault, each one line ``FILE:LINE: path.to.key: what is wrong``, and with what
    `cut_short` tells, because that may be why. With
    `secrets` every secret is read too, and one that cannot be read is a fault; its value is never told.
    """
    data = _bytes(path)
    document = parse(data)
    base = Path(os.path.abspath(path)).parent  # noqa: PTH100 - a symbolic link's own directory is meant
    configuration: Configuration | None = None
    if isinstance(document.value, dict):
        configuration = _validated(document, {"base": base, "secrets": secrets})
        for where, message in faults(document.value, base):
            document.report(where, message)
    elif not document.problems:
        document.report((), "must hold keys, each with a colon and a value")
    if document.problems or configuration is None:
        document.problems.extend(Problem(line=line, path=(), message=message) for line, message in cuts(data))
        raise ConfigurationError(_lines(path, document))
    return configuration


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ConfigurationError([f"{path}: there is no such file"]) from None
    except OSError as error:
        raise ConfigurationError([f"{path}: the file cannot be read: {error.strerror}"]) from error


def _validated(document: Document, context: dict[str, object]) -> Configuration | None:
    try:
        return Configuration.model_validate(document.value, context=context)
    except ValidationError as error:
        document.problems.extend(problems(error, document))
        return None


def _lines(path: Path, document: Document) -> list[str]:
    told = {
        (problem.line, spelled(openly(problem.path, document)), problem.message): None for problem in document.problems
    }
    return [
        f"{path}:{line}: {where}: {message}" if where else f"{path}:{line}: {message}"
        for line, where, message in sorted(told)
    ]
