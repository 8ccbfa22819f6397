"""A web service that knows the employees (`directory.http`)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from watcher.config.sections import HttpDirectory
from watcher.errors import DirectoryUnavailable
from watcher.json_answers import EndlessAnswer, at, body_of, decoded
from watcher.model import Finding, Person
from watcher.people.entries import code_of, language_of
from watcher.tls import UnusableAuthorities, distrust, trust_advice

if TYPE_CHECKING:
    import requests

    from watcher.http_session import HttpSessions

_NOBODY = "nobody@invalid.invalid"
_CONNECT_SECONDS, _READ_SECONDS, _TOTAL_SECONDS = 5.0, 10.0, 15.0
_LARGEST_BYTES = 1_000_000


class WebService:
    """One GET for each look-up. 404, and an answer without an employee number, mean that nobody has the address.

    Redirects are not followed: the headers may hold a secret.
    """

    def __init__(self, section: HttpDirectory) -> None:
        self._section = section
        self._sessions: HttpSessions | None = None

    @property
    def subject(self) -> str:
        return "directory over HTTP"

    def find(self, address: str) -> Person | None:
        answer = self._get(address)
        code = code_of(at(answer, self._section.user_code))
        if code is None:
            return None
        return Person(user_code=code, language=language_of(at(answer, self._section.language or "")))

    def check(self) -> list[Finding]:
        try:
            self.find(_NOBODY)
        except DirectoryUnavailable as error:
            mend = "look at directory.http.url and its headers, and whether the service is up"
            if distrust(error) is not None:
                mend = trust_advice("directory.http.ca_file")
            return [Finding(subject=self.subject, ok=False, message=str(error), mend=mend)]
        return [Finding(subject=self.subject, ok=True, message="the service answers")]

    def _get(self, address: str) -> object:
        import requests

        url = self._section.url.replace("{address}", quote(address, safe=""))
        try:
            headers = {name: secret.reveal() for name, secret in self._section.headers.items()}
            with (
                self._session() as session,
                session.get(
                    url, headers=headers, timeout=(_CONNECT_SECONDS, _READ_SECONDS), allow_redirects=False, stream=True
                ) as response,
            ):
                return _json(response)
        except (requests.RequestException, ValueError) as error:
            raise DirectoryUnavailable(f"the service of employees failed ({_described(error)})") from error

    def _session(self) -> requests.Session:
        from watcher.http_session import HttpSessions

        if self._sessions is None:
            self._sessions = HttpSessions(self._section.url, self._section.ca_file)
        return self._sessions.new()


def _described(error: Exception) -> str:
    """The error's text may hold the URL or a header: its kind has to do."""
    if isinstance(error, UnusableAuthorities):
        return str(error)
    if (why := distrust(error)) is not None:
        return f"its certificate is not trusted: {why}"
    return type(error).__name__


def _json(response: requests.Response) -> object:
    """The decoded answer, None for 404. Raises DirectoryUnavailable, and what requests raises."""
    if response.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.NO_CONTENT):
        return None
    if response.status_code != HTTPStatus.OK:
        raise DirectoryUnavailable(f"the service of employees answers with HTTP {response.status_code}")
    try:
        body = body_of(response, largest_bytes=_LARGEST_BYTES, within_seconds=_TOTAL_SECONDS)
    except EndlessAnswer as error:
        raise DirectoryUnavailable(f"the service of employees: {error}") from error
    answer: object = decoded(body)
    if answer is None:
        raise DirectoryUnavailable("the service of employees gives an answer that is no JSON")
    return answer
