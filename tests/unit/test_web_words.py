"""The page's catalogues: every sentence is there, in both languages, and every one is used."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import watcher.web
from watcher.decisions import Follows
from watcher.model import Kind, Language, Outcome, SubmissionState
from watcher.policy.outcome import Result
from watcher.web.app import EXPLAINED
from watcher.web.deciding import DEEDS
from watcher.web.exporting import FORMATS
from watcher.web.overview import SPANS
from watcher.web.speech import LANGUAGES, REASONS, catalogue, entries
from watcher.web.visit import THEMES

_SAID = re.compile(r"""say\(\s*f?["']([\w.]+)["']""")
_LABEL = re.compile(r"""label\("(\w+)"\)""")
_PLURALS = {"one", "other"}


def paths(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every sentence by its path; plural forms are one sentence."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict) and set(value) != _PLURALS:
            found |= paths(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def placeholders(sentence: Any) -> set[str]:
    forms = list(sentence.values()) if isinstance(sentence, dict) else [sentence]
    return set().union(*(re.findall(r"\{(\w+)\}", form) for form in forms))


def test_both_languages_say_the_same_sentences_with_the_same_values() -> None:
    zh, en = (paths(entries(language)) for language in LANGUAGES)
    assert zh.keys() == en.keys()
    assert {path: placeholders(zh[path]) ^ placeholders(en[path]) for path in zh} == {path: set() for path in zh}


def chosen_while_running() -> set[str]:
    """The sentences whose path is put together of a value that can be."""
    return {
        *(f"outcomes.{each}" for each in [*Outcome, "pending"]),
        *(f"states.{each}" for each in SubmissionState),
        *(f"reasons.{each}" for each in REASONS),
        *(f"kinds.{each}" for each in Kind),
        *(f"tries.{each}" for each in Result),
        *(f"result.{each}" for each in Follows),
        *(f"error.{each}" for each in EXPLAINED),
        *(f"{deed}.{word}" for deed in DEEDS for word in ("button", "title", "go")),
        *(f"overview.{each}" for each in (*SPANS, "up", "down", "hampered", "untried")),
        *(f"page.{each}" for each in THEMES),
        *(f"export.{each}" for each in FORMATS),
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_that_can_be_has_its_word(language: Language) -> None:
    words = catalogue(language)
    values = {"n": 2, "user": "", "time": "", "reason": ""}
    assert all(words.say(path, **values) for path in chosen_while_running())  # type: ignore[arg-type]


def test_every_sentence_that_is_asked_for_is_there_and_none_is_there_for_nobody() -> None:
    root = Path(watcher.web.__file__).parent
    sources = [*root.glob("*.py"), *root.glob("templates/*.j2")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    there = paths(entries("en"))
    asked = {path for path in _SAID.findall(text) if not path.endswith(".")}
    asked |= {f"show.{name}" for name in _LABEL.findall(text)}
    assert asked - there.keys() == set()
    assert {path for path in there if f'"{path}"' not in text} - asked - chosen_while_running() == set()
