"""The table as CSV: UTF-8 with a byte order mark, by which Excel knows it, and lines that end in CR LF (RFC 4180).

Every value stands in quotes: programs that cut lines at other separators than the comma cut none of these.
CSV has no types. A program that opens it may show long numbers rounded and drop leading zeros; XLSX keeps both.
"""

from __future__ import annotations

import csv
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import BinaryIO

from watcher.export.cells import Cell
from watcher.export.rows import COLUMNS, Row


class _Line:
    """What the csv module writes a line to."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, line: str) -> int:
        self.data = line.encode()
        return len(self.data)


def csv_lines(rows: Iterable[Row]) -> Iterator[bytes]:
    """The byte order mark with the heading, then each row."""
    line = _Line()
    writer = csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(column.name for column in COLUMNS)
    yield BOM_UTF8 + line.data
    for row in rows:
        writer.writerow(map(_written, row))
        yield line.data


def write_csv(rows: Iterable[Row], stream: BinaryIO) -> int:
    """Write the heading and the rows; how many rows. Raises OSError."""
    lines = 0
    for line in csv_lines(rows):
        stream.write(line)
        lines += 1
    return lines - 1  # without the heading


def _written(cell: Cell) -> str:
    """Amounts in plain digits, dates as YYYY-MM-DD, truth values as in JSON, nothing for nothing."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return format(cell, "f") if isinstance(cell, Decimal) else str(cell)
