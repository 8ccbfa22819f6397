"""A session that is opened when it is first needed, and kept: providers block who reconnects often."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from watcher.errors import SourceUnavailable
from watcher.sources.mailbox.folders import Folders
from watcher.sources.mailbox.session import Session

_STALE_SECONDS = 30.0  # unused for longer: servers and firewalls may have hung up meanwhile


class Line:
    """One thread's connection to the mailbox. Waiting before trying again is its caller's affair."""

    def __init__(self, log_in: Callable[[], Session], beat: Callable[[], None] = lambda: None) -> None:
        """`beat` hears that it is worked with, again and again while a large mail comes slowly."""
        self._log_in = log_in
        self._beat = beat
        self._session: Session | None = None
        self._folders: Folders | None = None
        self._closed = threading.Event()

    def session(self) -> Session:
        """One that works, a new one where there is none. Raises SourceUnavailable."""
        session = self.open_session()
        if session is not None and time.monotonic() - session.used_at > _STALE_SECONDS:
            try:
                session.noop()
            except SourceUnavailable:
                session = self.open_session()
        return session or self._open()

    def open_session(self) -> Session | None:
        """The one that is open, if any."""
        if self._session is not None and self._session.broken:
            self._session, self._folders = None, None
        return self._session

    @property
    def folders(self) -> Folders:
        """Of the session that is open."""
        session = self.session()
        if self._folders is None:
            self._folders = Folders(session)
        return self._folders

    def close(self) -> None:
        """For good; from any thread."""
        self._closed.set()
        session = self._session
        if session is not None:
            session.logout()

    def _open(self) -> Session:
        if self._closed.is_set():
            raise SourceUnavailable("the mailbox is closed")
        self._session, self._folders = self._log_in(), None
        self._session.beat = self._beat
        if self._closed.is_set():  # meanwhile
            self._session.logout()
            raise SourceUnavailable("the mailbox is closed")
        return self._session
