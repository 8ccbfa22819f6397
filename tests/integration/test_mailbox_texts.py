"""What a mail says is read as it was meant, on a real server, whether it is read part by part or whole."""

from __future__ import annotations

import base64
import quopri
from collections.abc import Callable, Iterator

import pytest

from tests.support.mailboxes import arrivals, mailbox
from tests.support.mails import PDF, crlf, headers, mail, multipart, part
from tests.support.servers.dovecot import Account, Dovecot
from watcher.mime.said import LARGEST_TEXT_BYTES
from watcher.ports import MailText
from watcher.sources.mailbox import MailboxSource
from watcher.sources.mailbox.whole import whole_texts
from watcher.spool import Spooled

Read = Callable[[bytes], list[MailText]]


@pytest.fixture
def account(dovecot: Dovecot) -> Account:
    return dovecot.account()


@pytest.fixture
def source(account: Account) -> Iterator[MailboxSource]:
    with mailbox(account) as opened:
        yield opened


def _whole(raw: bytes) -> list[MailText]:
    content = Spooled([raw])
    try:
        return whole_texts(content)
    finally:
        content.close()


@pytest.fixture(params=["part by part", "whole"])
def read(request: pytest.FixtureRequest) -> Read:
    """Both ways to read a mail."""
    if request.param == "whole":
        return _whole
    account = request.getfixturevalue("account")
    source = request.getfixturevalue("source")

    def by_parts(raw: bytes) -> list[MailText]:
        account.append(raw)
        (arrival,) = arrivals(source)
        with source.open(arrival) as parcel:
            return list(parcel.texts())

    return by_parts


def text(content: bytes, *, kind: str = "plain", charset: str | None = "utf-8", encoding: str = "base64") -> bytes:
    parameter = f"; charset={charset}" if charset else ""
    head = crlf(f"Content-Type: text/{kind}{parameter}\nContent-Transfer-Encoding: {encoding}\n\n")
    body = base64.encodebytes(content) if encoding == "base64" else quopri.encodestring(content)
    return head + crlf(body if encoding != "8bit" else content)


def said(found: list[MailText]) -> list[tuple[bool, str]]:
    return [(each.html, each.text.strip()) for each in found]


def test_both_alternatives_are_read_and_files_are_not(read: Read) -> None:
    alternatives = multipart(text(b"plain"), text(b"<p>html</p>", kind="html"), boundary="A", kind="alternative")
    attached = (
        crlf("Content-Type: text/html; name=x.html\n\nno\n"),
        crlf("Content-Type: text/plain\nContent-Disposition: attachment\n\nno\n"),
    )

    found = read(headers() + multipart(alternatives, part(PDF), *attached))

    assert said(found) == [(False, "plain"), (True, "<p>html</p>")]


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        ("gbk", "gb18030"),
        ("GB2312", "gb18030"),
        ("utf-8", "gb18030"),
        ("utf-8", "utf-8"),
        ("x-unknown", "utf-8"),
        (None, "utf-8"),
    ],
)
def test_chinese_is_read_whatever_it_is_called(read: Read, charset: str | None, codec: str) -> None:
    found = read(headers() + text("镕喆堃：下载".encode(codec), charset=charset))

    assert said(found) == [(False, "镕喆堃：下载")]


def test_quoted_printable_is_undone_once(read: Read) -> None:
    link = b"https://dppt.beijing.chinatax.gov.cn:8443/x?Wjgs=PDF&Jym=1a2b&Fphm=" + b"1" * 20 + b"&Kprq=20261101120000"

    found = read(headers() + text(link, encoding="quoted-printable"))

    assert said(found) == [(False, link.decode())]


def test_what_forwarded_mails_say_is_read(read: Read) -> None:
    inner = mail(part(PDF), text(b"<p>inner</p>", kind="html"))

    found = read(mail(crlf("Content-Type: message/rfc822\n\n") + inner))

    assert [each for _, each in said(found)] == ["See the invoice.", "See the invoice.", "<p>inner</p>"]


