"""Replies are written in the HTML that Outlook's Word engine, Foxmail, Gmail and QQ Mail keep, and readable in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from html import unescape
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from tests.support.reply_kinds import (
    DONE,
    HOSTILE,
    KINDS,
    LINKED,
    PARTLY,
    TAXI,
    acknowledged,
    failed,
    many,
    writer,
)
from tests.support.submissions import document, submission
from watcher.model import Acknowledgement, Language

LANGUAGES: tuple[Language, ...] = ("zh", "en")
GMAIL_CLIPS_AT = 102_000

# What all of them keep. Word's engine knows no flow layout, no width of a paragraph, and padding on cells alone; Gmail
# and QQ Mail drop style sheets, classes and whatever loads something.
_TABLE = {"role", "width", "cellpadding", "cellspacing", "border", "bgcolor", "style"}
_CELL = {"width", "align", "valign", "colspan", "bgcolor", "style"}
TAGS: dict[str, set[str]] = {
    "html": {"lang", "dir"},
    "head": set(),
    "meta": {"http-equiv", "name", "content"},
    "title": set(),
    "body": {"bgcolor", "style"},
    "table": _TABLE,
    "tr": set(),
    "td": _CELL,
    "th": _CELL | {"scope"},
    "div": {"style"},
    "span": {"style"},
    "b": set(),
    "br": set(),
}
_TEXT = {"font", "color"}
PROPERTIES: dict[str, set[str]] = {
    "body": {"margin", "padding", "background-color"},
    "table": {"max-width", "background-color", "border", "border-top", "word-wrap", "word-break"},
    "td": _TEXT | {"font-weight", "padding", "background-color", "border-top"},
    "th": _TEXT | {"font-weight", "padding", "background-color", "border-top"},
    "span": _TEXT,
    # The preheader alone, which is hidden.
    "div": {"display", "font-size", "line-height", "color", "max-height", "overflow", "mso-hide"},
}
VOID = {"meta", "br"}


@dataclass(slots=True, eq=False)
class Element:
    tag: str
    attributes: dict[str, str]
    above: Element | None = None
    text: str = ""
    below: list[Element] = field(default_factory=list)

    @property
    def style(self) -> dict[str, str]:
        pairs = (each.partition(":") for each in self.attributes.get("style", "").split(";") if each.strip())
        return {name.strip(): value.strip() for name, _, value in pairs}

    def walk(self) -> Iterator[Element]:
        yield self
        for each in self.below:
            yield from each.walk()

    def nearest(self, name: str) -> str | None:
        """A property of its own, or of the nearest element above that sets it."""
        return self.style.get(name) or (self.above.nearest(name) if self.above else None)


class Tree(HTMLParser):
    """Reads a page strictly: every element that begins ends, in its place."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.root = self._now = Element("", {})
        self.feed(html)
        self.close()
        assert self._now is self.root, f"<{self._now.tag}> does not end"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self._now)
        assert len(attrs) == len(element.attributes), f"<{tag}> says something twice"
        self._now.below.append(element)
        if tag not in VOID:
            self._now = element

    def handle_endtag(self, tag: str) -> None:
        assert tag == self._now.tag, f"</{tag}> ends <{self._now.tag}>"
        assert self._now.above is not None
        self._now = self._now.above

    def handle_data(self, data: str) -> None:
        self._now.text += data

    @property
    def elements(self) -> list[Element]:
        return [each for each in self.root.walk() if each is not self.root]


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content())


def html(message: EmailMessage) -> str:
    return part(message, "html")


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_uses_only_what_all_mail_programs_keep(kind: str, language: Language) -> None:
    elements = Tree(html(KINDS[kind](writer(language)))).elements

    strange = [
        *(each.tag for each in elements if each.tag not in TAGS),
        *(f"{each.tag} {name}" for each in elements for name in each.attributes if name not in TAGS.get(each.tag, ())),
        *(f"{each.tag} {name}" for each in elements for name in each.style if name not in PROPERTIES.get(each.tag, ())),
    ]
    assert strange == []
    for each in elements:
        # Word reads the attribute, others the style.
        assert each.attributes.get("bgcolor") == each.style.get("background-color"), each.attributes


