"""The project's documents as tests read them: commands, settings, quoted messages."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    str(path.relative_to(PROJECT))
    for path in (*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md"))
    if path.is_file()
)

_FENCED = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^ {4,}(?=\S)(.*)$", re.MULTILINE)
_INLINE = re.compile(r"`(?:\.venv/bin/)?(invoice-watcher [^`\n]+)`")
_SHELLS = ("console", "sh", "bash", "shell")
_PROGRAM = re.compile(r"[a-z./][\w./+-]*")
_ASSIGNED = re.compile(r"[A-Z_]+=\S*")
_LIST_ITEM = re.compile(r"[-*] |\d+\. ")


def text(document: str) -> str:
    return (PROJECT / document).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of a document: the program, its arguments, and the user it runs as where it says so."""

    program: str
    arguments: tuple[str, ...]
    user: str | None = None

    def __str__(self) -> str:
        return shlex.join((self.program, *self.arguments))

    @property
    def is_ours(self) -> bool:
        return self.program == "invoice-watcher"


def settings(document: str) -> list[str]:
    """Every block of YAML."""
    return [block for _, language, block in _FENCED.findall(text(document)) if language == "yaml"]


def commands(document: str) -> list[Command]:
    """Every command in a block, and every one of ours within a sentence; once each."""
    lines = [*_lines(text(document)), *_INLINE.findall(_FENCED.sub("", text(document)))]
    return list(dict.fromkeys(command for line in lines for command in _parsed(line)))


def _lines(written: str) -> Iterator[str]:
    """The lines of blocks that stand further in, or in a fence that says that it is for a shell."""
    written = re.sub(r"\\\n\s*", "", written)  # a command in two lines
    blocks = [block for _, language, block in _FENCED.findall(written) if language in _SHELLS]
    prose = _FENCED.sub("", written)
    blocks += [line for line in _INDENTED.findall(prose) if not _LIST_ITEM.match(line)]
    for block in blocks:
        for line in block.splitlines():
            yield line.strip().removeprefix("$ ").removeprefix("# ")


def _parsed(line: str) -> Iterator[Command]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        words = line.split()
    command: list[str] = []
    for word in [*words, ";"]:
        if word in (";", "&&", "||", "|"):
            yield from _command(command)
            command = []
        else:
            command.append(word)


def _command(words: list[str]) -> Iterator[Command]:
    """Without what only says for whom and with which environment it runs, and where its output goes."""
    user = None
    words = words[: words.index(">")] if ">" in words else words
    while words and (words[0] == "sudo" or _ASSIGNED.fullmatch(words[0])):
        if words[:2] == ["sudo", "-u"]:
            user, words = words[2], words[2:]
        words = words[1:]
    if words and _PROGRAM.fullmatch(words[0]):  # a row of a table and a line of a log are none
        yield Command(program=Path(words[0]).name, arguments=tuple(words[1:]), user=user)


def quoted(document: str) -> list[str]:
    """What the program says, by this document; … stands for what differs."""
    return re.findall(r"^> (.+)$", text(document), re.MULTILINE)
