"""The endpoint's answer becomes values, as its documentation has it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.model import Invoice, Response
from watcher.recognition.expenses import LONGEST_NUMBER
from watcher.recognition.response import read_response
from watcher.recognition.values import read_date

VECTORS = Path(__file__).parent / "vectors"  # the documentation's own examples, byte by byte
SHANGHAI = ZoneInfo("Asia/Shanghai")

DOCUMENTED = Invoice(
    number="26317000000552768706",
    code=None,
    type="21",
    name="电子发票(普通发票)",
    amount="43.50",
    tax_amount="1.27",
    currency="CNY",
    date=date(2026, 2, 5),
    seller_name="上海滴滴畅行科技有限公司",
    seller_tax_code="91310114MA1GW61J6U",
    buyer_name="上海云简软件科技有限公司",
    buyer_tax_code="913101123325776235",
    verified=True,
)


def read(answer: Any) -> Response:
    response = read_response(json.dumps(answer).encode(), SHANGHAI)
    assert response is not None
    return response


def only(**item: Any) -> Invoice:
    """The one invoice of a successful answer with this item."""
    (invoice,) = read({"resCode": 200000, "resMsg": "success", "data": [item]}).invoices
    return invoice


def test_the_documented_answer_without_an_expense_is_read_to_the_letter() -> None:
    raw = (VECTORS / "response_recognised.json").read_bytes()

    response = read_response(raw, SHANGHAI)

    assert response == Response(code="200000", message="success", invoices=(DOCUMENTED,))


def test_the_documented_answer_with_an_expense_is_read_to_the_letter() -> None:
    raw = (VECTORS / "response_booked.json").read_bytes()

    response = read_response(raw, SHANGHAI)

    assert response is not None
    (invoice,) = response.invoices
    assert (invoice.expense_id, invoice.expense_status) == ("387278780", "Y")
    assert (invoice.message, invoice.message_code) == (None, None)
    assert invoice.amount == "43.50"


def test_the_documented_refusal_keeps_its_code_and_message() -> None:
    raw = (VECTORS / "response_no_key.json").read_bytes()

    assert read_response(raw, SHANGHAI) == Response(code="400000", message="配置校验失败,请预先配置识别秘钥")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>502 Bad Gateway</html>",
        b"null",
        b"[]",
        b'"200000"',
        b"{}",
        b'{"resMsg": "success"}',
        b'{"resCode": null}',
        b'{"resCode": true}',
        b'{"resCode": {"a": 1}, "data": []}'[:12],
        b'{"resCode": {"code": 300042}, "resMsg": "no"}',
        b'{"resCode": [300042], "resMsg": "no"}',
        b'{"resCode": 200000, "data": [',
        b'{"resCode": 200000, "data": "booked"}',
        b'{"resCode": 200000, "data": 7}',
        b'{"resCode": 200000, "data": [{"something": "else"}]}',
        b'{"resCode": 200000, "data": [{"ocr_result": {}, "expense_result": "done"}]}',
        b'{"resCode": 200000, "data": [{"ocr_result": {}, "expense_result": true}]}',
        b"[" * 100_000,
    ],
)
def test_what_is_not_in_the_documented_form_is_no_answer(raw: bytes) -> None:
    assert read_response(raw, SHANGHAI) is None


@pytest.mark.parametrize("code", ["200000", " 200000 ", 200000.0])
def test_a_code_may_be_a_text_or_a_number_of_any_kind(code: str | float) -> None:
    assert read({"resCode": code, "data": []}).code == "200000"


@pytest.mark.parametrize("data", [{}, {"data": None}, {"data": []}, {"data": {}}, {"data": [None, {}]}, {"data": ""}])
def test_a_success_with_nothing_in_it_has_no_invoice(data: dict[str, Any]) -> None:
    assert read({"resCode": 200000, **data}).invoices == ()


def test_a_refusal_is_believed_whatever_its_data_is() -> None:
    assert read({"resCode": 400000, "resMsg": "no", "data": "?"}) == Response(code="400000", message="no")


def test_one_object_is_as_good_as_a_list_of_one() -> None:
    response = read({"resCode": 200000, "data": {"ocr_result": {"invoice_num": "1"}}})

    assert [invoice.number for invoice in response.invoices] == ["1"]


def test_json_within_json_is_decoded_wherever_it_stands() -> None:
    # Given every part as JSON text
    item = {
        "ocr_result": json.dumps({"invoice_num": "26317000000552768706"}),
        "check_result": json.dumps({"result": "1"}),
        "expense_result": json.dumps([{"expense_id": 387278780}]),
    }

    # When the data is one, too
    response = read({"resCode": 200000, "data": json.dumps([item])})

    # Then it reads as if it were plain
    (invoice,) = response.invoices
    assert (invoice.number, invoice.verified, invoice.expense_id) == ("26317000000552768706", True, "387278780")


@pytest.mark.parametrize("written", ["43.50", "43.5", "0.10", "100", "-12.30", "1E+3", "12345678901234567890.12"])
def test_amounts_stay_as_they_are_written(written: str) -> None:
    raw = f'{{"resCode":200000,"data":[{{"ocr_result":{{"amount":{written}}}}}]}}'

    response = read_response(raw.encode(), SHANGHAI)

    assert response is not None
    assert response.invoices[0].amount == written


@pytest.mark.parametrize("written", ["387278780", '"387278780"', "9223372036854775807", '"00012"'])
def test_ids_keep_all_their_digits(written: str) -> None:
    raw = f'{{"resCode":200000,"data":[{{"expense_result":{{"expense_id":{written}}}}}]}}'

    response = read_response(raw.encode(), SHANGHAI)

    assert response is not None
    assert response.invoices[0].expense_id == written.strip('"')


@pytest.mark.parametrize("amount", ["", None, "NaN", "未知", [], {}])
def test_an_amount_that_is_none_is_looked_for_elsewhere(amount: Any) -> None:
    detail = json.dumps({"SummaryAmount": "9.90"})

    assert only(ocr_result={"amount": amount, "invoice_detail": detail}).amount == "9.90"


def test_nan_is_nobodys_amount() -> None:
    response = read_response(b'{"resCode":200000,"data":[{"ocr_result":{"invoice_num":"1","amount":NaN}}]}', SHANGHAI)

    assert response is not None
    assert response.invoices[0].amount is None


def test_what_was_not_recognised_comes_from_the_check() -> None:
    invoice = only(
        ocr_result={"invoice_num": ""},
        check_result={"result": 1, "invoice_number": "7", "total_amount": 43.5, "seller_name": "S", "buyer_name": "B"},
    )

    assert (invoice.number, invoice.amount, invoice.seller_name, invoice.buyer_name) == ("7", "43.5", "S", "B")


def test_what_neither_has_comes_from_the_detail() -> None:
    detail = {"No": "8", "SummaryAmount": "1.00", "TaxAmount": "0.10", "Date": "2026-02-05 00:00:00"}
    detail |= {"Saler": {"Name": "S", "TaxCode": "SC"}, "Buyer": {"Name": "B", "TaxCode": "BC"}}  # type: ignore[dict-item]

    invoice = only(ocr_result={"invoice_detail": json.dumps(detail)})

    assert invoice == Invoice(
        number="8",
        amount="1.00",
        tax_amount="0.10",
        date=date(2026, 2, 5),
        seller_name="S",
        seller_tax_code="SC",
        buyer_name="B",
        buyer_tax_code="BC",
    )


NOTHING = ("null", "None", "无", " 无 ", "空", "N/A", "-", " ", "{}", "[]")  # what programs write where there is none


@pytest.mark.parametrize(
    ("check", "verified"),
    [
        (None, None),
        ({}, None),
        ({"result": 1}, True),
        ({"result": "1"}, True),
        ({"result": 1.0}, True),
        ({"result": 1.5}, False),
        ({"result": 0}, False),
        ({"result": 2}, False),
        ({"result": None}, False),
        ({"invoice_number": "1"}, False),
        ("", None),
        (False, False),
        ("查验失败", False),
        ([{"result": 1}, "查验失败"], False),
        (True, False),
        (0, False),
        ("0", False),
        ("false", False),
        *((nothing, None) for nothing in NOTHING),
        *(([nothing], None) for nothing in NOTHING),
        *(([nothing, {"result": 1}], True) for nothing in NOTHING),
        *(([{"result": 1}, nothing], True) for nothing in NOTHING),
        ('["无"]', None),
        ([["无"], {"result": 2}], False),
        ({"result": "无"}, False),
    ],
)
def test_verified_is_what_the_check_says(check: Any, verified: bool | None) -> None:
    assert only(ocr_result={"invoice_num": "1"}, check_result=check).verified is verified


@pytest.mark.parametrize("check", ["查验失败", True, [{"result": 1}, "查验失败"]])
def test_a_check_that_is_not_understood_is_no_verification_of_any_invoice_beside_it(check: Any) -> None:
    item = {"ocr_result": [{"invoice_num": "1"}, {"invoice_num": "2"}], "check_result": check}

    invoices = read({"resCode": 200000, "data": item}).invoices

    assert [(invoice.number, invoice.verified) for invoice in invoices] == [("1", False), ("2", False)]


@pytest.mark.parametrize("nothing", [*NOTHING, None])
def test_where_one_of_several_invoices_has_nothing_the_others_keep_what_is_theirs(nothing: Any) -> None:
    item = {
        "ocr_result": [{"invoice_num": "1"}, {"invoice_num": "2"}, {"invoice_num": "3"}],
        "check_result": [nothing, {"result": 1}, {"result": 2}],
        "expense_result": [{"expense_id": 5}, nothing, {"expense_id": 7}],
    }

    invoices = read({"resCode": 200000, "data": item}).invoices

    assert [(invoice.number, invoice.verified, invoice.expense_id) for invoice in invoices] == [
        ("1", None, "5"), ("2", True, None), ("3", False, "7"),
    ]  # fmt: skip


def test_an_invoice_with_several_expenses_shows_every_one() -> None:
    response = read(
        {
            "resCode": 200000,
            "data": [{"ocr_result": {"invoice_num": "1"}, "expense_result": [{"expense_id": 5}, {"expense_id": 6}]}],
        }
    )

    assert [(invoice.number, invoice.expense_id) for invoice in response.invoices] == [("1", "5"), ("1", "6")]


@pytest.mark.parametrize(
    ("written", "ids"),
    [
        *(
            (5, ["5"]),
            ("5", ["5"]),
            ({"expense_id": 387278780.0}, ["387278780"]),
            ([5, 6], ["5", "6"]),
            (False, [None]),
            ("", [None]),
        ),
        *((nothing, [None]) for nothing in NOTHING),
    ],
)
def test_an_expense_may_be_no_more_than_its_id(written: Any, ids: list[str | None]) -> None:
    item = {"ocr_result": {"invoice_num": "1"}, "expense_result": written}

    assert [invoice.expense_id for invoice in read({"resCode": 200000, "data": [item]}).invoices] == ids


def test_lists_of_parts_are_taken_pair_by_pair() -> None:
    item = {
        "ocr_result": [{"invoice_num": "1"}, {"invoice_num": "2"}],
        "check_result": [{"result": 1}, {"result": 0}],
        "expense_result": [{"expense_id": 5}],
    }

    invoices = read({"resCode": 200000, "data": item}).invoices

    assert [(i.number, i.verified, i.expense_id) for i in invoices] == [("1", True, "5"), ("2", False, None)]


def test_a_message_of_the_business_validation_is_kept_even_without_an_expense() -> None:
    invoice = only(
        ocr_result={"invoice_num": "1"},
        expense_result={"invoice_message": "发票重复", "invoice_message_code": "E1", "invoice_status": "N"},
    )

    assert (invoice.message, invoice.message_code, invoice.expense_status) == ("发票重复", "E1", "N")
    assert invoice.expense_id is None


def test_texts_hold_nothing_that_a_database_or_a_terminal_chokes_on() -> None:
    invoice = only(ocr_result={"invoice_num": "1", "name": "a\x00b\x1b[31m\ud800\n" + "x" * 10_000})

    assert invoice.name is not None
    invoice.name.encode()
    assert "\x00" not in invoice.name
    assert "\x1b" not in invoice.name
    assert len(invoice.name) <= 2000


@pytest.mark.parametrize("sign", ["票", "9"])
def test_what_is_looked_up_by_is_no_longer_than_a_database_can_index(sign: str) -> None:
    endless = sign * 10_000
    invoice = only(ocr_result={"invoice_num": endless, "invoice_code": endless}, expense_result={"expense_id": endless})

    assert [len(each or "") for each in (invoice.number, invoice.code, invoice.expense_id)] == [LONGEST_NUMBER] * 3


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("1770220800000", date(2026, 2, 5)),  # midnight in Shanghai, the day before in UTC
        ("20260205", date(2026, 2, 5)),
        ("2026-02-05", date(2026, 2, 5)),
        ("2026-02-05 00:00:00", date(2026, 2, 5)),
        ("2026-02-05T00:00:00", date(2026, 2, 5)),
        ("2026/2/5", date(2026, 2, 5)),
        ("2026年2月5日", date(2026, 2, 5)),
        ("20261305", None),
        ("99999999999999999999", None),
        ("soon", None),
        ("", None),
    ],
)
def test_dates_are_read_in_every_form_the_endpoint_writes(written: str, day: date | None) -> None:
    assert read_date(written, SHANGHAI) == day


def test_a_date_in_milliseconds_is_that_of_the_configured_time_zone() -> None:
    assert read_date("1770220800000", ZoneInfo("America/New_York")) == date(2026, 2, 4)


def test_the_date_falls_back_to_what_was_entered_and_then_to_the_detail() -> None:
    entered, detail = json.dumps({"Date": "20260206"}), json.dumps({"Date": "2026-02-07 00:00:00"})

    assert only(ocr_result={"receipt_date": None, "invoice_input": entered, "invoice_detail": detail}).date == date(
        2026, 2, 6
    )
    assert only(ocr_result={"receipt_date": "?", "invoice_detail": detail}).date == date(2026, 2, 7)


def test_an_answer_in_gb18030_is_read_too() -> None:
    response = read_response('{"resCode": 400001, "resMsg": "工号不存在"}'.encode("gb18030"), SHANGHAI)

    assert response == Response(code="400001", message="工号不存在")


_KEYS = (
    "resCode data ocr_result check_result expense_result invoice_detail amount name receipt_date expense_id result "
    "Saler invoice_message"
).split()
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=5),
    max_leaves=20,
)


@given(data=_JSON)
def test_no_answer_whatsoever_raises(data: Any) -> None:
    response = read_response(json.dumps({"resCode": 200000, "data": data}).encode(), SHANGHAI)

    assert response is None or response.code == "200000"


@given(raw=st.binary())
def test_no_bytes_whatsoever_raise(raw: bytes) -> None:
    read_response(raw, SHANGHAI)


@pytest.mark.parametrize(
    "written",
    [
        *("0", '"0"', '"00"', "-1", '"-1"', '"null"', '"None"', "null", '""', "false", '" "'),
        *("0.0", '"-"', '"无"', '"N/A"', "[]", "[null]", "[0]", "{}", '{"id": null}'),
    ],
)
def test_what_programs_write_for_no_expense_is_none(written: str) -> None:
    expense = f'{{"expense_id":{written},"invoice_status":"N"}}'
    raw = f'{{"resCode":200000,"data":[{{"ocr_result":{{}},"expense_result":{expense}}}]}}'

    response = read_response(raw.encode(), SHANGHAI)

    assert response is not None
    assert [invoice.expense_id for invoice in response.invoices] == [None]


@pytest.mark.parametrize(
    "answer",
    [
        {"data": [{"ocr_result": {"invoice_num": "1"}}], "expense_result": {"expense_id": 5}},
        {"data": [{"ocr_result": {"invoice_num": "1"}, "expense_id": 5}]},
        {"data": [{"ocr_result": {"invoice_num": "1"}, "expense_results": [{"expense_id": 5}]}]},
        {"data": [{"ocr_result": {"invoice_num": "1"}, "expense_result": {"data": {"expense_id": 5}}}]},
        {"data": [{"ocr_result": {"invoice_num": "1"}, "expense_result": {"expenseId": 5}}]},
        {"data": [{"ocr_result": {"invoice_num": "1"}, "expense_result": {"expense_id": [5, 6]}}]},
        {"data": [{"ocr_result": {"invoice_num": "1"}, "expense_result": {"expense_ids": [5]}}]},
        {"data": [{"ocr_result": {"invoice_num": "1"}, "expense_result": {"expenseIdList": [{"id": 5}]}}]},
        {"data": json.dumps([{"ocr_result": {"invoice_num": "1"}, "expense_id": "5"}])},
        {"result": [{"ocr_result": {"invoice_num": "1"}, "expense_result": {"expense_id": 5}}]},
    ],
)
def test_an_expense_where_none_belongs_does_not_pass_for_none(answer: dict[str, Any]) -> None:
    assert read_response(json.dumps({"resCode": 200000, **answer}).encode(), SHANGHAI) is None


@pytest.mark.parametrize("code", [500201, 400000])
@pytest.mark.parametrize(
    ("answer", "expenses"),
    [
        ({"expense_result": {"expense_id": 5}}, [None, "5"]),
        ({"data": {"expense_id": 5}}, ["5"]),
        ({"data": "失败", "expenseId": "5"}, ["5"]),
        ({"data": [{"ocr_result": {"invoice_num": "1"}, "expenseId": 5}]}, [None, "5"]),
        ({"data": [{"ocr_result": {"invoice_num": "1"}, "expense_result": {"expense_id": [5, 6]}}]}, [None, "5", "6"]),
        ({"data": [{"ocr_result": {"invoice_num": "1"}, "expense_result": {"expense_id": 5}}]}, ["5"]),
        ({"data": json.dumps([{"expense_id": "5"}])}, ["5"]),
        ({"data": {"expense_id": 0}}, []),
        ({"data": "失败"}, []),
        ({"data": [{"ocr_result": {"invoice_num": "1", "expense_id": 5}}]}, [None]),
    ],
)
def test_an_expense_where_none_belongs_counts_in_an_answer_that_is_no_success(
    code: int, answer: dict[str, Any], expenses: list[str | None]
) -> None:
    invoices = read({"resCode": code, "data": [{"ocr_result": {"invoice_num": "1"}}], **answer}).invoices

    assert [invoice.expense_id for invoice in invoices] == expenses


def test_an_expense_that_the_invoice_had_before_is_none_of_this_request() -> None:
    invoice = only(
        ocr_result={"invoice_num": "1", "expense_id": 5},
        expense_result={"expense_id": None, "invoice_message": "发票重复", "expense_count": 0},
    )
    assert (invoice.expense_id, invoice.message) == (None, "发票重复")
