"""A link leads to no other host, no private address, no bomb and no server without end, and nothing of it is logged."""

from __future__ import annotations

import gzip
import logging
import socket
import time
from collections.abc import Iterator, Sequence
from typing import IO, Any

import pytest

from tests.support.raw_server import RawServer
from tests.support.servers.platform_plays import HEX
from tests.support.servers.platform_replies import Reply, answer, expired, page, pdf, pdf_bytes, redirect
from tests.support.servers.platforms import PUBLIC, Platforms
from watcher.config.sections import Limits, Links
from watcher.documents.links.fetcher import LinkFetcher, Patience
from watcher.documents.links.public_network import PublicNetwork
from watcher.documents.links.recipes import built_in_recipes
from watcher.documents.links.results import LinkResult
from watcher.model import Reason
from watcher.ports import MailText

RECIPES = built_in_recipes()
HOST = "files.corp.example"
OTHER = "cdn.corp.example"
SECRET = "s3cr3t-t0ken"


@pytest.fixture(scope="module")
def _server() -> Iterator[Platforms]:
    with Platforms() as server:
        yield server


@pytest.fixture
def platforms(_server: Platforms) -> Platforms:
    _server.clear()
    return _server


def fetch(
    platforms: Platforms, *links: str, names: dict[str, Sequence[str]] | None = None, html: str = "", **more: Any
) -> list[LinkResult]:
    """With two hosts configured, and all platforms."""
    given: dict[str, Any] = {
        "links": Links(known=True, hosts=[HOST, OTHER]),
        "accept": ["pdf", "ofd"],
        "limits": Limits(document=100_000),
        "network": platforms.network(names),
        "tls": platforms.tls,
        "recipes": RECIPES,
    }
    text = html or "".join(f'<p><a href="{link}">下载</a></p>' for link in links)
    results = LinkFetcher(**(given | more)).fetch([MailText(text=text, html=True)])
    for result in results:
        if result.file is not None:
            result.file.close()
    return results


def cause(platforms: Platforms, **more: Any) -> tuple[Reason | None, bool]:
    """What becomes of the one link to the configured host, and whether it may be had later."""
    (result,) = fetch(platforms, f"https://{HOST}/x?k={SECRET}", **more)
    return result.reason, result.again


def plays(platforms: Platforms, reply: Reply, path: str = "/x") -> None:
    platforms.play(HOST, path, lambda asked, found: reply)


# -------------------------------------------------------------------------------------- where it leads


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/x",
        "https://127.0.0.1/x",
        "https://files.corp.example:8443/x",
        "ftp://files.corp.example/x",
    ],
)
def test_a_redirect_to_elsewhere_is_not_followed(platforms: Platforms, location: str) -> None:
    plays(platforms, redirect(location))

    assert cause(platforms) == (Reason.LINK_REFUSED, False)
    assert [asked.path for asked in platforms.asked] == ["/x"]


def test_a_redirect_to_an_allowed_host_is_followed_over_https(platforms: Platforms) -> None:
    plays(platforms, redirect(f"http://{OTHER}/f"))
    platforms.play(OTHER, "/f", lambda asked, found: pdf("x"))

    assert cause(platforms) == (None, False)
    assert platforms.connected == [(PUBLIC, 443), (PUBLIC, 443)]


def test_a_host_that_leads_into_the_own_network_is_not_connected_to(platforms: Platforms) -> None:
    plays(platforms, redirect(f"https://{OTHER}/f"))

    assert cause(platforms, names={OTHER: ["10.0.0.1", "::ffff:127.0.0.1"]}) == (Reason.LINK_REFUSED, False)
    assert platforms.connected == [(PUBLIC, 443)]


def test_an_address_in_an_answer_is_judged_as_well(platforms: Platforms) -> None:
    files = {"url": "https://evil.example/1.pdf", "ofdDownloadUrl": "https://127.0.0.1/1.ofd"}
    reply = answer({"status": "0000", "data": {"invoiceSimpleVo": files}})
    platforms.play("nnfp.jss.com.cn", "/scan2/getIvcDetailShow.do", lambda asked, found: reply)

    (result,) = fetch(platforms, "https://nnfp.jss.com.cn/ab-_CD12=")

    assert (result.reason, result.again) == (Reason.LINK_REFUSED, False)
    assert {asked.host for asked in platforms.asked} == {"nnfp.jss.com.cn"}


