"""Whether an attachment URL leads to its document, tried from here as the endpoint will try it from there."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from watcher.findings import About
from watcher.json_answers import EndlessAnswer, body_of
from watcher.model import Finding
from watcher.tls import distrust

if TYPE_CHECKING:
    import requests

_SECONDS = 8.0
_LARGEST_BYTES = 100_000
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_FROM_THERE = "see that the endpoint can fetch it from where it is"


def fetch_finding(url: str, data: bytes, about: About, place: str) -> Finding:
    """GET, without any login of ours. The address itself is never told: it may be signed. `place` names it.

    What is not reached from here may be reached from where the endpoint is: that is a warning, and so is a refusal,
    because some let in by where one comes from. An address that leads to nothing or to something else is wrong.
    """
    import requests

    try:
        status, body = _got(url)
    except (requests.RequestException, ValueError) as error:
        return about.note(f"{place} cannot be reached from this machine ({_described(error)})", _FROM_THERE)
    if status == HTTPStatus.OK:
        return _compared(about, place, same=body == data)
    if status in _GONE:
        mend = "compare attachment_url with where the bucket's files are served, the key's folder included"
        return about.wrong(f"{place} leads to nothing: HTTP {status} for what was just written", mend)
    mend = f"{_FROM_THERE}: it must be given without a login (public reading, or attachment_url: {{presigned: 1d}})"
    return about.note(f"{place} is refused to this machine: HTTP {status}", mend)


def head_finding(url: str, size: int | None, about: About, named: str) -> Finding:
    """HEAD; `size` is what the file has here, where a file is asked for. `named` is what the address is called."""
    import requests

    try:
        status, length = _asked(url)
    except (requests.RequestException, ValueError) as error:
        return about.note(f"{named} cannot be reached from this machine ({_described(error)})", _FROM_THERE)
    if size is None or status in (HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED):
        return about.well(f"{named} answers (HTTP {status})")
    if status in _GONE:
        mend = "compare base_url with where the web server serves the folder: the path in the folder is put behind it"
        return about.wrong(f"{named} leads to nothing: HTTP {status}", mend)
    if status != HTTPStatus.OK:
        return about.note(f"{named} is refused to this machine: HTTP {status}", _FROM_THERE)
    if length is not None and length != size:
        return about.wrong(f"{named} leads to another file: {length} bytes instead of {size}", "see base_url")
    return about.well(f"{named} leads to it")


def _compared(about: About, place: str, *, same: bool) -> Finding:
    if same:
        return about.well(f"{place} gives the probe to who has no login")
    mend = "compare attachment_url with where the bucket's files are served; is it a page that asks for a login?"
    return about.wrong(f"{place} gives something else than was written", mend)


def _session(url: str) -> requests.Session:
    from watcher.http_session import HttpSessions

    return HttpSessions(url, None).new()


def _got(url: str) -> tuple[int, bytes]:
    with _session(url) as session, session.get(url, timeout=_SECONDS, stream=True) as answer:
        if answer.status_code != HTTPStatus.OK:
            return answer.status_code, b""
        try:
            return answer.status_code, body_of(answer, largest_bytes=_LARGEST_BYTES, within_seconds=_SECONDS)
        except EndlessAnswer:
            return answer.status_code, b""


def _asked(url: str) -> tuple[int, int | None]:
    with _session(url) as session:
        answer = session.head(url, timeout=_SECONDS, allow_redirects=True)
        length = answer.headers.get("Content-Length", "")
        return answer.status_code, int(length) if length.isdigit() else None


def _described(error: Exception) -> str:
    """The error's own text has the address in it."""
    import requests

    if (why := distrust(error)) is not None:
        return f"its certificate is not trusted: {why}"
    return "no answer in time" if isinstance(error, requests.Timeout) else type(error).__name__
