"""What the web has before it at this moment: a configuration, and mostly a journal and a service.

The web server belongs to the process. Services come and go beneath it: a reload ends one, for as long as its requests
are under way, and builds the next.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from watcher.clock import boot_seconds
from watcher.config.sections import Configuration
from watcher.ports import Journal

if TYPE_CHECKING:
    from watcher.service.service import Service

_READERS_SECONDS = 5.0  # how long a journal that is to be closed waits for requests that read it


class Current(Struct, frozen=True, kw_only=True):
    """What is there now. Without a journal it is waited for; without a service nothing works on it."""

    configuration: Configuration
    journal: Journal | None = None
    service: Service | None = None


class Front:
    """Safe for many threads. A journal is shown from `show` to `withdraw`, and read only within `current`."""

    def __init__(self, configuration: Configuration) -> None:
        self._current = Current(configuration=configuration)
        self._readers = 0
        self._changed = threading.Condition()

    @contextmanager
    def current(self) -> Iterator[Current]:
        """What is there now; its journal is not closed before this ends, unless that takes too long."""
        with self._changed:
            self._readers += 1
            current = self._current
        try:
            yield current
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @property
    def configuration(self) -> Configuration:
        return self._current.configuration

    def configure(self, configuration: Configuration) -> None:
        """From now on this holds, whose journal is not open yet."""
        with self._changed:
            self._current = Current(configuration=configuration)

    def show(self, journal: Journal, service: Service) -> None:
        with self._changed:
            self._current = replace(self._current, journal=journal, service=service)

    def withdraw(self) -> None:
        """The journal is about to be closed: nobody begins to read it any more, and who does gets some seconds."""
        deadline = boot_seconds() + _READERS_SECONDS
        with self._changed:
            self._current = Current(configuration=self._current.configuration)
            while self._readers and (left := deadline - boot_seconds()) > 0:
                self._changed.wait(left)
