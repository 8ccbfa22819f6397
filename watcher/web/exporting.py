"""The table for accountants, as a download: however many invoices there are, few are in memory."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as Answer

from watcher.export import TooManyRows, rows
from watcher.export.csv_file import csv_lines
from watcher.export.rows import Row
from watcher.export.xlsx_file import write_xlsx
from watcher.web.front import Front
from watcher.web.listing import day_of
from watcher.web.visit import Visits

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_LONGEST_DATE = 40
_LINES_AT_ONCE = 200
_CHUNK_BYTES = 256 * 1024


class Exporting:
    """One export at a time: each reads the journal for as long as it takes, and holds one of the server's threads."""

    def __init__(self, front: Front, visits: Visits) -> None:
        self._front = front
        self._visits = visits
        self._busy = threading.Lock()

    def join(self, pages: Blueprint) -> None:
        pages.add_url_rule("/export", "export", self.ask)
        pages.add_url_rule(f"/export/invoices.<any({', '.join(FORMATS)}):chosen>", "download", self.download)

    def ask(self, status: int = 200, wrong: str | None = None) -> Answer:
        since = request.args.get("since", "")[:_LONGEST_DATE]
        return self._visits.page("export", status, formats=list(FORMATS), wrong=wrong, since=since)

    def download(self, chosen: str) -> Answer:
        """The file, as it is made; the journal is read until it has been sent."""
        speech, since = self._visits.speech, request.args.get("since", "")
        day = day_of(since, speech.zone)
        if since and day is None:
            return self.ask(400, speech.say("list.bad_since", text=since[:_LONGEST_DATE]))
        with ExitStack() as holding:
            current = holding.enter_context(self._front.current())
            if current.journal is None:
                return self._visits.one_moment()
            if not self._busy.acquire(blocking=False):
                return self.ask(503, speech.say("export.busy"))
            holding.callback(self._busy.release)
            found = rows(current.journal.ledger(day), speech.zone)
            try:
                body = _lines(found) if chosen == "csv" else _workbook(found, holding)
            except TooManyRows:
                return self.ask(422, speech.say("export.too_many"))
            response = Response(body, content_type=FORMATS[chosen])
            response.call_on_close(holding.pop_all().close)
        response.headers["Content-Disposition"] = f'attachment; filename="invoices.{chosen}"'
        return response


def _lines(found: Iterable[Row]) -> Iterator[bytes]:
    lines = csv_lines(found)
    while some := list(islice(lines, _LINES_AT_ONCE)):
        yield b"".join(some)


def _workbook(found: Iterable[Row], holding: ExitStack) -> Iterator[bytes]:
    """It is written whole before any of it is sent, so that one that cannot be is an error and not half a file."""
    directory = Path(holding.enter_context(tempfile.TemporaryDirectory(prefix="invoice-watcher-")))
    write_xlsx(found, directory / "invoices.xlsx")
    return _chunks(holding.enter_context((directory / "invoices.xlsx").open("rb")))


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK_BYTES):
        yield chunk
