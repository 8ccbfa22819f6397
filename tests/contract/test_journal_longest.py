"""What every journal takes however long it is: databases look up by no more than some thousands of bytes."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from zoneinfo import ZoneInfo

from tests.support.journals import ENDED, book, claim_one, document, done, mail, only, settle
from watcher.model import Invoice, Outcome
from watcher.people.entries import LONGEST_CODE
from watcher.ports import Journal
from watcher.recognition.response import read_response

ENDLESS = 5000
LONGEST_ADDRESS = "a" * 64 + "@" + ".".join("b" * 63 for _ in range(3)) + ".example"


def words(length: int) -> str:
    """Such as no database can write shorter; each character has four bytes."""
    signs = random.Random(1)
    return "".join(chr(signs.randrange(0x20000, 0x2A6D0)) for _ in range(length))


def answered(**item: object) -> tuple[Invoice, ...]:
    """The invoices of an answer with this item."""
    response = read_response(json.dumps({"resCode": 200000, "data": [item]}).encode(), ZoneInfo("Asia/Shanghai"))
    assert response is not None
    return response.invoices


def test_an_answer_is_taken_whatever_it_takes_for_a_number(journal: Journal) -> None:
    name, endless = journal.record(mail(document("a"))), words(ENDLESS)
    found = answered(
        ocr_result={"invoice_num": endless, "invoice_code": endless, "name": endless, "invoice_type": endless},
        check_result={"result": 1, "seller_name": endless, "seller_tax_code": endless},
        expense_result={"expense_id": endless, "invoice_status": endless, "invoice_message": endless},
    )

    settle(journal, claim_one(journal), done(*found), ENDED)

    (kept,) = only(journal, name).documents
    assert (kept.outcome, kept.invoices) == (Outcome.DONE, found)


def test_the_longest_number_of_an_employee_is_booked(journal: Journal) -> None:
    code = words(LONGEST_CODE)
    part = document("f" * 64 + "#1000-2000", sha256="f" * 64)
    name = journal.record(mail(part, user_code=code, counts_as=code, sender=LONGEST_ADDRESS, subject=words(ENDLESS)))

    assert book(journal).key.user_code == code

    assert only(journal, name).documents[0].outcome is Outcome.DONE
    assert journal.spent("fapiao", code, timedelta(hours=1)).count == 1
