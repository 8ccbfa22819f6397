"""Who is logged in: kept in memory alone, so that a restart ends every session, and a log-out really ends one."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct

_LIFETIME_SECONDS = 12 * 3600.0
_IDLE_SECONDS = 2 * 3600.0
_MOST = 1000  # the oldest is dropped
_TOKEN_BYTES = 32


class _Session(Struct, frozen=True, kw_only=True):
    began: float
    seen: float
    password: bytes  # a fingerprint of the password that it was opened with


class Sessions:
    """Opaque tokens; nothing that a client could make up or change. Safe for many threads.

    A session ends after twelve hours, two idle ones, a log-out, or when the password changes.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._key = secrets.token_bytes(_TOKEN_BYTES)
        self._lock = threading.Lock()
        self._open: OrderedDict[str, _Session] = OrderedDict()

    def new_token(self) -> str:
        """Of a visitor, who is nobody yet."""
        return secrets.token_urlsafe(_TOKEN_BYTES)

    def begin(self, password: str) -> str:
        """The token of a session that begins now."""
        token, now = self.new_token(), self._seconds()
        with self._lock:
            self._open[self._name(token)] = _Session(began=now, seen=now, password=self._mark(password))
            while len(self._open) > _MOST:
                self._open.popitem(last=False)
        return token

    def is_open(self, token: str | None, password: str) -> bool:
        """Whether it is a session's, which is not idle any more then."""
        if token is None:
            return False
        name, now = self._name(token), self._seconds()
        with self._lock:
            session = self._open.pop(name, None)
            if session is None or not self._holds(session, now, password):
                return False
            self._open[name] = _Session(began=session.began, seen=now, password=session.password)
        return True

    def end(self, token: str | None) -> None:
        with self._lock:
            self._open.pop(self._name(token or ""), None)

    def signature(self, purpose: str, text: str) -> str:
        """Nobody but this process can make it."""
        return hmac.new(self._key, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()

    def is_signature(self, signature: str, purpose: str, text: str) -> bool:
        return hmac.compare_digest(self.signature(purpose, text).encode(), signature.encode("utf-8", "replace"))

    def _holds(self, session: _Session, now: float, password: str) -> bool:
        fresh = now - session.began < _LIFETIME_SECONDS and now - session.seen < _IDLE_SECONDS
        return fresh and hmac.compare_digest(session.password, self._mark(password))

    def _mark(self, password: str) -> bytes:
        return hmac.new(self._key, password.encode("utf-8", "surrogateescape"), hashlib.sha256).digest()

    def _name(self, token: str) -> str:
        """What a token is kept under: whoever sees the memory's keys has no token."""
        return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def same_password(given: str, wanted: str) -> bool:
    """In a time that tells nothing of either, not even their length."""
    digests = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in (given, wanted)]
    return hmac.compare_digest(*digests)
