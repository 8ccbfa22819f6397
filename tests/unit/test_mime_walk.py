"""The parts of a mail are found where they are, however they are nested, and nothing that comes raises."""

from __future__ import annotations

import io
from email.message import EmailMessage
from email.policy import SMTP

from hypothesis import given
from hypothesis import strategies as st

from watcher.headers import read_header
from watcher.mime.part import MimePart
from watcher.mime.walk import TooDeep, parts

LEAVES = st.binary(max_size=300)
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, min_size=1, max_size=4), max_leaves=12)
_LINES = st.sampled_from(
    [
        b"--b", b"--b--", b"--c", b"--c--", b"--", b"", b" ", b"text", b"no field",
        b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: multipart/mixed; boundary=c",
        b'Content-Type: multipart/digest; boundary="b"', b"Content-Type: message/rfc822", b"Content-Type: multipart/x",
        b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: x-uue", b"begin 644 a", b"JVBERi0=", b"end",
    ]
)  # fmt: skip


def _mail(tree: bytes | list[object], level: int = 0) -> EmailMessage:
    """Bytes are attachments, lists are multiparts, and every second level is a mail that is attached."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["Subject"] = "a@b.example", "c"
    mail.make_mixed()
    for inner in tree if isinstance(tree, list) else [tree]:
        if isinstance(inner, list) and level % 2:
            mail.attach(_mail(inner, level + 1))
        elif isinstance(inner, list):
            mail.add_attachment(_mail(inner, level + 1))
        elif isinstance(inner, bytes):
            mail.add_attachment(inner, maintype="application", subtype="pdf", filename="发票.pdf")
    return mail


def _flat(tree: bytes | list[object]) -> list[bytes]:
    if isinstance(tree, bytes):
        return [tree]
    return [leaf for inner in tree if isinstance(inner, bytes | list) for leaf in _flat(inner)]


@given(TREES)
def test_every_part_that_was_packed_is_found_in_its_order(tree: bytes | list[object]) -> None:
    file = io.BytesIO(_mail(tree).as_bytes())
    found = list(parts(file))
    files = [part for part in found if not part.is_walked]
    assert [b"".join(part.content(file)) for part in files] == _flat(tree)
    assert {part.name for part in files} == {"发票.pdf"}
    assert len({part.trail for part in found}) == len(found)
    for header in (part for part in found if part.is_walked):
        assert read_header(_said(header, file)).subject == "c"


def _said(part: MimePart, file: io.BytesIO) -> bytes:
    return b"".join(part.content(file))


def test_the_header_of_a_nested_mail_follows_what_is_in_it_and_is_never_decoded() -> None:
    subject = b"Subject: =?utf-8?Q?=E5=8F=91=E7=A5=A8?=\r\n"
    inner = subject + b"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n"
    head = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    file = io.BytesIO(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + head + inner + b"--b--\r\n")

    text, walked = parts(file)

    assert (text.within, text.trail) == (walked.trail, f"{walked.trail}/{text.begin}")
    assert _said(walked, file).startswith(subject)
    assert b"--c" not in _said(walked, file)


@given(st.lists(_LINES | st.binary(max_size=20), max_size=60), st.sampled_from([b"\r\n", b"\n", b"\r"]))
def test_no_lines_in_no_order_raise(lines: list[bytes], end: bytes) -> None:
    file = io.BytesIO(end.join(lines))
    try:
        for part in parts(file):
            assert 0 <= part.begin <= part.end <= len(file.getvalue())
            b"".join(part.content(file))
    except TooDeep:
        assert len(lines) > 50
