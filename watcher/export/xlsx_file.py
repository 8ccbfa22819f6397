"""The table as a workbook for Excel: one sheet, its heading fixed and with filters.

Numbers of invoices and people are text, so that no digit of them is lost. Amounts are numbers, dates are dates.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from watcher.errors import PersonalError
from watcher.export.cells import Cell
from watcher.export.rows import COLUMNS, Row

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

MOST_ROWS = 1_048_575  # that a sheet can have, below the heading
_EXACT_DIGITS = 15  # of a number in a spreadsheet; one with more is kept as text
_FIRST_YEAR = 1900  # of a spreadsheet's calendar
_OPTIONS = {
    "constant_memory": True,  # a row is on the disk when the next one begins
    "use_zip64": True,  # a full sheet is larger than what ZIP has room for without
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
# No time of its own, so that the same rows are the same file.
_PROPERTIES = {"created": datetime(1980, 1, 1)}  # noqa: DTZ001 - it is written as it stands


class TooManyRows(PersonalError):
    """There are more invoices than a sheet has rows."""


class _Formats(Struct, frozen=True, kw_only=True):
    text: Format
    amount: Format
    date: Format


def write_xlsx(rows: Iterable[Row], path: Path, *, most_rows: int = MOST_ROWS) -> int:
    """Write the workbook to this path; how many rows. What it needs meanwhile lies beside it.

    Raises OSError; TooManyRows where a sheet cannot have them all, for none is left out.
    """
    from xlsxwriter import Workbook
    from xlsxwriter.exceptions import FileCreateError

    workbook = Workbook(path, {**_OPTIONS, "tmpdir": str(path.parent)})
    try:
        count = _fill(workbook, rows, most_rows)
        workbook.close()
    except FileCreateError as error:
        raise error.args[0] from error  # the OSError that it was made of
    finally:
        _let_go(workbook)
    return count


def _let_go(workbook: Workbook) -> None:
    """The library closes what it wrote the rows to only where all goes well."""
    for sheet in workbook.worksheets():
        with contextlib.suppress(OSError):
            sheet._opt_close()  # noqa: SLF001


def _fill(workbook: Workbook, rows: Iterable[Row], most_rows: int) -> int:
    workbook.set_properties(_PROPERTIES)
    sheet = workbook.add_worksheet("invoices")
    formats = _Formats(
        text=workbook.add_format({"num_format": "@"}),  # stays text when a person edits it
        amount=workbook.add_format({"num_format": "#,##0.00##"}),
        date=workbook.add_format({"num_format": "yyyy-mm-dd"}),
    )
    _begin(sheet, workbook.add_format({"bold": True}))
    count = 0
    for count, row in enumerate(rows, 1):
        if count > most_rows:
            raise TooManyRows(
                f"there are more than {most_rows} invoices, and no more fit into a sheet: "
                "choose fewer with --since, or --format csv"
            )
        for column, cell in enumerate(row):
            _write(sheet, count, column, cell, formats)
    sheet.autofilter(0, 0, count, len(COLUMNS) - 1)
    return count


def _begin(sheet: Worksheet, heading: Format) -> None:
    sheet.freeze_panes(1, 0)
    for number, column in enumerate(COLUMNS):
        sheet.set_column(number, number, column.width)
        sheet.write_string(0, number, column.name, heading)


def _write(sheet: Worksheet, row: int, column: int, cell: Cell, formats: _Formats) -> None:
    """By what it is, never by what it looks like."""
    match cell:
        case None:
            pass
        case bool():
            sheet.write_boolean(row, column, cell)
        case int():
            sheet.write_number(row, column, cell)
        case Decimal() if len(cell.as_tuple().digits) <= _EXACT_DIGITS:
            sheet.write_number(row, column, cell, formats.amount)
        case Decimal():
            sheet.write_string(row, column, format(cell, "f"), formats.text)
        case date() if cell.year >= _FIRST_YEAR:
            sheet.write_datetime(row, column, cell, formats.date)
        case date():
            sheet.write_string(row, column, cell.isoformat(), formats.text)
        case str():
            sheet.write_string(row, column, cell, formats.text)
