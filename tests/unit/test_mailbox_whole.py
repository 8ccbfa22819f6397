"""Mails that are read whole have the same files as those that are read part by part."""

from __future__ import annotations

import pytest

from tests.support.mails import PDF, TEXT_PART, crlf, encoded, headers, mail, multipart, part
from watcher.mime.part import SAID, WALKED
from watcher.ports import Leaf
from watcher.sources.mailbox.whole import whole_leaves
from watcher.spool import Spooled


def found(raw: bytes) -> list[tuple[str | None, str | None, bytes]]:
    mail = Spooled([raw])
    try:
        files = [leaf for leaf in whole_leaves(mail) if leaf.declared_type not in (WALKED, SAID)]
        return [(leaf.name, leaf.declared_type, content(leaf)) for leaf in files]
    finally:
        mail.close()


def content(leaf: Leaf) -> bytes:
    fetched = leaf.fetch()
    try:
        return fetched.read()
    finally:
        fetched.close()


def test_files_are_found_and_text_is_not() -> None:
    assert found(mail(part(PDF))) == [("a.pdf", "application/pdf", PDF)]
    assert found(headers() + crlf("\nonly text\n")) == []


def test_the_root_may_be_the_file() -> None:
    assert found(headers() + part(PDF, name=None)) == [(None, "application/pdf", PDF)]


def test_nested_messages_are_opened() -> None:
    inner = mail(part(PDF, name="inner.pdf"))

    assert found(mail(crlf("Content-Type: message/rfc822\n\n") + inner)) == [("inner.pdf", "application/pdf", PDF)]


def test_an_encoded_message_is_handed_over() -> None:
    inner = mail(part(PDF))

    assert found(mail(part(inner, kind="message/rfc822", name="f.eml"))) == [("f.eml", "message/rfc822", inner)]


def test_line_ends_of_plain_files_are_kept() -> None:
    raw = crlf("Content-Type: application/octet-stream; name=x\nContent-Transfer-Encoding: binary\n\n")
    binary = b"a\r\nb\nc\x00\xff"

    assert found(headers() + raw + binary) == [("x", "application/octet-stream", binary)]


@pytest.mark.parametrize("name", ["镕喆堃.pdf".encode("gb18030"), "镕喆堃.pdf".encode()], ids=["GBK", "UTF-8"])
def test_raw_names_are_read_as_they_were_meant(name: bytes) -> None:
    head = b'Content-Type: application/pdf; name="' + name + b'"\r\nContent-Transfer-Encoding: base64\r\n\r\n'

    assert found(mail(head + encoded(PDF)))[0][0] == "镕喆堃.pdf"


def test_a_missing_boundary_is_guessed() -> None:
    raw = headers() + multipart(TEXT_PART, part(PDF)).replace(b'; boundary="BOUNDARY"', b"")

    assert found(raw) == [("a.pdf", "application/pdf", PDF)]


def test_a_wrong_boundary_is_guessed() -> None:
    raw = headers() + multipart(TEXT_PART, part(PDF)).replace(b'boundary="BOUNDARY"', b'boundary="OTHER"')

    assert found(raw) == [("a.pdf", "application/pdf", PDF)]


def test_what_is_nested_without_an_end_is_handed_over_whole() -> None:
    raw = headers()
    for level in range(3000):
        raw += crlf(f'Content-Type: multipart/mixed; boundary="b{level}"\n\n--b{level}\n')

    assert found(raw) == [(None, "message/rfc822", raw)]


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"\x00\xff" * 100, b"Content-Type: multipart/mixed\r\n\r\n"])
def test_rubbish_has_no_files(raw: bytes) -> None:
    assert found(raw) == []
