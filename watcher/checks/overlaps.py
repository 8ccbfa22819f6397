"""Folders that lie in one another once links are followed. What their names alone show the configuration refuses."""

from __future__ import annotations

import os
from collections.abc import Iterator

from watcher.config.sections import Configuration, Folder, ObjectsStore
from watcher.findings import About
from watcher.model import Finding
from watcher.overlaps import Path, Stored, Watched, folder_of_key, overlaps

_MEND = "see where the links on the way lead, and name a folder that lies in no other one"


def overlap_findings(configuration: Configuration) -> list[Finding]:
    """One for each fault; nothing where there is none."""
    watched = [_watched(index, folder) for index, folder in enumerate(configuration.folders)]
    return [
        About(_subject(configuration, path)).wrong(f"{path[-1]}, where its links lead: {said}", _MEND)
        for path, said in overlaps(watched, list(_stored(configuration)))
    ]


def _subject(configuration: Configuration, path: Path) -> str:
    which = path[1]
    return f"folder {configuration.folders[which].name}" if isinstance(which, int) else f"store {which}"


def _watched(index: int, folder: Folder) -> Watched:
    targets = (("done", folder.done), ("error", folder.error))
    return Watched(
        index=index,
        place=os.path.realpath(folder.path),
        recursive=folder.recursive,
        targets={key: os.path.realpath(target) for key, target in targets if target is not None},
    )


def _stored(configuration: Configuration) -> Iterator[Stored]:
    for name, store in configuration.stores.items():
        if isinstance(store, ObjectsStore) and store.service == "fs" and "root" in store.options:
            place = f"{store.options['root'].reveal()}/{folder_of_key(store.key)}"
            yield Stored(name=name, place=os.path.realpath(place))
