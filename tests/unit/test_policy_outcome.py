"""The contract's table "Wire", row by row."""

from __future__ import annotations

from typing import Any

import pytest

from watcher.config.sections import CodeRule, Recognition
from watcher.model import Exchange, Invoice, Outcome, Reason, Response, Settlement, TryEnding
from watcher.policy.outcome import (
    CloseGate,
    Decision,
    Hold,
    Pause,
    Result,
    Settle,
    TryAgain,
    classify,
    given_up,
    may_have_booked,
    of_another,
    result_of,
    unkept,
    with_doubt,
)

RULES = Recognition(
    url="https://endpoint.example/ocr", retry_on=[CodeRule(code=500100), CodeRule(code="B1", message="忙")]
)
GOOD = Invoice(number="26317000000552768706", verified=True, expense_id="387278780")


def answered(code: str = "200000", message: str | None = "success", *invoices: Invoice, **given: Any) -> Exchange:
    return Exchange(
        sent=True, response=Response(code=code, message=message, invoices=invoices), **{"status": 200, **given}
    )


def decide(exchange: Exchange, rules: Recognition = RULES) -> Decision:
    return classify(exchange, rules, wanted=rules.create_expense)


def settlement_of(exchange: Exchange, rules: Recognition = RULES) -> Settlement:
    decision = decide(exchange, rules)
    assert isinstance(decision, Settle)
    return decision.settlement


REPLACED: list[tuple[Exchange, bool]] = [
    (answered("200000", "success", GOOD), True),
    (answered("300042", "识别失败"), False),
    (answered("300042", "识别失败", GOOD), True),
    (answered("200000", "success"), False),
    (Exchange(sent=True, detail="timeout"), True),
    (Exchange(sent=False, detail="connection refused"), False),
    (Exchange(sent=True, status=429, retry_after=60.0), False),
]


@pytest.mark.parametrize(("exchange", "may"), REPLACED)
def test_of_a_file_that_was_replaced_while_it_was_posted_nobody_says_that_it_was_booked(
    exchange: Exchange, may: bool
) -> None:
    decision = decide(exchange)
    assert may_have_booked(decision) is may
    instead = of_another(decision)
    if isinstance(decision, Settle) and isinstance(instead, Settle):
        assert (instead.settlement.outcome, instead.settlement.code) == (Outcome.ATTENTION, Reason.IN_DOUBT)
        assert instead.settlement.invoices == decision.settlement.invoices
        assert instead.ending.in_doubt
    else:
        assert instead == decision


def test_no_connection_is_tried_again_and_never_in_doubt() -> None:
    decision = decide(Exchange(sent=False, detail="connection refused"), RULES)
    assert isinstance(decision, TryAgain)
    assert decision.ending == TryEnding(result=Result.NOT_SENT, message="connection refused")


@pytest.mark.parametrize(
    "exchange",
    [
        Exchange(sent=True, status=401),
        Exchange(sent=True, status=403),
        answered("40101", "token expired", token_refused=True),
        Exchange(sent=False, token_refused=True, detail="the token endpoint refuses the client"),
    ],
)
def test_a_refused_token_closes_the_gate(exchange: Exchange) -> None:
    decision = decide(exchange, RULES)
    assert isinstance(decision, CloseGate)
    assert decision.reason
    assert decision.ending.result == Result.UNAUTHORISED


@pytest.mark.parametrize("status", [429, 503])
def test_everything_waits_as_long_as_the_endpoint_says(status: int) -> None:
    decision = decide(Exchange(sent=True, status=status, retry_after=120.0), RULES)
    assert isinstance(decision, Pause)
    assert decision.seconds == 120.0


def test_too_many_requests_without_a_time_is_the_ordinary_backoff_and_not_in_doubt() -> None:
    decision = decide(Exchange(sent=True, status=429), RULES)
    assert isinstance(decision, TryAgain)
    assert not decision.ending.in_doubt


@pytest.mark.parametrize("status", [301, 302, 307, 308, 404, 405])
def test_a_wrong_address_closes_the_gate(status: int) -> None:
    assert isinstance(decide(Exchange(sent=True, status=status, detail="moved"), RULES), CloseGate)


@pytest.mark.parametrize(
    "exchange",
    [
        Exchange(sent=True, detail="timed out"),
        Exchange(sent=True, status=200, detail="cut off"),
        Exchange(sent=True, status=500),
        Exchange(sent=True, status=503),
        Exchange(sent=True, status=400),
        answered("200000", "success", GOOD, status=502),
    ],
)
def test_what_was_sent_without_a_usable_answer_is_in_doubt(exchange: Exchange) -> None:
    decision = decide(exchange, RULES)
    assert isinstance(decision, TryAgain)
    assert decision.ending.in_doubt


def test_doubt_waits_for_a_person_where_the_configuration_holds_it() -> None:
    decision = decide(Exchange(sent=True, detail="timed out"), RULES.model_copy(update={"in_doubt": "hold"}))
    assert isinstance(decision, Hold)
    assert (decision.ending.in_doubt, decision.ending.message) == (True, "timed out")


def test_the_documented_missing_key_closes_the_gate_with_the_endpoints_words() -> None:
    decision = decide(answered("400000", "配置校验失败,请预先配置识别秘钥"), RULES)
    assert isinstance(decision, CloseGate)
    assert decision.reason == "配置校验失败,请预先配置识别秘钥"