def test_a_certificate_of_another_name_is_not_accepted(platforms: Platforms) -> None:
    links = Links(hosts=["unnamed.corp.example"])
    (result,) = fetch(platforms, "https://unnamed.corp.example/x", links=links)

    assert (result.reason, result.again) == (Reason.LINK_REFUSED, False)
    assert not platforms.asked


def test_redirects_without_end_are_ended(platforms: Platforms) -> None:
    platforms.play(HOST, "/(x+)", lambda asked, found: redirect(f"/{found[1]}x"))

    assert cause(platforms) == (Reason.LINK_NO_DOCUMENT, False)
    assert len(platforms.asked) == 9


def test_a_redirect_to_itself_is_ended(platforms: Platforms) -> None:
    platforms.play(HOST, "/x", lambda asked, found: redirect(f"/x?k={SECRET}"))

    assert cause(platforms) == (Reason.LINK_NO_DOCUMENT, False)
    assert len(platforms.asked) == 1


@pytest.mark.parametrize("location", ["/user/login?back=1", "https://passport.corp.example/", f"https://{OTHER}/#/sso"])
def test_a_redirect_to_a_login_is_told_as_that(platforms: Platforms, location: str) -> None:
    plays(platforms, redirect(location))

    assert cause(platforms) == (Reason.LINK_LOGIN, False)


# --------------------------------------------------------------------------------------- what it gives


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (page("<h1>welcome</h1>"), (Reason.LINK_NO_DOCUMENT, False)),
        (Reply(body=b"", headers={"Content-Type": "application/pdf"}), (Reason.LINK_NO_DOCUMENT, False)),
        (
            Reply(body=b"\x89PNG\r\n\x1a\n" + bytes(99), headers={"Content-Type": "application/pdf"}),
            (Reason.LINK_NO_DOCUMENT, False),
        ),
        (Reply(status=401), (Reason.LINK_LOGIN, False)),
        (Reply(status=403), (Reason.LINK_NO_DOCUMENT, False)),
        (Reply(status=404), (Reason.LINK_NO_DOCUMENT, False)),
        (Reply(status=429), (Reason.LINK_UNREACHABLE, True)),
        (Reply(status=503), (Reason.LINK_UNREACHABLE, True)),
        (Reply(body=pdf_bytes("x"), headers={"Content-Length": "999"}), (Reason.LINK_UNREACHABLE, True)),
        (Reply(body=b"%PDF-" + bytes(100_001)), (Reason.TOO_LARGE, False)),
        (Reply(body=b"x", headers={"Content-Length": "999999999999"}), (Reason.TOO_LARGE, False)),
        (
            Reply(body=gzip.compress(b"%PDF-" + bytes(90_000_000)), headers={"Content-Encoding": "gzip"}),
            (Reason.TOO_LARGE, False),
        ),
        (Reply(body=b"%PDF-", headers={"Content-Encoding": "br"}), (Reason.LINK_NO_DOCUMENT, False)),
        (Reply(body=b"%PDF-", headers={"Content-Encoding": "gzip"}), (Reason.LINK_NO_DOCUMENT, False)),
        (
            Reply(body=gzip.compress(b"%PDF-")[:-9], headers={"Content-Encoding": "gzip"}),
            (Reason.LINK_UNREACHABLE, True),
        ),
    ],
)
def test_what_is_no_document_is_told_as_what_it_is(
    platforms: Platforms, reply: Reply, expected: tuple[Reason, bool]
) -> None:
    plays(platforms, reply)

    assert cause(platforms) == expected


def test_what_came_packed_is_unpacked(platforms: Platforms) -> None:
    plays(platforms, Reply(body=gzip.compress(pdf_bytes("x") * 99), headers={"Content-Encoding": "gzip"}))

    (result,) = fetch(platforms, f"https://{HOST}/x")

    assert result.file is not None
    assert result.file.content.size == len(pdf_bytes("x")) * 99


@pytest.mark.parametrize("length", ["²", "9²9", "x", "-1", "1,000"])
def test_a_length_that_is_no_number_loses_nothing(platforms: Platforms, length: str) -> None:
    plays(platforms, Reply(body=pdf_bytes("x"), headers={"Content-Length": length}))

    (result,) = fetch(platforms, f"https://{HOST}/x")

    assert result.file is not None
    assert result.file.content.size == len(pdf_bytes("x"))


