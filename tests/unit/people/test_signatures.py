"""DKIM signatures that are valid in the letter, and what people try with them."""

from __future__ import annotations

import time

import pytest

from tests.support.signed_mail import Key, Names, mail, make_key, signed
from watcher.config.sections import VerifySender
from watcher.errors import DirectoryUnavailable
from watcher.headers import read_header
from watcher.people import Verification
from watcher.ports import Proof

PLACE = "s1._domainkey.corp.example"
SIGNED = frozenset({"from", "to", "subject"})
DMARC = "_dmarc.corp.example"
PARTS = "multipart/mixed; boundary=real"
QUOTED = b"\r\nYes, of course.\r\n\r\n--fake\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.4\r\n--fake--\r\n"


@pytest.fixture(scope="module")
def key() -> Key:
    return make_key()


def _verify(message: bytes, names: Names) -> Proof:
    verification = Verification(VerifySender(), look_up=names)
    return verification.verify(read_header(message.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"), lambda: message)


# ------------------------------------------------------------------------------- domains and keys


def test_a_signature_of_a_sibling_proves_the_sender_as_dmarc_has_it(key: Key) -> None:
    message = signed(mail(sender="li@hr.corp.example"), key, domain="mail.corp.example")
    names = Names({"s1._domainkey.mail.corp.example": key.record})

    assert _verify(message, names) == Proof(proven=True, how="DKIM of mail.corp.example", covers=SIGNED)


@pytest.mark.parametrize(
    "records",
    [
        {"_dmarc.hr.corp.example": b"v=DMARC1; p=none; adkim=s"},
        {DMARC: b"v=DMARC1; p=reject; adkim=S; aspf=r"},
    ],
)
def test_where_a_domain_wants_signatures_of_its_own_another_of_the_organisation_proves_nothing(
    key: Key, records: dict[str, bytes]
) -> None:
    message = signed(mail(sender="li@hr.corp.example"), key, domain="mail.corp.example")
    names = Names({"s1._domainkey.mail.corp.example": key.record, **records})

    assert _verify(message, names) == Proof(
        proven=False, how="hr.corp.example wants signatures of its own, not of mail.corp.example"
    )


@pytest.mark.parametrize(
    "records",
    [
        {DMARC: b"v=DMARC1; adkim=s", "_dmarc.hr.corp.example": b"v=DMARC1; p=none"},
        {DMARC: b"v=spf1 adkim=s"},
        {DMARC: b"v=DMARC1; adkim=s; adkim=s"},
        {DMARC: b"v=DMARC1; p=reject"},
    ],
)
def test_the_record_that_is_nearest_and_can_be_read_decides_that(key: Key, records: dict[str, bytes]) -> None:
    message = signed(mail(sender="li@hr.corp.example"), key, domain="mail.corp.example")

    assert _verify(message, Names({"s1._domainkey.mail.corp.example": key.record, **records})).proven


def test_whether_a_domain_wants_signatures_of_its_own_is_asked_only_for_another_s_and_left_open_where_it_cannot_be(
    key: Key,
) -> None:
    names = Names({PLACE: key.record, DMARC: DirectoryUnavailable("timeout")})
    sibling = signed(mail(), key, domain="mail.corp.example")
    names.records["s1._domainkey.mail.corp.example"] = key.record

    assert _verify(signed(mail(), key), names).proven
    assert DMARC not in names.asked
    with pytest.raises(DirectoryUnavailable):
        _verify(sibling, names)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ((b"k=rsa", b"k=rsa; t=y"), "the DKIM key is for tests only"),
        ((b"k=rsa", b"k=rsa; t= s : y"), "the DKIM key is for tests only"),
        ((b"p=", b"x="), "the DKIM key is revoked"),
        ((b"k=rsa", b"n=" + b"x" * 2000), "the DKIM key is too long"),
        ((b"v=DKIM1", b"v=DKIM2"), "the DKIM signature of corp.example does not fit the mail"),
        ((b"k=rsa", b"k=dsa"), "the DKIM signature of corp.example does not fit the mail"),
        ((b"k=rsa", b"k=ed25519"), "the DKIM signature of corp.example is not acceptable"),
    ],
)
def test_a_key_that_its_owner_does_not_stand_by_proves_nothing(key: Key, change: tuple[bytes, bytes], why: str) -> None:
    assert _verify(signed(mail(), key), Names({PLACE: key.record.replace(*change)})) == Proof(proven=False, how=why)


