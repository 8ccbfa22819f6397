"""What a sender reads whose documents take long: a short mail that asks nothing of them."""

from __future__ import annotations

from watcher.model import Acknowledgement, Document
from watcher.replies.telling import Telling, outcome_of
from watcher.replies.view import AnswerView, DocumentView

_MOST_NAMED = 10


def acknowledgement_view(telling: Telling, acknowledgement: Acknowledgement) -> AnswerView:
    """The same page as an answer has, with the names of the documents and no results: those come all at once."""
    submission = acknowledgement.submission
    named, left = submission.documents[:_MOST_NAMED], len(submission.documents) - _MOST_NAMED
    say = telling.words.say
    return AnswerView(
        language=telling.language,
        verdict=say("verdict.pending", n=len(submission.documents)),
        tone="pending",
        next_step=say("next.pending"),
        greeting=telling.greeting(submission.thread, submission.person_name),
        intro=telling.received(submission.subject, submission.received_at),
        what=say("acknowledgement.what"),
        todo=say(f"acknowledgement.{'todo' if acknowledgement.answered_anyway else 'todo_perhaps'}"),
        documents=tuple(_named(telling, document) for document in named),
        more=say("acknowledgement.more", n=left) if left > 0 else None,
        footer=telling.footer(submission.kind, submission.id),
    )


def _named(telling: Telling, document: Document) -> DocumentView:
    return DocumentView(name=telling.name(document.name), outcome=outcome_of(document), label=telling.label(document))
