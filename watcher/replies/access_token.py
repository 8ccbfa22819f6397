"""Access tokens for XOAUTH2, by refresh token or client credentials (RFC 6749, sections 4.4 and 6)."""

from __future__ import annotations

import time

from watcher.config.sections import OAuth2
from watcher.errors import MailerUnavailable
from watcher.headers import clean

_MARGIN_S = 60.0  # a token is renewed before its end, so that it does not die on the way
_DEFAULT_LIFE_S = 3600.0


class AccessToken:
    """The present token. Calls must take turns. `timeout` in seconds."""

    def __init__(self, section: OAuth2, *, timeout: float) -> None:
        self._section = section
        self._timeout = timeout
        self._token = ""
        self._good_until = 0.0

    def get(self) -> str:
        """Raises MailerUnavailable, or ValueError where a secret cannot be read."""
        return self._token if time.monotonic() < self._good_until else self.fresh()

    def fresh(self) -> str:
        """A new one, whatever the old one's age."""
        answer = self._ask()
        token, life = answer.get("access_token"), answer.get("expires_in", _DEFAULT_LIFE_S)
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
            raise MailerUnavailable("the token server of smtp.oauth2 gives no access_token")
        seconds = float(life) if isinstance(life, int | float | str) and _is_number(life) else _DEFAULT_LIFE_S
        self._token, self._good_until = token, time.monotonic() + max(0.0, seconds - _MARGIN_S)
        return token

    def _ask(self) -> dict[str, object]:
        import requests

        try:
            response = requests.post(self._section.token_url, data=self._form(), timeout=self._timeout)
            answer = response.json()
        except requests.RequestException as error:
            raise MailerUnavailable(f"no token for smtp.oauth2: {type(error).__name__}") from error
        answer = answer if isinstance(answer, dict) else {}
        if not response.ok:
            why = clean(f"{answer.get('error', '')} {answer.get('error_description', '')}", 200)
            raise MailerUnavailable(f"no token for smtp.oauth2: HTTP {response.status_code} {why}".rstrip())
        return answer

    def _form(self) -> dict[str, str]:
        section = self._section
        form = {"client_id": section.client_id}
        if section.refresh_token is not None:
            form |= {"grant_type": "refresh_token", "refresh_token": section.refresh_token.reveal()}
        else:
            form["grant_type"] = "client_credentials"
        if section.client_secret is not None:
            form["client_secret"] = section.client_secret.reveal()
        if section.scope is not None:
            form["scope"] = section.scope
        return form


def _is_number(value: float | str) -> bool:
    try:
        return float(value) > 0
    except ValueError:
        return False
