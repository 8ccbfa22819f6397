"""The page in a real browser: how it looks and behaves, and that it needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.accounts import Accounts, configuration, fill, opened
from tests.support.browser import browser
from tests.support.page_site import served
from watcher.journal.journal import SqlJournal
from watcher.model import SubmissionState

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, StorageState, ViewportSize

PASSWORD = "open sesame"
DESKTOP: ViewportSize = {"width": 1100, "height": 800}
PHONE: ViewportSize = {"width": 360, "height": 740}

# What a page must have for people who cannot see it, or use no mouse. Each gives what is wrong.
LOOK = """() => {
  const wrong = [];
  const named = (e) => (e.labels && e.labels.length) || e.getAttribute('aria-label') || e.type === 'hidden';
  for (const e of document.querySelectorAll('input, select')) if (!named(e)) wrong.push('no label: ' + e.name);
  for (const e of document.querySelectorAll('a, button'))
    if (!e.textContent.trim() && !e.getAttribute('aria-label')) wrong.push('no name: ' + e.outerHTML);
  for (const e of document.querySelectorAll('img')) if (!e.hasAttribute('alt')) wrong.push('no alt: ' + e.src);
  let level = 0;
  for (const e of document.querySelectorAll('h1, h2, h3, h4')) {
    const own = Number(e.tagName[1]);
    if (own > level + 1) wrong.push(`h${own} after h${level}`);
    level = own;
  }
  if (document.querySelectorAll('h1').length !== 1) wrong.push('not one h1');
  if (document.querySelectorAll('main').length !== 1) wrong.push('not one main');
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  if (new Set(ids).size !== ids.length) wrong.push('an id twice');
  for (const e of document.querySelectorAll('[aria-describedby], [aria-labelledby], label[for]'))
    for (const a of ['aria-describedby', 'aria-labelledby', 'for'])
      if (e.hasAttribute(a) && !document.getElementById(e.getAttribute(a))) wrong.push(a + ' of nothing');
  return wrong;
}"""

# The contrast of every text with what is behind it, as WCAG counts it; those below 4.5.
CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => v / 255)
      .map((v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c; }
    return [255, 255, 255, 255];
  };
  const weak = new Set();
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility() || e.closest('.skip')) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) weak.add(`${e.tagName}.${e.className}: ${((a + .05) / (b + .05)).toFixed(2)}`);
  }
  return [...weak];
}"""

OVERFLOW = """() => [...document.querySelectorAll('body *')].filter((e) => !e.closest('.unseen, .skip, thead')
  && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map((e) => e.outerHTML.slice(0, 90))"""


@pytest.fixture(scope="module")
def shown_by() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SqlJournal, Accounts]]:
    journal = opened(configuration(tmp_path_factory.mktemp("journal")))
    yield journal, fill(journal)
    journal.close()


