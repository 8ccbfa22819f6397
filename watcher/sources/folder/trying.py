"""What `check` finds out about where answered files go, by making, renaming and removing a file of its own there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from watcher.config.sections import Folder
from watcher.errors import SourceUnavailable
from watcher.findings import About
from watcher.model import Finding
from watcher.mounts import lack_of_room
from watcher.sources.folder.atomic import remove
from watcher.sources.folder.drive import NEW_FILE, unavailable
from watcher.sources.folder.names import OWN_PREFIX
from watcher.sources.folder.own_links import open_own
from watcher.sources.folder.target import Template

_NO_ROOM_BYTES = 10_000_000


def answers(folder: Folder, path: str, root: int, about: About) -> Iterator[Finding]:
    """Whether files can be moved to done and error, and what is to be known about it. `root` is the folder, opened."""
    settings = {"done": folder.done, "error": folder.error}
    for setting, text in settings.items():
        if text is None:
            yield about.well(f"files stay where they are ({setting}: null)")
            continue
        template = Template.of(path, text)
        if template.text == path:
            message = f"{setting} is the watched folder itself, so files stay"
            yield about.wrong(message, f"name another folder as {setting}")
            continue
        yield from _target(setting, template, path, root, about)
    if any(settings.values()):
        yield _writable(path, "files can be moved away", path, about)


def _target(setting: str, template: Template, path: str, root: int, about: About) -> Iterator[Finding]:
    there = _nearest(template.fixed)
    finding = _writable(there, f"{setting} can be written", path, about)
    yield finding
    if not finding.ok:
        return
    if Path(there).stat().st_dev != os.fstat(root).st_dev:
        yield about.note(
            f"{setting} lies on another drive: files are copied there, then removed, which is slower and needs room",
            f"put {setting} on the folder's own drive where speed matters; nothing need be done otherwise",
        )
    yield from _room(setting, there, about)


def _room(setting: str, there: str, about: About) -> Iterator[Finding]:
    try:
        lack = lack_of_room(there)
        disk = os.statvfs(there)
    except OSError as error:
        yield about.wrong(str(unavailable(error, there)), "see what is the matter with the drive")
        return
    if lack is None:
        return
    if disk.f_bavail * disk.f_frsize < _NO_ROOM_BYTES:
        yield about.wrong(f"the drive of {setting} is full: {lack}", f"make room on the drive of {there}")
    else:
        yield about.note(f"on the drive of {setting} {lack}", f"make room on the drive of {there}")


def _writable(path: str, message: str, watched: str, about: About) -> Finding:
    try:
        here = open_own(watched, path)
        try:
            _try_all(here)
        finally:
            os.close(here)
    except SourceUnavailable as error:
        return about.wrong(str(error), "name the folder that it leads to instead, or make the link as root")
    except OSError as error:
        return about.wrong(str(unavailable(error, path)), f"let this program make, rename and remove files in {path}")
    return about.well(f"{message} ({path})")


def _try_all(folder: int) -> None:
    """Make, rename, remove. Raises OSError."""
    probe = f"{OWN_PREFIX}probe-{os.getpid()}-{os.urandom(4).hex()}"
    names = (f"{probe}.tmp", f"{probe}-renamed.tmp")
    try:
        os.close(os.open(names[0], NEW_FILE, 0o600, dir_fd=folder))
        os.rename(names[0], names[1], src_dir_fd=folder, dst_dir_fd=folder)
        os.unlink(names[1], dir_fd=folder)
    finally:
        for name in names:
            with contextlib.suppress(OSError):
                remove(folder, name)


def _nearest(path: str) -> str:
    """The folder itself, or where it is missing the one that it will be made in."""
    while path != "/" and not os.path.lexists(path):
        path = path.rpartition("/")[0] or "/"
    return path
