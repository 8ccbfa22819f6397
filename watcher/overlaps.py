"""Folders that lie in one another, so that a file would be taken in twice, or come again once it was answered.

A place is an absolute path without ".."; that of a target may hold {yyyy}, {mm} and {dd}, which stand for any day's.
It is all text: whether links lead elsewhere is for who asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from watcher.dated import fixed_of, is_one_of
from watcher.ignored import is_ignored

Path = tuple[str | int, ...]  # the way to a key of the configuration
Fault = tuple[Path, str]
Parts = tuple[str, ...]  # the names of the folders on the way to a place


class Watched(Struct, frozen=True, kw_only=True):
    """A folder that is watched: folders[index]."""

    index: int
    place: str
    recursive: bool = True
    targets: Mapping[str, str]  # where files are moved to, by `done` and `error`

    def takes(self, parts: Parts) -> bool:
        """Whether it takes in what is put right into a folder."""
        own = parts_of(self.place)
        if not _lies_in(parts, own):
            return False
        below = parts[len(own) :]
        if not below:
            return True
        return self.recursive and not any(map(is_ignored, below)) and not self._leaves_out(parts)

    def has(self, subfolder: Parts) -> bool:
        """Whether it takes in what is put into a folder of that name in it."""
        return self.takes(parts_of(self.place) + subfolder)

    def _leaves_out(self, parts: Parts) -> bool:
        """Whether a folder in it is one of answers, which no scan enters."""
        own = parts_of(self.place)
        for target in self.targets.values():
            fixed = parts_of(fixed_of(target))
            ours = parts_of(target)[: len(own) + 1] if fixed == own else fixed
            if len(ours) > len(own) and ours[: len(own)] == own and _lies_in(parts, ours):
                return True
        return False


class Stored(Struct, frozen=True, kw_only=True):
    """The folder in which a store keeps what is uploaded: stores.name."""

    name: str
    place: str


def overlaps(watched: Sequence[Watched], stored: Sequence[Stored]) -> Iterator[Fault]:
    """Every fault as (path, what is wrong)."""
    for folder in watched:
        yield from _twice(folder, watched)
        for key, target in folder.targets.items():
            for other in watched:
                yield from _again(("folders", folder.index, key), target, folder, other)
    for store in stored:
        for folder in watched:
            if folder.takes(parts_of(store.place)):
                said = f"folders[{folder.index}] would take in what is stored there: name a folder outside of its path"
                yield ("stores", store.name, "options", "root"), said


def _twice(inner: Watched, watched: Sequence[Watched]) -> Iterator[Fault]:
    path: Path = ("folders", inner.index, "path")
    parts = parts_of(inner.place)
    twin = next((other for other in watched if other.index < inner.index and parts_of(other.place) == parts), None)
    if twin is not None:
        yield path, f"folders[{twin.index}] watches the same folder"
    for outer in watched:
        if parts_of(outer.place) != parts and outer.takes(parts):
            its = f"folders[{outer.index}]"
            said = f"lies in {its}.path and is watched with it, so that its files would be booked twice"
            yield path, f"{said}: name a folder outside of that one, or give {its} recursive: false"


def _again(path: Path, target: str, mover: Watched, other: Watched) -> Iterator[Fault]:
    """Where files are moved to must not be where they are taken in."""
    parts, place = parts_of(target), parts_of(other.place)
    if parts == place and mover is other:
        yield path, "must not be the folder that is watched"
    elif _is_fed(parts, mover, other):
        yield path, f"folders[{other.index}] watches it: files would come again"
    elif len(parts) < len(place) and _lies_in(place, parts) and mover.has(place[len(parts) :]):
        said = f"folders[{other.index}].path lies in it, and files keep their subfolders: they would come again"
        yield path, f"{said}; name a folder that no watched one lies in"


def _is_fed(parts: Parts, mover: Watched, other: Watched) -> bool:
    """Whether what is moved there is taken in. That a folder leaves a place out counts for its own answers alone."""
    if mover is other:
        return other.takes(parts)
    place = parts_of(other.place)
    return _lies_in(parts, place) and (other.recursive or len(parts) == len(place))


def folder_of_key(key: str) -> str:
    """The folder that all objects of a store are in, as far as it has one name."""
    return "/".join(parts_of(fixed_of(key.rpartition("/")[0])))


def parts_of(place: str) -> Parts:
    """The names on the way there."""
    return tuple(part for part in place.split("/") if part)


def _lies_in(parts: Parts, outer: Parts) -> bool:
    """Whether a folder is another one or lies in it, on some day."""
    return len(outer) <= len(parts) and all(map(_may_be, parts[: len(outer)], outer))


def _may_be(name: str, other: str) -> bool:
    return name == other or is_one_of(name, other) or is_one_of(other, name)
