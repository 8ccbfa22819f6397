"""What an answer shows, as values that the templates only lay out.

Everything from outside is cleaned here, once: what stands in a view may be shown as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

# The order in which documents are shown: what the reader has to act upon first.
ORDER = ("error", "attention", "pending", "done", "duplicate", "skipped")


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceView:
    title: str
    number: str
    code: str | None
    date: str
    seller: str
    amount: str
    expense: str | None  # None: none was created, and `problem` says so where one was wanted
    problem: str | None  # what is wrong with it, in one sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentView:
    name: str
    outcome: str  # an Outcome, or "pending"
    label: str
    what: str | None  # None: the label and the invoices say it all
    todo: str | None
    link: str | None  # where the submitter can get it
    note: str | None  # something to look at, beside the outcome
    detail: str | None  # codes and messages, for the administrator
    invoices: tuple[InvoiceView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerView:
    language: str
    verdict: str
    tone: str  # the outcome whose colour the verdict has
    greeting: str
    intro: str
    again: str | None
    what: str | None  # of the submission as a whole
    todo: str | None
    detail: str | None
    left_out: str | None  # what came and is no document, where there is no other
    documents: tuple[DocumentView, ...]
    total: str | None
    resubmit: str | None
    footer: str