def test_the_same_code_with_other_words_is_about_one_document() -> None:
    settlement = settlement_of(answered("400000", "文件不存在"))
    assert (settlement.outcome, settlement.code, settlement.message) == (Outcome.ERROR, "400000", "文件不存在")


@pytest.mark.parametrize(("code", "message"), [("500100", "later"), ("B1", "系统忙")])
def test_codes_that_pass_are_tried_again(code: str, message: str) -> None:
    assert isinstance(decide(answered(code, message), RULES), TryAgain)


def test_a_rule_with_words_fits_only_messages_that_hold_them() -> None:
    assert settlement_of(answered("B1", "坏了")).outcome is Outcome.ERROR


def test_any_other_code_is_an_error_with_code_and_message_kept() -> None:
    settlement = settlement_of(answered("300042", "识别失败", status=400))
    assert (settlement.outcome, settlement.code, settlement.message) == (Outcome.ERROR, "300042", "识别失败")


def test_success_without_an_invoice_is_an_error() -> None:
    assert settlement_of(answered()).code == Reason.NO_INVOICE


def test_success_without_any_wanted_expense_is_an_error_with_the_invoices_messages() -> None:
    refused = Invoice(number="1", verified=True, message="发票重复", message_code="DUP")
    settlement = settlement_of(answered("200000", "success", refused))
    assert (settlement.outcome, settlement.code, settlement.message) == (Outcome.ERROR, "DUP", "发票重复")
    assert settlement.invoices == (refused,)


@pytest.mark.parametrize(
    "doubtful",
    [
        Invoice(number="2", verified=True, expense_id="2", message="抬头不符", message_code="T1"),
        Invoice(number="2", verified=False, expense_id="2"),
        Invoice(number="2", verified=True, expense_id=None),
    ],
)
def test_one_doubtful_invoice_among_good_ones_wants_attention(doubtful: Invoice) -> None:
    assert settlement_of(answered("200000", "success", GOOD, doubtful)).outcome is Outcome.ATTENTION


def test_an_invoice_that_was_not_checked_at_all_is_no_reason_for_attention() -> None:
    unchecked = Invoice(number="3", verified=None, expense_id="3")
    assert settlement_of(answered("200000", "success", unchecked)).outcome is Outcome.DONE


def test_recognition_alone_is_done_without_an_expense() -> None:
    rules = RULES.model_copy(update={"create_expense": False})
    assert (
        settlement_of(answered("200000", "success", Invoice(number="4", verified=True)), rules).outcome is Outcome.DONE
    )


def test_a_plain_success_is_done() -> None:
    decision = decide(answered("200000", "success", GOOD), RULES)
    assert isinstance(decision, Settle)
    assert decision.settlement == Settlement(outcome=Outcome.DONE, invoices=(GOOD,))
    assert decision.ending.result == Result.ANSWERED


def test_every_exchange_has_a_row() -> None:
    assert result_of(Exchange(sent=True), RULES) is Result.UNKNOWN
    assert result_of(answered("1"), RULES) is Result.REFUSED


def test_a_refusal_that_has_an_expense_with_it_is_in_doubt_and_keeps_it() -> None:
    decision = decide(answered("500201", "查验失败", GOOD), RULES)
    assert isinstance(decision, Settle)
    assert decision.ending.in_doubt
    kept = with_doubt(decision.settlement, in_doubt=decision.ending.in_doubt)
    assert (kept.outcome, kept.code, kept.message, kept.invoices) == (
        Outcome.ATTENTION, Reason.IN_DOUBT, "500201 查验失败", (GOOD,)
    )  # fmt: skip


def test_a_refusal_without_an_expense_is_an_error_and_in_no_doubt() -> None:
    decision = decide(answered("500201", "查验失败", Invoice(number="4", verified=False)), RULES)
    assert isinstance(decision, Settle)
    assert not decision.ending.in_doubt
    assert decision.settlement == Settlement(outcome=Outcome.ERROR, code="500201", message="查验失败")


def test_an_error_after_a_try_in_doubt_is_never_reported_as_failed() -> None:
    failed = Settlement(outcome=Outcome.ERROR, code="300042", message="识别失败")
    kept = with_doubt(failed, in_doubt=True)
    assert (kept.outcome, kept.code, kept.message) == (Outcome.ATTENTION, Reason.IN_DOUBT, "300042 识别失败")
    assert with_doubt(failed, in_doubt=False) is failed


def test_doubt_changes_nothing_about_what_is_booked() -> None:
    booked = Settlement(outcome=Outcome.DONE, invoices=(GOOD,))
    assert with_doubt(booked, in_doubt=True) is booked


def test_giving_up_keeps_the_last_failures_words() -> None:
    settlement = given_up(TryEnding(result=Result.UNKNOWN, code="HTTP 502", message="bad gateway"))
    assert (settlement.code, settlement.message) == (Reason.GAVE_UP, "HTTP 502 bad gateway")


def test_what_the_journal_cannot_keep_is_in_doubt_and_has_nothing_of_the_answer() -> None:
    decision = decide(answered("200000", "a message", GOOD, raw="{}"))

    settlement, ending = unkept(decision.ending)

    assert (settlement.outcome, settlement.code, settlement.invoices) == (Outcome.ATTENTION, Reason.IN_DOUBT, ())
    assert (ending.result, ending.in_doubt, ending.code, ending.raw) == (Result.ANSWERED, True, None, None)
    assert "a message" not in {settlement.message, ending.message}
