"""The words of one language: sentences by key, with their plural where the language has one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from watcher.model import Language, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What happened, and what the reader should do about it."""

    what: str
    todo: str


class Words:
    """A catalogue. Keys are paths such as ``verdict.booked``; an unknown one is a KeyError."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        self._entries = entries

    def say(self, path: str, *, n: int | None = None, **values: object) -> str:
        """The sentence at `path`, its placeholders filled; `n` also chooses the plural form."""
        entry = self._find(path)
        if isinstance(entry, Mapping):
            entry = entry["one" if n == 1 else "other"]
        return str(entry).format(n=n, **values)

    def of_reason(self, reason: Reason, *, kinds: str = "", said: str = "") -> Advice:
        """`kinds` are the file types that are accepted; `said` is what was said of the document by ourselves."""
        entry = self._find(f"reasons.{reason.value}")
        what = entry.get("what_said", entry["what"]) if said else entry["what"]
        todo = entry.get("todo_said", entry["todo"]) if said else entry["todo"]
        return Advice(what=what.format(said=said), todo=todo.format(kinds=kinds))

    def of_code(self, code: str, message: str | None) -> Advice:
        """Advice on a resCode of the endpoint, the general one where it has none of its own."""
        entry = self._find("codes").get(code) or self._find("codes.general")
        what = entry["what"].format(message=message) if message else entry["what_silent"]
        return Advice(what=what, todo=entry["todo"])

    def of_outcome(self, outcome: str) -> Advice:
        return Advice(what=self.say(f"outcomes.{outcome}.what"), todo=self.say(f"outcomes.{outcome}.todo"))

    def _find(self, path: str) -> Any:
        found: Any = self._entries
        for key in path.split("."):
            found = found[key]
        return found


def load(language: Language) -> Words:
    """The catalogue that ships with the package."""
    import yaml

    text = resources.files(__package__).joinpath("catalogue", f"{language}.yaml").read_text(encoding="utf-8")
    return Words(yaml.safe_load(text))
