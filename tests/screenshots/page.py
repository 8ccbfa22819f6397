"""The page: overview, list, one submission and a confirmation; in both languages, dark, and on a phone."""

from __future__ import annotations

import io
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from PIL import Image

from tests.support.accounts import Accounts, configuration, fill, opened, set_back, taxi
from tests.support.browser import browser
from tests.support.journals import ENDED, claim_one, document, mail, note, settle
from tests.support.page_site import served
from watcher.journal.journal import SqlJournal
from watcher.model import Closed, Outcome, Planned, Settlement

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

_DESKTOP, _PHONE = 1120, 390  # pixels
_TALLEST = 1300  # what is longer is cut off
_COLOURS = 128
_BUSY = 220  # submissions of the last two weeks
_SELLERS = ("上海示例出行科技有限公司", "杭州示例酒店有限公司", "北京示例餐饮管理有限公司", "深圳示例文化用品有限公司")


def take(folder: Path) -> None:
    os.environ.setdefault("IMAP_PASSWORD", "none")
    with TemporaryDirectory() as directory:
        configured = configuration(Path(directory))
        journal = opened(configured)
        try:
            _work_for_two_weeks(journal)
            accounts = fill(journal, evil=False)
            journal.report_source("shared", up=False, message="the share is not mounted: /srv/invoices/inbox")
            with served(configured, journal) as address, browser() as shown_by:
                _take_all(shown_by, address, accounts, folder)
        finally:
            journal.close()


def _work_for_two_weeks(journal: SqlJournal) -> None:
    """Most in the day, few at night, none of it the same."""
    chance, now = random.Random(7), datetime.now(UTC)
    ages = [chance.uniform(0, 24) if number < _BUSY // 3 else chance.uniform(24, 24 * 14) for number in range(_BUSY)]
    for number, hours in enumerate(sorted(ages, reverse=True)):
        at = now - timedelta(hours=hours)
        name = journal.record(mail(document(f"busy-{number}", name=f"发票-{number}.pdf"), received_at=at))
        invoice = taxi(f"2631200000{number:010}", f"{chance.uniform(12, 900):.2f}", seller_name=chance.choice(_SELLERS))
        failed = chance.random() < 0.06
        outcome = Settlement(outcome=Outcome.ERROR, code="400001", message="查验失败")
        done = Settlement(outcome=Outcome.DONE, code="200000", invoices=(invoice,))
        settle(journal, claim_one(journal), outcome if failed else done, ENDED)
        (claimed,) = journal.claim_answers("fapiao", limit=1, hold=timedelta(minutes=1))
        note(journal, claimed, Planned(target="发票/已处理"))
        note(journal, claimed, Closed(moved=True))
        set_back(journal, [name], to=at)


def _take_all(shown_by: Browser, address: str, accounts: Accounts, folder: Path) -> None:
    views = {
        "overview": "/",
        "list": "/submissions",
        "submission": f"/submissions/{accounts.attention}",
        "held": f"/submissions/{accounts.unverified}/release",
    }
    for language in ("zh", "en"):
        for name, path in views.items():
            _take(_context(shown_by, address, language), address + path, folder / f"{name}-{language}.png")
    for name in ("overview", "submission"):
        dark = _context(shown_by, address, "zh", dark=True)
        _take(dark, address + views[name], folder / f"{name}-zh-dark.png")
    for name in ("list", "submission"):
        phone = _context(shown_by, address, "zh", width=_PHONE)
        _take(phone, address + views[name], folder / f"{name}-zh-phone.png")


def _context(
    shown_by: Browser, address: str, language: str, *, dark: bool = False, width: int = _DESKTOP
) -> BrowserContext:
    context = shown_by.new_context(
        viewport={"width": width, "height": 700}, color_scheme="dark" if dark else "light", reduced_motion="reduce"
    )
    context.add_cookies([{"name": "language", "value": language, "url": address}])
    return context


def _take(context: BrowserContext, url: str, path: Path) -> None:
    page = context.new_page()
    page.goto(url)
    whole = Image.open(io.BytesIO(page.screenshot(full_page=True, caret="hide")))
    context.close()
    picture = whole.crop((0, 0, whole.width, min(whole.height, _TALLEST)))
    picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
