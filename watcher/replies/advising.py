"""What a reader is told of one document beside its invoices: what happened, and the one thing to do about it."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from watcher.headers import clean
from watcher.model import REPLACED, SUCCESS, Document, Language, Outcome, Reason, Submission
from watcher.replies.hints import ADVISE_AGAIN, OTHERS_MEND, hint_of
from watcher.replies.words import NOT_SET_UP, Advice, Words

_MOST_HINTS = 3
_SAID_BY_US = frozenset(
    {
        *(Reason.UNREADABLE, Reason.ENCRYPTED, Reason.ENCRYPTED_MAIL, Reason.TOO_LARGE, Reason.TOO_MANY),
        *(Reason.SAME_INVOICE, Reason.NOT_INVOICE, Reason.NAMED_OTHERWISE, Reason.SIGNATURE_IMAGE),
    }
)


class Lengths(Struct, frozen=True, kw_only=True):
    """How many characters are shown of what comes from outside."""

    name: int = 120
    value: int = 100
    message: int = 500


WHOLE = Lengths()


class Advising(Struct, frozen=True, kw_only=True):
    """Advises in one language; `kinds` are the file types that are accepted, for people."""

    words: Words
    language: Language
    kinds: str
    lengths: Lengths = WHOLE

    def on(self, document: Document, submission: Submission, *, booked_on: str | None) -> Advice | None:
        """None: the label and the invoices say it all. `booked_on`: of a duplicate, when the first was processed."""
        match document.outcome:
            case Outcome.DONE:
                return None
            case Outcome.DUPLICATE:
                return self._on_duplicate(document, submission, booked_on)
            case Outcome.ERROR:
                advice = self._on_error(document)
                return replace(advice, what=self.not_booked(advice.what))
            case Outcome.ATTENTION if reason_of(document.code) is None:
                return self._on_attention(document)
            case Outcome.ATTENTION | Outcome.SKIPPED if (reason := reason_of(document.code)) is not None:
                return self._on_reason(reason, document)
            case _:
                return self.words.of_outcome("skipped" if document.outcome is Outcome.SKIPPED else "pending")

    def not_booked(self, what: str) -> str:
        """And that nothing is claimed by it."""
        return self.words.joined([what, self.words.say("outcomes.error.nothing_booked")])

    def on_reason(self, code: str) -> Advice:
        """Of a whole submission."""
        reason = reason_of(code)
        return self.words.of_reason(reason, kinds=self.kinds) if reason else self.words.of_outcome("error")

    def _on_reason(self, reason: Reason, document: Document) -> Advice:
        said = self._half(document.message) if is_ours(document) or document.outcome is Outcome.SKIPPED else ""
        return self.words.of_reason(reason, kinds=self.kinds, said=said)

    def _on_error(self, document: Document) -> Advice:
        if (reason := reason_of(document.code)) is not None:
            return self._on_reason(reason, document)
        if document.code is None:
            return self.words.of_outcome("error")
        code = SUCCESS if document.invoices else document.code
        message = clean(document.message or "", self.lengths.message) or None
        return self.words.of_code(code, message, hint=hint_of(message), kinds=self.kinds)

    def _on_attention(self, document: Document) -> Advice:
        booked = [invoice.expense_id is not None for invoice in document.invoices]
        key = "what" if all(booked) else "what_partly" if any(booked) else "what_recognised"
        advice = self.words.of_outcome("attention")
        hints = [self.words.hint(hint, kinds=self.kinds) for hint in hints_on(document)[:_MOST_HINTS]]
        todo = self.words.joined([advice.todo, *hints])
        return Advice(what=self.words.say(f"outcomes.attention.{key}"), todo=todo)

    def _on_duplicate(self, document: Document, submission: Submission, booked_on: str | None) -> Advice:
        advice = self.words.of_outcome("duplicate")
        twin = next((d for d in submission.documents if d.id == document.duplicate_of), None)
        if twin is not None:
            return self._on_twin(twin, advice)
        if is_of_something_in_doubt(document, submission):
            doubt = self.words.of_reason(Reason.IN_DOUBT, kinds=self.kinds)
            return replace(doubt, what=self.words.say("outcomes.duplicate.what_in_doubt"))
        if booked_on is not None:
            return replace(advice, what=self.words.say("outcomes.duplicate.what_when", time=booked_on))
        return advice

    def _on_twin(self, twin: Document, advice: Advice) -> Advice:
        """Of the same file beside it, of which something may be left to do."""
        name = clean(twin.name, self.lengths.name)
        is_left = twin.outcome is Outcome.ATTENTION
        todo = self.words.say("outcomes.duplicate.todo_same", name=name) if is_left else advice.todo
        return Advice(what=self.words.say("outcomes.duplicate.what_same", name=name), todo=todo)

    def _half(self, message: str | None) -> str:
        """Of a message of our own, which has both languages, the one of the reader."""
        chinese, _, english = (message or "").partition(" / ")
        return clean(chinese if self.language == "zh" or not english else english, self.lengths.message)


def is_of_something_in_doubt(document: Document, submission: Submission) -> bool:
    """Whether what it repeats, in another submission, may have been booked or not: else that has invoices."""
    is_here = any(each.id == document.duplicate_of for each in submission.documents)
    return document.outcome is Outcome.DUPLICATE and not document.invoices and not is_here


def hints_on(document: Document) -> list[str]:
    """What is the matter with the invoices of a booked file, as keys of `hints`, each once."""
    found = [hint_of(invoice.message) for invoice in document.invoices]
    found += ["check" for invoice in document.invoices if invoice.verified is False]
    if any(invoice.expense_id for invoice in document.invoices):
        found += ["not_booked" for invoice in document.invoices if not invoice.expense_id]
    return [hint for hint in dict.fromkeys(found) if hint is not None and hint not in ADVISE_AGAIN]


def reason_of(code: str | None) -> Reason | None:
    """A code of our own; None: it is the endpoint's."""
    return Reason(code) if code is not None and code in Reason.__members__ else None


def is_ours(document: Document) -> bool:
    """Whether its message is one for people, in both languages."""
    said = document.message or ""
    return said == REPLACED or (document.code in _SAID_BY_US and " / " in said)


def others_mend(submission: Submission) -> bool:
    """Whether nothing that the submitter does helps: then nobody is told how to submit again."""
    failed = [document for document in submission.documents if document.outcome is Outcome.ERROR]
    return bool(failed) and all(_others_mend(document) for document in failed)


def _others_mend(document: Document) -> bool:
    if reason_of(document.code) is not None:
        return False
    return document.code == NOT_SET_UP or hint_of(document.message) in OTHERS_MEND
