"""What comes from the child is believed only where it has the right shape."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.documents.inspection.answers import LARGEST_ANSWER, BadAnswer, decoded, encoded
from watcher.seen import By, Mark, Seen, SeenInvoice

INVOICE = SeenInvoice(
    by=By.QR, number="26117000001234567890", date=date(2026, 5, 1), amount="318.00", seller="甲", first=1, last=2
)
SEEN = Seen(
    pages=2,
    deep=True,
    searched=2,
    invoices=(INVOICE,),
    marks=frozenset({Mark.INVOICE, Mark.FOLIO}),
    title="电子发票",
    width=3,
    height=4,
)


def test_an_answer_is_read_as_it_was_written() -> None:
    assert decoded(encoded(SEEN)) == SEEN
    assert decoded(encoded(Seen(locked=True))) == Seen(locked=True)


def _changed(**values: Any) -> bytes:
    return json.dumps(json.loads(encoded(SEEN)) | values).encode()


def _invoice(**values: Any) -> list[dict[str, Any]]:
    return [json.loads(encoded(SEEN))["invoices"][0] | values]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        _changed(pages="2"),
        _changed(pages=True),
        _changed(pages=-1),
        _changed(pages=10**12),
        _changed(title=["a"]),
        _changed(marks=["spam"]),
        _changed(marks=7),
        _changed(invoices={}),
        _changed(invoices=_invoice() * 201),
        _changed(invoices=_invoice(by="hearsay")),
        _changed(invoices=_invoice(date="2026-13-01")),
        _changed(invoices=_invoice(number=5)),
        _changed(invoices=_invoice(first=1.5)),
        _changed(invoices=["x"]),
        _changed(invoices=_invoice(amount="1e9")),
        _changed(invoices=_invoice(amount="NaN")),
        _changed(invoices=_invoice(amount="٣")),
        _changed(invoices=_invoice(code="ABC")),
        _changed(invoices=_invoice(first=3, last=2)),
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        decoded(data)


def test_long_texts_are_cut_and_broken_ones_mended() -> None:
    found = decoded(_changed(title="x" * 10_000, invoices=_invoice(seller="\ud800" + "y" * 10_000)))
    assert found.title == "x" * 80
    assert found.invoices[0].seller == "?" + "y" * 99


def test_what_would_be_too_large_is_answered_without_invoices() -> None:
    many = Seen(
        pages=9, deep=True, invoices=tuple(SeenInvoice(by=By.TEXT, seller="\U0001f600" * 900) for _ in range(199))
    )
    data = encoded(many)
    assert len(data) <= LARGEST_ANSWER
    assert decoded(data) == Seen(pages=9)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["pages", "invoices", "marks", "title", "by", "date", "number"]), inner)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_no_answer_does_harm(value: Any) -> None:
    for data in (json.dumps(value).encode(), _changed(invoices=value), _changed(title=value), _changed(marks=value)):
        with suppress(BadAnswer):
            assert isinstance(decoded(data), Seen)
