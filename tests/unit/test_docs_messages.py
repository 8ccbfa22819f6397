"""What the documents quote, the program says: its messages are looked for in its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.support.documents import DOCUMENTS, PROJECT, quoted, text

WATCHER = PROJECT / "watcher"
QUOTING = [name for name in DOCUMENTS if name.startswith("docs/") and quoted(name)]


@cache
def messages() -> tuple[str, ...]:
    """Every text in the source, with … for what differs; texts that stand one after the other are one."""
    return tuple({said for path in WATCHER.rglob("*.py") for said in _texts(path)})


def _texts(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value.replace("%s", "…")


@pytest.mark.parametrize("document", QUOTING)
def test_every_message_that_is_quoted_is_one_that_the_program_has(document: str) -> None:
    said = messages()
    assert [quote for quote in quoted(document) if not any(quote in each for each in said)] == []


def test_both_pages_on_troubles_have_enough_of_them_and_no_message_stands_in_the_chinese_one_alone() -> None:
    english, chinese = "docs/troubleshoot.md", "docs/troubleshoot.zh-CN.md"
    assert text(english).count("\n### ") >= 30
    assert set(quoted(chinese)) - set(quoted(english)) == set()


@pytest.mark.parametrize(("page", "catalogue"), [("for-employees.md", "en"), ("for-employees.zh-CN.md", "zh")])
def test_the_page_for_employees_has_the_outcomes_in_the_words_of_the_replies(page: str, catalogue: str) -> None:
    words = yaml.safe_load((WATCHER / f"replies/catalogue/{catalogue}.yaml").read_text(encoding="utf-8"))
    labels = [words["outcomes"][outcome]["label"] for outcome in ("done", "attention", "duplicate", "skipped", "error")]
    assert [label for label in labels if f"| **{label}** |" not in text(f"docs/{page}")] == []
