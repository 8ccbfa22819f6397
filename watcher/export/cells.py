"""Values as a cell may hold them: text that no spreadsheet program takes for a formula, amounts that it can add."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache

from watcher import amounts
from watcher.headers import clean

Cell = str | int | bool | Decimal | date | None

LONGEST_TEXT = 2000  # characters of any one cell, as of any one text that is kept of an answer
_REMEMBERED = 4096  # texts: senders, subjects and sellers come again and again

# What a formula begins with, the forms of other widths and heights too: programs of East Asia take them for the same.
_BEGINS_FORMULA = "=+\\-@＝＋－＠﹦﹢﹣﹫⁼₌⁺₊⁻₋−"
_PASSED_OVER = " '\"`´‘’“”＇＂"
# Where the semicolon separates values (as in much of Europe), lines of CSV are cut at it, within quotes too.
_FORMULA = re.compile(rf"(^|;)(?=[{_PASSED_OVER}]*[{_BEGINS_FORMULA}])")
_GUARD = r"\1'"


@lru_cache(maxsize=_REMEMBERED)
def text(foreign: str | None) -> str | None:
    """One line of visible characters, at most LONGEST_TEXT of them, that begins no formula; None for nothing.

    Where it would begin one, also behind blanks, quotes or a semicolon, an apostrophe stands before that.
    """
    return _FORMULA.sub(_GUARD, clean(foreign, LONGEST_TEXT)) or None


def amount(written: str | None) -> Decimal | str | None:
    """An amount as the endpoint wrote it: a number, every digit of it; text where it is none that can be added."""
    parsed = amounts.parse(written)
    return text(written) if parsed is None else parsed
