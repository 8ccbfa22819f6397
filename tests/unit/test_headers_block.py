"""A header block is read tolerantly; who wrote the mail is read strictly."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.headers import mailbox, mailboxes, read_header

BLOCK = (
    b"Received: from a\r\n\tby b\r\nReceived: from c\r\nFrom: =?utf-8?B?5byg5LiJ?= <San.Zhang@Corp.Example>\r\n"
    b'To: a@x.example, "B, b" <b@x.example>\r\nCc: staff: c@x.example, d@x.example;\r\n'
    b"Delivered-To: fapiao+903851@corp.example\r\nX-Original-To: a@x.example\r\nSubject: =?gb2312?B?t6LGsQ==?=\r\n"
    b"Message-ID: <1.abc@corp.example>\r\nReferences: <a@b>\r\n <c@d> junk <e>\r\n"
    b"Date: Mon, 23 Nov 2026 17:30:00 +0800\r\n\r\nSubject: not a header\r\n"
)


@pytest.mark.parametrize("block", [BLOCK, BLOCK.replace(b"\r\n", b"\n"), b"From a@b Mon Nov 23\n" + BLOCK])
def test_a_block_gives_what_a_mail_says_of_itself(block: bytes) -> None:
    header = read_header(block)
    assert len(header.all("Received")) == 2
    assert header.first("x-missing") is None
    assert header.subject == "发票"
    assert header.from_address == "San.Zhang@corp.example"
    assert header.from_problem is None
    assert header.message_id == "<1.abc@corp.example>"
    assert header.references == ("<a@b>", "<c@d>")
    assert header.recipients == (
        ("to", "a@x.example"),
        ("to", "b@x.example"),
        ("cc", "c@x.example"),
        ("cc", "d@x.example"),
        ("delivered-to", "fapiao+903851@corp.example"),
        ("x-original-to", "a@x.example"),
    )


def test_a_broken_line_takes_its_continuation_with_it_and_nothing_else() -> None:
    header = read_header(b"\xef\xbb\xbfA: 1\nno field here\n <evil@x.example>\n: nameless\nB : 2\nA: 3")
    assert header.fields == (("a", b"1"), ("b", b"2"), ("a", b"3"))


def test_an_empty_block_knows_nothing() -> None:
    header = read_header(b"")
    assert (header.subject, header.message_id, header.references) == (None, None, ())
    assert header.recipients == ()
    assert header.from_problem == "there is no From header"


@pytest.mark.parametrize(
    "value",
    [
        b"<a@b>\r\n Bcc: c@d",
        b"<a b@c>",
        b"<a>",
        b"a@b",
        b"<a@b><c@d>",
        b"<a@b@c>",
        "<票@b>".encode(),
        b"<a\x00@b>",
        b"<" + b"a" * 300 + b"@b>",
        b"<a@>",
    ],
)
def test_a_message_id_that_could_break_a_header_is_none(value: bytes) -> None:
    assert read_header(b"Message-ID: " + value + b"\r\n\r\n").message_id is None


def test_a_long_thread_keeps_its_root_and_its_latest_ids() -> None:
    ids = [f"<{number}@x>" for number in range(50)]
    header = read_header(f"References: {' '.join(ids)}\n\n".encode())
    assert header.references == (ids[0], *ids[-19:])


def test_a_reply_without_references_belongs_to_what_it_replies_to() -> None:
    assert read_header(b"In-Reply-To: <a@b>\n\n").references == ("<a@b>",)


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("a@x.example", "a@x.example"),
        ("<a@x.example>", "a@x.example"),
        ("< a@X.Example >", "a@x.example"),
        ("张三 <a@x.example>", "a@x.example"),
        ("张三(财务部) <a@x.example>", "a@x.example"),
        ("a@x.example (Zhang San)", "a@x.example"),
        ('"Zhang, San" <a@x.example>', "a@x.example"),
        ('"A@x.example" <a@x.example>', "a@x.example"),
        ('"张三@财务部" <a@x.example>', "a@x.example"),
        ('"say \\"hi\\" \\\\" <a@x.example>', "a@x.example"),
        ("[财务] O'Neil Jr. <a@x.example>", "a@x.example"),
        ("a@x.example <a@x.example>", "a@x.example"),
        ("=?utf-8?q?a=40x.example?= <a@x.example>", "a@x.example"),
        ("A.B+c_d%e@mail-1.x.example", "A.B+c_d%e@mail-1.x.example"),
        ("root@localhost", "root@localhost"),
        ("Zhang\r\n San <a@x.example>", "a@x.example"),
        ("a@xn--fiqs8s.example", "a@xn--fiqs8s.example"),
    ],
)
def test_one_plain_address_is_believed_to_be_what_the_mail_says(value: str, address: str) -> None:
    assert mailbox(value) == (address, None)
    assert mailbox(value.encode()) == (address, None)


def test_a_name_in_raw_gbk_does_not_hide_the_address() -> None:
    assert mailbox("张三 <a@x.example>".encode("gbk")) == ("a@x.example", None)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "no address"),
        ("<>", "no address"),
        ("张三", "no address"),
        ('"a@x.example"', "no address"),
        ("a@x.example, b@y.example", "more than one"),
        ("A <a@x.example>, B <b@y.example>", "more than one"),
        ("<a@x.example><b@y.example>", "more than one"),
        ("a@x.example <b@y.example>", "more than one"),
        ("Zhang, San <a@x.example>", "more than one"),
        ('"b@y.example" <a@x.example>', "somebody else"),
        ('"Li (b@y.example)" <a@x.example>', "somebody else"),
        ("=?utf-8?q?=3Cb=40y.example=3E?= <a@x.example>", "somebody else"),
        ("=?utf-8?b?YkB5LmU=?= =?utf-8?b?eGFtcGxl?= <a@x.example>", "somebody else"),
        ("a@x.example (=?utf-8?q?b=40y.example?=)", "somebody else"),
        ('"a@x.example.evil.example" <a@x.example>', "somebody else"),
        ("<a@x.example>b", "something follows"),
        ("<a@x.example> b@y.example", "something follows"),
        ("a@x(<b@y.example>)", "remark"),
        ("a@x.example(b@y.example)", "remark"),
        ("a@x.example(b)", "not plain"),
        ("a(b)@x.example", "not plain"),
        ("(b) a@x.example", "not plain"),
        ("(a (b) c) <a@x.example>", "remark"),
        ("group: a@x.example;", "group"),
        ("undisclosed-recipients:;", "group"),
        ("a;b@x.example", "group"),
        ("=?utf-8?q?a=40x.example?=", "no address"),
        ("=?utf-8?q?a?=@x.example", "encoded word"),
        ("<=?utf-8?q?a?=@x.example>", "encoded word"),
        ('"a\\b" <a@x.example>', "escaped"),
        ("a\\@x.example", "not plain"),
        ('"a b"@x.example', "not plain"),
        ('<"a@b"@x.example>', "not plain"),
        ("<@r.example:a@x.example>", "not plain"),
        ("<a@x.example", "not closed"),
        ('"a <a@x.example>', "not closed"),
        ("(a <a@x.example>", "not closed"),
        ("a@x.example>", "not plain"),
        ("<a.x.example>", "no address"),
        ("a@", "nothing on one side"),
        ("@x.example", "nothing on one side"),
        ("<a@x..example>", "not plain"),
        ("<a@-x.example>", "not plain"),
        ("<a@[127.0.0.1]>", "not plain"),
        ("<a@x_y.example>", "not plain"),
        ("<.a@x.example>", "not plain"),
        ("<a b@x.example>", "not plain"),
        ("<a@b@x.example>", "not plain"),
        ("<a@соrp.example>", "not ASCII"),
        ("<a@x。example>", "not ASCII"),
        ("<a@x.exampleａ>", "not ASCII"),
        ("a＠x.example", "no address"),
        ("<a\u200b@x.example>", "not ASCII"),
        ("A\x00 <a@x.example>", "control"),
        ("A\nB <a@x.example>", "control"),
        ("A\r <a@x.example>", "control"),
        ("A\u2028 <a@x.example>", "control"),
        (f"<{'a' * 65}@x.example>", "too long"),
        (f"<a@{'x.' * 150}example>", "too long"),
        ("Zhang" + " " * 4_000 + "<a@x.example>", "too long"),
    ],
)
def test_what_two_readers_could_read_differently_is_no_address(value: str, problem: str) -> None:
    address, said = mailbox(value)
    assert address is None
    assert said is not None
    assert problem in said


def test_raw_gbk_beside_a_backslash_is_no_address() -> None:
    # Given a GBK character whose second byte is a backslash, before a quotation mark
    value = b'"\x81\\" <a@x.example>, "b" <b@y.example>'
    # Then bytes and characters would be read differently, so neither is believed
    assert mailbox(value)[0] is None


@pytest.mark.parametrize(
    "block",
    [
        b"From: a@x.example\nFrom: b@y.example\n\n",
        b"From: a@x.example\nFROM : a@x.example\n\n",
        b"From : b@y.example\nFrom: a@x.example\n\n",
        b">From: b@y.example\nfrom\t : b@y.example\nFrom:\n a@x.example\n\n",
        b"From: a@x.example\nSubject: x\n\nFrom",
    ],
)
def test_only_one_from_header_is_believed(block: bytes) -> None:
    header = read_header(block)
    if b"Subject" in block:
        assert header.from_address == "a@x.example"
    else:
        assert header.from_address is None
        assert header.from_problem == "there is more than one From header"


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        ('a@x.example, "b, c" <d@y.example>; e@z.example', ("a@x.example", "d@y.example", "e@z.example")),
        ("undisclosed-recipients:;", ()),
        ("bad, a@x.example, <<>>", ("a@x.example",)),
        ("(a; b) c <d@y.example>, (x) <e@y.example>", ("e@y.example",)),
        ("\x00", ()),
    ],
)
def test_recipients_are_those_that_can_be_read(value: str, addresses: tuple[str, ...]) -> None:
    assert mailboxes(value) == addresses


@given(st.binary())
def test_any_block_can_be_asked_anything(block: bytes) -> None:
    for text in (block, b"From: " + block, b"Date: " + block, b"To: " + block + b"\nMessage-ID: " + block):
        header = read_header(text)
        assert (header.from_address is None) != (header.from_problem is None)
        _ = (header.subject, header.message_id, header.references, header.recipients)


@given(st.text('a@x.<>(),;:"\\ =?\t票\ud800'))
def test_an_address_is_plain_or_none(value: str) -> None:
    address, problem = mailbox(value)
    assert (address is None) != (problem is None)
    if address is not None:
        assert address.isascii()
        assert address.count("@") == 1
        assert not set(address) & set('<>(),;:"\\ ')
    mailboxes(value)


def test_a_header_made_to_be_slow_is_read_in_time() -> None:
    began = time.process_time()
    mailboxes('a"(' * 50_000)
    mailboxes("a@b," * 50_000)
    mailbox("a " * 100_000)
    mailbox("(" * 100_000)
    mailbox('"' + "a" * 5_000_000 + '" <a@x.example>')
    mailbox('"' + "a" * 3_900 + '" <a@x.example>')
    read_header(b"References: " + b"<a@b" * 50_000 + b"\n\n").references  # noqa: B018
    assert time.process_time() - began < 5
