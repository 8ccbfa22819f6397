"""The YAML text of the configuration, as plain values that know their lines.

YAML's surprises are turned into reports: duplicate keys, tags, unquoted numbers that are none, aliases that grow
without end. No report quotes the text: it may be a secret that stands in the wrong place.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from datetime import date
from typing import Any

import yaml
from msgspec import Struct, field

from watcher.config.syntax import BACKSLASH, STRANGE_INDENTATION, fault, is_strangely_indented
from watcher.config.values import Unquoted

Path = tuple[str | int, ...]

LARGEST_BYTES = 1_000_000
MOST_NODES = 20_000

_INTEGER = re.compile(r"[-+]?(?:0|[1-9]\d{0,17})", re.ASCII)
_FLOAT = re.compile(r"[-+]?\d{1,18}\.\d{0,18}(?:[eE][-+]?\d{1,3})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TRUE = ("yes", "true", "on")
_SIGNS = ":=：＝"  # what people part a key from its value with; YAML wants a colon and a blank
_UNPARTED = re.compile(rf"([\w.-]+)\s*[{_SIGNS}](?!//)\s*(\S.*)", re.DOTALL)
_CURLY = re.compile(r"[“”＂「『].*[“”＂」』\"]|[‘’＇].*[‘’＇']", re.DOTALL)
_NUMBERED = re.compile(r"\\U(?!00[01])[0-9A-Fa-f]{8}")
_NO_COLON = "a word without a colon in braces: is a value with a comma missing its quotes?"


class Problem(Struct, frozen=True, kw_only=True):
    """One fault: where, and what is wrong."""

    line: int
    path: Path
    message: str


class Document(Struct, kw_only=True):
    """A configuration file as plain values; a date is a `date`, an ambiguous scalar `Unquoted`."""

    value: Any = None
    problems: list[Problem] = field(default_factory=list)
    lines: dict[Path, int] = field(default_factory=dict)
    raw: dict[Path, str] = field(default_factory=dict)  # of unquoted scalars: what stands there
    braced: set[Path] = field(default_factory=set)  # of the keys that stand in braces: each may be half a secret

    def line(self, path: Path) -> int:
        """The line of a path, or of what it would stand in."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 1)

    def report(self, path: Path, message: str) -> None:
        self.problems.append(Problem(line=self.line(path), path=path, message=message))


class _Unreadable(Exception):
    """Nothing can be made of the text from here on."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


def parse(data: bytes) -> Document:
    """Read YAML; what is wrong with it is in `problems`, and `value` is what can be used all the same, or None."""
    document = Document()
    try:
        root = _compose(_decode(data))
        document.lines[()] = _line(root)
        document.value = _Reading(document).value(root, ())
    except _Unreadable as error:
        document.value = None
        document.problems.append(Problem(line=error.line, path=(), message=error.message))
    except RecursionError:
        document.value = None
        document.report((), "too many levels in one another")
    return document


def printable(text: str) -> str:
    """A key as it may be shown: on one line, without control characters, and not endless.

    It ends before a colon or an equals sign: what follows may be the value, and a secret.
    """
    key = re.split(f"[{_SIGNS}]", text, maxsplit=1)[0].rstrip(" ")
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in key[:80])


def spelled(path: Path) -> str:
    """``mailboxes[0].host``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{printable(part)}"
    return text.removeprefix(".")


