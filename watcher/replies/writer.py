"""Puts an outcome into words: the reply mail, and the note beside a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from email.message import EmailMessage
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec.structs import replace

from watcher.errors import MailRefused
from watcher.mime.outgoing import OutgoingMail
from watcher.model import Acknowledgement, Language, Notice, Submission
from watcher.replies import words
from watcher.replies.acknowledgement import acknowledgement_view
from watcher.replies.advising import Lengths
from watcher.replies.envelope import addressed, compose, message_id, parse_sender, subject_of
from watcher.replies.surplus import surplus_view
from watcher.replies.telling import Telling, telling_in
from watcher.replies.view import AnswerView

if TYPE_CHECKING:
    from watcher.replies.layouts import Layouts

_MOST_BYTES = 98_000  # Gmail hides what is beyond 102 kB
_SHORTER = (Lengths(name=50, value=30, message=120), Lengths(name=24, value=12, message=60))
_Viewing = Callable[[Telling], AnswerView]


class TemplateWriter:
    """`ports.Writer` with the templates and catalogues that ship with the package. Safe to call from many threads."""

    def __init__(
        self,
        *,
        sender: str | None,
        default_language: Language,
        timezone: tzinfo,
        accept: Sequence[str] = ("pdf", "ofd"),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`sender` is smtp.from, None where no mail is sent. Raises ValueError where it holds no address."""
        self._sender = parse_sender(sender) if sender is not None else None
        self._language = default_language
        self._zone = timezone
        self._accept = accept
        self._clock = clock

    def prepare(self) -> None:
        with suppress(OSError):  # a daemon that is ready does not fall over what it may not need for hours
            self._layouts.read_all()

    def reply(self, submission: Submission, number: int) -> EmailMessage:
        """As the port has it. Documents that are still pending are said to be so.

        Raises MailRefused where there is nobody to answer to, or no address to answer from.
        """
        if self._sender is None:
            raise MailRefused("no smtp section is configured, so no reply can be sent")
        telling = self._telling(submission)

        def view(how: Telling) -> AnswerView:
            return how.answer(submission, again=number > 1)

        whole = view(telling)
        message = compose(submission, number, sender=self._sender, verdict=whole.verdict, sent_at=self._clock())
        return self._filled(message, telling, whole, view)

    def note(self, submission: Submission) -> str:
        telling = self._telling(submission)
        return self._layouts.filled("txt", telling.answer(submission, again=False), telling.language)

    def notice(self, notice: Notice | Acknowledgement, name: str) -> EmailMessage:
        """As the port has it. Raises MailRefused as `reply` does."""
        if self._sender is None:
            raise MailRefused("no smtp section is configured, so no notice can be sent")
        about = notice.submission if isinstance(notice, Acknowledgement) else notice
        telling = self._telling(about)
        view = _notice_view(telling, notice)
        message = addressed(
            notice.thread,
            name=message_id(name, 1, self._sender.domain),
            subject=subject_of(about.subject, view.verdict),
            sender=self._sender,
            sent_at=self._clock(),
        )
        return self._filled(message, telling, view, lambda how: _notice_view(how, notice))

    def _filled(self, message: OutgoingMail, telling: Telling, whole: AnswerView, view: _Viewing) -> EmailMessage:
        text = self._layouts.filled("txt", whole, telling.language)
        message.fill(text, html=self._html(telling, whole, view))
        return message

    def _html(self, telling: Telling, whole: AnswerView, view: _Viewing) -> str:
        """Foreign texts are cut shorter where it would not be shown whole; the plain text has them as they are."""
        made = self._layouts.filled("html", whole, telling.language)
        for lengths in _SHORTER:
            if len(made.encode()) <= _MOST_BYTES:
                break
            made = self._layouts.filled("html", view(replace(telling, lengths=lengths)), telling.language)
        return made

    def _telling(self, about: Submission | Notice) -> Telling:
        language = about.language or self._language
        return telling_in(language, self._words[language], self._zone, self._accept)

    @cached_property
    def _words(self) -> dict[Language, words.Words]:
        return {"zh": words.load("zh"), "en": words.load("en")}

    @cached_property
    def _layouts(self) -> Layouts:
        from watcher.replies.layouts import Layouts  # only now: who waits for a file needs no templates

        return Layouts(self._words)


def _notice_view(telling: Telling, notice: Notice | Acknowledgement) -> AnswerView:
    if isinstance(notice, Acknowledgement):
        return acknowledgement_view(telling, notice)
    return surplus_view(telling, notice)
