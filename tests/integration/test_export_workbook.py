"""The workbook as another program reads it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.submissions import document, invoice, submission
from watcher.export import COLUMNS, TooManyRows, cells, rows, write_xlsx
from watcher.model import Invoice

SHANGHAI = ZoneInfo("Asia/Shanghai")
NAMES = [column.name for column in COLUMNS]


def workbook(path: Path, *invoices: Invoice, **options: Any) -> openpyxl.Workbook:
    write_xlsx(rows([submission(document(1, invoices=invoices))], SHANGHAI), path, **options)
    return openpyxl.load_workbook(path)


def cell(path: Path, name: str, one: Invoice) -> Any:
    """Of the first row, under that heading."""
    return workbook(path, one).active.cell(2, NAMES.index(name) + 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "invoices.xlsx"


def test_the_sheet_has_a_fixed_heading_with_filters_over_all_rows(path: Path) -> None:
    sheet = workbook(path, invoice(), invoice(number="9" * 8)).active

    assert [heading.value for heading in sheet[1]] == NAMES
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == f"A1:{sheet.cell(3, len(NAMES)).coordinate}"
    assert sheet.max_row == 3
    assert sheet.column_dimensions["A"].width > 10


def test_a_sheet_without_invoices_is_its_heading(path: Path) -> None:
    assert write_xlsx([], path) == 0
    assert [row[0].value for row in openpyxl.load_workbook(path).active] == [NAMES[0]]


@pytest.mark.parametrize(
    ("name", "given", "value", "kind"),
    [
        ("amount", {"amount": "43.50"}, 43.5, "n"),
        ("amount", {"amount": "-1234567890123.45"}, -1234567890123.45, "n"),
        ("amount", {"amount": "1234567890123456.78"}, "1234567890123456.78", "s"),
        ("amount", {"amount": "=1"}, "'=1", "s"),
        ("date", {"date": date(2026, 2, 5)}, datetime.fromisoformat("2026-02-05"), "d"),
        ("date", {"date": date(1583, 1, 1)}, "1583-01-01", "s"),
        ("number", {"number": "26317000000552768706"}, "26317000000552768706", "s"),
        ("code", {"code": "000042"}, "000042", "s"),
        ("seller_name", {"seller_name": "https://evil.example/"}, "https://evil.example/", "s"),
        ("seller_name", {"seller_name": "_x003D_1"}, "_x005F_x003D_1", "s"),  # which Excel shows as it came
        ("verified", {"verified": False}, False, "b"),
    ],
)
def test_a_value_is_of_its_own_kind_and_loses_nothing(
    path: Path, name: str, given: dict[str, Any], value: object, kind: str
) -> None:
    found = cell(path, name, invoice(**given))

    assert (found.value, found.data_type) == (value, kind)
    assert found.hyperlink is None


def test_text_stays_text_when_a_person_edits_it(path: Path) -> None:
    assert cell(path, "seller_name", invoice(seller_name="=1")).number_format == "@"
    assert cell(path, "amount", invoice()).number_format == "#,##0.00##"


@given(st.lists(st.text(st.characters()), min_size=1, max_size=20))
def test_no_text_is_a_formula_and_each_comes_out_as_it_was_cleaned(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.xlsx"
    sheet = workbook(path, *(invoice(seller_name=text) for text in texts)).active

    column = NAMES.index("seller_name") + 1
    assert [sheet.cell(row, column).value for row in range(2, 2 + len(texts))] == [cells.text(text) for text in texts]
    assert {each.data_type for row in sheet for each in row} <= {"s", "n", "b", "d"}


def test_more_invoices_than_a_sheet_has_rows_are_told_and_none_is_left_out(path: Path) -> None:
    assert write_xlsx([(None,)] * 2, path, most_rows=2) == 2
    with pytest.raises(TooManyRows, match=r"more than 2 invoices.*--since.*--format csv"):
        write_xlsx([(None,)] * 3, path, most_rows=2)


def test_rows_do_not_wait_in_memory_for_the_end(path: Path) -> None:
    taken = []

    def watched() -> Iterator[tuple[str]]:
        for number in range(3000):
            yield (f"{number:0100}",)
            taken.append(sum(each.stat().st_size for each in path.parent.iterdir()))

    write_xlsx(watched(), path)

    assert taken[2500] > 100_000


def test_the_same_rows_are_the_same_file_and_it_names_nobody(path: Path, tmp_path: Path) -> None:
    workbook(path, invoice())
    workbook(other := tmp_path / "other.xlsx", invoice())

    assert path.read_bytes() == other.read_bytes()
    assert b"<dc:creator></dc:creator>" in zipfile.ZipFile(path).read("docProps/core.xml")
