"""No text from outside is taken for a formula, and none is lost for fear of it."""

from __future__ import annotations

import csv
import io
import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.export import cells
from watcher.headers import clean

# Written down once more, and in another way, so that a gap in the rule is no gap in its test.
_STARTS = set("=+-@\t\r\n\N{MINUS SIGN}")
_QUOTES = " '\"`\N{ACUTE ACCENT}‘’“”＇＂"
HOSTILE = st.lists(
    st.sampled_from([*"=+-@;,\t\r\n\x00 '\"＝＋－＠ab1|!()\u202e\u200b\ufeff\ud800中"]), max_size=12
).map("".join)
ANY_TEXT = st.one_of(HOSTILE, st.text(st.characters()))


def is_formula(cell: str) -> bool:
    """Whether a program could take it for one: by what it begins with, also behind what is passed over."""
    if cell.startswith("'"):  # an apostrophe makes text of what follows
        return False
    begin = cell.lstrip(_QUOTES)[:1]
    return begin in _STARTS or unicodedata.normalize("NFKC", begin)[:1] in _STARTS if begin else False


def without_guards(cell: str, original: str) -> bool:
    """Whether the cell is the text and nothing else than apostrophes that were put into it."""
    rest = iter(cell)
    return all(any(each == wanted for each in rest) for wanted in original) and set(cell) <= set(original) | {"'"}


@given(ANY_TEXT)
def test_no_cell_is_a_formula_whatever_its_text(text: str) -> None:
    cell = cells.text(text) or ""

    assert not is_formula(cell)
    assert all(not is_formula(part) for part in cell.split(";"))
    assert without_guards(cell, clean(text, cells.LONGEST_TEXT))


@given(st.lists(ANY_TEXT, min_size=1, max_size=4))
def test_a_line_that_is_cut_at_the_wrong_separator_has_no_formula_either(texts: list[str]) -> None:
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL).writerow([cells.text(text) or "" for text in texts])

    parts = next(csv.reader([line.getvalue().strip()], delimiter=";"))

    assert not [part for part in parts if is_formula(part)]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=cmd|'/c calc'!A1", "'=cmd|'/c calc'!A1"),
        ("+1", "'+1"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'=1"),
        ("\r\n=1", "'=1"),
        ("＝1", "'＝1"),
        ("－1", "'－1"),
        ("﹦1", "'﹦1"),
        ("  =1", "'=1"),
        ("'=1", "''=1"),
        ('"=1"', '\'"=1"'),
        ("\u202e=1", "'=1"),
        ("\u200b=1", "'=1"),
        ("\x00=1", "'=1"),
        ("a;=1", "a;'=1"),
        ("-", "'-"),
        ("a\n=1", "a =1"),
    ],
)
def test_text_that_would_begin_a_formula_has_an_apostrophe_before_it(text: str, cell: str) -> None:
    assert cells.text(text) == cell


@pytest.mark.parametrize(
    "text",
    [
        "903851",
        "000042",
        "26317000000552768706",
        "上海示例出行有限公司",
        "a=b",
        "x-y@corp.example",
        "Smith, Ann",
        "'90s",
    ],
)
def test_other_text_stands_as_it_is(text: str) -> None:
    assert cells.text(text) == text


def test_a_text_of_any_length_fits_into_a_cell_and_says_that_it_was_longer() -> None:
    cell = cells.text("=" * 100_000)

    assert cell is not None
    assert len(cell) <= cells.LONGEST_TEXT + 1
    assert cell.endswith("…")


@pytest.mark.parametrize("nothing", [None, "", " ", "\u200b", "\x00"])
def test_what_says_nothing_is_an_empty_cell(nothing: str | None) -> None:
    assert cells.text(nothing) is None


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("43.50", Decimal("43.50")),
        ("-12.5", Decimal("-12.5")),
        ("+3", Decimal(3)),
        ("1e3", Decimal(1000)),
        ("=1+1", "'=1+1"),
        ("-2+3", "'-2+3"),
        ("NaN", "NaN"),
        ("1e999999999", "1e999999999"),
        (None, None),
    ],
)
def test_an_amount_is_a_number_or_text_like_any_other(written: str | None, amount: Decimal | str | None) -> None:
    assert cells.amount(written) == amount