@pytest.mark.parametrize("bits", [512, 1023])
def test_a_key_of_too_few_bits_proves_nothing(bits: int) -> None:
    weak = make_key(bits)

    assert not _verify(signed(mail(), weak), Names({PLACE: weak.record})).proven


def test_a_key_that_is_not_for_domains_below_proves_nothing_of_them(key: Key) -> None:
    strict = Names({PLACE: key.record.replace(b"k=rsa", b"k=rsa; t=s")})
    below = signed(mail(), key, identity="@mail.corp.example")

    assert _verify(signed(mail(), key), strict).proven
    assert _verify(below, Names({PLACE: key.record})).proven
    assert _verify(below, strict) == Proof(proven=False, how="the DKIM key of corp.example is not for domains below it")


@pytest.mark.parametrize(
    "changed",
    [
        (b"d=corp.example;", b"d=corp.example; d=evil.example;"),
        (b"i=@corp.example;", b"i=@evil.example;"),
        (b"v=1;", b"v=2;"),
        (b"q=dns/txt;", b"q=http;"),
        (b"a=rsa-sha256;", b"a=RSA-SHA256;"),
        (b"s=s1;", b"s=../s1;"),
        (b"s=s1;", b"s=s1\xff;"),
        (b"d=corp.example;", b"d=corp.example\x00;"),
    ],
)
def test_a_signature_whose_tags_say_something_odd_proves_nothing(key: Key, changed: tuple[bytes, bytes]) -> None:
    message = signed(mail(), key)
    assert changed[0] in message

    assert not _verify(message.replace(*changed), Names({PLACE: key.record})).proven


def test_a_signature_of_a_time_to_come_proves_nothing(key: Key) -> None:
    message = signed(mail(), key)
    moment = message.partition(b"t=")[2].partition(b";")[0]

    assert not _verify(message.replace(b"t=" + moment, b"t=4000000000"), Names({PLACE: key.record})).proven


# --------------------------------------------------------------------- headers that are read in two ways


@pytest.mark.parametrize(
    "line",
    [
        *(b"From : boss@corp.example", b"from\t: boss@corp.example", b"Fr\x00om: boss@corp.example"),
        *(b"From\xa0: boss@corp.example", b"no field at all", b"X-" + b"x" * 300 + b": y", b">From boss"),
    ],
)
def test_a_line_that_two_readers_could_take_differently_proves_nothing(key: Key, line: bytes) -> None:
    for message in (line + b"\r\n" + signed(mail(), key), signed(mail(), key).replace(b"To:", line + b"\r\nTo:")):
        assert not _verify(message, Names({PLACE: key.record})).proven


def test_a_line_that_takes_the_rest_of_a_signed_header_away_proves_nothing(key: Key) -> None:
    message = signed(mail("X-Padding: x").replace(b"Subject: invoice", b"Subject: invoice\r\n #903851"), key)
    assert _verify(message, Names({PLACE: key.record})).proven

    cut = message.replace(b"Subject: invoice\r\n", b"Subject: invoice\r\nFrom x\r\n")

    assert _verify(cut, Names({PLACE: key.record})) == Proof(
        proven=False, how="the mail's header can be read in two ways"
    )


def test_a_mail_whose_lines_end_in_a_mere_line_feed_is_read_as_it_was_signed(key: Key) -> None:
    message = signed(mail("X-Folded: a\r\n b"), key).replace(b"\r\n", b"\n")
    verification = Verification(VerifySender(), look_up=Names({PLACE: key.record}))

    assert verification.verify(read_header(message.partition(b"\n\n")[0] + b"\n\n"), lambda: message).proven


@pytest.mark.parametrize(
    ("told", "given"),
    [(b"li@corp", b"boss@corp"), (b"Subject: invoice", b"Subject: #903851"), (b"To: fapiao@", b"To: fapiao+1@")],
)
def test_a_server_that_tells_another_header_than_the_mail_has_proves_nothing(
    key: Key, told: bytes, given: bytes
) -> None:
    message = signed(mail(), key)
    header = message.partition(b"\r\n\r\n")[0].replace(told, given)
    verification = Verification(VerifySender(), look_up=Names({PLACE: key.record}))

    assert verification.verify(read_header(header), lambda: message) == Proof(
        proven=False, how="the mail's header is not what the server said it was"
    )


