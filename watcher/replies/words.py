"""The words of one language: sentences by key, with their plural where the language has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from msgspec import Struct

from watcher.model import Language, Reason

NOT_SET_UP = "400000"  # api/ocrSyncWithConfig.txt: no recognition key


class Advice(Struct, frozen=True, kw_only=True):
    """What happened, and what the reader should do about it."""

    what: str
    todo: str


class Words:
    """A catalogue. Keys are paths such as ``verdict.booked``; an unknown one is a KeyError."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        self._entries = entries
        self._found: dict[str, Any] = {}  # by path; a reply says some forty sentences

    def say(self, path: str, *, n: int | None = None, **values: object) -> str:
        """The sentence at `path`, its placeholders filled; `n` also chooses the plural form."""
        entry = self._find(path)
        if isinstance(entry, str):  # as nearly all are
            return entry.format(n=n, **values)
        return str(entry["one" if n == 1 else "other"]).format(n=n, **values)

    def of_reason(self, reason: Reason, *, kinds: str = "", said: str = "") -> Advice:
        """`kinds` are the file types that are accepted; `said` is what was said of the document by ourselves."""
        entry = self._find(f"reasons.{reason.value}")
        what = entry.get("what_said", entry["what"]) if said else entry["what"]
        todo = entry.get("todo_said", entry["todo"]) if said else entry["todo"]
        return Advice(what=what.format(said=said), todo=todo.format(kinds=kinds))

    def of_code(self, code: str, message: str | None, *, hint: str | None = None, kinds: str = "") -> Advice:
        """Advice on a resCode of the endpoint, the general one where it has none of its own.

        `hint` is what its words are about (a key of `hints`): better advice than what holds for every message.
        """
        path = f"codes.{code if code in self._find('codes') else 'general'}"
        what = self.say(f"{path}.what", message=message) if message else self.say(f"{path}.what_silent")
        if hint is not None and code != NOT_SET_UP:
            return Advice(what=what, todo=self.hint(hint, kinds=kinds))
        is_silent = message is None and code != NOT_SET_UP
        return Advice(what=what, todo=self.say(f"{path}.todo_silent" if is_silent else f"{path}.todo"))

    def of_outcome(self, outcome: str) -> Advice:
        return Advice(what=self.say(f"outcomes.{outcome}.what"), todo=self.say(f"outcomes.{outcome}.todo"))

    def hint(self, key: str, *, kinds: str = "") -> str:
        return self.say(f"hints.{key}", kinds=kinds)

    def joined(self, sentences: Sequence[str]) -> str:
        """Whole sentences, one after the other."""
        return self.say("sentence_separator").join(sentences)

    def _find(self, path: str) -> Any:
        try:
            return self._found[path]
        except KeyError:
            found: Any = self._entries
            for key in path.split("."):
                found = found[key]
            return self._found.setdefault(path, found)


def load(language: Language) -> Words:
    """The catalogue that ships with the package."""
    import yaml

    text = resources.files(__package__).joinpath("catalogue", f"{language}.yaml").read_text(encoding="utf-8")
    return Words(yaml.safe_load(text))