@pytest.fixture(scope="module")
def address(journal: tuple[SqlJournal, Accounts], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a page that asks for a password."""
    configured = configuration(tmp_path_factory.mktemp("page"), language="en", web=f"{{password: {PASSWORD}}}")
    with served(configured, journal[0]) as address:
        yield address


class Seen:
    """A browser's window: what it loaded, and what it complained of."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context = context
        self.address = address
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._elsewhere)

    def _elsewhere(self, request: Any) -> None:
        if not request.url.startswith(self.address):
            self.complaints.append(f"loads {request.url}")

    def go(self, path: str) -> Page:
        self.page.goto(self.address + path)
        return self.page

    def log_in(self) -> None:
        self.go("/login").get_by_label("Password").fill(PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(self.address + "/")


@pytest.fixture(scope="module")
def logged_in(shown_by: Browser, address: str) -> StorageState:
    """What a browser keeps after a log-in."""
    with shown_by.new_context() as context:
        Seen(context, address).log_in()
        return context.storage_state()


@pytest.fixture
def window(shown_by: Browser, address: str, logged_in: StorageState) -> Iterator[Seen]:
    context = shown_by.new_context(viewport=DESKTOP, reduced_motion="reduce", storage_state=logged_in)
    seen = Seen(context, address)
    yield seen
    context.close()
    assert seen.complaints == []


def views(accounts: Accounts) -> list[str]:
    kinds = (accounts.done, accounts.attention, accounts.evil, accounts.unverified, accounts.duplicate)
    return [
        *("/", "/?span=fortnight", "/submissions", "/submissions?outcome=error", "/export", "/nothing"),
        *(f"/submissions/{each}" for each in kinds),
        *(f"/submissions/{accounts.unknown}/release", f"/submissions/{accounts.failed}/retry"),
    ]


def test_somebody_in_accounting_finds_what_became_of_an_invoice(window: Seen) -> None:
    page = window.go("/")
    page.keyboard.type("26312000009876543210")  # the search has the focus already
    page.keyboard.press("Enter")
    page.wait_for_url("**/submissions/*")
    assert "1 invoice booked" in page.locator("h1").inner_text()
    assert page.get_by_text("FY76543210").is_visible()
    assert page.get_by_text("杭州示例酒店有限公司").is_visible()


def test_every_page_can_be_read_by_everybody_light_and_dark_and_on_a_phone(
    window: Seen, journal: tuple[SqlJournal, Accounts]
) -> None:
    wrong = {path: found for path in views(journal[1]) if (found := _what_is_wrong(window, path))}
    window.complaints = [each for each in window.complaints if "404" not in each]  # of the page that is not there
    assert wrong == {}


def _what_is_wrong(window: Seen, path: str) -> list[str]:
    page = window.go(path)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    found = [*page.evaluate(LOOK), *page.evaluate(CONTRAST)]
    page.emulate_media(color_scheme="dark")
    found += [f"dark: {each}" for each in page.evaluate(CONTRAST)]
    page.set_viewport_size(PHONE)
    found += [f"wide: {each}" for each in page.evaluate(OVERFLOW)]
    if page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
        found.append("it scrolls sideways")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(DESKTOP)
    return found


def test_the_look_is_switched_and_stays(window: Seen) -> None:
    back = "getComputedStyle(document.body).backgroundColor"
    page = window.go("/")
    bright = page.evaluate(back)
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(back)
    assert dark != bright
    assert window.go("/submissions").evaluate(back) == dark
    page.get_by_role("button", name="中文").click()
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert page.evaluate(back) == dark


def test_the_keyboard_is_enough(window: Seen) -> None:
    page = window.go("/export")
    page.keyboard.press("Tab")
    skip = page.get_by_text("Skip to the content")
    assert skip.evaluate("each => each === document.activeElement && each.getBoundingClientRect().top >= 0")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("a/b")
    assert page.locator("#q").input_value() == "a/b"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_a_retry_is_confirmed_done_and_told(shown_by: Browser, tmp_path: Path) -> None:
    configured = configuration(tmp_path, language="en")
    own = opened(configured)
    try:
        accounts = fill(own)
        with served(configured, own) as address:
            seen = Seen(shown_by.new_context(viewport=DESKTOP), address)
            page = seen.go(f"/submissions/{accounts.failed}")
            page.get_by_role("link", name="Try again").click()
            assert "is posted again, for employee 903851" in page.inner_text("main")
            assert own.submission(accounts.failed).state is SubmissionState.CLOSED, "nothing is done by a look"
            page.get_by_role("button", name="Try again").dblclick()
            page.wait_for_url(f"**/submissions/{accounts.failed}")
            assert "1 document is posted again" in page.get_by_role("status").inner_text()
            assert own.submission(accounts.failed).state is SubmissionState.OPEN
            seen.context.close()
            assert seen.complaints == []
    finally:
        own.close()


def test_it_all_works_without_scripts(shown_by: Browser, address: str) -> None:
    seen = Seen(shown_by.new_context(viewport=DESKTOP, java_script_enabled=False), address)
    seen.log_in()
    page = seen.page
    page.get_by_role("searchbox").fill("餐饮发票")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="请报销：客户餐").click()
    page.get_by_role("link", name="Try again").click()
    page.get_by_role("link", name="Back, without doing anything").click()
    assert "1 file not processed" in page.locator("h1").inner_text()
    page.get_by_role("button", name="Log out").click()
    assert "You are logged out." in page.inner_text("main")
    seen.context.close()


def test_on_paper_there_is_what_was_asked_for_and_no_buttons(
    window: Seen, journal: tuple[SqlJournal, Accounts]
) -> None:
    page = window.go(f"/submissions/{journal[1].attention}")
    page.emulate_media(media="print")
    assert page.get_by_text("¥1,580.00").first.is_visible()
    for hidden in ("nav", ".search", "footer"):
        assert not page.locator(hidden).first.is_visible()
