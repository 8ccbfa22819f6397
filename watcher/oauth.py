"""Access tokens for XOAUTH2 (RFC 6749, sections 4.4 and 6): what mailboxes and the SMTP server log in with."""

from __future__ import annotations

import threading
import time
from typing import Any

from watcher.config.sections import OAuth2
from watcher.errors import TokenRefused, TokenUnavailable
from watcher.headers import clean

_TIMEOUT_SECONDS = (10.0, 30.0)  # to connect, and between two bytes
_EARLIER_SECONDS = 120.0  # a token is not used this shortly before its end
_DEFAULT_LIFE_SECONDS = 3600.0
_LARGEST_ANSWER = 64 * 1024
_PASSING = (408, 429)


class AccessTokens:
    """The current token: fetched when needed, kept until shortly before it expires. Safe for many threads."""

    def __init__(self, settings: OAuth2) -> None:
        self._settings = settings
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
        life = answer.get("expires_in")
        seconds = float(life) if isinstance(life, int | float | str) and _is_number(life) else _DEFAULT_LIFE_SECONDS
        self._good_until = time.monotonic() + max(seconds - _EARLIER_SECONDS, seconds / 2)
        newer = answer.get("refresh_token")
        if isinstance(newer, str) and newer:
            self._refresh_token = newer
        return token

    def _ask(self) -> dict[str, Any]:
        import requests
        from urllib3.exceptions import HTTPError

        url = self._settings.token_url
        try:
            with requests.post(
                url, data=self._form(), timeout=_TIMEOUT_SECONDS, allow_redirects=False, stream=True
            ) as response:
                text = response.raw.read(_LARGEST_ANSWER, decode_content=True)
                return _answer(url, response.status_code, text)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise TokenUnavailable(f"{url}: no token can be had ({type(error).__name__})") from error

    def _form(self) -> dict[str, str]:
        settings = self._settings
        form = {"client_id": settings.client_id}
        try:
            refresh_token = self._refresh_token or (settings.refresh_token and settings.refresh_token.reveal())
            secret = settings.client_secret and settings.client_secret.reveal()
        except ValueError as error:
            raise TokenUnavailable(str(error)) from error
        if secret:
            form["client_secret"] = secret
        if settings.scope:
            form["scope"] = settings.scope
        if refresh_token:
            return form | {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return form | {"grant_type": "client_credentials"}


def _answer(url: str, status: int, text: bytes) -> dict[str, Any]:
    import json

    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    told = f"{url}: HTTP {status} {_why(answer)}".rstrip()
    if 400 <= status < 500 and status not in _PASSING:  # noqa: PLR2004
        raise TokenRefused(f"the token server gives no token: {told}")
    if status != 200 or not isinstance(answer, dict):  # noqa: PLR2004
        raise TokenUnavailable(f"no token can be had: {told}")
    return answer


def _why(answer: object) -> str:
    """The token server's own words, for a person."""
    if not isinstance(answer, dict):
        return ""
    return clean(f"{answer.get('error', '')} {answer.get('error_description', '')}", 200).strip()


def _is_number(value: float | str) -> bool:
    try:
        return float(value) > 0
    except ValueError:
        return False
