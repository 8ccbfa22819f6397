"""Every kind of answer in both languages, as a mail program shows it; some on a phone, and where all is made dark."""

from __future__ import annotations

import io
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from tests.support.browser import browser
from tests.support.reply_kinds import KINDS, writer
from watcher.model import Language

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_LANGUAGES: tuple[Language, ...] = ("zh", "en")
_DESKTOP, _PHONE = 640, 360  # pixels
_TALLEST = 1100  # what is longer is cut off
_COLOURS = 48
_ON_A_PHONE = ("mixed", "acknowledgement")
_DARK = ("mixed",)
_MAKE_DARK = ("--enable-features=WebContentsForceDark", "--blink-settings=forceDarkModeEnabled=true")


def take(folder: Path) -> None:
    with browser() as light:
        for language in _LANGUAGES:
            for kind in KINDS:
                _take(light, kind, language, folder / f"{kind}-{language}.png")
        for kind in _ON_A_PHONE:
            _take(light, kind, "zh", folder / f"{kind}-zh-phone.png", width=_PHONE)
    with browser(*_MAKE_DARK) as dark:
        for kind in _DARK:
            _take(dark, kind, "zh", folder / f"{kind}-zh-dark.png")


def html_of(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def _take(shown_by: Browser, kind: str, language: Language, path: Path, *, width: int = _DESKTOP) -> None:
    page = shown_by.new_page(viewport={"width": width, "height": 300})
    page.set_content(html_of(KINDS[kind](writer(language))))
    taken = Image.open(io.BytesIO(page.screenshot(full_page=True)))
    page.close()
    picture = taken.crop((0, 0, taken.width, min(taken.height, _TALLEST)))
    picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
