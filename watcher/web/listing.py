"""A page of the list of submissions: what is asked for, what is found, how a row reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from time import monotonic
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from watcher import amounts
from watcher.headers import clean
from watcher.model import Document, Invoice, Outcome, Submission, SubmissionFilter, SubmissionPage, SubmissionState
from watcher.ports import Journal
from watcher.replies.invoices import currency_of
from watcher.replies.telling import outcome_of
from watcher.web.speech import Speech

SIZE = 25
_SEARCH_SECONDS = 1.5  # after which what was found so far is shown, with a way to go on
_LONGEST = 200
_INVOICES_SHOWN = 2
_FILES_SHOWN = 2
_MOST_DIGITS = 18  # of a page's number


class Asked(Struct, frozen=True, kw_only=True):
    """A list's address, read."""

    filter: SubmissionFilter
    below: int | None
    wrong_since: str | None  # what was no date
    words: Mapping[str, str]  # as it came, cleaned, for the form

    @property
    def narrowed(self) -> bool:
        """Whether anything but the search narrows it."""
        return any(value for key, value in self.words.items() if key != "q")


class Badge(Struct, frozen=True, kw_only=True):
    kind: str  # an Outcome, "pending" or a state
    text: str


class InvoiceLine(Struct, frozen=True, kw_only=True):
    seller: str
    number: str
    amount: str


class Row(Struct, frozen=True, kw_only=True):
    id: str
    received: str
    who: str
    code: str
    what: str
    files: str  # the names of its documents, where `what` does not say them
    invoices: tuple[InvoiceLine, ...]
    more: int
    badges: tuple[Badge, ...]


def read_asked(arguments: Mapping[str, str], zone: ZoneInfo) -> Asked:
    """What is no value of a filter's is as if it had not been said; a wrong date is told."""
    words = {key: _text(arguments.get(key)) for key in ("q", "state", "outcome", "source", "sender", "since")}
    since = _day(words["since"], zone)
    below = arguments.get("below", "")
    return Asked(
        filter=SubmissionFilter(
            state=SubmissionState(words["state"]) if words["state"] in set(SubmissionState) else None,
            outcome=Outcome(words["outcome"]) if words["outcome"] in set(Outcome) else None,
            source=words["source"] or None,
            sender=words["sender"] or None,
            since=since,
            search=words["q"] or None,
            limit=SIZE,
        ),
        below=int(below) if below.isascii() and below.isdecimal() and len(below) <= _MOST_DIGITS else None,
        wrong_since=words["since"] if words["since"] and since is None else None,
        words=words,
    )


def day_of(text: str | None, zone: ZoneInfo) -> datetime | None:
    """The begin of a day in the zone; None for what is no date."""
    return _day(_text(text), zone)


def find(journal: Journal, asked: Asked) -> SubmissionPage:
    """A full page, or what a search has found in the time that a person likes to wait."""
    found: list[Submission] = []
    below, until = asked.below, monotonic() + _SEARCH_SECONDS
    while True:
        page = journal.page(replace(asked.filter, limit=SIZE - len(found)), below=below)
        found.extend(page.submissions)
        below = page.below
        if below is None or len(found) >= SIZE or monotonic() >= until:
            return SubmissionPage(submissions=tuple(found), below=below)


def only_one_meant(page: SubmissionPage, term: str | None) -> Submission | None:
    """The one submission that was found, where the term is the whole number of something in it."""
    if term is None or len(page.submissions) != 1:
        return None
    found = page.submissions[0]
    invoices = [invoice for document in found.documents for invoice in document.invoices]
    numbers = {found.id, *(invoice.number for invoice in invoices), *(invoice.expense_id for invoice in invoices)}
    return found if term.strip() in numbers or term.strip().lower() == found.id else None


def row_of(submission: Submission, speech: Speech) -> Row:
    invoices = _distinct(submission.documents)
    return Row(
        id=submission.id,
        received=speech.time(submission.received_at),
        who=clean(submission.person_name or submission.sender or "", 60),
        code=clean(submission.user_code or "", 40),
        what=clean(submission.subject or submission.path or "", 120) or speech.say("page.unknown"),
        files=_files(submission, speech),
        invoices=tuple(_line(each, speech) for each in invoices[:_INVOICES_SHOWN]),
        more=max(0, len(invoices) - _INVOICES_SHOWN),
        badges=tuple(badges_of(submission, speech)),
    )


def badges_of(submission: Submission, speech: Speech) -> Iterator[Badge]:
    """Its state where it is not over, then its documents by outcome."""
    if submission.state is not SubmissionState.CLOSED and (
        submission.state is not SubmissionState.OPEN or not submission.documents
    ):
        yield Badge(kind=submission.state, text=speech.say(f"states.{submission.state}"))
    counts: dict[str, int] = {}
    for document in submission.documents:
        kind = outcome_of(document)
        if kind != "pending" or submission.state is not SubmissionState.HELD:  # that is said already
            counts[kind] = counts.get(kind, 0) + 1
    for kind, count in counts.items():
        said = speech.say(f"outcomes.{kind}")
        yield Badge(kind=kind, text=said if count == 1 else f"{said} × {count}")
    if submission.state is SubmissionState.CLOSED and not submission.documents:
        yield Badge(kind="error" if submission.reason else "skipped", text=speech.reason(submission.reason) or "—")


def amount_of(invoice: Invoice, speech: Speech) -> str:
    parsed = amounts.parse(invoice.amount)
    if parsed is None:
        return clean(invoice.amount or "", 40) or speech.say("page.unknown")
    return amounts.shown(parsed, currency_of(invoice))


def _files(submission: Submission, speech: Speech) -> str:
    names = [clean(document.name, 60) for document in submission.documents]
    shown = [name for name in names if name and name not in (submission.path or "")]
    more = f" {speech.say('list.more', n=len(shown) - _FILES_SHOWN)}" if len(shown) > _FILES_SHOWN else ""
    return speech.say("page.separator").join(shown[:_FILES_SHOWN]) + more


def _distinct(documents: Iterable[Document]) -> list[Invoice]:
    """Every invoice once, though it be in two documents of one submission."""
    found: dict[tuple[str | None, ...], Invoice] = {}
    for document in documents:
        for invoice in document.invoices:
            found.setdefault((invoice.code, invoice.number, invoice.amount, invoice.seller_name), invoice)
    return list(found.values())


def _line(invoice: Invoice, speech: Speech) -> InvoiceLine:
    return InvoiceLine(
        seller=clean(invoice.seller_name or "", 60) or speech.say("page.unknown"),
        number=clean(invoice.number or "", 60),
        amount=amount_of(invoice, speech),
    )


def _text(value: str | None) -> str:
    """One line that every database takes."""
    return clean(value or "", _LONGEST).strip()


def _day(text: str, zone: ZoneInfo) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time(), tzinfo=zone)
    except (ValueError, OverflowError):
        return None
