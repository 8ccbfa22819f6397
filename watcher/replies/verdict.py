"""The one line that an answer begins with, as values: what is counted, and in which order it is said."""

from __future__ import annotations

from msgspec import Struct

from watcher.model import Document, Outcome, Reason, Submission, SubmissionState
from watcher.replies.advising import is_of_something_in_doubt


class Verdict(Struct, frozen=True, kw_only=True):
    """Keys under ``verdict`` in the catalogue with their counts, and the gravest outcome."""

    parts: tuple[tuple[str, int | None], ...]
    tone: str
    to_check: bool = False  # something below wants a look, though nothing went wrong

    @property
    def next_step(self) -> str:
        """A key under ``next``: whether the reader has to do anything."""
        if self.to_check and self.tone in _CALM:
            return "attention"
        if self.tone == "done":
            return "booked" if any(key == "booked" for key, _ in self.parts) else "recognised"
        return self.tone


_CALM = ("done", "duplicate", "skipped")
_WITHOUT_DOCUMENTS = {Reason.NO_DOCUMENT: "no_document", Reason.NO_USER: "no_user"}
_COUNTED = {Outcome.ATTENTION: "attention", Outcome.ERROR: "error", Outcome.DUPLICATE: "duplicate", None: "pending"}
_TONES = ("error", "attention", "pending", "booked", "recognised", "duplicate")


def verdict_of(submission: Submission) -> Verdict:
    """What became of the whole, invoices that were booked first."""
    if submission.state is SubmissionState.HELD:
        return Verdict(parts=(("held", None),), tone="pending")
    counts = _counts(submission)
    missed = sum(each.count for each in submission.left_out if each.missed)
    beside = (("left_out", missed),) if missed else ()
    to_check = bool(missed) or any(map(_is_doubtful, submission.documents))
    if counts:
        tone = next(key for key in _TONES if key in counts)
        tone = {"booked": "done", "recognised": "done"}.get(tone, tone)
        return Verdict(parts=(*counts.items(), *beside), tone=tone, to_check=to_check)
    if submission.reason is None or (submission.documents and submission.reason != Reason.NO_DOCUMENT):
        return Verdict(parts=(("nothing", None), *beside), tone="skipped", to_check=to_check)
    key = next((said for reason, said in _WITHOUT_DOCUMENTS.items() if reason == submission.reason), "refused")
    return Verdict(parts=((key, None),), tone="error")


def _is_doubtful(document: Document) -> bool:
    """Whether it may hold an invoice that was not booked, though nothing went wrong."""
    return bool(document.not_returned) or document.code == Reason.NAMED_OTHERWISE


def _counts(submission: Submission) -> dict[str, int]:
    """In the order in which they are said; what is zero is left out."""
    counts = dict.fromkeys(("booked", "recognised", "attention", "error", "duplicate", "pending"), 0)
    for document in submission.documents:
        counts["booked"] += _booked(document)
        counts["recognised"] += _recognised(document)
        if (key := _counted(document, submission)) is not None:
            counts[key] += 1
    return {key: count for key, count in counts.items() if count}


def _counted(document: Document, submission: Submission) -> str | None:
    """What it is counted as, beside its invoices."""
    in_doubt = is_of_something_in_doubt(document, submission)
    return "attention" if in_doubt else _COUNTED.get(document.outcome)


def _booked(document: Document) -> int:
    """Its invoices for which an expense was created now; one that has two is one."""
    booked = any(invoice.expense_id for invoice in document.invoices)
    return sum(document.counted) if booked else 0


def _recognised(document: Document) -> int:
    """Its invoices where nothing is booked, because no expense is wanted."""
    return len(document.invoices) if document.outcome is Outcome.DONE and not _booked(document) else 0
