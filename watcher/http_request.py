"""What is sent to one address again and again: checked and prepared once, by requests."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from types import MappingProxyType
from typing import Any, NamedTuple

import requests

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class HeadersWithToken:
    """What all requests say, and the token: one object for as long as the token is, so that `Way` prepares once."""

    def __init__(self, fixed: Mapping[str, str]) -> None:
        self._fixed = fixed
        self._last: tuple[Mapping[str, str], Mapping[str, str]] = (NO_HEADERS, fixed)

    def of(self, token: Mapping[str, str]) -> Mapping[str, str]:
        """`token`: the header that bears it, or NO_HEADERS."""
        made_of, headers = self._last
        if made_of is not token:
            headers = {**self._fixed, **token}
            self._last = (token, headers)
        return headers


class Kept(NamedTuple):
    """A request with a body, and what it was prepared for."""

    method: str
    headers: Mapping[str, str]
    request: requests.PreparedRequest

    def fits(self, method: str, headers: Mapping[str, str], body: Any) -> bool:
        """Whether another differs by its body alone; `headers` have to be the very same object."""
        return body is not None and self.method == method and self.headers is headers


class PreparedRequests:
    """Requests to `url`; the last one is kept for all threads, because to check one costs as much as to send it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = _session()
        self._last: Kept | None = None

    def request(
        self, method: str, headers: Mapping[str, str], body: Any, of_body: Mapping[str, str]
    ) -> requests.PreparedRequest:
        """Checked as requests does, but where it differs from the last one by its body alone."""
        last = self._last
        if last is not None and last.fits(method, headers, body):
            return _like(last.request, body, of_body)
        asked = requests.Request(method, self._url, headers={**headers, **of_body}, data=body)
        made = self._session.prepare_request(asked)
        made.headers = dict(made.headers)  # type: ignore[assignment]  # quicker to copy than requests' own
        if body is not None:
            self._last = Kept(method, headers, _like(made, b"", NO_HEADERS))
        return made


def _like(request: requests.PreparedRequest, body: Any, of_body: Mapping[str, str]) -> requests.PreparedRequest:
    made = copy(request)
    made.headers = dict(request.headers)  # type: ignore[assignment]  # as above
    with_body(made, body, of_body)
    return made


def with_body(request: requests.PreparedRequest, body: Any, of_body: Mapping[str, str]) -> None:
    """The same request with another body; `of_body`: headers that change with it."""
    request.body = body
    request.headers["Content-Length"] = str(len(body))
    request.headers.update(of_body)


def _session() -> requests.Session:
    """It prepares requests and sends none: see http_way."""
    session = requests.Session()
    session.trust_env = False  # read once, not at every call; and no .netrc
    session.headers.clear()
    session.headers.update({"Accept-Encoding": "identity", "User-Agent": "invoice-watcher", "Connection": "keep-alive"})
    return session
