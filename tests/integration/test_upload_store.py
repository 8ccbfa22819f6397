"""An upload to the platform: what is sent, and what each answer means."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.files import document
from tests.support.raw_server import RawServer
from tests.support.servers.fault_proxy import Fault, FaultProxy, Kind, Way
from tests.support.uploads import Reply, UploadPlatform
from watcher.clock import boot_seconds
from watcher.config import sections
from watcher.deadline import Clock
from watcher.errors import StoreRefused, StoreUnavailable, TokenUnavailable
from watcher.model import Locator
from watcher.ports import FoundDocument
from watcher.recognition.token import TokenSource
from watcher.sandbox.endpoint import CLIENT_ID, CLIENT_SECRET, Endpoint
from watcher.stores.upload import HttpStore

TOKEN = "secret-token-1234"
GOOD = {"resCode": 200000, "data": {"attachment_url": "https://files.example/1"}}


@pytest.fixture
def platform() -> Iterator[UploadPlatform]:
    with UploadPlatform() as platform:
        yield platform


@pytest.fixture
def invoice() -> Iterator[FoundDocument]:
    made = document(b"%PDF-1.7\r\n--boundary?\r\n")
    yield made
    assert made.content is not None
    made.content.close()


class Tokens:
    """Gives a token, and another where that was refused, once for all who ask; counts the fetches."""

    def __init__(self) -> None:
        self.fetched = 0
        self._header: Mapping[str, str] = {}

    def header(self) -> Mapping[str, str]:
        return self._header or self._fetch()

    def refresh(self, old: Mapping[str, str]) -> Mapping[str, str]:
        return self._fetch() if old is self._header else self._header

    def _fetch(self) -> Mapping[str, str]:
        self.fetched += 1
        self._header = {"access_token": f"{TOKEN}-{self.fetched}"}
        return self._header


class NoToken:
    """Its server is down."""

    def header(self) -> Mapping[str, str]:
        raise TokenUnavailable("the token's server is down")

    def refresh(self, old: Mapping[str, str]) -> Mapping[str, str]:
        raise NotImplementedError


class Ticking:
    """A clock that goes on by what `seconds` says each time that somebody looks at it."""

    def __init__(self, seconds: list[float]) -> None:
        self._seconds = seconds
        self._now = 0.0

    def __call__(self) -> float:
        self._now += self._seconds[0]
        return self._now


def _store(
    platform: UploadPlatform, tokens: Tokens | None = None, *, clock: Clock = boot_seconds, **section: Any
) -> HttpStore:
    made = sections.HttpStore.model_validate({"type": "http", "url": platform.url, **section})
    return HttpStore("platform", made, token=tokens or Tokens(), refused=[400101], clock=clock)


def test_a_file_is_posted_with_its_fields_and_the_token(platform: UploadPlatform, invoice: FoundDocument) -> None:
    store = _store(platform, field="文件", form={"type": "发票", 'q"x': "1"})
    locator = store.put(invoice)
    (upload,) = platform.uploads
    assert invoice.content is not None
    assert upload.data == invoice.content.read()
    assert upload.file_name == f"{invoice.content.sha256}.pdf" == locator.key
    assert upload.media_type == "application/pdf"
    assert upload.form["type"] == "发票"
    assert len(upload.form) == 2
    assert upload.headers["access_token"] == f"{TOKEN}-1"
    assert locator == Locator(
        store="platform", key=locator.key, url=f"https://files.example/{invoice.content.sha256}.pdf"
    )
    store.close()


@pytest.mark.parametrize(
    "refusal",
    [Reply(status=401), Reply(status=403, body={}), Reply(body={"resCode": 400101, "resMsg": "token"})],
)
def test_a_refused_token_is_asked_for_afresh_once(
    platform: UploadPlatform, invoice: FoundDocument, refusal: Reply
) -> None:
    # Given a platform that refuses the first token
    platform.replies.append(refusal)
    tokens = Tokens()
    store = _store(platform, tokens)
    # When a document is put
    locator = store.put(invoice)
    # Then it went up whole with a fresh one
    assert tokens.fetched == 2
    assert platform.uploads[-1].headers["access_token"] == f"{TOKEN}-2"
    assert invoice.content is not None
    assert platform.stored(locator.shown) == invoice.content.read()
    store.close()


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(status=500, body={}), "HTTP 500"),
        (Reply(status=503, body=GOOD), "HTTP 503"),
        (Reply(status=429, body={}), "HTTP 429"),
        (Reply(status=400, body={}), "HTTP 400"),
        (Reply(status=404, body={}), "HTTP 404"),
        (Reply(status=302, body={}, headers={"Location": "https://elsewhere.example/"}), "HTTP 302"),
        (Reply(status=302, body={}, headers={"Location": "http://[::1"}), "HTTP 302"),
        (Reply(body=b"<html>"), "no JSON"),
        (Reply(body=b""), "no JSON"),
        (Reply(body=b"[" * 100_000), "no JSON"),
        (Reply(body=b'{"resCode": 200000, "data"', cut_off=True), "cannot be"),
        (Reply(body=b"x" * 2_000_000), "without end"),
        (Reply(body={"resCode": 500001, "resMsg": "no"}), "resCode: 500001"),
        (Reply(body={"resCode": "a\r\n\x1b[31m\u202eb"}), "resCode: a [31mb"),
        (Reply(body={"data": {"attachment_url": "https://files.example/1"}}), "resCode: None"),
        (Reply(body={"resCode": 200000, "data": {}}), "no address"),
        (Reply(body={"resCode": 200000, "data": {"attachment_url": ""}}), "no address"),
        (Reply(body={"resCode": 200000, "data": {"attachment_url": "a\r\nb"}}), "no address"),
        (Reply(body={"resCode": 200000, "data": {"attachment_url": ["a"]}}), "no address"),
        (Reply(body=[]), "resCode: None"),
    ],
)
def test_an_answer_that_is_not_as_it_should_be_makes_the_document_wait(
    platform: UploadPlatform, invoice: FoundDocument, caplog: pytest.LogCaptureFixture, reply: Reply, words: str
) -> None:
    platform.replies.append(reply)
    store = _store(platform)
    with caplog.at_level(logging.DEBUG, "watcher"), pytest.raises(StoreUnavailable) as raised:
        store.put(invoice)
    assert words in str(raised.value)
    assert TOKEN not in str(raised.value) + caplog.text
    assert str(raised.value).isprintable()
    assert store.put(invoice).url is not None  # the next time it works
    store.close()


@pytest.mark.parametrize("status", [413, 415])
def test_what_the_platform_will_never_take_is_refused(
    platform: UploadPlatform, invoice: FoundDocument, status: int
) -> None:
    platform.replies.append(Reply(status=status, body={}))
    with pytest.raises(StoreRefused, match=str(status)):
        _store(platform).put(invoice)


@pytest.mark.parametrize(
    ("reply", "of_one"),
    [
        (Reply(body={"resCode": 400012, "resMsg": "文件类型不支持"}), True),
        (Reply(status=422, body={"message": "文件类型不支持"}), True),
        (Reply(status=404, body={}), False),
        (Reply(status=429, body={}), False),
        (Reply(status=503, body={"msg": "文件类型不支持"}), False),
        (Reply(status=302, body={}), False),
    ],
)
def test_what_the_platform_may_have_against_one_document_is_told_from_what_it_has_against_all(
    platform: UploadPlatform, invoice: FoundDocument, reply: Reply, of_one: bool
) -> None:
    platform.replies.append(reply)
    store = _store(platform)
    with pytest.raises(StoreUnavailable) as raised:
        store.put(invoice)
    store.close()
    assert raised.value.of_one == of_one
    if of_one:
        assert "(文件类型不支持)" in str(raised.value)


def test_what_has_no_bytes_is_refused(platform: UploadPlatform) -> None:
    nothing = FoundDocument(name="a.zip", media_type="x/y", extension=".zip", size=0, content=None)
    with pytest.raises(StoreRefused):
        _store(platform).put(nothing)
    assert platform.requests == []


def test_a_second_refusal_of_the_token_makes_the_document_wait(
    platform: UploadPlatform, invoice: FoundDocument
) -> None:
    platform.replies += [Reply(status=401), Reply(status=401)]
    with pytest.raises(StoreUnavailable, match="401"):
        _store(platform).put(invoice)
    assert len(platform.uploads) == 2


def test_without_a_token_nothing_is_sent(platform: UploadPlatform, invoice: FoundDocument) -> None:
    section = sections.HttpStore.model_validate({"type": "http", "url": platform.url})
    store = HttpStore("platform", section, token=NoToken())
    with pytest.raises(StoreUnavailable, match="cannot be used without a token: the token's server is down"):
        store.put(invoice)
    (finding,) = store.check()
    assert not finding.ok
    assert platform.requests == []


def test_a_token_that_is_refused_to_many_uploads_is_renewed_once_for_all_of_them() -> None:
    with Endpoint(token=True) as endpoint:
        # Given a token that the platform does not take any more
        auth = sections.Auth.model_validate(
            {"token_url": endpoint.token_url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        )
        token = TokenSource(auth)
        token.header()
        endpoint.revoke_tokens()
        section = sections.HttpStore.model_validate({"type": "http", "url": endpoint.upload_url})
        store = HttpStore("platform", section, token=token)
        # When eight uploads with it are under way at once, each answered half a second later
        endpoint.behave(on="upload", latency=0.5)
        documents = [document(f"%PDF-1.7 {number}".encode()) for number in range(8)]
        with ThreadPoolExecutor(8) as threads:
            locators = list(threads.map(store.put, documents))
        # Then all of them went up, and one more token was fetched
        assert len({locator.url for locator in locators}) == 8
        assert endpoint.token_requests == 2
        for one in documents:
            assert one.content is not None
            one.content.close()
        store.close()
        token.close()


@pytest.mark.parametrize("path", ["data.0.url", "data[0].url"])
def test_the_address_is_found_by_its_path(platform: UploadPlatform, invoice: FoundDocument, path: str) -> None:
    platform.replies.append(Reply(body={"ok": True, "code": "0", "data": [{"url": "https://files.example/发票"}]}))
    store = _store(platform, attachment_url=path, success={"ok": True, "code": 0})
    assert store.put(invoice).url == "https://files.example/发票"
    store.close()


def test_check_tries_without_uploading(platform: UploadPlatform) -> None:
    store = _store(platform)
    assert [finding.ok for finding in store.check()] == [True]
    platform.replies.append(Reply(status=401, body={}))
    assert [finding.ok for finding in store.check()] == [False]
    platform.stop()
    assert [finding.ok for finding in store.check()] == [False]
    assert platform.uploads == []
    store.close()


def test_the_token_never_follows_a_redirect(platform: UploadPlatform, invoice: FoundDocument) -> None:
    with UploadPlatform() as elsewhere:
        platform.replies += [Reply(status=307, body={}, headers={"Location": elsewhere.url})] * 2
        store = _store(platform)
        store.check()
        with pytest.raises(StoreUnavailable, match="307"):
            store.put(invoice)
        assert elsewhere.requests == []
        store.close()


def swallow(connection: socket.socket, _server: RawServer) -> None:
    while connection.recv(65536):
        pass


def test_an_upload_that_is_taken_in_drops_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece is taken in time, and the whole would take hours."""
    monkeypatch.setattr("watcher.stores.upload._UPLOAD_SECONDS", 0.2)
    monkeypatch.setattr("watcher.stores.upload._SLOWEST", 1e9)
    large = document(b"%PDF-" + bytes(20_000_000))
    assert large.content is not None
    with RawServer(swallow) as platform, FaultProxy(platform.port) as proxy:
        armed = proxy.meet(Fault(kind=Kind.DRIBBLE, of=Way.UP, at=300, piece=1024, pause=0.02))
        section = {"type": "http", "url": f"http://{proxy.host}:{proxy.port}/common/files/upload"}
        store = HttpStore("platform", sections.HttpStore.model_validate(section), token=None)
        with pytest.raises(StoreUnavailable, match="too slowly"):
            store.put(large)
        store.close()
        assert armed.fired == 1
        assert proxy.up < large.size / 2
    large.content.close()


def test_a_small_document_is_near_where_the_platform_has_answered_at_once(
    platform: UploadPlatform, invoice: FoundDocument
) -> None:
    # Given a platform that answers each time after so many seconds
    seconds = [0.001]
    store = _store(platform, clock=Ticking(seconds))
    large = document(b"%PDF-" + bytes(2_000_000))
    assert not store.is_near(invoice)  # nobody knows yet
    # When it has answered at once
    for _ in range(16):
        store.put(invoice)
    # Then a small document is near, and a large one is not
    assert store.is_near(invoice)
    assert not store.is_near(large)
    # And when it takes longer, none is
    seconds[0] = 0.2
    store.put(invoice)
    assert not store.is_near(invoice)
    assert large.content is not None
    large.content.close()
    store.close()


def test_a_platform_that_fails_is_not_near_any_more(platform: UploadPlatform, invoice: FoundDocument) -> None:
    store = _store(platform, clock=Ticking([0.001]))
    for _ in range(16):
        store.put(invoice)
    assert store.is_near(invoice)
    platform.stop()
    store.close()  # of the connection that is still open
    with pytest.raises(StoreUnavailable):
        store.put(invoice)
    assert not store.is_near(invoice)
    store.close()
