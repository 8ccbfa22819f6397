"""Answers in a real browser: nothing of them is wider than the screen, and the docs have a picture of every kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.screenshots.replies import html_of
from tests.support.browser import browser
from tests.support.reply_kinds import DONE, HOSTILE, KINDS, LINKED, LOCKED, TAXI, failed, writer
from tests.support.submissions import submission

if TYPE_CHECKING:
    from playwright.sync_api import Page

DOCS = Path(__file__).resolve().parents[2] / "docs"
LONG_WORD = "W" * 110
NARROW = 320  # pixels


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser() as opened:
        yield opened.new_page(viewport={"width": NARROW, "height": 600})


def width_of(page: Page, html: str) -> int:
    page.set_content(html)
    found = page.evaluate("document.documentElement.scrollWidth")
    assert isinstance(found, int)
    return found


def test_no_kind_is_wider_than_a_small_phone(page: Page) -> None:
    wide = {
        (kind, language): width
        for kind, make in KINDS.items()
        for language in ("zh", "en")
        if (width := width_of(page, html_of(make(writer(language))))) > NARROW
    }

    assert wide == {}


@pytest.mark.parametrize("count", [1, 12])
def test_neither_are_long_words_in_names_numbers_and_links(page: Page, count: int) -> None:
    odd = replace(TAXI, seller_name=LONG_WORD, number="8" * 60, expense_id="9" * 60, amount="1" * 24, name=LONG_WORD)
    documents = (
        *(replace(DONE, id=n, name=f"{LONG_WORD}.pdf", invoices=(odd,)) for n in range(count)),
        replace(LOCKED, name=HOSTILE),
        replace(LINKED, message=f"https://pis.example.com/{LONG_WORD}{LONG_WORD}"),
        failed(90, "a.pdf", LONG_WORD, LONG_WORD),
    )

    message = writer("en").reply(submission(*documents, subject=LONG_WORD, person_name=LONG_WORD), 1)

    assert width_of(page, html_of(message)) <= NARROW


def test_the_docs_show_every_kind_in_both_languages_and_stay_small() -> None:
    text = (DOCS / "replies.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"images/replies/[\w-]+\.png", text))

    assert {f"images/replies/{kind}-{language}.png" for kind in KINDS for language in ("zh", "en")} <= shown
    assert {f"images/replies/{path.name}" for path in (DOCS / "images" / "replies").iterdir()} == shown
    sizes = [(DOCS / each).stat().st_size for each in shown]
    assert max(sizes) < 60_000
    assert sum(sizes) < 1_000_000
