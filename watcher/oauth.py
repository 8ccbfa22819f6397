"""Access tokens for XOAUTH2 (RFC 6749, sections 4.4 and 6): what mailboxes and the SMTP server log in with."""

from __future__ import annotations

import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from watcher.config.secret import Secret
from watcher.config.sections import OAuth2
from watcher.errors import TokenRefused, TokenUnavailable
from watcher.headers import clean
from watcher.json_answers import body_of, decoded, seconds_of
from watcher.secrecy import KnownSecrets
from watcher.tls import UnusableAuthorities, distrust

if TYPE_CHECKING:
    import requests

    from watcher.http_session import HttpSessions

_TIMEOUT_SECONDS = (10.0, 30.0)  # to connect, and between two bytes
_EARLIER_SECONDS = 120.0  # a token is not used this shortly before its end
_DEFAULT_LIFE_SECONDS = 3600.0
_ANSWER_SECONDS = 30.0  # for the whole of the answer
_LARGEST_ANSWER_BYTES = 1024 * 1024
# Client errors that pass by themselves.
_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


class AccessTokens:
    """The current token: fetched when needed, kept until shortly before it expires. Safe for many threads."""

    def __init__(self, settings: OAuth2, known: KnownSecrets | None = None) -> None:
        """`known` is kept out of what the token server says, and learns what it issues."""
        self._settings = settings
        self._known = known or KnownSecrets()
        self._sessions: HttpSessions | None = None
        self._lock = threading.Lock()
        self._token: str | None = None
        self._good_until = 0.0
        self._refresh_token: str | None = None  # a newer one that the server gave us

    def current(self) -> str:
        """Raises TokenUnavailable, TokenRefused where the token server will not give one."""
        with self._lock:
            if self._token is None or time.monotonic() >= self._good_until:
                self._token = self._renewed()
            return self._token

    def refused(self, token: str) -> None:
        """The mail server does not take it: the next one is fetched anew."""
        with self._lock:
            if self._token == token:
                self._token = None

    def _renewed(self) -> str:
        answer = self._ask()
        token = answer.get("access_token")
        if not isinstance(token, str) or not token or not (token.isascii() and token.isprintable()):
            raise TokenUnavailable(f"{self._settings.token_url}: the answer has no usable access_token")
        self._known.learn(token)
        seconds = seconds_of(answer.get("expires_in"), _DEFAULT_LIFE_SECONDS)
        self._good_until = time.monotonic() + max(seconds - _EARLIER_SECONDS, seconds / 2)
        newer = answer.get("refresh_token")
        if isinstance(newer, str) and newer:
            self._refresh_token = newer
            self._known.learn(newer)
        return token

    def _ask(self) -> dict[str, Any]:
        import requests

        url = self._settings.token_url
        try:
            with (
                self._session() as session,
                session.post(
                    url, data=self._form(), timeout=_TIMEOUT_SECONDS, allow_redirects=False, stream=True
                ) as response,
            ):
                body = body_of(response, largest_bytes=_LARGEST_ANSWER_BYTES, within_seconds=_ANSWER_SECONDS)
                return self._answer(response.status_code, decoded(body))
        except (requests.RequestException, ValueError) as error:  # requests stumbles over senseless redirects
            raise TokenUnavailable(f"{url}: no token can be had ({_described(error)})") from error

    def _session(self) -> requests.Session:
        from watcher.http_session import HttpSessions

        if self._sessions is None:
            self._sessions = HttpSessions(self._settings.token_url, self._settings.ca_file)
        return self._sessions.new()

    def _form(self) -> dict[str, str]:
        settings = self._settings
        form = {"client_id": settings.client_id}
        try:
            refresh_token = self._refresh_token or _revealed(settings.refresh_token)
            secret = _revealed(settings.client_secret)
        except ValueError as error:
            raise TokenUnavailable(str(error)) from error
        self._known.learn(secret, refresh_token)
        if secret:
            form["client_secret"] = secret
        if settings.scope:
            form["scope"] = settings.scope
        if refresh_token:
            return form | {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return form | {"grant_type": "client_credentials"}

    def _answer(self, status: int, answer: object) -> dict[str, Any]:
        told = f"{self._settings.token_url}: HTTP {status} {self._why(answer)}".rstrip()
        if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _PASSING:
            raise TokenRefused(f"the token server gives no token: {told}")
        if status != HTTPStatus.OK or not isinstance(answer, dict):
            raise TokenUnavailable(f"no token can be had: {told}")
        return answer

    def _why(self, answer: object) -> str:
        """The token server's own words, for a person."""
        if not isinstance(answer, dict):
            return ""
        said = f"{answer.get('error', '')} {answer.get('error_description', '')}"
        return clean(self._known.hidden(said), 200).strip()


def _described(error: Exception) -> str:
    """In words of ours: the text of the exception may hold what is secret."""
    if isinstance(error, UnusableAuthorities):
        return str(error)
    if (why := distrust(error)) is not None:
        return f"the server's certificate is not trusted: {why}; see oauth2.ca_file"
    return type(error).__name__


def _revealed(secret: Secret | None) -> str | None:
    return None if secret is None else secret.reveal()
