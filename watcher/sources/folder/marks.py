"""The mark in a folder of answered files, by which a scan knows it under whatever name it has by then.

Who renames `done` to `done-2025` within the watched folder would have all in it taken in again, and booked for an
employee of that name where the first folder is the employee's number.
"""

from __future__ import annotations

import os
from contextlib import suppress

from watcher.sources.folder.atomic import status_of
from watcher.sources.folder.drive import folder_below
from watcher.sources.folder.identity import are_one_folder
from watcher.sources.folder.names import MARK
from watcher.sources.folder.own_links import inside
from watcher.sources.folder.target import Template

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_SAID = """\
这个文件夹里的文件 invoice-watcher 已经处理过；文件夹改名后，其中的文件也不会再被处理。
要再次处理某个文件，请把它移回原来的文件夹。

invoice-watcher has answered the files in this folder, and leaves them alone whatever it is called.
To have one taken in again, move it back to the folder that it came from.
"""


class Marks:
    """Puts them into the outermost folders of answers below the watched one. For many threads."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._ways: dict[str, str | None] = {}  # of the fixed part of a template: its way below the watched folder
        self._marked: set[tuple[int, int]] = set()

    def put(self, template: Template, base: int, first: str) -> None:
        """`base` is what all folders of the template are in, open, and `first` the one in it that is on the way.

        It is no reason to wait where there cannot be a mark.
        """
        with suppress(OSError):
            way = self._way_to(template.fixed)
            if way:
                self._mark(base)
            elif way is not None and template.is_first(first):
                with folder_below(base, first) as folder:
                    self._mark(folder)

    def put_in_all(self, template: Template, base: int) -> None:
        """Into those that are there already."""
        below = os.listdir(base) if self._way_to(template.fixed) == "" else [""]
        for name in below:
            self.put(template, base, name)

    def _way_to(self, fixed: str) -> str | None:
        if fixed not in self._ways:
            self._ways[fixed] = _way_below(self._root, fixed)
        return self._ways[fixed]

    def _mark(self, folder: int) -> None:
        status = os.fstat(folder)
        if (number := (status.st_dev, status.st_ino)) in self._marked:
            return
        if status_of(folder, MARK) is None:
            made = os.open(
                MARK, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=folder
            )
            with open(made, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor has no path
                file.write(_SAID)
        self._marked.add(number)


def _way_below(root: str, fixed: str) -> str | None:
    """The way to it from the watched folder; "" for that itself, None where it lies elsewhere."""
    with suppress(OSError):
        before, there, after = map(os.stat, (root, fixed, root))
        if are_one_folder(before, there, after):
            return ""
    return inside(os.path.realpath(root), os.path.realpath(fixed))
