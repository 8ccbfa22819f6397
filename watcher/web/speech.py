"""What the page says, in one language: its own words, and those that the submitters are answered with."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any, get_args
from zoneinfo import ZoneInfo

from msgspec import Struct

from watcher.headers import clean
from watcher.model import Language, Reason
from watcher.replies import words
from watcher.replies.telling import Telling, telling_in
from watcher.replies.words import Words

REASONS = (
    Reason.NO_DOCUMENT, Reason.UNKNOWN_SENDER, Reason.UNVERIFIED_SENDER, Reason.UNCLEAR_USER, Reason.IN_DOUBT,
)  # fmt: skip
_CODE = 60  # characters
LANGUAGES: tuple[Language, ...] = get_args(Language)


class Speech(Struct, frozen=True, kw_only=True):
    """One language, and the zone in which all times are told."""

    language: Language
    zone: ZoneInfo
    accept: tuple[str, ...]  # the file types that are taken in

    @property
    def tag(self) -> str:
        """What HTML calls the language."""
        return "zh-CN" if self.language == "zh" else "en"

    @property
    def other(self) -> Language:
        return "en" if self.language == "zh" else "zh"

    def say(self, path: str, *, n: int | None = None, **values: object) -> str:
        return catalogue(self.language).say(path, n=n, **values)

    def reason(self, code: str | None) -> str:
        """Why a submission as a whole ended or waits as it does; the code, cleaned, where we have no words for it."""
        return self.say(f"reasons.{code}") if code in REASONS else clean(code, _CODE)

    def time(self, moment: datetime | None) -> str:
        """To the minute; "" for none."""
        return "" if moment is None else moment.astimezone(self.zone).strftime("%Y-%m-%d %H:%M")

    def day(self, moment: datetime) -> str:
        return moment.astimezone(self.zone).date().isoformat()

    def second(self, moment: datetime | None) -> str:
        return "" if moment is None else moment.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S")

    @property
    def telling(self) -> Telling:
        """What turns a submission into the words of its answer."""
        return telling_in(self.language, _answers(self.language), self.zone, self.accept)


@cache
def catalogue(language: Language) -> Words:
    """The page's own words, which ship with the package."""
    return Words(entries(language))


def entries(language: Language) -> dict[str, Any]:
    import yaml

    text = resources.files(__package__).joinpath("catalogue", f"{language}.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@cache
def _answers(language: Language) -> Words:
    return words.load(language)
