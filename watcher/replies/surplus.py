"""What a sender reads whose mails wait because they are too many."""

from __future__ import annotations

from watcher.model import Kind, Notice
from watcher.replies.telling import Telling
from watcher.replies.view import AnswerView


def surplus_view(telling: Telling, notice: Notice) -> AnswerView:
    """The same page as an answer has, with no document on it."""
    say = telling.words.say
    return AnswerView(
        language=telling.language,
        verdict=say("verdict.surplus"),
        tone="pending",
        next_step=say("next.pending"),
        greeting=telling.greeting(notice.thread, notice.person_name),
        intro=telling.received(notice.subject, notice.received_at),
        what=say("surplus.what", submissions=notice.submissions, megabytes=f"{notice.bytes / 1_000_000:g}"),
        todo=say("surplus.todo", time=telling.time(notice.resumes_at)),
        footer=telling.footer(Kind.MAIL, None),
    )