def test_which_of_the_forwarded_mails_says_it_is_told(read: Read) -> None:
    plain = headers() + text(b"one")
    both = headers() + multipart(text(b"two"), text(b"<p>two</p>", kind="html"), kind="alternative", boundary="B")
    deeper = headers() + multipart(text(b"three"), crlf("Content-Type: message/rfc822\n\n") + plain, boundary="D")
    nested = [crlf("Content-Type: message/rfc822\n\n") + each for each in (plain, both, deeper)]

    found = read(mail(*nested, text(b"after")))

    mails: dict[str, set[str]] = {}
    for each in found:
        mails.setdefault(each.mail, set()).add(each.text.strip())
    assert list(mails.values()) == [{"See the invoice.", "after"}, {"one"}, {"two", "<p>two</p>"}, {"three"}, {"one"}]
    assert "" in mails


@pytest.mark.parametrize(
    ("kind", "name"), [("message/rfc822", None), ("application/octet-stream", "forwarded.eml")], ids=["encoded", "file"]
)
def test_what_mails_say_that_were_forwarded_as_files_is_read_last(read: Read, kind: str, name: str | None) -> None:
    inner = headers() + text(b"<p>inner</p>", kind="html")

    found = read(mail(part(inner, kind=kind, name=name), text(b"after")))

    assert [each for _, each in said(found)] == ["See the invoice.", "after", "<p>inner</p>"]
    assert [bool(each.mail) for each in found] == [False, False, True]


def test_a_mail_that_is_all_text_is_read(read: Read) -> None:
    assert said(read(headers() + text(b"<p>x</p>", kind="html"))) == [(True, "<p>x</p>")]


def test_an_endless_text_is_cut_between_two_tags(read: Read) -> None:
    found = read(headers() + text("<p>发票</p>".encode() * 200_000, kind="html"))

    (only,) = found
    assert len(only.text.encode()) <= LARGEST_TEXT_BYTES
    assert only.text.endswith("</p>") or only.text.endswith("<p>")
    assert "\ufffd" not in only.text


def test_an_endless_text_is_not_fetched_to_its_end(account: Account, source: MailboxSource) -> None:
    account.append(headers() + text(b"x" * 78 + b"\n", encoding="8bit") + crlf(b"y" * 70 + b"\n") * 200_000)
    (arrival,) = arrivals(source)

    with source.open(arrival) as parcel:
        (found,) = parcel.texts()

    assert len(found.text) <= LARGEST_TEXT_BYTES


def test_pages_are_read_alone_and_come_with_the_files_where_mails_are_read_together(
    account: Account, source: MailboxSource
) -> None:
    pages = ["<p>镕喆堃 1</p>".encode("gb18030"), b"<p>" + b"2=" * 30_000 + b"</p>"]
    both = [
        multipart(text(b"plain"), text(pages[number % 2], kind="html", charset="gbk"), kind="alternative", boundary="A")
        for number in range(8)
    ]
    nested = crlf("Content-Type: message/rfc822\n\n") + headers() + text(b"<p>inner</p>", kind="html")
    for each in both:
        account.append(headers() + multipart(each, part(PDF), nested))

    found = []
    for arrival in source.arrivals(lambda _: {}):
        with source.open(arrival) as parcel:
            for leaf in parcel.leaves():
                leaf.fetch().close()
            found.append([(each.mail, each.text.strip()) for each in parcel.pages()])

    expected = [pages[number % 2].decode("gb18030") for number in range(8)]
    assert found == [[("", each), ("/3", "<p>inner</p>")] for each in expected]


def test_pages_of_a_mail_that_is_read_whole_are_the_same(account: Account, source: MailboxSource) -> None:
    raw = headers() + multipart(text(b"plain"), text(b"<p>1</p>", kind="html"), part(PDF))
    account.append(raw.replace(b'; boundary="BOUNDARY"', b"", 1))

    (arrival,) = arrivals(source)
    with source.open(arrival) as parcel:
        assert [each.text.strip() for each in parcel.pages()] == ["<p>1</p>"]
