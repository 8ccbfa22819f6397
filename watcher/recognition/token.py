"""The access token: fetched once for all threads, kept until shortly before it expires.

Neither the address of a fetch (it holds the client secret) nor the token ever reaches a log or an error.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct

from watcher.clock import boot_seconds
from watcher.config.sections import Auth
from watcher.deadline import Clock, Deadline
from watcher.errors import TokenRefused, TokenUnavailable
from watcher.headers import clean
from watcher.json_answers import at, seconds_of
from watcher.recognition.response import read_object
from watcher.recognition.transport import Reply, Transport, TransportFailure
from watcher.secrecy import KnownSecrets

LIFETIME_SECONDS = 2 * 3600.0  # where the answer does not say
EARLY_SECONDS = 300.0  # a token is renewed so long before its end, or a tenth of its life if that is less
PATIENCE_SECONDS = 10.0  # after a renewal that failed while the old token is still good

log = logging.getLogger(__name__)


class _Held(Struct, frozen=True):
    header: Mapping[str, str]
    renew_at: float  # seconds of the clock
    expires_at: float


class TokenSource:
    """`recognition.auth`: GET token_url?grant_type=client_credentials&client_id=…&client_secret=…

    A fetch takes at most `timeout_seconds` in total. `clock` gives seconds and never jumps.
    """

    def __init__(
        self,
        auth: Auth,
        *,
        timeout_seconds: float = 20.0,
        connect_timeout_seconds: float = 10.0,
        clock: Clock = boot_seconds,
        ca_file: Path | None = None,
        known: KnownSecrets | None = None,
    ) -> None:
        self._auth = auth
        self._known = known or KnownSecrets()
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._transport = Transport(
            auth.token_url, connect_timeout_seconds=min(connect_timeout_seconds, timeout_seconds), ca_file=ca_file
        )
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._lifetime: float | None = None

    def header(self, deadline: Deadline | None = None) -> Mapping[str, str]:
        """The header to send, by `deadline`. Raises TokenUnavailable, TokenRefused."""
        held, now = self._held, self._clock()
        if held is not None and (now < held.renew_at or (now < held.expires_at and self._lock.locked())):
            return held.header  # still good; where it ends soon, another thread renews it already
        return self._renewed(held, deadline)

    def refresh(self, old: Mapping[str, str], deadline: Deadline | None = None) -> Mapping[str, str]:
        """A header fetched after `old`, which was refused; one fetch for all who ask. Raises as `header`."""
        with self._turn(deadline):
            if self._held is not None and self._held.header is not old:
                return self._held.header
            self._held = None
            return self._fetch(deadline).header

    @property
    def lifetime(self) -> float | None:
        """Seconds that the last token was given for; None where the answer did not say, or none was fetched."""
        return self._lifetime

    def close(self) -> None:
        self._transport.close()

    def _renewed(self, seen: _Held | None, deadline: Deadline | None) -> Mapping[str, str]:
        with self._turn(deadline):
            held = self._held
            if held is not None and held is not seen and self._clock() < held.renew_at:
                return held.header
            try:
                return self._fetch(deadline).header
            except TokenUnavailable as error:
                if held is None or self._clock() >= held.expires_at:
                    raise
                log.warning("The token cannot be renewed yet; the old one is still good.", extra={"why": str(error)})
                self._held = _Held(held.header, self._clock() + PATIENCE_SECONDS, held.expires_at)
                return held.header

    def _turn(self, deadline: Deadline | None) -> _Turn:
        return _Turn(self._lock, self._limit(deadline).remaining())

    def _limit(self, deadline: Deadline | None) -> Deadline:
        """The end of our own time, or the earlier one that is asked for."""
        return Deadline(self._timeout_seconds) if deadline is None else deadline.within(self._timeout_seconds)

    def _fetch(self, deadline: Deadline | None) -> _Held:
        asked_at = self._clock()
        secret = self._secret()
        answer = self._checked(self._asked(secret, deadline))
        token = at(answer, self._auth.token)
        if not isinstance(token, str) or not token.strip():
            raise TokenRefused(f"the token endpoint's answer has no {self._auth.token}{self._said(answer)}")
        self._known.learn(token.strip())
        if not (token.isascii() and token.isprintable()):
            raise TokenRefused("the token endpoint's token cannot be sent as a header")
        self._lifetime = seconds_of(at(answer, self._auth.expires_in), 0.0) or None
        lifetime = self._lifetime or LIFETIME_SECONDS
        self._held = _Held(
            MappingProxyType({self._auth.header: token.strip()}),
            asked_at + lifetime - min(EARLY_SECONDS, lifetime / 10),
            asked_at + lifetime,
        )
        log.info("A token was fetched.", extra={"lifetime_seconds": lifetime})
        return self._held

    def _secret(self) -> str:
        try:
            secret = self._auth.client_secret.reveal()
        except ValueError as error:
            raise TokenRefused(str(error)) from error
        self._known.learn(secret)
        return secret

    def _asked(self, secret: str, deadline: Deadline | None) -> Reply:
        query = {"grant_type": "client_credentials", "client_id": self._auth.client_id, "client_secret": secret}
        try:
            return self._transport.send(
                "GET",
                deadline=Deadline(self._timeout_seconds)
                if deadline is None
                else deadline.within(self._timeout_seconds),
                headers={"Accept": "application/json"},
                hidden_query=urlencode(query),
            )
        except TransportFailure as error:
            raise TokenUnavailable(f"the token endpoint cannot be reached: {error.detail}") from error

    def _checked(self, reply: Reply) -> Mapping[str, Any] | None:
        answer = read_object(reply.body)
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS or reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise TokenUnavailable(f"the token endpoint answered HTTP {reply.status}{self._said(answer)}")
        if reply.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise TokenRefused(f"the token endpoint answered HTTP {reply.status}{self._said(answer)}")
        return answer

    def _said(self, answer: Mapping[str, Any] | None) -> str:
        """The endpoint's own words, cleaned, and never with a secret in them."""
        words = [str(answer[key]) for key in ("resCode", "resMsg", "error", "message") if answer and answer.get(key)]
        said = clean(self._known.hidden(" ".join(words)), 200)
        return f": {said}" if said else ""


class _Turn:
    """A lock that is waited for with a bound."""

    def __init__(self, lock: threading.Lock, seconds: float) -> None:
        self._lock = lock
        self._seconds = seconds

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=self._seconds):
            raise TokenUnavailable("another request is still waiting for the token endpoint")

    def __exit__(self, *_error: object) -> None:
        self._lock.release()
