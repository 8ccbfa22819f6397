"""`export`: the invoices as a table for accountants, beside a running daemon."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

from watcher.cli.destination import standard_output, to_file, to_standard_output
from watcher.cli.reading import journal_of, parse_moment, placed
from watcher.errors import UsageError
from watcher.export import rows, write_csv, write_xlsx
from watcher.export.rows import Row

Format = Literal["csv", "xlsx"]

_NO_TERMINAL = "an XLSX file cannot be shown on a terminal: name a file with --output FILE, or choose --format csv"


def export(path: Path, *, format_: Format | None, since: str | None, output: Path | None) -> None:
    """Write the table to standard output, or to a file, which it replaces when all is written.

    Without a format it is that of the file's name (.xlsx), else CSV. Raises UsageError, FileNotWritten, OSError.
    """
    chosen = format_ or _format_of(output)
    if chosen == "xlsx" and output is None and sys.stdout.isatty():
        raise UsageError(_NO_TERMINAL)
    moment = None if since is None else parse_moment(since, datetime.now(UTC))
    with journal_of(path) as (configuration, journal):
        zone = configuration.timezone
        found = rows(journal.ledger(placed(moment, zone)), zone)
        if output is None:
            _to_standard_output(chosen, found)
        else:
            count = to_file(output, partial(_write, chosen, found))
            print(f"{output}: {'1 row' if count == 1 else f'{count} rows'}")  # noqa: T201


def _format_of(output: Path | None) -> Format:
    return "xlsx" if output is not None and output.suffix.lower() == ".xlsx" else "csv"


def _to_standard_output(chosen: Format, found: Iterable[Row]) -> None:
    if chosen == "xlsx":
        to_standard_output(partial(write_xlsx, found))
        return
    with standard_output() as stream:
        write_csv(found, stream)


def _write(chosen: Format, found: Iterable[Row], made: Path) -> int:
    if chosen == "xlsx":
        return write_xlsx(found, made)
    with made.open("wb") as stream:
        return write_csv(found, stream)
