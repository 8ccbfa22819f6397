"""What the operators are told, as one plain text."""

from __future__ import annotations

from msgspec import Struct

from watcher.model import Language
from watcher.policy.alarm import Decision, kind_of
from watcher.policy.alarm_words import over, say

_MOST = 50  # sentences of each kind
_LONGEST_BYTES = 1900  # a WeCom robot takes 2048, the subject among them


class News(Struct, frozen=True, kw_only=True):
    """Sentences about what is wrong, and about what is over."""

    wrong: tuple[str, ...] = ()
    over: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.wrong or self.over)

    def then(self, later: News) -> News:
        """Both in one; of much only the latest."""
        return News(wrong=(*self.wrong, *later.wrong)[-_MOST:], over=(*self.over, *later.over)[-_MOST:])


def news_of(decision: Decision, language: Language) -> News:
    """What there is to say of it."""
    return News(
        wrong=tuple(condition.said for condition in decision.tell),
        over=tuple(over(kind_of(alert.key), alert.key.partition(" ")[2], language) for alert in decision.over),
    )


def subject_of(news: News, language: Language) -> str:
    """One line; it always names the program, which robots may want as their keyword."""
    return say("subject" if news.wrong else "subject-over", language, count=len(news.wrong or news.over))


def text_of(news: News, language: Language) -> str:
    """A line for each, what is wrong first; what does not fit is counted."""
    lines = [f"- {sentence}" for sentence in (*news.wrong, *news.over)]
    fitting: list[str] = []
    room = _LONGEST_BYTES
    for line in lines:
        room -= len(line.encode()) + 1
        if room < 0:
            return "\n".join([*fitting, say("more", language, count=len(lines) - len(fitting))])
        fitting.append(line)
    return "\n".join(fitting)
