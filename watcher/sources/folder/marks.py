"""Sees to it that the folders of answers below the watched one have their mark."""

from __future__ import annotations

import os
from contextlib import suppress

from watcher.sources.folder.drive import folder_below
from watcher.sources.folder.mark import mark
from watcher.sources.folder.own_links import inside
from watcher.sources.folder.target import Template, are_one


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
                self._see_to(base)
            if way is not None and first and template.is_first(first):  # one of a month may be moved out by itself
                with folder_below(base, first) as folder:
                    self._see_to(folder)

    def put_in_all(self, template: Template, base: int) -> None:
        """Into those that are there already."""
        dated = os.listdir(base) if self._way_to(template.fixed) is not None and template.first_dated else []
        for name in ("", *dated):
            self.put(template, base, name)

    def _way_to(self, fixed: str) -> str | None:
        if fixed not in self._ways:
            self._ways[fixed] = _way_below(self._root, fixed)
        return self._ways[fixed]

    def _see_to(self, folder: int) -> None:
        status = os.fstat(folder)
        if (number := (status.st_dev, status.st_ino)) in self._marked:
            return
        mark(folder)
        self._marked.add(number)


def _way_below(root: str, fixed: str) -> str | None:
    """The way to it from the watched folder; "" for that itself, None where it lies elsewhere."""
    return "" if are_one(root, fixed) else inside(os.path.realpath(root), os.path.realpath(fixed))
