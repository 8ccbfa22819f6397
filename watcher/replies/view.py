"""What an answer shows, as values that the templates only lay out.

Everything from outside is cleaned here, once: what stands in a view may be shown as it is.
"""

from __future__ import annotations

from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace

# The order in which documents are shown: what the reader has to act upon first.
ORDER = ("error", "attention", "pending", "done", "duplicate", "skipped")
# So many are told one by one; of more, those that are plainly done are told in one table.
_MOST_CARDS = 8


class InvoiceView(Struct, frozen=True, kw_only=True):
    title: str
    number: str
    code: str | None
    date: str
    seller: str
    amount: str
    expense: str | None  # None: none was created, and `problem` says so where one was wanted
    problem: str | None  # what is wrong with it, in one sentence


class DocumentView(Struct, frozen=True, kw_only=True):
    name: str
    outcome: str  # an Outcome, or "pending"
    label: str
    what: str | None = None  # None: the label and the invoices say it all
    todo: str | None = None
    link: str | None = None  # where the submitter can get it
    note: str | None = None  # something to look at, beside the outcome
    detail: str | None = None  # codes and messages, for the administrator
    invoices: tuple[InvoiceView, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to read but its name, its label and its invoices."""
        remarks = (self.what, self.link, self.note, self.detail, *(invoice.problem for invoice in self.invoices))
        return not any(remarks)


def _said_of(document: DocumentView) -> object:
    """Equal for those that need be told once; what has invoices, or a link or note of its own, stands alone."""
    if document.is_plain or document.invoices or document.link or document.note:
        return object()
    return replace(document, name="")


class AnswerView(Struct, frozen=True, kw_only=True):
    language: str
    verdict: str
    tone: str  # the outcome whose colour the verdict has
    next_step: str  # whether the reader has to do anything, in one sentence
    greeting: str
    intro: str
    footer: str
    submitted_for: str | None = None  # whose it is, where somebody else submitted it
    again: str | None = None
    what: str | None = None  # of the submission as a whole
    todo: str | None = None
    detail: str | None = None
    left_out: str | None = None  # what came and is no document, where there is no other
    documents: tuple[DocumentView, ...] = ()
    more: str | None = None  # how many documents are not named
    total: str | None = None
    resubmit: str | None = None

    @property
    def is_long(self) -> bool:
        """Whether there are so many documents that room is to be saved."""
        return len(self.documents) > _MOST_CARDS

    @property
    def cards(self) -> tuple[tuple[DocumentView, ...], ...]:
        """The documents that are told one by one, those of which the same is to be said together."""
        told = (document for document in self.documents if not (self.is_long and document.is_plain))
        return tuple(tuple(card) for _, card in groupby(told, key=_said_of))

    @property
    def listed(self) -> tuple[DocumentView, ...]:
        """The others, for one table."""
        return tuple(document for document in self.documents if self.is_long and document.is_plain)

    @property
    def preheader(self) -> str:
        """What lists of mails show beside the subject, which has the verdict already."""
        first = next((document.what for document in self.documents if document.what), None)
        return " ".join(part for part in (self.total, self.next_step, self.what or first) if part)
