"""What `list`, `show` and `check` print for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from watcher.headers import clean
from watcher.model import (
    Document,
    Invoice,
    Outcome,
    Submission,
    SubmissionState,
    Try,
)
from watcher.seen import SeenInvoice

Moment = Callable[[datetime | None], str]

_STYLES = {
    Outcome.DONE: "green",
    Outcome.ATTENTION: "yellow",
    Outcome.DUPLICATE: "cyan",
    Outcome.SKIPPED: "dim",
    Outcome.ERROR: "red",
}


_LEAST_WIDTHS = {"what": 10, "outcome": 11}
_TO_THE_MINUTE = len("2026-11-23 19:49")  # in a list; `show` has the seconds


def submission_table(submissions: Sequence[Submission], moment: Moment) -> Table:
    """One row a submission."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("id", "received", "source", "from", "what", "outcome"):
        # An id that is cut in two cannot be copied, and a time in two lines makes rows of three.
        no_wrap = heading in ("id", "received")
        table.add_column(heading, overflow="fold", no_wrap=no_wrap, min_width=_LEAST_WIDTHS.get(heading))
    for submission in submissions:
        table.add_row(
            submission.id,
            moment(submission.received_at)[:_TO_THE_MINUTE],
            submission.source,
            clean(submission.sender or submission.user_code or ""),
            clean(submission.subject or submission.path or "", 60),
            _became(submission),
        )
    return table


def _became(submission: Submission) -> Text:
    """The outcomes, where there are any; before them the state, where it is not simply answered."""
    if submission.state is SubmissionState.CLOSED and not submission.documents:
        return Text(clean(submission.reason, 200))
    if not submission.documents:
        return _state(submission)
    said = Text() if submission.state is SubmissionState.CLOSED else Text(f"{submission.state}: ")
    return said.append_text(_outcomes(submission.documents))


def whole_submission(submission: Submission, moment: Moment) -> RenderableType:
    """Everything that is known of one submission."""
    head = _pairs(
        {
            "submission": submission.id,
            "source": f"{submission.source} ({submission.kind})",
            "from": clean(submission.sender or ""),
            "for": " ".join(part for part in (submission.user_code, clean(submission.person_name or "")) if part),
            "subject": clean(submission.subject or "", 200),
            "file": clean(submission.path or "", 200),
            "received": moment(submission.received_at),
            "state": _state(submission),
            "released": _let_in(submission, moment),
            "answered": moment(submission.answered_at),
            "moved to": clean(submission.moved_to, 300),
            "remark": clean(submission.remark, 300),
            "left out": "\n".join(clean(f"{each.name}: {each.why}", 200) for each in submission.left_out),
        }
    )
    return Group(head, *(part for document in submission.documents for part in _document(document, moment)))


def _state(submission: Submission) -> Text:
    said = submission.state + (f" ({submission.reason})" if submission.reason else "")
    return Text(clean(said, 200), "yellow" if submission.state is SubmissionState.HELD else "")


def _let_in(submission: Submission, moment: Moment) -> str:
    """When somebody vouched for it, and what stood against that."""
    if submission.let_in_at is None:
        return ""
    return f"{moment(submission.let_in_at)}, though it was held: {clean(submission.let_in_despite, 300)}"


def _outcomes(documents: Sequence[Document]) -> Text:
    outcomes = [document.outcome for document in documents]
    said = Text()
    for outcome in dict.fromkeys(outcomes):
        count = outcomes.count(outcome)
        said.append(f"{count} {outcome or 'pending'} ", _STYLES.get(outcome, "") if outcome else "")
    return said


def _document(document: Document, moment: Moment) -> Iterator[RenderableType]:
    outcome = document.outcome
    yield Text()
    yield Text(clean(document.name), "bold")
    yield _pairs(
        {
            "document": f"{document.id}, {document.media_type}, {document.size} bytes",
            "outcome": Text(outcome or "pending", _STYLES[outcome] if outcome else ""),
            "because": clean(" ".join(part for part in (document.code, document.message) if part), 300),
            "duplicate of": f"document {document.duplicate_of}" if document.duplicate_of else "",
            "address": clean(document.attachment_url, 300),
            "bizId": document.biz_id or "",
            "next try": moment(document.due_at) if outcome is None else "",
            "settled": moment(document.settled_at),
            "read in it": "\n".join(_read(each) for each in document.read),
            "not returned": ", ".join(clean(number) for number in document.not_returned),
        }
    )
    yield from (_invoice(invoice) for invoice in document.invoices)
    yield from (_try(one, moment) for one in document.tries)


def _read(seen: SeenInvoice) -> str:
    """What was read before it was sent, and where it was read."""
    number = " ".join(clean(part) for part in (seen.code, seen.number) if part)
    day = seen.date.isoformat() if seen.date else None
    pages = f", page {seen.first}" + (f" to {seen.last}" if seen.last > seen.first else "") if seen.first else ""
    known = ", ".join(part for part in (number, day, clean(seen.seller), seen.amount) if part)
    return f"{known or 'an invoice'} ({seen.by}{pages})"


def _invoice(invoice: Invoice) -> Text:
    amount = " ".join(part for part in (invoice.amount, invoice.currency) if part)
    day = invoice.date.isoformat() if invoice.date else None
    parts = (clean(invoice.number), day, clean(invoice.seller_name), amount)
    said = "  invoice " + ", ".join(part for part in parts if part)
    if invoice.expense_id:
        said += f", expense {clean(invoice.expense_id)}"
    return Text(said + (f": {clean(invoice.message, 300)}" if invoice.message else ""))


def _try(one: Try, moment: Moment) -> Text:
    said = " ".join(part for part in (one.code, clean(one.message, 300)) if part)
    doubt = ", in doubt" if one.in_doubt else ""
    return Text(f"  try {one.number} at {moment(one.started_at)}: {one.result or 'under way'}{doubt} {said}", "dim")


def _pairs(pairs: Mapping[str, str | Text]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in pairs.items():
        if value:
            table.add_row(name, value)
    return table
