"""The table for accountants, as a download: however many invoices there are, few are in memory."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as Answer
from werkzeug.wsgi import wrap_file

from watcher.export import TooManyRows, rows, write_csv, write_xlsx
from watcher.export.rows import Row
from watcher.web.front import Front
from watcher.web.listing import day_of
from watcher.web.visit import Visits

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_LONGEST_DATE = 40
_CHUNK_BYTES = 256 * 1024


class Exporting:
    """One export is written at a time: each reads the journal for as long as it takes, and holds one of the server's
    threads. It is sent when it is whole, to however many.
    """

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
        """The file, once it is whole: one that cannot be made is an error and not half of it."""
        speech, since = self._visits.speech, request.args.get("since", "")
        day = day_of(since, speech.zone)
        if since and day is None:
            return self.ask(400, speech.say("list.bad_since", text=since[:_LONGEST_DATE]))
        with self._front.current() as current:
            if current.journal is None:
                return self._visits.one_moment()
            if not self._busy.acquire(blocking=False):
                return self.ask(503, speech.say("export.busy"))
            try:
                file = _written(rows(current.journal.ledger(day), speech.zone), chosen)
            except TooManyRows:
                return self.ask(422, speech.say("export.too_many"))
            finally:
                self._busy.release()
        return _download(file, chosen)


def _written(found: Iterable[Row], chosen: str) -> BinaryIO:
    """All of it. It has no name any more, so that nothing of it is left once it is closed."""
    with tempfile.TemporaryDirectory(prefix="invoice-watcher-") as directory:
        path = Path(directory, f"invoices.{chosen}")
        if chosen == "csv":
            with path.open("wb") as stream:
                write_csv(found, stream)
        else:
            write_xlsx(found, path)
        return path.open("rb")


def _download(file: BinaryIO, chosen: str) -> Answer:
    """The server sends and closes the file by itself: who takes long to fetch it holds none of its threads."""
    body = wrap_file(request.environ, file, _CHUNK_BYTES)
    response = Response(body, content_type=FORMATS[chosen], direct_passthrough=True)
    response.content_length = os.fstat(file.fileno()).st_size
    response.headers["Content-Disposition"] = f'attachment; filename="invoices.{chosen}"'
    return response
