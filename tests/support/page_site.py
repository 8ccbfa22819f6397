"""The page as a browser finds it: the server at a free port, before a journal of accounts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.accounts import fronted
from tests.support.waiting import wait_for
from watcher.config.sections import Configuration
from watcher.journal.journal import SqlJournal
from watcher.web.app import build_app
from watcher.web.server import Server


@contextmanager
def served(configured: Configuration, journal: SqlJournal) -> Iterator[str]:
    """The address of the page, such as ``http://127.0.0.1:41235``."""
    server = Server("127.0.0.1:0", lambda: build_app(fronted(configured, journal), remember_seconds=0))
    server.start()
    try:
        yield f"http://{wait_for(lambda: server.address, what='the page to be served')}"
    finally:
        server.stop()
