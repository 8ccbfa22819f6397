"""The catalogues: every sentence is there, in both languages."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from watcher.model import Language, Outcome, Reason
from watcher.replies import words

LANGUAGES: tuple[Language, ...] = ("zh", "en")


def entries(language: Language) -> dict[str, Any]:
    from importlib import resources

    text = resources.files("watcher.replies").joinpath("catalogue", f"{language}.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def paths(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every sentence by its path; plural forms are one sentence."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict) and set(value) != {"one", "other"}:
            found |= paths(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def placeholders(sentence: Any) -> set[str]:
    text = sentence["other"] if isinstance(sentence, dict) else sentence
    return set(re.findall(r"\{(\w+)\}", text))


def test_both_catalogues_have_the_same_sentences_with_the_same_placeholders() -> None:
    chinese, english = paths(entries("zh")), paths(entries("en"))

    assert set(chinese) == set(english)
    assert {path: placeholders(s) for path, s in chinese.items()} == {
        path: placeholders(s) for path, s in english.items()
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_explanation_and_its_advice(reason: Reason, language: Language) -> None:
    advice = words.load(language).of_reason(reason, kinds="PDF")

    assert len(advice.what) > 8
    assert len(advice.todo) > 8
    assert "{" not in advice.what + advice.todo


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_explains_no_reason_that_does_not_exist(language: Language) -> None:
    assert set(entries(language)["reasons"]) == set(Reason.__members__)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("outcome", [*(outcome.value for outcome in Outcome), "pending"])
def test_every_outcome_has_its_label_and_its_advice(outcome: str, language: Language) -> None:
    found = words.load(language)

    assert found.say(f"outcomes.{outcome}.label")
    if outcome != Outcome.DONE:  # its label says it all
        assert found.of_outcome(outcome).what
        assert found.of_outcome(outcome).todo


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code_that_nobody_foresaw_is_explained_with_the_endpoints_own_words(language: Language) -> None:
    found = words.load(language)

    assert "格式{0}不支持" in found.of_code("499999", "格式{0}不支持").what
    assert "{" not in found.of_code("499999", None).what


@pytest.mark.parametrize(("n", "said"), [(1, "1 invoice booked"), (2, "2 invoices booked"), (0, "0 invoices booked")])
def test_english_counts_have_their_plural(n: int, said: str) -> None:
    assert words.load("en").say("verdict.booked", n=n) == said
