"""One HTTP request with an end: what came back, or a failure that says whether anything was sent."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path

import requests
from msgspec import Struct
from urllib3.exceptions import HTTPError

from watcher.deadline import Deadline, Flight, Watchdog
from watcher.http_way import Ways
from watcher.ports import LONGEST_RETRY_AFTER
from watcher.recognition.connections import Line, Resolver, WatchedAdapter
from watcher.tls import causes

LARGEST_ANSWER_BYTES = 16 * 1024 * 1024
_LONGEST_RETRY_AFTER_SECONDS = LONGEST_RETRY_AFTER.total_seconds()
_CHUNK_BYTES = 64 * 1024

log = logging.getLogger(__name__)


class Reply(Struct, frozen=True, kw_only=True):
    """An HTTP answer that came whole."""

    status: int
    body: bytes
    retry_after: float | None  # seconds


class TransportFailure(Exception):
    """No whole answer. `sent`: the request may have reached the server; `str()` has no secret in it."""

    def __init__(self, *, sent: bool, detail: str, status: int | None = None) -> None:
        super().__init__(detail)
        self.sent = sent
        self.detail = detail
        self.status = status  # where the answer began and did not come whole


class Transport:
    """Sends requests for many threads at once; each thread keeps its own connections.

    Nothing is sent twice, no redirect is followed, no cookie is kept. Proxies of the environment (HTTPS_PROXY,
    NO_PROXY) and its certificates (REQUESTS_CA_BUNDLE, SSL_CERT_FILE), unless `ca_file` has others, count as they are
    now. Raises UnusableAuthorities.
    """

    def __init__(
        self,
        url: str,
        *,
        connect_timeout_seconds: float,
        ca_file: Path | None = None,
        largest_answer_bytes: int = LARGEST_ANSWER_BYTES,
    ) -> None:
        self._connect_timeout_seconds = connect_timeout_seconds
        self._largest_answer_bytes = largest_answer_bytes
        self._resolver = Resolver()
        self._watchdog = Watchdog()
        self._ways = Ways(url, ca_file, self._adapter)

    def send(
        self,
        method: str,
        *,
        deadline: Deadline,
        headers: Mapping[str, str],
        body: bytes | None = None,
        hidden_query: str | None = None,
    ) -> Reply:
        """The answer, by `deadline`. Raises TransportFailure. `hidden_query` is shown to the server alone."""
        flight = Flight(deadline, self._watchdog, hidden_query)
        try:
            with flight:
                return self._answer(flight, method, headers, body)
        except OSError as error:  # no thread can be had to watch it: nothing has left
            raise _failure(flight, error, None) from error

    def _answer(self, flight: Flight, method: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        way = self._ways.mine()
        line = way.adapter.line
        line.flight = flight
        status: int | None = None
        try:
            timeout = (self._connect_timeout_seconds, max(flight.deadline.remaining(), 0.001))
            with way.send(method, headers, body, timeout=timeout) as response:
                status = response.status_code
                content = self._content(response)
        except (requests.RequestException, HTTPError, HTTPException, OSError, ValueError) as error:
            raise _failure(flight, error, status) from error
        except Exception as error:
            if not flight.sent:
                raise
            log.exception("A request ended in a way that nobody foresaw.")
            raise _failure(flight, error, status) from error
        finally:
            line.flight = None
        if flight.expired:
            raise TransportFailure(sent=True, detail=_TOO_LATE, status=status)
        flight.arrive()
        return Reply(status=status, body=content, retry_after=_retry_after(response.headers))

    def close(self) -> None:
        """Let go of kept connections; requests under way end by themselves."""
        self._ways.close()
        self._watchdog.look()

    def _content(self, response: requests.Response) -> bytes:
        """The body, unpacked; refuses what is beyond all reason."""
        chunks: list[bytes] = []
        left = self._largest_answer_bytes
        while chunk := response.raw.read(min(_CHUNK_BYTES, left + 1), decode_content=True):
            chunks.append(chunk)
            left -= len(chunk)
            if left < 0:
                response.raw.close()
                raise _TooLargeError(f"the answer is larger than {self._largest_answer_bytes} bytes")
            if response.raw.length_remaining == 0 and "Content-Encoding" not in response.headers:
                break  # to find out by reading that nothing more comes costs as much again
        return b"".join(chunks)

    def _adapter(self, context: ssl.SSLContext | None) -> WatchedAdapter:
        return WatchedAdapter(Line(self._resolver, self._connect_timeout_seconds), context)


class _TooLargeError(OSError):
    """The answer is larger than any answer should be."""


_TOO_LATE = "the time for the whole request was over"
_CUT_OFF = "the connection was cut off before the whole answer had come"


def _failure(flight: Flight, error: Exception, status: int | None) -> TransportFailure:
    late = flight.expired or not flight.deadline.remaining()
    detail = _TOO_LATE if late else _reason(error)
    return TransportFailure(sent=flight.sent, detail=detail, status=status)


def _reason(error: BaseException) -> str:
    """What went wrong in our own words: texts of foreign errors may hold addresses, headers and tokens."""
    chain = causes(error)
    names = [type(cause).__name__ for cause in chain]
    cut_off = "RemoteDisconnected" in names or "IncompleteRead" in names
    fallback = _CUT_OFF if cut_off else f"the request failed ({names[-1]})"
    return next((told for cause in chain if (told := _told(cause)) is not None), fallback)


def _told(cause: BaseException) -> str | None:
    told: str | None
    match cause:
        case _TooLargeError():
            told = str(cause)
        case ssl.SSLCertVerificationError():
            told = f"the server's certificate is not trusted: {cause.verify_message}; see ca_file"
        case ssl.SSLError():
            told = f"TLS failed: {cause.reason or 'unknown reason'}"
        case socket.gaierror():
            told = f"the host name cannot be resolved: {cause.strerror}"
        case TimeoutError():
            told = "no answer in time"
        case OSError(strerror=str(why)):
            told = why
        case _:
            told = None
    return told


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from seconds or an HTTP date, which is one of the server's clock; None where it is neither."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), _LONGEST_RETRY_AFTER_SECONDS)
    until = _http_date(text)
    if until is None:
        return None
    now = _http_date(headers.get("Date", "")) or datetime.now(UTC)
    return min(max((until - now).total_seconds(), 0.0), _LONGEST_RETRY_AFTER_SECONDS)


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):  # a zone of any number of digits
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
