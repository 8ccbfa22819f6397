"""Logging in, for both connections of a mailbox, and not again at once where that was refused."""

from __future__ import annotations

import threading
import time

from watcher.config.sections import Mailbox
from watcher.deadline import Watchdog
from watcher.errors import LoginRefused, SourceUnavailable
from watcher.oauth import AccessTokens
from watcher.secrecy import KnownSecrets
from watcher.sources.mailbox.login import log_in
from watcher.sources.mailbox.session import Session

_REFUSED_SECONDS = 120.0  # less than whoever tends the mailbox waits after a refused login


class Entrance:
    """Safe to use from several threads; one logs in at a time."""

    def __init__(self, mailbox: Mailbox, timeout_seconds: float, known: KnownSecrets) -> None:
        """`timeout_seconds` bounds each wait for the server; `known` is kept out of what it says."""
        self._settings = mailbox
        self._timeout = timeout_seconds
        self._known = known
        self._tokens = AccessTokens(mailbox.oauth2, known) if mailbox.oauth2 is not None else None
        self._watchdog = Watchdog()
        self._logging_in = threading.Lock()
        self._refusal: str | None = None
        self._refused_until = 0.0

    def session(self) -> Session:
        """A refused login is not tried again at once, because accounts are blocked for that."""
        with self._logging_in:
            if self._refusal is not None and time.monotonic() < self._refused_until:
                raise LoginRefused(self._refusal)
            self._refusal = None
            try:
                return self.new_session()
            except LoginRefused as error:
                self._refusal = str(error)
                self._refused_until = time.monotonic() + _REFUSED_SECONDS
                raise
            except SourceUnavailable as error:
                error.altogether = True
                raise

    def new_session(self, at_most_seconds: float | None = None) -> Session:
        """Whatever came before; `at_most_seconds` bounds each wait more closely."""
        patience = self._timeout if at_most_seconds is None else min(self._timeout, at_most_seconds)
        return log_in(
            self._settings, self._tokens, timeout_seconds=patience, watchdog=self._watchdog, known=self._known
        )