def _decode(data: bytes) -> str:
    if len(data) > LARGEST_BYTES:
        raise _Unreadable(1, "the file is larger than 1 MB: this is no configuration")
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) or b"\0" in data[:2]:
        raise _Unreadable(1, "UTF-16, which Windows calls Unicode: save the file in UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _Unreadable(line, "not UTF-8: save the file in UTF-8 (it may be GBK)") from None


class _Loader(yaml.SafeLoader):
    def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
        """An anchor without a value is a text that begins with &, and must not silently be nothing."""
        node = super().compose_scalar_node(anchor)
        if anchor is not None and not node.value and node.style is None:
            raise yaml.composer.ComposerError(None, None, "expected alphabetic or numeric character", node.start_mark)
        return node


def _compose(text: str) -> yaml.Node:
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _Unreadable(line, "a control character, which must not stand in a text file") from None
    except yaml.MarkedYAMLError as error:
        raise _Unreadable(*fault(error, text)) from None
    except (ValueError, OverflowError):  # of a backslash with U and a number that no character has
        found = _NUMBERED.search(text)
        raise _Unreadable(text.count("\n", 0, found.start()) + 1 if found else 1, BACKSLASH) from None
    except yaml.YAMLError:
        raise _Unreadable(1, "wrong YAML syntax") from None
    if root is None:
        raise _Unreadable(1, "the file is empty")
    return root


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _is_nothing(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style is None and not node.value


def _is_word(key: yaml.ScalarNode, value: yaml.Node) -> bool:
    """Whether a key in braces has not so much as its colon: the half of a text behind a comma."""
    has_colon = key.end_mark.index != value.start_mark.index or _UNPARTED.fullmatch(key.value) is not None
    return _is_nothing(value) and not has_colon


class _Reading:
    """One walk over the nodes of a document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._nodes = 0
        self._within: set[int] = set()
        self._braces: Path | None = None  # the outermost that are being read

    def value(self, node: yaml.Node, path: Path) -> Any:
        """The plain value of a node; its line is noted."""
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise _Unreadable(_line(node), "far too many values (do aliases multiply?)")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._within:
            raise _Unreadable(_line(node), "an alias refers to what it stands in")
        self._within.add(id(node))
        try:
            return self._mapping(node, path) if isinstance(node, yaml.MappingNode) else self._sequence(node, path)
        finally:
            self._within.discard(id(node))

    def _sequence(self, node: yaml.Node, path: Path) -> list[Any]:
        self._refuse_tag(node, path, "tag:yaml.org,2002:seq")
        items = []
        for index, item in enumerate(node.value):
            self._document.lines[*path, index] = _line(item)
            items.append(self.value(item, (*path, index)))
        return items

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        self._refuse_tag(node, path, "tag:yaml.org,2002:map")
        outer = self._braces
        if node.flow_style and outer is None:
            self._braces = path
        try:
            return self._pairs(node, path)
        finally:
            self._braces = outer

    def _pairs(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        made: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in self._entries(node, path):
            key, line = str(key_node.value), _line(key_node)
            if key in first:
                this = "this key" if self._braces is None else "a key in these braces"
                self._report(key_node, (*path, key), f"{this} stands here twice: first in line {first[key]}")
                continue
            first[key] = line
            self._document.lines[*path, key] = line
            if self._braces is not None:
                self._document.braced.add((*path, key))
            made[key] = self.value(value_node, (*path, key))
        return made

    def _entries(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._report(key_node, path, "a key must be plain text: is a value in braces missing its quotes?")
            elif is_strangely_indented(str(key_node.value)):
                self._report(key_node, path, STRANGE_INDENTATION)
            elif key_node.tag == "tag:yaml.org,2002:merge":
                self._report(key_node, path, "<< is not known here: write the keys out")
            elif len(node.value) > 1 and node.flow_style and _is_word(key_node, value_node):
                self._report(key_node, path, _NO_COLON)
            else:
                yield self._parted(key_node, value_node, path)

    def _parted(self, key: yaml.ScalarNode, value: yaml.Node, path: Path) -> tuple[yaml.ScalarNode, yaml.Node]:
        """A key with its value in it, for want of a blank, is reported and read as it was meant.

        So nothing else is said of it. The report does not name the key: it may be half a secret in braces.
        """
        found = _UNPARTED.fullmatch(str(key.value))
        if key.style is not None or found is None or not _is_nothing(value):
            return key, value
        self._report(key, path, "a blank is missing after the colon of a key here: write KEY: VALUE")
        name, text = found.groups()
        tag = _Loader("").resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]  # PyYAML's
        return (
            yaml.ScalarNode("tag:yaml.org,2002:str", name, key.start_mark),
            yaml.ScalarNode(tag, text, key.start_mark),
        )

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        text = str(node.value)
        if node.style is None and _CURLY.fullmatch(text):
            self._report(node, path, "curly or full-width quotes would be a part of the value: write straight ones")
        if node.style is not None or kind == "str":
            self._refuse_tag(node, path, "tag:yaml.org,2002:str")
            return text
        self._document.raw[path] = text
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in _TRUE
        if kind not in ("int", "float", "timestamp", "value"):
            self._refuse_tag(node, path, "")
        return _number(kind, text)

    def _refuse_tag(self, node: yaml.Node, path: Path, expected: str) -> None:
        if node.tag != expected:
            self._report(node, path, "YAML tags (!) are not known here: put a text that begins with ! in quotes")

    def _report(self, node: yaml.Node, path: Path, message: str) -> None:
        """Of what stands in braces no key is named: a secret that begins with { and has no quotes is read as keys."""
        shown = path if self._braces is None else self._braces
        self._document.problems.append(Problem(line=_line(node), path=shown, message=message))


def _number(kind: str, text: str) -> Any:
    """An int, float or date that is written as people write it, else Unquoted."""
    if kind == "int" and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "float" and _FLOAT.fullmatch(text):
        return float(text)
    if kind == "timestamp" and _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    return Unquoted(text)
