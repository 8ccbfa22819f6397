"""The application is made for the first request: it takes a tenth of the daemon's memory, and maybe nobody looks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)


class OnDemand:
    """A WSGI application that is made when it is first asked. One that cannot be made is told of once."""

    def __init__(self, make: Callable[[], WSGIApplication]) -> None:
        self._make = make
        self._made: WSGIApplication | None = None
        self._making = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._application()(environ, start_response)

    def _application(self) -> WSGIApplication:
        with self._making:
            if self._made is None:
                self._made = self._make_or_apologise()
            return self._made

    def _make_or_apologise(self) -> WSGIApplication:
        try:
            return self._make()
        except Exception:  # the page is a convenience: work goes on without it
            log.exception("The page cannot be made; it is away until the daemon is started again.")
            return _apologise


def _apologise(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("500 Internal Server Error", [("Content-Type", "text/plain")])
    return [b"Internal Server Error\n"]
