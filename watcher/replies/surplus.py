"""What a sender reads whose mails wait because they are too many."""

from __future__ import annotations

from watcher.model import Notice
from watcher.replies.telling import Telling
from watcher.replies.view import AnswerView


def surplus_view(telling: Telling, notice: Notice) -> AnswerView:
    """The same page as an answer has, with no document on it."""
    say = telling.words.say
    return AnswerView(
        language=telling.language,
        verdict=say("verdict.surplus"),
        tone="pending",
        greeting=telling.greeting(notice.person_name),
        intro=telling.intro_of_mail(notice.subject, notice.received_at),
        again=None,
        what=say("surplus.what", submissions=notice.submissions, megabytes=f"{notice.bytes / 1_000_000:g}"),
        todo=say("surplus.todo", time=telling.time(notice.resumes_at)),
        detail=None,
        left_out=None,
        documents=(),
        total=None,
        resubmit=None,
        footer=say("footer.mail"),
    )
