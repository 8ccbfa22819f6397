"""The files and folders that a configuration names, and what the daemon does there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from pydantic import BaseModel
from sqlalchemy import make_url

from watcher.config.secret import Secret
from watcher.config.sections import Configuration, ObjectsStore


class Need(Struct, frozen=True):
    """A place that the daemon must reach, and what for."""

    what: str
    path: str  # absolute
    writes: bool = True


def needs_of(configuration: Configuration, file: Path) -> list[Need]:
    """All of them, and the configuration's own file."""
    return [
        Need("the configuration", os.path.abspath(file), writes=False),  # noqa: PTH100 - links are part of it
        *(Need("a file that it names", str(each), writes=False) for each in dict.fromkeys(_read(configuration))),
        *_journal(configuration),
        *_folders(configuration),
        *_stores(configuration),
    ]


def _read(value: object) -> Iterator[Path]:
    """Of secrets, authorities and employees."""
    if isinstance(value, Secret):
        if value.file is not None:
            yield value.file
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            held = getattr(value, name)
            if isinstance(held, Path) and name in ("ca_file", "file"):
                yield held
            else:
                yield from _read(held)
    elif isinstance(value, (list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _read(each)


def _journal(configuration: Configuration) -> Iterator[Need]:
    url = make_url(configuration.journal)
    if url.get_backend_name() != "sqlite" or not url.database:
        return
    path = Path(url.database).resolve()
    yield Need("the journal's folder", str(path.parent))
    # What somebody has made as another user by an earlier command.
    there = (path.with_name(path.name + ending) for ending in ("", "-wal", "-shm", ".lock"))
    yield from (Need("journal", str(each)) for each in there if _exists(each))


def _exists(path: Path) -> bool:
    """What cannot be looked at, such as a name that is too long, is told by the journal's own check."""
    try:
        return path.exists()
    except OSError:
        return False


def _folders(configuration: Configuration) -> Iterator[Need]:
    for folder in configuration.folders:
        moves = folder.done is not None or folder.error is not None
        for key, place in (("path", str(folder.path)), ("done", folder.done), ("error", folder.error)):
            if place is not None:
                yield Need(f"{key} of the folder {folder.name}", _fixed(place), writes=moves)


def _fixed(template: str) -> str:
    """The folder that all folders of a template are in."""
    literal, brace, _ = template.partition("{")
    return os.path.normpath(literal.rpartition("/")[0] or "/") if brace else os.path.normpath(template)


def _stores(configuration: Configuration) -> Iterator[Need]:
    for name, store in configuration.stores.items():
        if isinstance(store, ObjectsStore) and store.service == "fs" and "root" in store.options:
            yield Need(f"root of the store {name}", store.options["root"].reveal())
