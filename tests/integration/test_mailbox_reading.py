"""What is in a mail is found on a real server, however it was packed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import random
import tracemalloc
from collections.abc import Iterator
from typing import cast

import pytest

from tests.support.mailboxes import arrivals, leaves, mailbox
from tests.support.mails import PDF, PNG, TEXT_PART, crlf, encoded, headers, mail, multipart, part
from tests.support.servers.dovecot import Account, Dovecot
from watcher.config.sections import Limits
from watcher.documents.reader import DocumentReader
from watcher.errors import Vanished
from watcher.headers import read_header
from watcher.mime.part import WALKED
from watcher.ports import Leaf
from watcher.sources.mailbox import MailboxSource
from watcher.spool import Spooled


@pytest.fixture
def account(dovecot: Dovecot) -> Account:
    return dovecot.account()


@pytest.fixture
def source(account: Account) -> Iterator[MailboxSource]:
    with mailbox(account) as opened:
        yield opened


def test_two_pdfs_are_two_leaves_with_their_names_and_bytes(account: Account, source: MailboxSource) -> None:
    account.append(mail(part(PDF + b"1", name="a.pdf"), part(PDF + b"2", name="b.pdf")))

    assert leaves(source) == [("a.pdf", "application/pdf", PDF + b"1"), ("b.pdf", "application/pdf", PDF + b"2")]


def test_a_nameless_inline_octet_stream_is_a_leaf(account: Account, source: MailboxSource) -> None:
    account.append(mail(part(PDF, kind="application/octet-stream", name=None, more="Content-Disposition: inline\n")))

    assert leaves(source) == [(None, "application/octet-stream", PDF)]


def test_the_files_of_a_forwarded_message_are_found(account: Account, source: MailboxSource) -> None:
    inner = mail(part(PDF, name="inner.pdf"), subject="the portal's mail")
    account.append(mail(crlf("Content-Type: message/rfc822\n\n") + inner, part(PNG, kind="image/png", name="x.png")))

    assert leaves(source) == [("inner.pdf", "application/pdf", PDF), ("x.png", "image/png", PNG)]


def test_a_forwarded_message_that_is_nothing_but_a_pdf_is_found(account: Account, source: MailboxSource) -> None:
    inner = headers() + part(PDF, name="only.pdf")
    account.append(mail(crlf("Content-Type: message/rfc822\n\n") + inner))

    assert leaves(source) == [("only.pdf", "application/pdf", PDF)]


def test_a_base64_encoded_message_is_handed_over_as_a_leaf(account: Account, source: MailboxSource) -> None:
    inner = mail(part(PDF, name="inner.pdf"))
    account.append(mail(part(inner, kind="message/rfc822", name="forwarded.eml")))

    assert leaves(source) == [("forwarded.eml", "message/rfc822", inner)]


def test_a_mail_that_is_itself_the_pdf_has_one_leaf(account: Account, source: MailboxSource) -> None:
    account.append(headers() + part(PDF, name="root.pdf"))

    assert leaves(source) == [("root.pdf", "application/pdf", PDF)]


@pytest.mark.parametrize(
    "written",
    [
        b'"' + "镕喆堃.pdf".encode("gb18030") + b'"',
        b'"=?gb2312?B?' + base64.b64encode("镕喆堃.pdf".encode("gb18030")) + b'?="',
        b'"' + "镕喆堃.pdf".encode() + b'"',
    ],
    ids=["raw GBK", "GBK called gb2312", "raw UTF-8"],
)
def test_chinese_names_are_read_as_they_were_meant(account: Account, source: MailboxSource, written: bytes) -> None:
    head = b"Content-Type: application/pdf; name=" + written + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    account.append(mail(head + crlf(encoded(PDF))))

    assert leaves(source) == [("镕喆堃.pdf", "application/pdf", PDF)]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("filename=增值税 发票(1).pdf", "增值税 发票(1).pdf"),
        ("filename=a[1].pdf", "a[1].pdf"),
        ("filename=a,b.pdf", "a,b.pdf"),
        ("filename=2026.11 发票.pdf", "2026.11 发票.pdf"),
        ('filename="unclosed.pdf', "unclosed.pdf"),
        ('filename="C:\\x\\a.pdf"', "C:\\x\\a.pdf"),
        ("filename=C:\\x\\a.pdf", "C:\\x\\a.pdf"),
        ("filename*=utf-8''%e5%8f%91 b.pdf", "发 b.pdf"),
        ("; filename=a.pdf", "a.pdf"),
        ("filename=README", "README"),
        ("size=5", None),
    ],
)
def test_a_name_that_the_server_tells_in_part_is_read_whole(
    account: Account, source: MailboxSource, written: str, name: str | None
) -> None:
    more = f"Content-Disposition: attachment; {written}\n"
    for _ in range(2):
        account.append(mail(part(PDF, name=None), part(PDF, name=None).replace(b"\r\n\r\n", crlf(f"\n{more}\n"), 1)))
    account.append(headers() + part(PDF, name=None).replace(b"\r\n\r\n", crlf(f"\n{more}\n"), 1))

    assert [each for each, _, _ in leaves(source)] == [None, name, None, name, name]


def test_a_name_in_pieces_is_put_together(account: Account, source: MailboxSource) -> None:
    disposition = "Content-Disposition: attachment;\n filename*0*=utf-8''%E5%8F%91;\n filename*1*=%E7%A5%A8.pdf\n"
    account.append(mail(part(PDF, name=None, more=disposition)))

    assert leaves(source) == [("发票.pdf", "application/pdf", PDF)]


def test_body_text_is_no_leaf_but_text_with_a_name_and_xml_are(account: Account, source: MailboxSource) -> None:
    alternative = multipart(TEXT_PART, crlf("Content-Type: text/html\n\n<p>x</p>\n"), boundary="A", kind="alternative")
    named = crlf('Content-Type: text/plain; name="list.txt"\n\nlist\n')
    xml = crlf("Content-Type: text/xml\n\n<x/>\n")
    account.append(headers() + multipart(alternative, named, xml))

    assert [(name, kind) for name, kind, _ in leaves(source)] == [("list.txt", "text/plain"), (None, "text/xml")]


def test_quoted_printable_and_plain_parts_are_decoded(account: Account, source: MailboxSource) -> None:
    quoted = crlf("Content-Type: application/xml\nContent-Transfer-Encoding: quoted-printable\n\n<a b=3D'1'>=\n</a>")
    plain = crlf("Content-Type: application/x-y; name=p\nContent-Transfer-Encoding: 8bit\n\n") + "发票".encode()
    account.append(headers() + multipart(quoted, plain))

    assert [content for _, _, content in leaves(source)] == [b"<a b='1'></a>", "发票".encode()]


def test_damaged_base64_gives_what_can_be_read_of_it(account: Account, source: MailboxSource) -> None:
    damaged = crlf("Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n") + b"JVBE!Ri0x\r\n*Lg==\r\n"
    account.append(mail(damaged))

    assert [content for _, _, content in leaves(source)] == [b"%PDF-1."]


def test_uuencoded_parts_are_decoded(account: Account, source: MailboxSource) -> None:
    head = crlf("Content-Type: application/pdf; name=u.pdf\nContent-Transfer-Encoding: x-uuencode\n\n")
    account.append(mail(head + crlf("begin 644 u.pdf\n%)5!$1BT \n \nend\n")))

    assert leaves(source) == [("u.pdf", "application/pdf", b"%PDF-")]


def test_a_multipart_whose_boundary_is_not_declared_is_read_all_the_same(
    account: Account, source: MailboxSource
) -> None:
    body = multipart(TEXT_PART, part(PDF)).replace(b'; boundary="BOUNDARY"', b"")
    account.append(headers() + body)

    assert leaves(source) == [("a.pdf", "application/pdf", PDF)]


@pytest.mark.parametrize("without", [(), ("BINARY",)], ids=["BINARY", "no BINARY"])
def test_a_large_attachment_arrives_whole(without: tuple[str, ...]) -> None:
    content = PDF + bytes(range(256)) * 12_000 + b"the end"
    with Dovecot(without=without) as server:
        account = server.account()
        account.append(mail(part(content)))
        with mailbox(account) as source:
            assert leaves(source) == [("a.pdf", "application/pdf", content)]


def test_a_look_says_again_and_again_that_a_large_mail_is_still_coming(account: Account) -> None:
    # However slowly each piece comes: so a server that trickles is told from a thread that hangs.
    account.append(mail(part(PDF)))
    beats: list[int] = []
    with mailbox(account, beat=lambda: beats.append(1)) as source:
        leaves(source)
        for_a_small_one = len(beats)
        account.append(mail(part(PDF + bytes(3 * 1024 * 1024))))
        beats.clear()
        assert len(leaves(source)) == 2
        assert len(beats) >= for_a_small_one + 3


def test_the_parcel_has_the_fields_of_its_header_and_the_mail_whole(account: Account, source: MailboxSource) -> None:
    raw = mail(part(PDF * 2000))
    account.append(raw)

    [arrival] = arrivals(source)
    with source.open(arrival) as parcel:
        assert parcel.header == read_header(raw)
        assert parcel.whole() == raw
        assert parcel.user_code is None
        assert parcel.owner is None


def test_reading_marks_nothing(account: Account, source: MailboxSource) -> None:
    account.append(mail(part(PDF)))
    leaves(source)

    assert [message.flags for message in account.messages()] == [frozenset()]


def test_a_mail_that_is_gone_before_it_is_opened_has_vanished(account: Account, source: MailboxSource) -> None:
    uid = account.append(mail(part(PDF)))
    [arrival] = arrivals(source)
    account.delete(uid)

    with pytest.raises(Vanished), source.open(arrival):
        pass


def test_a_mail_that_is_gone_before_its_leaf_is_fetched_has_vanished(account: Account, source: MailboxSource) -> None:
    uid = account.append(mail(part(PDF)))
    [arrival] = arrivals(source)

    with source.open(arrival) as parcel:
        [leaf] = parcel.leaves()
        account.delete(uid)
        with pytest.raises(Vanished):
            leaf.fetch()


@pytest.mark.parametrize("without", [(), ("BINARY",)], ids=["BINARY", "no BINARY"])
def test_an_attachment_of_25_mb_costs_little_memory(without: tuple[str, ...]) -> None:
    megabytes = 25
    content = random.Random(1).randbytes(1_000_000) * megabytes
    with Dovecot(without=without) as server:
        account = server.account()
        account.append(mail(part(content)))
        with mailbox(account) as source:
            [arrival] = arrivals(source)
            tracemalloc.start()
            try:
                with source.open(arrival) as parcel:
                    [leaf] = parcel.leaves()
                    fetched = leaf.fetch()
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    assert fetched.sha256 == hashlib.sha256(content).hexdigest()
    assert peak < 8_000_000
    fetched.close()


def test_base64_that_the_server_cannot_decode_costs_no_connection(account: Account, source: MailboxSource) -> None:
    """Dovecot hangs up at what ends in the middle, when it is asked to decode it."""
    for name in ("a.pdf", "b.pdf"):
        account.append(mail(part(PDF, name=name).rstrip(b"\r\n=")[:-1] + b"\r\n"))

    assert [(name, content[:8]) for name, _, content in leaves(source)] == [("a.pdf", PDF[:8]), ("b.pdf", PDF[:8])]
    assert not source._barred


@pytest.mark.parametrize("structure", ["told", "doubted"])
def test_what_a_mail_says_and_what_it_brings_are_known_by_the_same_trails(
    account: Account, source: MailboxSource, structure: str
) -> None:
    nested = crlf("Content-Type: message/rfc822\n\n")
    both = headers(subject="both") + multipart(TEXT_PART, part(PDF, name="both.pdf"), boundary="C")
    bare = headers(subject="bare") + TEXT_PART
    deep = headers(subject="deep") + multipart(TEXT_PART, nested + bare, boundary="D")
    packed = part(mail(part(PDF, name="packed.pdf"), nested + bare), kind="message/rfc822", name="packed.eml")
    raw = mail(nested + both, nested + bare, nested + deep, packed)
    account.append(raw if structure == "told" else raw.replace(b'; boundary="BOUNDARY"', b"", 1))

    (arrival,) = arrivals(source)
    with source.open(arrival) as parcel:
        leaves = [*parcel.leaves()]
        headers_of = {leaf.trail: _subject(leaf) for leaf in leaves if leaf.declared_type == WALKED}
        files = {leaf.name: leaf.trail for leaf in leaves if leaf.declared_type != WALKED}
        said = {text.mail for text in parcel.texts()}

    assert len({leaf.trail for leaf in leaves}) == len(leaves)
    assert sorted(headers_of.values()) == ["bare", "bare", "both", "deep"]
    assert headers_of[str(files["both.pdf"]).rpartition("/")[0]] == "both"
    (within,) = {each for each in said if each.startswith(f"{files['packed.eml']}/")}
    assert said == {"", *headers_of, files["packed.eml"], within}


def _subject(leaf: Leaf) -> str:
    content = leaf.fetch()
    try:
        assert b"See the invoice" not in content.read()
        return read_header(content.read()).subject or ""
    finally:
        content.close()


def test_of_a_nested_mail_that_brought_a_document_not_even_the_header_is_fetched(
    account: Account, source: MailboxSource
) -> None:
    inner = headers(subject="your invoice") + multipart(TEXT_PART, part(PDF, name="inner.pdf"), boundary="C")
    account.append(mail(crlf("Content-Type: message/rfc822\n\n") + inner))

    (arrival,) = arrivals(source)
    with source.open(arrival) as parcel:
        given = [*parcel.leaves()]
        fetched: list[str] = []
        found = DocumentReader(accept=["pdf"], limits=Limits()).documents(
            [cast("Leaf", _Watched(leaf, fetched)) for leaf in given]
        )

    assert [each.name for each in found] == fetched == ["inner.pdf"]
    for each in found:
        if each.content is not None:
            each.content.close()


class _Watched:
    """A leaf that notes when it is fetched."""

    def __init__(self, leaf: Leaf, fetched: list[str]) -> None:
        self._leaf = leaf
        self._fetched = fetched

    def __getattr__(self, name: str) -> object:
        return getattr(self._leaf, name)

    def fetch(self) -> Spooled:
        self._fetched.append(self._leaf.name or "")
        return self._leaf.fetch()


@pytest.mark.parametrize("structure", ["told", "doubted"])
def test_files_that_are_written_into_the_text_are_documents_beside_the_others(
    account: Account, source: MailboxSource, structure: str
) -> None:
    lines = [binascii.b2a_uu(_LONGER[at : at + 45]) for at in range(0, len(_LONGER), 45)]
    written = b"begin 644 written.pdf\n" + b"".join(lines) + b"`\nend\n"
    said = crlf(
        "Content-Type: text/plain; charset=gb2312\nContent-Transfer-Encoding: 8bit\n\n请查收\n".encode("gb18030")
    )
    raw = headers() + multipart(said + crlf(written), part(PDF))
    account.append(raw if structure == "told" else raw.replace(b'; boundary="BOUNDARY"', b"", 1))

    (arrival,) = arrivals(source)
    with source.open(arrival) as parcel:
        found = DocumentReader(accept=["pdf"], limits=Limits()).documents(parcel.leaves())

    assert [(each.name, each.content.read()) for each in found if each.content is not None] == [
        ("written.pdf", _LONGER),
        ("a.pdf", PDF),
    ]
    for each in found:
        if each.content is not None:
            each.content.close()


_LONGER = PDF + bytes(range(256)) * 10
