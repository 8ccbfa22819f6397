"""What folders and delegates say of employees, compared with the directory."""

from __future__ import annotations

import os
from collections.abc import Iterator

from watcher.config.sections import Configuration, Folder, FromPlace
from watcher.errors import DirectoryUnavailable
from watcher.findings import About, some
from watcher.headers import clean
from watcher.model import Finding
from watcher.ports import Directory

_MOST_FOLDERS = 20_000
_MOST_DELEGATES = 20  # each may cost a question over the network


def delegate_findings(configuration: Configuration, directory: Directory) -> Iterator[Finding]:
    """Delegates whom the directory does not know; nothing where it cannot be asked."""
    try:
        delegates = configuration.directory.delegates[:_MOST_DELEGATES]
        unknown = [clean(each) for each in delegates if directory.by_address(each) is None]
    except DirectoryUnavailable:
        return
    if unknown:
        yield About("directory").note(
            f"delegates that are no employees themselves: {some(unknown)}",
            "see how they are spelt in directory.delegates; what they send without a number has no owner",
        )


def subfolder_findings(configuration: Configuration, directory: Directory) -> Iterator[Finding]:
    """Folders named after nobody. Only the file knows employees by their number: without it nothing can be said."""
    if configuration.directory.file is None:
        return
    for folder in configuration.folders:
        rule = folder.user_code
        if not isinstance(rule, FromPlace) or rule.source != "subfolder":
            continue
        try:
            unknown = [name for name in _names(folder) if directory.by_code(name.strip()) is None]
        except (OSError, DirectoryUnavailable):
            continue
        if unknown:
            yield About(f"folder {folder.name}").note(
                f"subfolders whose names are no employee number that the directory has: "
                f"{some(clean(name, 40) for name in unknown)}",
                "mend the names or the directory; what is dropped there is booked for that number as it stands",
            )


def _names(folder: Folder) -> Iterator[str]:
    """Of the folders right below, but for hidden ones and those that are ours."""
    ours = {os.path.realpath(place.partition("{")[0]) for place in (folder.done, folder.error) if place is not None}
    with os.scandir(folder.path) as entries:
        for number, entry in enumerate(entries):
            if number >= _MOST_FOLDERS:
                return
            if entry.name.startswith((".", "@")) or not entry.is_dir(follow_symlinks=False):
                continue
            here = os.path.realpath(entry.path)
            if not any(place == here or place.startswith(here + "/") for place in ours):
                yield entry.name
