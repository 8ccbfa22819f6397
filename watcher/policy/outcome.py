"""What follows from what the endpoint answered: contract.md's table under "Wire", row by row.

`classify` reads the exchange alone; `with_doubt` and `given_up` add what earlier tries left behind. `unkept` is for
what the journal does not take.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from http import HTTPStatus

from msgspec import Struct
from msgspec.structs import replace

from watcher.config.sections import CodeRule, Recognition
from watcher.model import REPLACED, SUCCESS, Exchange, Invoice, Outcome, Reason, Response, Settlement, TryEnding

_UNKEPT = "the journal cannot keep what the endpoint answered"


class Result(StrEnum):
    """How a try ended, in one word for the journal."""

    NOT_SENT = "not_sent"  # no connection: nothing can have been booked
    NO_URL = "no_url"  # its URL cannot be had now: nothing left, and of the endpoint it says nothing
    UNAUTHORISED = "unauthorised"  # the token is refused, even a fresh one
    THROTTLED = "throttled"  # too many requests
    MISDIRECTED = "misdirected"  # the address is wrong
    UNKNOWN = "unknown"  # sent, and no usable answer: in doubt
    SUSPENDED = "suspended"  # the endpoint cannot be used by anybody now
    PASSING = "passing"  # a code that passes by itself
    REFUSED = "refused"  # any other code
    ANSWERED = "answered"  # 200000


class Settle(Struct, frozen=True, kw_only=True):
    """The booking has its outcome."""

    settlement: Settlement
    ending: TryEnding


class TryAgain(Struct, frozen=True, kw_only=True):
    """Another try after the backoff."""

    ending: TryEnding


class Pause(Struct, frozen=True, kw_only=True):
    """Everything waits `seconds`, then goes on; no try is counted."""

    seconds: float
    ending: TryEnding


class CloseGate(Struct, frozen=True, kw_only=True):
    """Nothing is posted until a probe succeeds; no try is counted."""

    reason: str
    ending: TryEnding


class Hold(Struct, frozen=True, kw_only=True):
    """Nobody knows whether it was booked, and only a person may let it be posted again."""

    ending: TryEnding


Decision = Settle | TryAgain | Pause | CloseGate | Hold


def classify(exchange: Exchange, rules: Recognition, *, wanted: bool) -> Decision:
    """What follows from the first row of the contract's table that fits; `wanted`: an expense was asked for."""
    result = result_of(exchange, rules)
    ending = _ending(exchange, result)
    match result:
        case Result.UNAUTHORISED | Result.MISDIRECTED | Result.SUSPENDED:
            return CloseGate(reason=_reason(exchange, result), ending=ending)
        case Result.THROTTLED if exchange.retry_after:  # to wait for no time at all is no time given
            return Pause(seconds=exchange.retry_after, ending=ending)
        case Result.UNKNOWN:
            return _doubtful(ending, rules)
        case Result.REFUSED:
            refused = Settlement(
                outcome=Outcome.ERROR, code=ending.code, message=ending.message, invoices=ending.invoices
            )
            return Settle(settlement=refused, ending=ending)
        case Result.ANSWERED if exchange.response is not None:
            return Settle(settlement=_success(exchange.response, wanted=wanted), ending=ending)
        case _:
            return TryAgain(ending=ending)


def _if_booked(exchange: Exchange) -> tuple[Invoice, ...]:
    """The invoices of an answer, where one of them has an expense: whatever its code says, that may be there."""
    invoices = exchange.response.invoices if exchange.response is not None else ()
    return invoices if any(invoice.expense_id for invoice in invoices) else ()


def result_of(exchange: Exchange, rules: Recognition) -> Result:
    """Which row of the contract's table fits first."""
    for result, fits in _ROWS:
        if fits(exchange, rules):
            return result
    raise AssertionError("the last row fits all")


def with_doubt(settlement: Settlement, *, in_doubt: bool) -> Settlement:
    """What may have been booked is never reported as failed."""
    if not in_doubt or settlement.outcome is not Outcome.ERROR:
        return settlement
    said = " ".join(part for part in (settlement.code, settlement.message) if part)
    return replace(settlement, outcome=Outcome.ATTENTION, code=Reason.IN_DOUBT, message=said or None)


def without_url(message: str) -> TryAgain:
    """What follows where there is nothing to post, because the store cannot say where the document is."""
    return TryAgain(ending=TryEnding(result=Result.NO_URL, message=message))


def given_up(ending: TryEnding) -> Settlement:
    """The outcome of a booking that failed for too long, with the last failure's words, and what it booked."""
    said = " ".join(part for part in (ending.code, ending.message) if part)
    return Settlement(outcome=Outcome.ERROR, code=Reason.GAVE_UP, message=said or None, invoices=ending.invoices)


def may_have_booked(decision: Decision) -> bool:
    """Whether the endpoint may stand with an expense for what it was given."""
    booked = isinstance(decision, Settle) and decision.settlement.outcome.counts_as_booked
    return booked or decision.ending.in_doubt