def test_an_interim_answer_is_not_taken_for_what_the_link_has(platforms: Platforms) -> None:
    plays(platforms, Reply(body=pdf_bytes("x"), interim=b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"))

    (result,) = fetch(platforms, f"https://{HOST}/x")

    assert result.file is not None
    assert result.file.content.size == len(pdf_bytes("x"))


def test_what_may_be_had_later_is_told_before_what_is_gone(platforms: Platforms) -> None:
    at = "pis.baiwang.com"
    replies = {"PDF": Reply(status=503), "OFD": expired()}
    platforms.play(at, ".*/downloadFormat", lambda asked, found: replies[asked.query["formatType"]])

    (result,) = fetch(platforms, f"https://{at}/smkp-vue/previewInvoiceAllEle?param={HEX}")

    assert (result.reason, result.again) == (Reason.LINK_UNREACHABLE, True)
    assert len(platforms.asked) == 2


def test_an_expired_link_of_a_platform_is_told_as_that(platforms: Platforms) -> None:
    (result,) = fetch(platforms, "https://nnfp.jss.com.cn/gone12345")

    assert (result.reason, result.again) == (Reason.LINK_EXPIRED, False)


# --------------------------------------------------------------------------------------- without end


def trickle(out: IO[bytes], body: bytes) -> None:
    for byte in body:
        out.write(bytes([byte]))
        out.flush()
        time.sleep(0.02)  # this is the server's slowness, and not a wait of the test's


def test_a_server_that_trickles_is_cut_off(platforms: Platforms) -> None:
    plays(platforms, Reply(body=b"%PDF-" + bytes(90_000), writing=trickle))
    began = time.monotonic()

    assert cause(platforms, patience=Patience(link=0.5, mail=5)) == (Reason.LINK_UNREACHABLE, True)
    assert time.monotonic() - began < 5


def test_a_handshake_that_never_ends_is_cut_off(platforms: Platforms) -> None:
    def behave(connection: socket.socket, server: RawServer) -> None:
        connection.recv(65536)
        connection.sendall(b"\x16\x03\x03\x40\x00")  # a record of 16 KiB begins
        while not server.ended.wait(0.02):
            connection.sendall(b"\0")

    with RawServer(behave) as server:
        network = PublicNetwork(
            look_up=lambda *_: [PUBLIC],
            connect=lambda address, port, seconds: socket.create_connection(("127.0.0.1", server.port), seconds),
        )
        began = time.monotonic()
        assert cause(platforms, network=network, patience=Patience(link=0.5, mail=5)) == (Reason.LINK_UNREACHABLE, True)
        assert time.monotonic() - began < 5


def test_all_links_of_a_mail_have_one_end(platforms: Platforms) -> None:
    platforms.play(HOST, "/.*", lambda asked, found: Reply(body=b"%PDF-" + bytes(90_000), writing=trickle))
    began = time.monotonic()

    results = fetch(platforms, *(f"https://{HOST}/{n}" for n in range(9)), patience=Patience(link=0.5, mail=0.8))

    assert [(each.reason, each.again) for each in results] == [(Reason.LINK_UNREACHABLE, True)] * 9
    assert len(platforms.asked) <= 2
    assert time.monotonic() - began < 5


def test_nobody_listening_may_be_over_later(platforms: Platforms) -> None:
    def connect(address: str, port: int, seconds: float) -> socket.socket:
        raise ConnectionRefusedError(111, "refused")

    network = PublicNetwork(look_up=lambda *_: [PUBLIC], connect=connect)

    assert cause(platforms, network=network) == (Reason.LINK_UNREACHABLE, True)


# ------------------------------------------------------------------------------------------ one mail


def test_more_than_twenty_invoices_of_one_link_are_told_as_too_many(platforms: Platforms) -> None:
    rows = [{"pdfUrl": f"https://www.fdfinvoice.com/files/{n}.pdf"} for n in range(22)]
    at = "/prod-api/output/unauth/getDeliverDataByOrderRefNo"
    platforms.play("www.fdfinvoice.com", at, lambda asked, found: answer({"data": rows}))

    results = fetch(platforms, "https://www.fdfinvoice.com/x?orderRefNo=W1")

    assert [each.reason for each in results] == [None] * 20 + [Reason.TOO_MANY]


def test_links_beyond_twenty_are_told_and_not_followed(platforms: Platforms) -> None:
    platforms.play(HOST, "/.*", lambda asked, found: pdf(asked.path))

    results = fetch(platforms, *(f"https://{HOST}/{n}" for n in range(22)))

    assert [each.reason for each in results] == [None] * 20 + [Reason.TOO_MANY]
    assert len(platforms.asked) == 20


def test_the_same_bytes_are_one_file(platforms: Platforms) -> None:
    platforms.play(HOST, "/.*", lambda asked, found: pdf("the same"))

    assert len(fetch(platforms, f"https://{HOST}/1", f"https://{HOST}/2")) == 1


def test_pages_of_a_configured_host_are_not_told_beside_a_document_of_it(platforms: Platforms) -> None:
    plays(platforms, pdf("x"))

    assert [each.reason for each in fetch(platforms, f"https://{HOST}/x", f"https://{HOST}/portal")] == [None]


def test_another_format_is_had_where_the_best_one_is_not(platforms: Platforms) -> None:
    at = "https://eicore-invoice-12.s3.cn-north-1.jdcloud-oss.com/digital-invoice/digital_1"
    platforms.play(at.split("/")[2], ".*[.]pdf", lambda asked, found: expired())

    (result,) = fetch(platforms, f"{at}.pdf?Signature=1", f"{at}.ofd?Signature=2")

    assert result.file is not None
    assert result.file.name == "digital_1.ofd"


def test_where_a_link_leads_is_tried_where_its_words_do_not_help(platforms: Platforms) -> None:
    plays(platforms, pdf("x"))

    (result,) = fetch(platforms, html=f'<a href="https://{HOST}/x">https://{OTHER}/gone</a>')

    assert result.file is not None
    assert [asked.host for asked in platforms.asked] == [OTHER, HOST]


def test_without_hosts_and_platforms_no_text_is_even_read() -> None:
    def texts() -> Iterator[MailText]:
        raise AssertionError("read")
        yield

    assert LinkFetcher(links=Links(), accept=["pdf"], limits=Limits(), recipes=RECIPES).fetch(texts()) == []


# ----------------------------------------------------------------------------------------- what is kept


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="发票 1.pdf"'.encode(), "发票 1.pdf"),
        ('attachment; filename="镕喆堃.pdf"'.encode("gb18030"), "镕喆堃.pdf"),
        (b"attachment; filename*=UTF-8''%E5%8F%91%E7%A5%A8.pdf", "发票.pdf"),
        (b'attachment; filename="%E5%8F%91%E7%A5%A8.pdf"', "发票.pdf"),
        (b"attachment", "dzfp_26442000001234567890.pdf"),
        (None, "dzfp_26442000001234567890.pdf"),
    ],
)
def test_a_file_has_the_name_that_its_platform_gives_it(
    platforms: Platforms, disposition: bytes | None, name: str
) -> None:
    platforms.play(HOST, "/f/.*", lambda asked, found: pdf("x", disposition))

    (result,) = fetch(platforms, f"https://{HOST}/f/dzfp_26442000001234567890.pdf?k={SECRET}")

    assert result.file is not None
    assert result.file.name == name


def test_a_file_without_a_name_has_its_platforms(platforms: Platforms) -> None:
    (result,) = fetch(platforms, f"https://pis.baiwang.com/smkp-vue/previewInvoiceAllEle?param={HEX}")

    assert result.file is not None
    assert result.file.name == "百望云.pdf"


def test_no_proxy_and_no_cookie_and_no_password_is_used(platforms: Platforms, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    plays(platforms, Reply(status=302, headers={"Location": "/f", "Set-Cookie": "a=b"}))
    platforms.play(HOST, "/f", lambda asked, found: pdf("x"))

    assert cause(platforms) == (None, False)
    assert all(
        not {"cookie", "authorization", "proxy-authorization"} & asked.headers.keys() for asked in platforms.asked
    )


def test_nothing_of_a_link_is_logged_but_its_host(platforms: Platforms, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    plays(platforms, redirect(f"https://evil.example/{SECRET}"))
    cause(platforms)
    plays(platforms, Reply(status=404))
    cause(platforms)
    plays(platforms, pdf("x"))
    cause(platforms)

    told = " ".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert HOST in told
    assert SECRET not in told
