"""The web of a process: it goes on answering while services end and begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from watcher.config.sections import Configuration
from watcher.ports import Journal
from watcher.service.service import Service
from watcher.web.front import Front
from watcher.web.server import Server


class Site:
    """`follow`, `showing` and `close` are the main thread's."""

    def __init__(self, make_server: Callable[[str, Front], Server]) -> None:
        self._make_server = make_server
        self._front: Front | None = None
        self._listen: str | None = None
        self._server: Server | None = None

    @property
    def address(self) -> str | None:
        """Where it listens, as ``host:port``."""
        return self._server.address if self._server is not None else None

    def follow(self, configuration: Configuration) -> None:
        """Serve as this configuration says, and say that its journal is waited for."""
        if self._front is None:
            self._front = Front(configuration)
        else:
            self._front.configure(configuration)
        listen = configuration.web.listen if configuration.web is not None else None
        if listen == self._listen:
            return
        self.close()
        if listen is not None:
            self._server = self._make_server(listen, self._front)
            self._server.start()
        self._listen = listen

    @contextmanager
    def showing(self, journal: Journal, service: Service) -> Iterator[None]:
        """The journal and the service are shown until this ends."""
        if self._front is None:
            raise RuntimeError("a site shows nothing before it has a configuration to follow")
        self._front.show(journal, service)
        try:
            yield
        finally:
            self._front.withdraw()

    def close(self) -> None:
        """Answer nobody any more."""
        if self._server is not None:
            self._server.stop()
        self._server = self._listen = None
