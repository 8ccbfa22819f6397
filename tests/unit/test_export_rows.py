"""Which rows the table of invoices has, and that its sums have each invoice once."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.submissions import document, invoice, submission
from watcher.export import COLUMNS, rows, write_csv
from watcher.export.cells import Cell
from watcher.export.rows import Row
from watcher.headers import clean
from watcher.model import Outcome, Submission

SHANGHAI = ZoneInfo("Asia/Shanghai")
NAMES = [column.name for column in COLUMNS]


def table(*submissions: Submission) -> list[dict[str, Cell]]:
    return [dict(zip(NAMES, row, strict=True)) for row in rows(submissions, SHANGHAI)]


def total(found: list[dict[str, Cell]]) -> Decimal:
    """What a person gets who adds the column up."""
    return sum((cell for row in found if isinstance(cell := row["amount"], Decimal)), Decimal(0))


def as_csv(*found: Row) -> list[list[str]]:
    """As another program reads it; the heading first."""
    stream = io.BytesIO()
    assert write_csv(found, stream) == len(found)
    return list(csv.reader(io.StringIO(stream.getvalue().decode("utf-8-sig"), newline="")))


def test_a_row_has_what_an_accountant_asks_for() -> None:
    (row,) = table(submission(document(7, outcome=Outcome.ATTENTION, code="B1", message="发票重复")))

    assert {name: value for name, value in row.items() if value is not None} == {
        "received_on": date(2026, 11, 23),
        "received_at": "2026-11-23T10:00:00.000+08:00",
        "source": "fapiao",
        "kind": "mail",
        "sender": "zhang.san@corp.example",
        "user_code": "903851",
        "person_name": "张三",
        "subject": "转发: 差旅发票",
        "document_name": "发票-7.pdf",
        "outcome": "attention",
        "document_code": "B1",
        "document_message": "发票重复",
        "number": "26317000000552768706",
        "name": "电子发票（普通发票）",
        "date": date(2026, 2, 5),
        "seller_name": "上海示例出行有限公司",
        "amount": Decimal("43.50"),
        "currency": "CNY",
        "counted": True,
        "verified": True,
        "expense_id": "387278780",
        "settled_at": "2026-11-23T10:00:00.000+08:00",
        "state": "settled",
        "submission_id": "0b8c2f7e41",
        "document_id": 7,
        "booking": 7,
        "biz_id": "dbc64bb9-98cd-4adf-ab80-945573a80759",
    }


def test_each_invoice_has_a_row_and_a_document_without_any_has_none() -> None:
    first = document(1, invoices=(invoice(number="1" * 8), invoice(number="2" * 8)))
    bare = document(2, outcome=Outcome.ERROR, code="NO_INVOICE", invoices=())

    found = table(submission(first, bare), submission(document(3)))

    assert [(row["document_id"], row["number"]) for row in found] == [
        (1, "1" * 8),
        (1, "2" * 8),
        (3, "26317000000552768706"),
    ]


def test_what_is_not_known_of_the_employee_for_whom_it_was_booked_is_known_of_the_submission() -> None:
    (row,) = table(submission(document(1, user_code=None), user_code="000042"))
    assert row["user_code"] == "000042"


@pytest.mark.parametrize("outcome", [Outcome.DUPLICATE, Outcome.ERROR, Outcome.SKIPPED, None])
def test_an_amount_that_was_not_booked_by_this_document_is_not_in_the_sum(outcome: Outcome | None) -> None:
    booked = document(1)
    other = document(2, outcome=outcome, duplicate_of=1 if outcome is Outcome.DUPLICATE else None)

    found = table(submission(booked), submission(other))

    assert total(found) == Decimal("43.50")
    assert [(row["counted"], row["amount"], row["amount_not_counted"]) for row in found] == [
        (True, Decimal("43.50"), None),
        (False, None, Decimal("43.50")),
    ]


def test_an_invoice_with_several_expenses_is_in_the_sum_once() -> None:
    split = document(1, invoices=(invoice(expense_id="E1"), invoice(expense_id="E2"), invoice(number="9" * 8)))

    found = table(submission(split))

    assert [row["counted"] for row in found] == [True, False, True]
    assert total(found) == Decimal("87.00")


def test_receipts_without_a_number_are_as_many_as_there_are() -> None:
    receipts = document(1, invoices=(invoice(number=None), invoice(number=None)))
    assert total(table(submission(receipts))) == Decimal("87.00")


def test_of_a_document_in_part_of_which_an_expense_failed_the_booked_part_is_in_the_sum() -> None:
    failed = invoice(number="9" * 8, expense_id=None, message="超出预算")
    found = table(submission(document(1, outcome=Outcome.ATTENTION, invoices=(invoice(), failed))))
    assert [row["counted"] for row in found] == [True, False]


def test_where_nothing_is_booked_what_was_recognised_is_in_the_sum() -> None:
    found = table(submission(document(1, invoices=(invoice(expense_id=None),))))
    assert total(found) == Decimal("43.50")


def test_csv_is_what_excel_and_a_program_read_alike() -> None:
    what = submission(
        document(1, invoices=(invoice(amount="-12.50", seller_name='a,"b"\n=c', verified=None, tax_amount="1e2"),))
    )
    stream = io.BytesIO()
    write_csv(rows([what], SHANGHAI), stream)
    raw = stream.getvalue()

    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw.endswith(b"\r\n")
    assert raw.count(b"\n") == raw.count(b"\r\n") == 2
    assert all(re.fullmatch(r'("([^"]|"")*"(,|$))+', line) for line in raw.decode("utf-8-sig").splitlines())
    heading, values = as_csv(*rows([what], SHANGHAI))
    row = dict(zip(heading, values, strict=True))
    assert heading == NAMES
    assert (row["amount"], row["tax_amount"], row["date"]) == ("-12.50", "100", "2026-02-05")
    assert (row["seller_name"], row["verified"], row["counted"]) == ('a,"b" =c', "", "true")


def test_a_table_without_invoices_is_its_heading() -> None:
    assert as_csv() == [NAMES]


@given(st.text(st.characters()))
def test_text_comes_out_of_csv_as_it_was_cleaned(text: str) -> None:
    what = submission(document(1, invoices=(invoice(seller_name=text),)))

    heading, values = as_csv(*rows([what], SHANGHAI))

    read = values[heading.index("seller_name")]
    assert read == clean(text, 2000) or read.replace("'", "") == clean(text, 2000).replace("'", "")


def test_no_two_columns_have_one_name() -> None:
    assert len(set(NAMES)) == len(NAMES)
