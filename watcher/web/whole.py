"""One submission whole: what became of it in words, every document and invoice, and what happened when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from watcher.headers import clean
from watcher.model import Document, Submission, SubmissionState, Try
from watcher.policy.outcome import Result
from watcher.replies.advising import reason_of
from watcher.replies.telling import outcome_of
from watcher.replies.view import ORDER, DocumentView
from watcher.web.listing import amount_of
from watcher.web.speech import Speech

_NAME, _SAID, _PATH = 120, 500, 400


class Fact(Struct, frozen=True, kw_only=True):
    label: str
    text: str


class InvoiceCard(Struct, frozen=True, kw_only=True):
    title: str
    number: str
    seller: str
    date: str
    amount: str
    expense: str | None
    problem: str | None


class DocumentCard(Struct, frozen=True, kw_only=True):
    name: str
    outcome: str
    label: str
    what: str | None
    todo: str | None
    note: str | None
    behind_link: bool
    original: str | None  # the id of the submission whose duplicate it is
    invoices: tuple[InvoiceCard, ...]
    facts: tuple[Fact, ...]


class Event(Struct, frozen=True, kw_only=True):
    at: datetime
    time: str
    text: str
    detail: str = ""
    kind: str = ""  # the outcome whose colour it has


class Whole(Struct, frozen=True, kw_only=True):
    id: str
    verdict: str
    tone: str
    what: str | None
    todo: str | None
    facts: tuple[Fact, ...]
    documents: tuple[DocumentCard, ...]
    left_out: tuple[Fact, ...]
    total: str | None
    events: tuple[Event, ...]


def whole_of(submission: Submission, speech: Speech, holder: Callable[[int], str | None]) -> Whole:
    """`holder` tells which submission has a document; None: it has been deleted, or never was."""
    view = speech.telling.answer(submission, again=False)
    ordered = sorted(submission.documents, key=lambda each: ORDER.index(outcome_of(each)))
    return Whole(
        id=submission.id,
        verdict=view.verdict,
        tone=view.tone,
        what=view.what,
        todo=view.todo,
        facts=tuple(Fact(label=label, text=text) for label, text in _facts(submission, speech) if text),
        documents=tuple(_card(document, submission, speech, holder) for document in ordered),
        left_out=tuple(
            Fact(label=clean(each.name, _NAME), text=clean(each.why, _NAME)) for each in submission.left_out
        ),
        total=view.total,
        events=tuple(sorted(_events(submission, speech), key=lambda event: event.at)),
    )


def _told(document: Document, submission: Submission, speech: Speech) -> DocumentView:
    """What the answer says of this one; an answer of many may leave some out, the page does not."""
    twin = tuple(each for each in submission.documents if each.id == document.duplicate_of)
    alone = replace(submission, documents=(document, *twin))
    shown = speech.telling.answer(alone, again=False).documents
    return next(each for each in shown if each.outcome == outcome_of(document))


def _facts(submission: Submission, speech: Speech) -> Iterator[tuple[str, str]]:
    def label(name: str) -> str:
        return speech.say(f"show.{name}")

    code, name = clean(submission.user_code or "", 60), clean(submission.person_name or "", 60)
    yield label("sender"), clean(submission.sender or "", _NAME)
    yield label("for"), " ".join(part for part in (name, code) if part)
    yield label("subject"), clean(submission.subject or "", 200)
    yield label("lies"), clean(submission.path or "", _PATH)
    yield label("source"), f"{submission.source} ({speech.say(f'kinds.{submission.kind}')})"
    yield label("received"), speech.second(submission.received_at)
    yield label("state"), _state(submission, speech)
    yield label("held_since"), speech.second(submission.held_at)
    yield label("released"), _released(submission, speech)
    answered = speech.second(submission.answered_at) or label("not_answered")
    yield label("answered"), answered
    yield label("moved"), clean(submission.moved_to, _PATH)
    yield label("remark"), clean(submission.remark, _SAID)
    yield label("id"), submission.id


def _state(submission: Submission, speech: Speech) -> str:
    said = speech.say(f"states.{submission.state}")
    if submission.released:
        said = speech.say("show.waits_in_mailbox")
    reason, code = speech.reason(submission.reason), clean(submission.reason, 60)
    return said + "".join(f" ({each})" for each in dict.fromkeys((reason, code)) if each)


def _released(submission: Submission, speech: Speech) -> str:
    if submission.let_in_at is None:
        return ""
    despite = clean(submission.let_in_despite, 300)
    return speech.say("show.released_despite", time=speech.second(submission.let_in_at), reason=despite)


def _card(
    document: Document, submission: Submission, speech: Speech, holder: Callable[[int], str | None]
) -> DocumentCard:
    shown, first = _told(document, submission, speech), document.duplicate_of
    if submission.state is SubmissionState.HELD and document.outcome is None:  # nothing of it is under way
        shown = replace(shown, outcome="held", label=speech.say("states.held"), what=None, todo=None)
    own = {each.id for each in submission.documents}
    invoices = (
        InvoiceCard(
            title=view.title,
            number=view.number,
            seller=view.seller,
            date=view.date,
            amount=amount_of(invoice, speech),
            expense=view.expense,
            problem=view.problem,
        )
        for invoice, view in zip(document.invoices, shown.invoices, strict=True)
    )
    return DocumentCard(
        name=shown.name,
        outcome=shown.outcome,
        label=shown.label,
        what=shown.what,
        todo=shown.todo,
        note=shown.note,
        behind_link=shown.link is not None,
        original=holder(first) if first is not None and first not in own else None,
        invoices=tuple(invoices),
        facts=tuple(Fact(label=label, text=text) for label, text in _details(document, speech) if text),
    )


def _details(document: Document, speech: Speech) -> Iterator[tuple[str, str]]:
    """What an administrator looks for. What led nowhere is a link of the mail, and a key to what is behind it."""
    reason = reason_of(document.code)
    yield speech.say("show.code"), clean(document.code, 60)
    yield speech.say("show.said"), "" if reason and reason.is_of_a_link else clean(document.message, _SAID)
    yield speech.say("show.type"), clean(document.media_type, 60)
    yield speech.say("show.size"), _size(document.size) if document.size else ""
    yield "SHA-256", document.sha256
    yield speech.say("show.address"), clean(document.attachment_url, _PATH)
    yield "bizId", document.biz_id or ""
    yield speech.say("show.next_try"), speech.second(document.due_at)


def _size(size: int) -> str:
    for unit, bytes_ in (("MB", 1_000_000), ("kB", 1000)):
        if size >= bytes_:
            return f"{size / bytes_:.1f} {unit}"
    return f"{size} B"


def _events(submission: Submission, speech: Speech) -> Iterator[Event]:
    def event(at: datetime | None, text: str, detail: str = "", kind: str = "") -> Iterator[Event]:
        if at is not None:
            yield Event(at=at, time=speech.second(at), text=text, detail=detail, kind=kind)

    yield from event(submission.received_at, speech.say("event.received"))
    held_for = speech.reason(submission.reason) or clean(submission.remark, 200)
    yield from event(submission.held_at, speech.say("event.held", reason=held_for), kind="held")
    yield from event(submission.let_in_at, speech.say("event.released"))
    for document in submission.documents:
        name = clean(document.name, 60)
        for each in document.tries:
            said = speech.say("event.try", n=each.number, name=name)
            yield from event(each.started_at, said, detail=_try(each, speech))
        outcome = outcome_of(document)
        settled = speech.say("event.settled", name=name, outcome=speech.say(f"outcomes.{outcome}"))
        yield from event(document.settled_at, settled, kind=outcome)
        if document.tries and document.due_at is not None:
            yield from event(document.due_at, speech.say("event.next", name=name), kind="pending")
    if submission.state is SubmissionState.CLOSED or submission.answer_number:
        moved = speech.say("event.moved", target=clean(submission.moved_to, 200)) if submission.moved_to else ""
        yield from event(submission.answered_at, speech.say("event.answered"), detail=moved)


def _try(each: Try, speech: Speech) -> str:
    """How it ended, with the endpoint's own words."""
    if each.result is None:
        return speech.say("tries.under_way")
    ended = speech.say(f"tries.{each.result}") if each.result in set(Result) else clean(each.result, 60)
    return " · ".join([ended, *(clean(part, 300) for part in (each.code, each.message) if part)])
