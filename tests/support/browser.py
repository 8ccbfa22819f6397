"""A headless Chromium, Debian's own: playwright drives it, and fetches none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.servers.process import program

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# It talks to nobody but the pages that it is given.
_ALONE = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


@contextmanager
def browser(*arguments: str) -> Iterator[Browser]:
    """With these arguments beside its own. Raises MissingProgram where it is not installed."""
    chromium = program("chromium", "chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=[*_ALONE, *arguments])
        try:
            yield launched
        finally:
            launched.close()
