"""From a submission to what its answer shows: a pure translation into one language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from msgspec import Struct

from watcher.headers import clean
from watcher.model import (
    Document,
    Kind,
    Language,
    LeftOut,
    Outcome,
    Reason,
    Submission,
    SubmissionState,
    Thread,
)
from watcher.replies.advising import WHOLE, Advising, Lengths, is_ours, others_mend, reason_of
from watcher.replies.invoices import Invoices, has_expense
from watcher.replies.verdict import Verdict, verdict_of
from watcher.replies.view import ORDER, AnswerView, DocumentView
from watcher.replies.words import Advice, Words

_KINDS: dict[Language, dict[str, str]] = {
    "zh": {"pdf": "PDF", "ofd": "OFD", "image": "图片", "xml": "XML"},
    "en": {"pdf": "PDF", "ofd": "OFD", "image": "image", "xml": "XML"},
}
_OR: dict[Language, str] = {"zh": " 或 ", "en": " or "}
_LINK_LENGTH = 8192
_MOST_NAMED = 10


class Telling(Struct, frozen=True, kw_only=True):
    """Tells of one submission in one language; `kinds` are the file types that are accepted, for people."""

    words: Words
    language: Language
    zone: tzinfo
    kinds: str
    lengths: Lengths = WHOLE

    def answer(self, submission: Submission, *, again: bool) -> AnswerView:
        verdict = verdict_of(submission)
        whole = self._whole(submission)
        documents = sorted(submission.documents, key=lambda document: ORDER.index(outcome_of(document)))
        others = others_mend(submission)
        return AnswerView(
            language=self.language,
            verdict=self.verdict(verdict),
            tone=verdict.tone,
            next_step=self.words.say(f"next.{'others' if others and verdict.tone == 'error' else verdict.next_step}"),
            greeting=self.greeting(submission.thread, submission.person_name),
            intro=self._intro(submission),
            submitted_for=self._submitted_for(submission),
            again=self.words.say("intro.again") if again else None,
            what=whole.what if whole else None,
            todo=whole.todo if whole else None,
            detail=self._detail(submission.reason, None) if whole else None,
            left_out=self._left_out(submission),
            documents=tuple(self._document(document, submission) for document in documents),
            total=self._invoices.total(submission.documents),
            resubmit=self._resubmit(submission) if verdict.tone == "error" and not others else None,
            footer=self.footer(submission.kind, submission.id),
        )

    def _resubmit(self, submission: Submission) -> str | None:
        """None where the advice on each document says where it is to be put instead."""
        failed = {document.code for document in submission.documents if document.outcome is Outcome.ERROR}
        if (failed or {submission.reason}) == {Reason.NO_USER}:
            return None
        return self.words.say(f"resubmit.{submission.kind.value}")

    def verdict(self, verdict: Verdict) -> str:
        said = [self.words.say(f"verdict.{key}", n=n) for key, n in verdict.parts]
        return self.words.say("verdict.separator").join(said)

    def greeting(self, thread: Thread | None, person_name: str | None) -> str:
        """Of who is answered; `person_name` is whose expense it is."""
        greeted = thread.delegate_name if thread is not None and thread.by_delegate else person_name
        name = clean(greeted or "", 60)
        return self.words.say("greeting", name=name) if name else self.words.say("greeting_nobody")

    def footer(self, kind: Kind, reference: str | None) -> str:
        """`reference`: the submission's id, by which an administrator finds it."""
        said = self.words.say("reference", id=clean(reference, 60)) if reference else ""
        return said + self.words.say(f"footer.{kind.value}")

    def received(self, subject: str | None, received_at: datetime) -> str:
        """That a mail has arrived, without saying what became of it."""
        return self._of_mail("received", subject, received_at)

    def _intro(self, submission: Submission) -> str:
        if submission.kind is Kind.FILE:
            time = self.time(submission.received_at)
            return self.words.say("intro.file", name=self.name(submission.path), time=time)
        return self._of_mail("intro", submission.subject, submission.received_at)

    def _submitted_for(self, submission: Submission) -> str | None:
        if submission.thread is None or not submission.thread.by_delegate:
            return None
        code, name = clean(submission.user_code or "", 60), clean(submission.person_name or "", 60)
        key = "person" if name else "number"
        return self.words.say(f"submitted_for.{key}", name=name, code=code)

    def _of_mail(self, path: str, subject: str | None, received_at: datetime) -> str:
        shown = clean(subject or "", self.lengths.name)
        key = "mail" if shown else "mail_untitled"
        return self.words.say(f"{path}.{key}", subject=shown, time=self.time(received_at))

    def _whole(self, submission: Submission) -> Advice | None:
        """Advice on the submission's own reason, where no document says it already."""
        if submission.reason is None or any(d.code == submission.reason for d in submission.documents):
            return None
        if submission.documents and not _speaks_of_all(submission):
            return None
        return self._advising.on_reason(submission.reason)

    @property
    def _advising(self) -> Advising:
        return Advising(words=self.words, language=self.language, kinds=self.kinds, lengths=self.lengths)

    @property
    def _invoices(self) -> Invoices:
        return Invoices(words=self.words, lengths=self.lengths)

    def _document(self, document: Document, submission: Submission) -> DocumentView:
        booked_on = self._booked_on(document) if document.outcome is Outcome.DUPLICATE else None
        advice = self._advising.on(document, submission, booked_on=booked_on)
        return DocumentView(
            name=self.name(document.name),
            outcome=outcome_of(document),
            label=self.label(document),
            what=advice.what if advice else None,
            todo=advice.todo if advice else None,
            link=self._link(document),
            note=self._note(document),
            detail=self._detail(document.code, None if _is_said(document) else document.message),
            invoices=tuple(self._invoices.view(invoice, document) for invoice in document.invoices),
        )

    def label(self, document: Document) -> str:
        """What became of it, in a word or two."""
        outcome = "attention" if document.code == Reason.NAMED_OTHERWISE else outcome_of(document)
        label = "label_recognised" if outcome == "done" and not has_expense(document) else "label"
        return self.words.say(f"outcomes.{outcome}.{label}")

    def _booked_on(self, document: Document) -> str | None:
        booked_at = max((t.ended_at for t in document.tries if t.ended_at is not None), default=None)
        return self.time(booked_at) if booked_at is not None else None

    def _link(self, document: Document) -> str | None:
        if not _is_behind_a_link(document) or not document.message:
            return None
        return self.words.say("link", link=clean(document.message, _LINK_LENGTH))

    def _note(self, document: Document) -> str | None:
        numbers = self.words.say("invoice.number_separator").join(clean(each, 60) for each in document.not_returned)
        return self.words.say("invoice.not_returned", numbers=numbers) if numbers else None

    def _left_out(self, submission: Submission) -> str | None:
        """Who sent the wrong thing wants to know which; beside documents only what may be an invoice is named."""
        if submission.reason == Reason.NO_DOCUMENT and not submission.documents:
            return self._named("left_out", submission.left_out)
        return self._named("missed", [each for each in submission.left_out if each.missed])

    def _named(self, key: str, left_out: Sequence[LeftOut]) -> str | None:
        names = [self._of_left_out(each) for each in left_out[:_MOST_NAMED]]
        shown = self.words.say("name_separator").join(names)
        unnamed = sum(each.count for each in left_out[_MOST_NAMED:])
        more = self.words.say("acknowledgement.more", n=unnamed) if unnamed else ""
        return self.words.say(key, names=shown + more, kinds=self.kinds) if names else None

    def _of_left_out(self, one: LeftOut) -> str:
        """A mail is said to be one: nobody knows a file that is called like its subject; and a link to be one."""
        name = self.name(one.name)
        if one.is_link:
            return self.words.say("missed_link", name=name)
        return self.words.say("missed_mail", subject=name) if one.is_mail else name

    def _detail(self, code: str | None, message: str | None) -> str | None:
        said = [clean(part, self.lengths.message) for part in (code, message) if part]
        return self.words.say("detail", text=" · ".join(said)) if said else None

    def name(self, name: str | None) -> str:
        """Of a file, as it may be shown."""
        return clean(name or "", self.lengths.name) or self.words.say("invoice.unknown")

    def time(self, time: datetime) -> str:
        """To the minute, in the zone of the configuration."""
        return time.astimezone(self.zone).strftime("%Y-%m-%d %H:%M")


def telling_in(language: Language, words: Words, zone: tzinfo, accept: Sequence[str]) -> Telling:
    """`accept` are the file types of the configuration."""
    kinds = _OR[language].join(_KINDS[language].get(kind, kind) for kind in accept)
    return Telling(words=words, language=language, zone=zone, kinds=kinds)


def outcome_of(document: Document) -> str:
    """As a key under `outcomes`."""
    return document.outcome.value if document.outcome is not None else "pending"


def _speaks_of_all(submission: Submission) -> bool:
    """Whether its own reason is worth saying beside its documents."""
    return submission.state is SubmissionState.HELD or submission.reason == Reason.NO_DOCUMENT


def _is_said(document: Document) -> bool:
    """Whether the advice, or an invoice, already has the document's message."""
    said = document.code is not None or any(invoice.message for invoice in document.invoices)
    return _is_behind_a_link(document) or is_ours(document) or (said and reason_of(document.code) is None)


def _is_behind_a_link(document: Document) -> bool:
    reason = reason_of(document.code)
    return reason is not None and reason.is_of_a_link