# -------------------------------------------------------------------------- what a signature leaves out


def test_a_signature_that_leaves_subject_out_proves_nothing(key: Key) -> None:
    message = signed(mail(), key, headers=("from", "to"))

    assert _verify(message, Names({PLACE: key.record})) == Proof(
        proven=False, how="the DKIM signature leaves Subject out"
    )


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/mixed; boundary=fake", QUOTED),
        ("multipart/mixed; boundary=real; boundary=fake", b"\r\n--real\r\n" + QUOTED),
        ("multipart/mixed; boundary=re", b"\r\n--real\r\n\r\n--real--\r\n"),
        ("multipart/mixed; boundary=fake", b"\r\nThis is a multi-part message in MIME format." + QUOTED),
        ("multipart/mixed", QUOTED),
        ("application/pdf", b"\r\nYes.\r\n%PDF-1.4"),
        ("message/rfc822", QUOTED),
        ("text/plain; name=a.pdf", QUOTED),
        ("nonsense", QUOTED),
        ('multipart/mixed; (x) boundary="fake"; boundary="real"', b"\r\n--real\r\n" + QUOTED),
        ('multipart/mixed; boundary="real"; (x) boundary="fake"', b"\r\n--real\r\n" + QUOTED),
        ('multipart/mixed; boundary (x) ="fake"; boundary="real"', b"\r\n--real\r\n" + QUOTED),
        ('multipart/mixed (;"); boundary=fake; x="; boundary=real', b"\r\n--real\r\n" + QUOTED),
        (r'multipart/mixed; x="\"; boundary=fake; y="; boundary="real"', b"\r\n--real\r\n" + QUOTED),
        ("multipart/mixed; boundary*=utf-8''fake; boundary=real", b"\r\n--real\r\n" + QUOTED),
        ("multipart/digest; boundary=real", b"\r\n--real\r\n" + QUOTED),
        ('text/plain; (x) name="a.pdf"', QUOTED),
        ('text/plain; na(x)me="a.pdf"', QUOTED),
        ('text/plain; charset=utf-8 (;"); name="a.pdf"', QUOTED),
        ("text/plain; name*=utf-8''a.pdf", QUOTED),
    ],
)
def test_a_content_type_that_is_not_signed_and_could_be_another_s_proves_nothing(
    key: Key, kind: str, body: bytes
) -> None:
    names, why = (
        Names({PLACE: key.record}),
        "the DKIM signature leaves Content-Type out, and the body can be read in another way",
    )
    message = mail(f"Content-Type: {kind}", body=body)

    assert _verify(signed(message, key), names) == Proof(proven=False, how=why)
    assert _verify(signed(message, key, headers=("from", "subject", "content-type")), names).proven


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (PARTS, b"\r\n--real\r\n\r\nx\r\n--real--\r\n"),
        ('multipart/mixed; charset=x; boundary="re al"', b"\r\n\r\n--re al \r\n\r\nx\r\n--re al--\r\n"),
        (PARTS, b"\r\nThis is a multi-part message in MIME format.\r\n\r\n--real\r\n\r\nx\r\n--real--\r\n"),
        (PARTS, b"\r\nThis is a MIME-encapsulated message\r\n\r\n--real\r\n\r\nx\r\n--real--\r\n"),
        ("text/plain; charset=utf-8", QUOTED),
        ("text/html", b"\r\n<p>x</p>\r\n"),
        ('text/plain; charset="UTF-8"; format=flowed; delsp=yes;', QUOTED),
        ('multipart/related;\r\n boundary="real"; type="text/html"', b"\r\n--real\r\n\r\nx\r\n--real--\r\n"),
        ("multipart/alternative; boundary=0000000000001_real", b"\r\n--0000000000001_real\r\n\r\nx\r\n"),
    ],
)
def test_a_content_type_that_is_not_signed_and_can_only_be_the_author_s_does_no_harm(
    key: Key, kind: str, body: bytes
) -> None:
    assert _verify(signed(mail(f"Content-Type: {kind}", body=body), key), Names({PLACE: key.record})).proven