def of_another(decision: Decision) -> Decision:
    """What follows where the file was replaced while it was posted: nobody knows of which of the two the answer is."""
    if not isinstance(decision, Settle):
        return decision
    ending = replace(decision.ending, in_doubt=True)
    doubted = Settlement(
        outcome=Outcome.ATTENTION, code=Reason.IN_DOUBT, message=REPLACED, invoices=decision.settlement.invoices
    )
    return Settle(settlement=doubted, ending=ending)


def unkept(ending: TryEnding) -> tuple[Settlement, TryEnding]:
    """The outcome of a try whose answer the journal will never take: without its words, and in doubt.

    To post it again would bring the same answer. It may have been booked, whatever the answer says: nobody can look
    it up, and under a new bizId it might be booked twice.
    """
    settlement = Settlement(outcome=Outcome.ATTENTION, code=Reason.IN_DOUBT, message=_UNKEPT)
    return settlement, TryEnding(result=ending.result, in_doubt=True, message=_UNKEPT)


def _is_unauthorised(exchange: Exchange, _: Recognition) -> bool:
    return exchange.token_refused or exchange.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def _is_throttled(exchange: Exchange, _: Recognition) -> bool:
    if exchange.status == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    return exchange.status == HTTPStatus.SERVICE_UNAVAILABLE and exchange.retry_after is not None


def _is_misdirected(exchange: Exchange, _: Recognition) -> bool:
    status = exchange.status
    return status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED) or (
        status is not None and HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
    )


def _is_unusable(exchange: Exchange, _: Recognition) -> bool:
    if exchange.response is None or exchange.status is None:
        return True
    return exchange.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _has_code_of(exchange: Exchange, rules: Sequence[CodeRule]) -> bool:
    response = exchange.response
    return response is not None and any(
        str(rule.code) == response.code and (rule.message is None or rule.message in (response.message or ""))
        for rule in rules
    )


# The contract's table: the first that fits.
_ROWS: tuple[tuple[Result, Callable[[Exchange, Recognition], bool]], ...] = (
    (Result.UNAUTHORISED, _is_unauthorised),
    (Result.NOT_SENT, lambda exchange, _: not exchange.sent),
    (Result.THROTTLED, _is_throttled),
    (Result.MISDIRECTED, _is_misdirected),
    (Result.UNKNOWN, _is_unusable),
    (Result.SUSPENDED, lambda exchange, rules: _has_code_of(exchange, rules.suspend_on)),
    (Result.PASSING, lambda exchange, rules: _has_code_of(exchange, rules.retry_on)),
    (Result.ANSWERED, lambda exchange, _: exchange.response is not None and exchange.response.code == SUCCESS),
    (Result.REFUSED, lambda _, __: True),
)

_REASONS = {
    Result.UNAUTHORISED: "the endpoint refuses us: check recognition.auth and recognition.headers",
    Result.MISDIRECTED: "the endpoint is not at this address: check recognition.url",
    Result.SUSPENDED: "the endpoint cannot be used",
}


def _reason(exchange: Exchange, result: Result) -> str:
    """What the administrator is told: what to look at, and what was answered."""
    said = exchange.response.message if exchange.response else None
    if result is Result.SUSPENDED:
        return said or _REASONS[result]
    if not exchange.sent:
        return exchange.detail or _REASONS[result]
    answered = " ".join(part for part in (f"HTTP {exchange.status}", said) if part)
    return f"{_REASONS[result]} ({answered})"


def _doubtful(ending: TryEnding, rules: Recognition) -> Decision:
    doubtful = replace(ending, in_doubt=True)
    return TryAgain(ending=doubtful) if rules.in_doubt == "again" else Hold(ending=doubtful)


def _success(response: Response, *, wanted: bool) -> Settlement:
    invoices = response.invoices
    if not invoices:
        return Settlement(outcome=Outcome.ERROR, code=Reason.NO_INVOICE, message=response.message)
    words, code = _messages(invoices)
    if wanted and not any(invoice.expense_id for invoice in invoices):
        return Settlement(outcome=Outcome.ERROR, code=code or response.code, message=words, invoices=invoices)
    if any(_wants_attention(invoice, wanted=wanted) for invoice in invoices):
        return Settlement(outcome=Outcome.ATTENTION, code=code, message=words, invoices=invoices)
    return Settlement(outcome=Outcome.DONE, invoices=invoices)


def _wants_attention(invoice: Invoice, *, wanted: bool) -> bool:
    return bool(invoice.message) or invoice.verified is False or (wanted and not invoice.expense_id)


def _messages(invoices: Sequence[Invoice]) -> tuple[str | None, str | None]:
    words = [invoice.message for invoice in invoices if invoice.message]
    codes = [invoice.message_code for invoice in invoices if invoice.message_code]
    return "; ".join(dict.fromkeys(words)) or None, codes[0] if codes else None


def _ending(exchange: Exchange, result: Result) -> TryEnding:
    response = exchange.response
    status = f"HTTP {exchange.status}" if exchange.status else None
    invoices = () if result is Result.ANSWERED else _if_booked(exchange)
    return TryEnding(
        result=result,
        code=response.code if response else status,
        message=response.message if response else exchange.detail,
        raw=exchange.raw,
        in_doubt=bool(invoices),
        invoices=invoices,
    )
