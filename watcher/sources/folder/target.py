"""Where an answered file goes: the templates of done and error, and which of their folders a scan leaves out."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date

from msgspec import Struct

from watcher.dated import fixed_of, is_one_of, on, spelt
from watcher.sources.folder.atomic import status_of
from watcher.sources.folder.identity import are_one_folder
from watcher.sources.folder.mark import has_attribute
from watcher.sources.folder.names import MARK, note_name, numbered


class Template(Struct, frozen=True):
    """A folder's path that may hold {yyyy}, {mm} and {dd}. Absolute."""

    text: str

    @classmethod
    def of(cls, folder: str, text: str) -> Template:
        """The template, relative to the watched folder where it is not absolute."""
        return cls(os.path.normpath(os.path.join(folder, text)))  # noqa: PTH118 - text, not a file

    def on(self, day: date) -> str:
        return on(self.text, day)

    @property
    def fixed(self) -> str:
        """The folder that all its folders are in, whatever the day."""
        return fixed_of(self.text)

    def below(self, path: str) -> str | None:
        """The rest of an absolute path that lies in one of its folders, on whatever day; else None."""
        found = re.match(spelt(self.text).rstrip("/") + "/(.+)", path, re.DOTALL | re.ASCII)
        return found[1] if found else None

    def leaves_out(self, root: str) -> Callable[[str], bool]:
        """Says of a folder, relative to `root`, whether it is one of ours rather than one to be scanned."""
        real_fixed = os.path.realpath(self.fixed)
        relative = _relative(root, real_fixed)
        if relative:  # all of what is fixed lies below the root
            return lambda path: path == relative or path.startswith(relative + "/")
        if relative is None and not (self.first_dated and are_one(root, real_fixed)):
            return lambda _path: False
        return lambda path: self.is_first(path.partition("/")[0])

    def is_first(self, name: str) -> bool:
        """Whether the first folder below `fixed` is called so on some day."""
        return is_one_of(name, self.first_dated)

    @property
    def first_dated(self) -> str:
        """The name, with its braces, of the first folder below `fixed`; "" where there is none."""
        return self.text[len(self.fixed) :].strip("/").partition("/")[0]


def template_of(folder: str, text: str | None) -> Template | None:
    """The template of a setting; None where files stay: there is none, or it is the watched folder itself."""
    template = None if text is None else Template.of(folder, text)
    return None if template is None or template.text == folder else template


def left_out_by(templates: Sequence[Template], root: str) -> Callable[[str], bool]:
    """Says of a folder, relative to `root` (without links), whether it is a folder of answers, which no scan enters."""
    ours = [template.leaves_out(root) for template in templates]
    return lambda path: any(is_ours(path) for is_ours in ours)


class LeftOut:
    """Which folders no scan enters: those of answers, also under another path or name.

    A drive may be mounted twice, and a name be written in another case. That is seen only once such a folder is open,
    and what was renamed once its mark is read.
    """

    def __init__(self, templates: Sequence[Template], root: str, renamed: Iterable[str] = ()) -> None:
        """`renamed` are those that had a mark when they were looked at last, relative to the root."""
        self._is_ours = left_out_by(templates, root)
        self._fixed = {template.fixed for template in templates}
        self.renamed: set[str] = set()  # those that have a mark, but not their name
        self._maybe_renamed = set(renamed)
        self._others: set[str] = set()  # paths that lead into one of ours, relative to the root
        self._numbers: set[tuple[int, int]] = set()
        self._missing = self._fixed
        self.look_again()

    def look_again(self) -> None:
        """See which of ours were made since: mostly the first answer makes them."""
        there = {path: status for path in self._missing if (status := _status(path)) is not None}
        self._numbers |= {(status.st_dev, status.st_ino) for status in there.values()}
        self._missing = self._missing - there.keys()

    def __call__(self, path: str) -> bool:
        """Of a folder, relative to the root, as far as its path says it."""
        if self._is_ours(path):
            return True
        return bool(self._others) and any(path == other or path.startswith(f"{other}/") for other in self._others)

    def has(self, path: str, folder: int) -> bool:
        """Whether this open folder is one of ours; if so its path is remembered."""
        if self._is_one_of_ours(folder):
            self._others.add(path)
            return True
        # What had a mark when it was looked at last need not be searched for it.
        if has_attribute(folder) or (path in self._maybe_renamed and status_of(folder, MARK) is not None):
            self.is_renamed(path)
            return True
        return False

    def _is_one_of_ours(self, folder: int) -> bool:
        if not self._numbers:
            return False
        status = os.fstat(folder)
        # A network drive may have given the number to another one since; while it is open it does not.
        return (status.st_dev, status.st_ino) in self._numbers and any(
            ours is not None and are_one_folder(status, ours, os.fstat(folder)) for ours in map(_status, self._fixed)
        )

    def is_renamed(self, path: str) -> None:
        """The folder has a mark."""
        self.renamed.add(path)
        self._others.add(path)


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 - it may be no text that pathlib keeps
    except OSError:
        return None


def are_one(path: str, other: str) -> bool:
    """Whether two paths without links lead to one folder."""
    try:
        before, there, after = map(os.stat, (path, other, path))
    except OSError:
        return False
    return are_one_folder(before, there, after)


def _relative(root: str, path: str) -> str | None:
    """`path` relative to `root`, "" for the root itself, None where it lies elsewhere."""
    if path == root:
        return ""
    prefix = root.rstrip("/") + "/"
    return path.removeprefix(prefix) if path.startswith(prefix) else None


def free_name(name: str, is_taken: Callable[[str], bool], is_note_taken: Callable[[str], bool]) -> str:
    """The first of `name`, `name (2)` … that is free, together with the name of its note."""
    names: Iterator[str] = numbered(name)
    return next(one for one in names if not is_taken(one) and not is_note_taken(note_name(one)))
