"""LISTEN, so that a change of another node is seen at once; a look now and then, because LISTEN may say nothing.

Behind a pooler, or while the server is away, no notice comes; then the look is what wakes.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import URL

from watcher.model import ANYTHING, News, joined

CHANNEL = "invoice_watcher"
LOOK_SECONDS = 5.0
_SLICE_SECONDS = 0.5  # how long stopping may take
# From one hearing to the next. Each wake-up makes this node claim, mostly in vain, because who gave notice takes the
# work itself: the first notice wakes at once, and those that come within the distance wake together.
_DISTANCE_SECONDS = 0.05
_LONGEST_NOTICE = 7000  # characters: PostgreSQL takes 8000 bytes

log = logging.getLogger(__name__)


class Wakeups:
    """A thread that calls `wake` after notices of others, and every few seconds whatever happens."""

    def __init__(self, url: URL, network: Mapping[str, Any], wake: Callable[[News], None]) -> None:
        self._name = secrets.token_hex(8)  # what our own notices carry, not to be woken by them
        self._url = url.render_as_string(hide_password=False)
        self._network = dict(network)
        self._wake = wake
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def notifying(self, news: News) -> tuple[str, ...]:
        """The statement that tells the other nodes, to be said along with COMMIT; none where there are no news."""
        return (f"SELECT pg_notify('{CHANNEL}', '{self._name} {written(news)}')",) if news else ()

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="journal-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        import psycopg

        while not self._stopping.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True, **self._network) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._listen(connection)
            except psycopg.Error as error:
                log.debug("The journal's notices are interrupted.", extra={"error": type(error).__name__})
                self._stopping.wait(LOOK_SECONDS)
                self._wake(ANYTHING)

    def _listen(self, connection: Any) -> None:
        looked = time.monotonic()
        while not self._stopping.is_set():
            heard = [notice.payload for notice in connection.notifies(timeout=_SLICE_SECONDS, stop_after=1)]
            if time.monotonic() - looked >= LOOK_SECONDS:
                looked = time.monotonic()
                self._wake(ANYTHING)
            told = [notice for name, _, notice in (payload.partition(" ") for payload in heard) if name != self._name]
            if told:
                self._wake(joined(map(read, told)))
            if heard:
                self._stopping.wait(_DISTANCE_SECONDS)


def written(news: News) -> str:
    """In letters, digits, commas and spaces alone, whatever sources are called; within what a notice may carry."""
    sources = "any" if news.answering is None else ",".join(name.encode().hex() for name in sorted(news.answering))
    if len(sources) > _LONGEST_NOTICE:
        sources = "any"
    return f"{news.posting:d} {news.decided:d} {sources}"


def read(notice: str) -> News:
    """What `written` made of it; ANYTHING where another version has written otherwise."""
    try:
        posting, decided, sources = notice.split(" ")
        return News(posting=posting == "1", decided=decided == "1", answering=_names(sources))
    except ValueError:
        return ANYTHING


def _names(sources: str) -> frozenset[str] | None:
    return None if sources == "any" else frozenset(bytes.fromhex(name).decode() for name in sources.split(",") if name)
