"""An upload to the platform itself: a multipart POST whose answer has the attachment URL."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any

import requests

from watcher.clock import boot_seconds
from watcher.config.sections import HttpStore as Section
from watcher.errors import StoreRefused, StoreUnavailable, Unavailable
from watcher.findings import About
from watcher.headers import clean
from watcher.http_request import NO_HEADERS, HeadersWithToken
from watcher.http_way import SteadyAdapter, Way, Ways
from watcher.json_answers import EndlessAnswer, at, body_of, decoded, says
from watcher.model import Finding, Locator
from watcher.ports import FoundDocument, Token
from watcher.promptness import Promptness
from watcher.secrecy import KnownSecrets
from watcher.spool import Spooled
from watcher.stores.multipart import MultipartBody
from watcher.tls import UnusableAuthorities, distrust, trust_advice

log = logging.getLogger(__name__)

_TIMEOUT_SECONDS = (10.0, 60.0)  # to connect, and between two pieces of the answer
_CHECK_SECONDS = (10.0, 15.0)
_ANSWER_SECONDS = 90.0  # for the whole of the answer
_UPLOAD_SECONDS, _SLOWEST = 60.0, 20_000.0  # for sending: so long, and what is sent at so many bytes a second
_TOO_SLOW = "takes the document too slowly"
_LARGEST_ANSWER_BYTES = 1024 * 1024
_SOON_SENT_BYTES = 1024 * 1024  # what is larger takes its time on any line
_LONGEST_URL = 4096
_TOKEN_REFUSED = (401, 403)
_DOCUMENT_REFUSED = (413, 415)
_FIRST_ERROR = 300
_ASKED_WRONGLY = 400
_OF_ALL = (401, 403, 404, 405, 407, 408, 429)  # whatever the document is
_WORDS = ("resMsg", "message", "msg", "error")
_OWN_FAULT = 500
_NOWHERE = (301, 302, 303, 307, 308, 404)  # though many answer 404 to GET where POST works
_ADMISSION = "look at recognition.auth, and at the rights that the platform gives its client"


class HttpStore:
    """Uploads each document once more whenever it is put; the platform's address of it is fixed."""

    def __init__(
        self,
        name: str,
        section: Section,
        *,
        token: Token | None,
        refused: Collection[int | str] = (),
        known: KnownSecrets | None = None,
        clock: Callable[[], float] = boot_seconds,
    ) -> None:
        """`token` None: none is sent; `refused` has the codes that refuse a token though HTTP says 200.

        `known` is kept out of what the platform says. `clock` tells seconds.
        """
        self._known = known or KnownSecrets()
        self._name = name
        self._section = section
        self._token = token
        self._refused = frozenset(str(code) for code in refused)
        self._headers = HeadersWithToken({"Accept": "application/json"})
        self._clock = clock
        self._promptness = Promptness()
        self._lock = threading.Lock()
        self._made: Ways[SteadyAdapter] | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def keeps(self) -> bool:
        return True

    def prepare(self) -> None:
        """There is nothing to load."""

    def put(self, document: FoundDocument) -> Locator:
        """Post it, once more with a fresh token where the first is refused."""
        if document.content is None:
            raise StoreRefused(f"there is nothing of {document.name} to upload")
        key = f"{document.content.sha256}{document.extension}"
        admission = self._admission()
        status, answer = self._post(key, document.content, document.media_type, admission)
        if self._token is not None and self._is_token_refused(status, answer):
            admission = self._admission(refused=admission)
            status, answer = self._post(key, document.content, document.media_type, admission)
        return Locator(store=self._name, key=key, url=self._address(status, answer))

    def secure(self) -> None:
        """The platform has it, or it would have refused it."""

    def is_near(self, document: FoundDocument) -> bool:
        """Whether the platform takes small documents at once, as it has of late, and this is one."""
        return document.size <= _SOON_SENT_BYTES and self._promptness.is_at_once

    def replaced_by(self, locator: Locator, content: str) -> str | None:  # noqa: ARG002 - nobody else writes there
        return None

    def attachment_url(self, locator: Locator, content: str | None = None) -> str:  # noqa: ARG002 - nobody else writes there
        if locator.url is None:
            raise StoreUnavailable(
                f"the store {self._name} has no address for a document: it was kept by another store"
            )
        return locator.url

    def check(self) -> list[Finding]:
        """Whether it answers, and lets us in. Nothing is uploaded, because nothing could be taken back."""
        about = About(f"store {self._name}")
        try:
            headers = self._admission()
            # No redirects are followed: the token is for this address alone.
            with self._way().send("GET", headers, timeout=_CHECK_SECONDS) as answer:
                status = answer.status_code
        except StoreUnavailable as error:
            return [about.wrong(str(error), _ADMISSION)]
        except (requests.RequestException, ValueError) as error:
            mend = f"compare stores.{self._name}.url with the platform's address, and try it from this machine"
            if distrust(error) is not None:
                mend = trust_advice(f"stores.{self._name}.ca_file")
            return [about.wrong(f"it {_described(error)}", mend)]
        if status in _TOKEN_REFUSED:
            return [about.wrong(f"refuses us (HTTP {status})", _ADMISSION)]
        if status >= _OWN_FAULT:
            return [about.wrong(f"answers with a fault of its own (HTTP {status})", "ask whoever runs the platform")]
        if status in _NOWHERE:
            return [about.note(f"answers HTTP {status} to GET", f"compare stores.{self._name}.url with the platform's")]
        return [about.well(f"answers (HTTP {status}); no upload was tried, because it could not be taken back")]

    def close(self) -> None:
        if self._made is not None:
            self._made.close()

    def _post(self, key: str, content: Spooled, media_type: str, admission: Mapping[str, str]) -> tuple[int, Any]:
        """The status, and the answer's JSON; None where it is none."""
        began = self._clock()
        body = MultipartBody(
            form=self._section.form,
            field=self._section.field,
            file_name=key,
            media_type=media_type,
            content=content,
            within_seconds=_UPLOAD_SECONDS + content.size / _SLOWEST,
        )
        try:
            with self._way().send(
                "POST",
                self._headers.of(admission),
                body,
                timeout=_TIMEOUT_SECONDS,
                of_body={"Content-Type": body.content_type},
            ) as answer:
                text = body_of(answer, largest_bytes=_LARGEST_ANSWER_BYTES, within_seconds=_ANSWER_SECONDS)
                self._promptness.took(self._clock() - began)
                return answer.status_code, decoded(text)
        except (requests.RequestException, ValueError) as error:
            self._promptness.failed()
            raise self._unavailable(_TOO_SLOW if body.is_late else _described(error)) from error

    def _is_token_refused(self, status: int, answer: Any) -> bool:
        if status in _TOKEN_REFUSED:
            return True
        said = (at(answer, path) for path in self._section.success)
        return any(str(value) in self._refused for value in said if value is not None)

    def _address(self, status: int, answer: Any) -> str:
        """The URL in the answer. Raises StoreRefused where this document is at fault, else StoreUnavailable."""
        if status in _DOCUMENT_REFUSED:
            raise StoreRefused(f"the store {self._name} does not take this document (HTTP {status})")
        if status >= _FIRST_ERROR:
            of_one = _ASKED_WRONGLY <= status < _OWN_FAULT and status not in _OF_ALL
            raise self._unavailable(f"answers with HTTP {status}{_said_in(answer, self._known)}", of_one=of_one)
        if answer is None:
            raise self._unavailable("gives an answer that is no JSON")
        for path, expected in self._section.success.items():
            if not says(at(answer, path), expected):
                said = self._known.hidden(str(at(answer, path)))
                told = f"says {clean(path, 60)}: {clean(said, 120)}{_said_in(answer, self._known)}"
                raise self._unavailable(told, of_one=True)
        url = at(answer, self._section.attachment_url)
        if not isinstance(url, str) or not url or len(url) > _LONGEST_URL or not url.isprintable():
            raise self._unavailable(f"gives no address at {self._section.attachment_url}")
        return url

    def _admission(self, refused: Mapping[str, str] | None = None) -> Mapping[str, str]:
        """The token's header; another one than the `refused`."""
        if self._token is None:
            return NO_HEADERS
        try:
            return self._token.header() if refused is None else self._token.refresh(refused)
        except Unavailable as error:
            raise self._unavailable(f"cannot be used without a token: {error}") from error

    def _way(self) -> Way[SteadyAdapter]:
        made = self._made
        if made is None:
            with self._lock:
                made = self._made = self._made or Ways(self._section.url, self._section.ca_file, SteadyAdapter)
        return made.mine()

    def _unavailable(self, what: str, *, of_one: bool = False) -> StoreUnavailable:
        log.warning("A store failed.", extra={"store": self._name, "reason": what})
        error = StoreUnavailable(f"the store {self._name} {what}")
        error.of_one = of_one
        return error


def _said_in(answer: Any, known: KnownSecrets) -> str:
    """The platform's own words, where they stand where most have them."""
    words = answer if isinstance(answer, dict) else {}
    said = next((words[key] for key in _WORDS if isinstance(words.get(key), str) and words[key]), "")
    return f" ({clean(known.hidden(said), 120)})" if said else ""


def _described(error: requests.RequestException | ValueError) -> str:
    """In words of ours: the text of the exception may hold the address with what is secret in it."""
    if isinstance(error, UnusableAuthorities):
        return f"cannot be used: {error}"
    if (why := distrust(error)) is not None:
        return f"cannot be used: its certificate is not trusted: {why}"
    if isinstance(error, requests.Timeout):
        return "does not answer in time"
    if isinstance(error, requests.ConnectionError):
        return "cannot be reached"
    if isinstance(error, EndlessAnswer):
        return "gives an answer without end"
    return f"cannot be used ({type(error).__name__})"