@pytest.mark.parametrize("kind", KINDS)
def test_every_text_has_contrast_to_what_is_behind_it(kind: str) -> None:
    page = Tree(html(KINDS[kind](writer("zh")))).elements

    shown = [each for each in page if each.text.strip() and each.tag in ("td", "th", "span", "b")]
    assert shown
    for each in shown:
        colour, ground = each.nearest("color"), each.nearest("background-color")
        assert colour is not None, each.text
        assert ground is not None, each.text
        assert contrast(colour, ground) >= 4.5, each.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_screen_reader_hears_the_language_the_headings_of_data_and_no_layout(language: Language) -> None:
    elements = Tree(html(KINDS["mixed"](writer(language)))).elements

    assert elements[0].attributes["lang"] == {"zh": "zh-CN", "en": "en"}[language]
    data = [each for each in elements if each.tag == "table" and "role" not in each.attributes]
    assert len(data) == 4  # one for each document that has invoices
    for table in data:
        assert [each.attributes["scope"] for each in table.walk() if each.tag == "th"] == ["col", "col"]
        assert all(each.tag != "table" for below in table.below for each in below.walk())
    assert all(
        each.attributes["role"] == "presentation" for each in elements if each.tag == "table" and each not in data
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_the_plain_text_says_the_page_says(kind: str, language: Language) -> None:
    message = KINDS[kind](writer(language))
    page = "".join(unescape(re.sub(r"<[^>]+>", "", re.sub(r"<!--.*?-->", "", html(message)))).split())

    for line in part(message, "plain").splitlines()[4:]:
        said = re.sub(r"^(\[[^\]]+\]|-|!)\s*", "", line.strip())
        value = re.split(r"[：:] ?", said, maxsplit=1)[-1] if line.startswith("    ") else said
        assert "".join(value.split()) in page or not value.strip("- ="), line


def test_the_list_of_mails_shows_what_the_subject_does_not() -> None:
    message = KINDS["mixed"](writer("zh"))
    (hidden,) = (each for each in Tree(html(message)).elements if each.tag == "div")

    assert hidden.text.startswith("本次金额合计：¥1,983.50 请按下面的说明处理。")
    assert hidden.style["display"] == "none"


@pytest.mark.parametrize(
    "documents",
    [
        many(50),
        many(50, invoices=3),
        tuple(document(n, name=HOSTILE, invoices=(replace(TAXI, seller_name=HOSTILE),) * 3) for n in range(50)),
        tuple(failed(n, f"{n}{HOSTILE}", "E1", f"{n}{HOSTILE}") for n in range(50)),
    ],
    ids=["fifty", "three invoices in each", "long texts", "as many reasons"],
)
def test_fifty_documents_are_shown_whole_by_gmail_each_of_them(documents: tuple[object, ...]) -> None:
    message = writer("zh").reply(submission(*documents), 1)  # type: ignore[arg-type]

    shown = html(message)

    assert len(shown.encode()) < GMAIL_CLIPS_AT
    heads = [each for each in Tree(shown).elements if each.tag == "td" and each.attributes.get("width") == "28%"]
    assert len(heads) == 50
    assert shown.count("263170000005527") == part(message, "plain").count("263170000005527")


def test_documents_of_which_the_same_is_to_be_said_are_told_together_and_others_are_not() -> None:
    locked = tuple(failed(n, f"{n}.pdf", "ENCRYPTED") for n in (1, 2))
    links = tuple(replace(LINKED, id=n) for n in (3, 4))

    shown = html(writer("zh").reply(submission(*locked, *links, DONE, replace(DONE, id=6)), 1))

    assert shown.count("文件有密码") == 2  # once in the preheader
    assert shown.count("https://pis.example.com") == 2
    assert shown.count("387278780") == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_texts_are_shown_as_text_wherever_they_stand(language: Language) -> None:
    hostile = (
        document(1, name=HOSTILE, invoices=(replace(TAXI, seller_name=HOSTILE, name=HOSTILE, currency="<b>"),)),
        failed(2, HOSTILE, "LINK_LOGIN", f"https://x.example/{HOSTILE}"),
        failed(3, HOSTILE, HOSTILE, HOSTILE),
        replace(PARTLY, invoices=(replace(TAXI, message=HOSTILE),)),
    )
    by = writer(language)

    for message in (
        by.reply(submission(*hostile, subject=HOSTILE, person_name=HOSTILE), 1),
        by.notice(Acknowledgement(submission=replace(acknowledged(), documents=hostile, subject=HOSTILE)), "n"),
    ):
        page = Tree(html(message))
        assert {each.tag for each in page.elements} <= set(TAGS)
        assert not any(name.startswith("on") or name in ("src", "href") for e in page.elements for name in e.attributes)
        assert "{{7*7}}" in part(message, "plain")
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b]", html(message) + part(message, "plain"))


def test_an_acknowledgement_is_short_asks_nothing_and_shows_no_results() -> None:
    message = KINDS["acknowledgement"](writer("zh"))

    said = part(message, "plain")

    assert message["Subject"] == "Re: [3 个文件已收到，正在处理] 差旅发票"
    assert [line for line in said.splitlines() if line.startswith("[")] == [
        "[已入账] 滴滴出行电子发票.pdf",
        "[处理中] 酒店住宿发票.ofd",
        "[处理中] 餐饮发票.pdf",
    ]
    assert "请不要重复发送" in said
    assert "会再发邮件告诉您结果" in said
    assert "387278780" not in said


def test_where_not_every_outcome_is_answered_an_acknowledgement_promises_no_answer() -> None:
    promised = Acknowledgement(submission=acknowledged(), answered_anyway=False)

    said = part(writer("zh").notice(promised, "notice-1-1"), "plain")

    assert "如果有需要您处理的地方" in said
    assert "会再发邮件告诉您结果" not in said


def test_an_acknowledgement_of_many_documents_names_some_and_counts_the_others() -> None:
    waiting = submission(*(replace(acknowledged().documents[1], id=n, name=f"{n}.pdf") for n in range(25)))

    said = part(writer("en").notice(Acknowledgement(submission=waiting), "notice-1-1"), "plain")

    assert said.count("[In progress]") == 10
    assert "and 15 more files" in said
