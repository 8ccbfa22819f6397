"""Where an answered file goes: the templates of done and error, and which of their folders a scan leaves out."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date

from msgspec import Struct

from watcher.sources.folder.names import note_name, numbered

_FIELDS = {"{yyyy}": r"\d{4}", "{mm}": r"\d{2}", "{dd}": r"\d{2}"}
_FIELD = re.compile(r"(\{yyyy\}|\{mm\}|\{dd\})")


class Template(Struct, frozen=True):
    """A folder's path that may hold {yyyy}, {mm} and {dd}. Absolute."""

    text: str

    @classmethod
    def of(cls, folder: str, text: str) -> Template:
        """The template, relative to the watched folder where it is not absolute."""
        return cls(os.path.normpath(os.path.join(folder, text)))  # noqa: PTH118 - text, not a file

    def on(self, day: date) -> str:
        values = {"{yyyy}": f"{day.year:04}", "{mm}": f"{day.month:02}", "{dd}": f"{day.day:02}"}
        return _FIELD.sub(lambda found: values[found[1]], self.text)

    @property
    def fixed(self) -> str:
        """The folder that all its folders are in, whatever the day."""
        literal, brace, _ = self.text.partition("{")
        return (literal.rpartition("/")[0] or "/") if brace else self.text

    def below(self, path: str) -> str | None:
        """The rest of an absolute path that lies in one of its folders, on whatever day; else None."""
        pattern = "".join(_FIELDS.get(part) or re.escape(part) for part in _FIELD.split(self.text))
        found = re.match(pattern.rstrip("/") + "/(.+)", path, re.DOTALL)
        return found[1] if found else None

    def leaves_out(self, root: str) -> Callable[[str], bool]:
        """Says of a folder, relative to `root`, whether it is one of ours rather than one to be scanned."""
        real_fixed = os.path.realpath(self.fixed)
        relative = _relative(root, real_fixed)
        if relative:  # all of what is fixed lies below the root
            return lambda path: path == relative or path.startswith(relative + "/")
        if relative is None:
            return lambda _path: False
        first = self.text[len(self.fixed) :].strip("/").partition("/")[0]  # a date in the very first folder
        pattern = re.compile("".join(_FIELDS.get(part) or re.escape(part) for part in _FIELD.split(first)))
        return lambda path: bool(first) and pattern.fullmatch(path.partition("/")[0]) is not None


def left_out_by(templates: Sequence[Template], root: str) -> Callable[[str], bool]:
    """Says of a folder, relative to `root` (without links), whether it is a folder of answers, which no scan enters."""
    ours = [template.leaves_out(root) for template in templates]
    return lambda path: any(is_ours(path) for is_ours in ours)


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