@pytest.mark.parametrize("kind", [(), ("Content-Type: text/plain; charset=utf-8",), ("Content-Type: TEXT/html",)])
@pytest.mark.parametrize("headers", [("from", "subject"), ("from", "subject", "content-type")])
def test_a_disposition_that_nobody_signed_makes_no_document_of_a_text(
    key: Key, kind: tuple[str, ...], headers: tuple[str, ...]
) -> None:
    names = Names({PLACE: key.record})

    def proof(disposition: str, *more: str) -> Proof:
        message = mail(*kind, f"Content-Disposition: {disposition}", body=QUOTED)
        return _verify(signed(message, key, headers=(*headers, *more)), names)

    for disposition in ("attachment; filename=a.pdf", "attachment", "inline; filename=a.pdf", "(x) attachment", ""):
        assert not proof(disposition).proven, disposition
        assert proof(disposition, "content-disposition").proven, disposition
    assert proof("inline").proven  # as mutt writes it


def test_a_disposition_that_nobody_signed_does_no_harm_where_the_signed_type_has_the_document(key: Key) -> None:
    message = mail("Content-Type: application/pdf", "Content-Disposition: attachment; filename=a.pdf", body=QUOTED)

    assert _verify(signed(message, key, headers=("from", "subject", "content-type")), Names({PLACE: key.record})).proven


@pytest.mark.parametrize(
    ("tags", "kind", "why"),
    [
        ("h=from:subject; l=10", "text/plain", "the DKIM signature covers a part of the body only"),
        ("h=from:to", "text/plain", "the DKIM signature leaves Subject out"),
        (
            "h=from:subject",
            "multipart/mixed; boundary=fake",
            "the DKIM signature leaves Content-Type out, and the body",
        ),
    ],
)
def test_a_server_s_word_on_a_signature_that_leaves_so_much_out_is_not_enough_unless_the_domain_sent_the_mail(
    tags: str, kind: str, why: str
) -> None:
    def proof(*more: str, results: str = "dmarc=pass header.from=corp.example") -> Proof:
        message = mail(f"Authentication-Results: mx; {results}", f"Content-Type: {kind}", *more, body=QUOTED)
        verification = Verification(VerifySender(results_from="mx", dkim=False))
        return verification.verify(read_header(message.partition(b"\r\n\r\n")[0]), lambda: message)

    weak = f"DKIM-Signature: v=1; a=rsa-sha256; s=s1; d=corp.example; {tags}"
    strong = "DKIM-Signature: v=1; a=rsa-sha256; s=s1; d=corp.example; x=1; h=from:subject:content-type"

    assert proof().proven
    assert proof(weak).how.startswith(f"Authentication-Results: dmarc=pass for corp.example, but {why}")
    assert not proof(weak).proven
    assert not proof(weak, results="dkim=pass header.d=corp.example; spf=pass smtp.mailfrom=evil.example").proven
    assert proof(weak, results="dmarc=pass header.from=corp.example; spf=pass smtp.mailfrom=li@corp.example").proven
    assert proof(strong).proven
    assert not proof(*[strong] * 6, weak).proven
    assert proof(weak.replace("d=corp.example", "d=esp.example")).proven


# ------------------------------------------------------------------------------------- made to be slow


def test_mails_that_are_made_to_be_slow_are_verified_in_time(key: Key) -> None:
    names = Names({PLACE: key.record})
    slow = [
        signed(mail(body=b"\r\n one\r\n two\r\n"), key).replace(b"\n two", b"\n" + b" " * 1_000_000 + b"two"),
        signed(mail(), key) + b" " * 1_000_000 + b"x\r\n",
        b"X: a\r\n" + b" x\r\n" * 400_000 + signed(mail(), key),
        signed(mail(), key).replace(b" b=", b" b=" + b"\r\n " * 20_000, 1),
        (b"DKIM-Signature: v=1; d=corp.example; s=s1; h=from:subject; b=" + b" \r\n" * 1300 + b"!\r\n") * 5 + mail(),
    ]
    began = time.process_time()

    found = [_verify(message, names) for message in slow]

    assert time.process_time() - began < 5.0
    assert [proof.proven for proof in found] == [True, False, False, False, False]
