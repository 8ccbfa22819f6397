"""Single values of the endpoint's answer: what says nothing is None, and what is kept is no longer than can be kept.

They are read from objects whose numbers were left as their text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from watcher.headers import clean
from watcher.recognition.expenses import LONGEST_NUMBER

LONGEST_TEXT = 2000  # characters of any one text that is kept

_PLAIN = re.compile("[!-~](?:[ -~]*[!-~])?")  # nothing that would have to be cleaned or cut off, as nearly all has
_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_COMPACT_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_WRITTEN_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?!\d)", re.ASCII)
_MILLISECONDS = re.compile(r"-?\d{9,15}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_Candidate = tuple[Mapping[str, Any], str]  # where it may stand: an object, and its key


def text_of(*candidates: _Candidate, longest: int = LONGEST_TEXT) -> str | None:
    """The first that says anything."""
    for part, key in candidates:
        value = part.get(key)
        if value is not None and (found := text_value(value, longest)) is not None:
            return found
    return None


def number_of(*candidates: _Candidate) -> str | None:
    """The same of what is looked up by."""
    return text_of(*candidates, longest=LONGEST_NUMBER)


def decimal_of(*candidates: _Candidate) -> str | None:
    """The first that is a decimal number, as it is written."""
    for part, key in candidates:
        found = text_value(part.get(key))
        if found is not None and _DECIMAL.fullmatch(found):
            return found
    return None


def date_of(timezone: ZoneInfo, *candidates: _Candidate) -> date | None:
    """The first that is a date, see `read_date`."""
    for part, key in candidates:
        found = text_value(part.get(key))
        if found is not None and (day := read_date(found, timezone)) is not None:
            return day
    return None


def words(value: Any, hidden: Callable[[str], str]) -> str | None:
    """As `text_value`, but what is cut off begins behind a secret and not within it."""
    return text_value(hidden(value) if isinstance(value, str) else value)


def text_value(value: Any, longest: int = LONGEST_TEXT) -> str | None:
    """A JSON text, or a number as it is written; None for what says nothing. Lists and objects stay JSON."""
    if value is None or value is True or value is False:
        return None
    if type(value) is not str:
        value = json.dumps(value, ensure_ascii=False) if value else ""
    text: str = value
    return text[:longest] if _PLAIN.fullmatch(text) else clean(text, longest) or None


def read_date(text: str, timezone: ZoneInfo) -> date | None:
    """``20260205``, ``2026-02-05 00:00:00``, ``2026年2月5日``, or milliseconds since 1970 seen in `timezone`."""
    try:
        if written := _COMPACT_DATE.fullmatch(text) or _WRITTEN_DATE.match(text):
            return date(int(written[1]), int(written[2]), int(written[3]))
        if _MILLISECONDS.fullmatch(text):
            return (_EPOCH + timedelta(milliseconds=int(text))).astimezone(timezone).date()
    except (ValueError, OverflowError):
        return None
    return None
