"""Whether a mail's From domain stands behind it."""

# ruff: noqa: E501 - a header and what is made of it stand on one line
from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.signed_mail import Key, Names, mail, make_key, signed
from watcher.config.sections import VerifySender
from watcher.errors import DirectoryUnavailable, SourceUnavailable
from watcher.headers import read_header
from watcher.people import Verification
from watcher.ports import Proof

PLACE = "s1._domainkey.corp.example"
SIGNED = frozenset({"from", "to", "subject"})


@pytest.fixture(scope="module")
def key() -> Key:
    return make_key()


def _verify(message: bytes, names: Names | None = None, *, results_from: str | None = None, dkim: bool = True) -> Proof:
    verification = Verification(VerifySender(results_from=results_from, dkim=dkim), look_up=names or Names())
    return verification.verify(read_header(message.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"), lambda: message)


def _by_results(*headers: str, results_from: str = "mx.corp.example", sender: str = "li@corp.example") -> Proof:
    message = mail(*(f"Authentication-Results: {header}" for header in headers), sender=sender)
    return _verify(message, results_from=results_from, dkim=False)


# ---------------------------------------------------------------------------------- signatures


def test_a_signature_of_the_sender_s_domain_proves_the_sender(key: Key) -> None:
    proof = _verify(signed(mail(), key), Names({PLACE: key.record}))

    assert proof == Proof(proven=True, how="DKIM of corp.example", covers=SIGNED)


def test_a_signature_of_a_domain_above_or_below_proves_the_sender(key: Key) -> None:
    below = signed(mail(), key, domain="mail.corp.example")
    above = signed(mail(sender="li@sales.corp.example"), key)

    assert _verify(below, Names({"s1._domainkey.mail.corp.example": key.record})).proven
    assert _verify(above, Names({PLACE: key.record})).proven


def test_any_of_several_signatures_is_enough(key: Key) -> None:
    message = signed(signed(mail(), key), key, selector="gone")
    message = signed(message, key, domain="esp.example")

    assert _verify(message, Names({PLACE: key.record})).proven


def test_signatures_of_other_domains_are_not_even_asked_for(key: Key) -> None:
    names = Names({"s1._domainkey.evil.example": key.record})

    proof = _verify(signed(mail(), key, domain="evil.example"), names)

    assert proof == Proof(proven=False, how="no DKIM signature of corp.example")
    assert names.asked == []


def test_no_more_than_five_signatures_are_tried(key: Key) -> None:
    message = signed(mail(), key)
    for number in range(5):
        message = signed(message, key, selector=f"n{number}")
    names = Names({PLACE: key.record})

    assert not _verify(message, names).proven
    assert len(names.asked) == 5


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"book this", b"book that"),
        (b"Subject: invoice", b"Subject: #903851"),
        (b"Li <li@", b"Boss <boss@"),
    ],
)
def test_a_mail_that_was_changed_proves_nothing(key: Key, old: bytes, new: bytes) -> None:
    proof = _verify(signed(mail(), key).replace(old, new), Names({PLACE: key.record}))

    assert not proof.proven
    assert proof.how.startswith("the DKIM signature of corp.example ")


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ({"headers": ("to", "subject")}, "the DKIM signature leaves From out"),
        ({"length": True}, "the DKIM signature covers a part of the body only"),
        ({"extra": b"x=1000000000"}, "the DKIM signature has expired"),
        ({"extra": b"x=soon"}, "the DKIM signature has expired"),
        ({"algorithm": b"rsa-sha1"}, "the DKIM signature's algorithm is not believed"),
    ],
)
def test_a_signature_that_covers_too_little_proves_nothing(key: Key, made: dict[str, object], why: str) -> None:
    if made.get("headers"):
        # dkimpy refuses to leave From out, so it is taken out of what it signed.
        message = signed(mail(), key).replace(b"h=from : to", b"h=to", 1).replace(b"h=from:to", b"h=to", 1)
    else:
        message = signed(mail(), key, **made)  # type: ignore[arg-type]

    assert _verify(message, Names({PLACE: key.record})) == Proof(proven=False, how=why)


def test_a_signature_that_has_not_expired_proves_the_sender(key: Key) -> None:
    message = signed(mail(), key, extra=b"x=%d" % (time.time() + 3600))

    assert _verify(message, Names({PLACE: key.record})).proven


@pytest.mark.parametrize("added", ["Reply-To: a@x.example\r\nReply-To: b@x.example", "To: x@evil.example"])
def test_a_second_header_that_is_not_signed_proves_nothing(key: Key, added: str) -> None:
    message = added.encode() + b"\r\n" + signed(mail(), key)

    assert _verify(message, Names({PLACE: key.record})) == Proof(
        proven=False, how="a header stands there more often than the DKIM signature covers it"
    )


@pytest.mark.parametrize("name", ["Subject", "Content-Type", "Content-Transfer-Encoding"])
def test_a_second_header_that_changes_what_a_mail_says_proves_nothing_whatever_the_server_found(name: str) -> None:
    results = "Authentication-Results: mx; dmarc=pass header.from=corp.example"

    def proof(*headers: str) -> Proof:
        return _verify(mail(results, *headers), results_from="mx")

    assert proof(f"{name}: a", f"{name}: b") == Proof(proven=False, how=f"there is more than one {name} header")
    assert proof("MIME-Version: 1.0", "MIME-Version: 1.0").proven


@pytest.mark.parametrize(
    "line",
    [
        "From\0: x@corp.example",
        "From\xa0: x@corp.example",
        "X: a\rFrom: x@corp.example",
        "X: a\r\r\n b",
        "X: a\r",
        "X: a\x0bFrom: x@corp.example",
        "X: a\x0cFrom: x@corp.example",
        "no field at all",
        ": x@corp.example",
    ],
)
def test_a_header_in_which_others_may_see_another_from_proves_nothing_whatever_the_server_found(line: str) -> None:
    results = "Authentication-Results: mx; dmarc=pass header.from=corp.example"

    for message in (mail(line, results), mail(results, line, "X-Last: x")):
        assert _verify(message, results_from="mx") == Proof(
            proven=False, how="the mail's header can be read in two ways"
        )


def test_a_header_that_begins_with_a_blank_proves_nothing_whatever_the_server_found() -> None:
    results = "Authentication-Results: mx; dmarc=pass header.from=corp.example"

    assert not _verify(mail(" From: x@corp.example", results), results_from="mx").proven


def test_the_line_before_a_mail_in_a_mailbox_file_does_no_harm() -> None:
    results = "Authentication-Results: mx; dmarc=pass header.from=corp.example"

    assert _verify(
        mail("From x@corp.example Mon Nov 23 10:00:00 2026", results, "X: a\r\n\tb"), results_from="mx"
    ).proven


def test_a_second_from_proves_nothing_whatever_is_signed(key: Key) -> None:
    message = b"From: boss@corp.example\r\n" + signed(mail(), key)

    assert _verify(message, Names({PLACE: key.record})) == Proof(proven=False, how="there is more than one From header")


def test_a_from_with_two_addresses_proves_nothing(key: Key) -> None:
    message = signed(mail(sender="li@corp.example, boss@corp.example"), key)

    assert not _verify(message, Names({PLACE: key.record})).proven


def test_a_whole_mail_that_says_something_else_than_its_header_proves_nothing(key: Key) -> None:
    other = signed(mail(), key)
    header = other.partition(b"\r\n\r\n")[0].replace(b"li@", b"boss@") + b"\r\n\r\n"
    verification = Verification(VerifySender(), look_up=Names({PLACE: key.record}))

    assert not verification.verify(read_header(header), lambda: other).proven


def test_a_key_that_is_too_short_proves_nothing() -> None:
    short = make_key(bits=768)

    assert not _verify(signed(mail(), short), Names({PLACE: short.record})).proven


@pytest.mark.parametrize(
    "record",
    [
        None,
        b"",
        b"v=DKIM1; p=",
        b"v=DKIM1; p=????",
        b"nonsense",
        b"\xff\xfe",
        b"v=spf1 -all",
    ],
)
def test_a_key_that_is_missing_revoked_or_damaged_proves_nothing(key: Key, record: bytes | None) -> None:
    names = Names({} if record is None else {PLACE: record})

    assert not _verify(signed(mail(), key), names).proven


@pytest.mark.parametrize("tag", [b"s=tlsrpt; ", b"s=other; ", b"h=sha1; "])
def test_a_key_that_is_not_for_such_signatures_proves_nothing(key: Key, tag: bytes) -> None:
    assert not _verify(signed(mail(), key), Names({PLACE: key.record.replace(b"k=", tag + b"k=")})).proven


def test_name_servers_that_cannot_be_asked_leave_it_open(key: Key) -> None:
    with pytest.raises(DirectoryUnavailable):
        _verify(signed(mail(), key), Names({PLACE: DirectoryUnavailable("timeout")}))


def test_name_servers_that_cannot_be_asked_for_one_signature_do_no_harm_where_another_proves_it(key: Key) -> None:
    message = signed(signed(mail(), key), key, selector="s2")
    names = Names({PLACE: key.record, "s2._domainkey.corp.example": DirectoryUnavailable("timeout")})

    assert _verify(message, names).proven


def test_a_mail_that_cannot_be_fetched_leaves_it_open(key: Key) -> None:
    header = signed(mail(), key).partition(b"\r\n\r\n")[0]

    def gone() -> bytes:
        raise SourceUnavailable("connection lost")

    with pytest.raises(SourceUnavailable):
        Verification(VerifySender(), look_up=Names()).verify(read_header(header), gone)


def test_what_nobody_thought_of_proves_nothing(key: Key) -> None:
    proof = _verify(signed(mail(), key), Names({PLACE: ZeroDivisionError("surprise")}))

    assert proof == Proof(proven=False, how="the verification failed (ZeroDivisionError)")


@pytest.mark.parametrize("lack", [OSError(28, "No space left on device"), MemoryError()])
def test_what_this_machine_lacks_is_no_word_about_the_mail(key: Key, lack: Exception) -> None:
    message = signed(mail(), key)

    def whole() -> bytes:
        raise lack

    verification = Verification(VerifySender(), look_up=Names({PLACE: key.record}))
    with pytest.raises(DirectoryUnavailable, match="cannot be verified now"):
        verification.verify(read_header(message.partition(b"\r\n\r\n")[0]), whole)


def test_a_mail_without_a_signature_is_not_fetched_whole() -> None:
    verification = Verification(VerifySender(), look_up=Names())

    proof = verification.verify(read_header(mail().partition(b"\r\n\r\n")[0]), lambda: pytest.fail("it was fetched"))

    assert proof == Proof(proven=False, how="no DKIM signature")


# ----------------------------------------------------------------- Authentication-Results


@pytest.mark.parametrize(
    "header",
    [
        "mx.corp.example; dmarc=pass header.from=corp.example",
        "MX.corp.example. 1; spf=none smtp.mailfrom=x.example;\r\n dmarc=pass (p=reject dis=none) header.from=Corp.Example",
        "mx.corp.example; dkim=pass (2048-bit key; unprotected) header.d=corp.example header.i=@corp.example header.b=Ab+/=",
        "mx.corp.example; dkim=pass header.i=li@mail.corp.example",
        "mx.corp.example; dkim=fail header.d=corp.example; dkim=pass header.d=corp.example",
        "mx.corp.example; spf=pass (ok) smtp.mailfrom=<li@corp.example>",
        "mx.corp.example; spf=pass smtp.mailfrom=corp.example",
        'mx.corp.example; spf = pass reason="good; really" smtp.mailfrom = "li@corp.example"',
        "mx.corp.example; dmarc=bestguesspass header.from=corp.example; spf=pass smtp.mailfrom=corp.example",
    ],
)  # fmt: skip
def test_results_that_stand_for_the_sender_s_domain_prove_the_sender(header: str) -> None:
    proof = _by_results(header)

    assert proof.proven
    assert proof.how.startswith("Authentication-Results: ")


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("mx.corp.example; none", "nothing, and none of it stands for corp.example"),
        ("mx.corp.example; dmarc=fail header.from=corp.example; spf=pass smtp.mailfrom=corp.example", "dmarc=fail"),
        ("mx.corp.example; dmarc=pass header.from=corp.example; dmarc=fail header.from=corp.example", "dmarc=fail"),
        ("mx.corp.example; dmarc=fail header.from=corp.example header.from=corp.example; dkim=pass header.d=corp.example", "dmarc names one property twice"),
        ("mx.corp.example; dmarc=pass header.from=corp.example header.from=corp.example; dkim=pass header.d=corp.example", "dmarc names one property twice"),
        ("mx.corp.example; dkim=pass header.d=corp.example header.d=corp.example", "dkim=pass, and none of it stands for corp.example"),
        ("mx.corp.example; dmarc=pass header.from=evil.example", "dmarc speaks of another From"),
        ("mx.corp.example; dmarc=none header.from=evil.example; dkim=pass header.d=corp.example", "dmarc speaks of another From"),
        ("mx.corp.example; dmarc=pass header.from=mail.corp.example; spf=pass smtp.mailfrom=corp.example", "dmarc speaks of another From"),
        ("mx.corp.example; dkim=pass (2048-bit key; header.d=corp.example) header.d=evil.example", "dkim=pass, and none of it stands for corp.example"),
        ("mx.corp.example; dkim=pass header.d=corp.example.evil.example; spf=pass smtp.mailfrom=corp-example.com", "dkim=pass, spf=pass, and none of it stands for corp.example"),
        ('mx.corp.example; spf=pass smtp.mailfrom="; dmarc=pass header.from=corp.example; x"@evil.example', "spf=pass, and none of it stands for corp.example"),
        ("mx.corp.example; dkim=pass header.i=corp.example@evil.example", "dkim=pass, and none of it stands for corp.example"),
        ("mx.corp.example; iprev=pass policy.iprev=192.0.2.1 (corp.example); auth=pass smtp.auth=li@corp.example", "iprev=pass, auth=pass, and none of it stands for corp.example"),
        ("mx.corp.example; dmarc=pass", "dmarc=pass, and none of it stands for corp.example"),
        ("mx.corp.example; dkim=pass header.d=evil.example", "dkim=pass, and none of it stands for corp.example"),
        ("mx.corp.example; dkim=pass header.d=notcorp.example", "dkim=pass, and none of it stands for corp.example"),
        ("mx.corp.example; dkim=pass header.d=example", "dkim=pass, and none of it stands for corp.example"),
        ("mx.corp.example; dkim=neutral header.d=corp.example", "dkim=neutral, and none of it stands for corp.example"),
        ("mx.corp.example; spf=pass smtp.helo=corp.example", "spf=pass, and none of it stands for corp.example"),
        ("mx.corp.example; spf=softfail smtp.mailfrom=corp.example", "spf=softfail, and none of it stands for corp.example"),
        ("mx.corp.example; spf=pass smtp.mailfrom=corp.example=x@evil.example", "spf=pass, and none of it stands for corp.example"),
        ('mx.corp.example; spf=pass smtp.mailfrom="x smtp.mailfrom=corp.example"@evil.example', "spf=pass, and none of it stands for corp.example"),
        ("mx.corp.example; spf=pass smtp.mailfrom=evil.example smtp.mailfrom=corp.example", "spf=pass, and none of it stands for corp.example"),
        ("mx.corp.example; (dmarc=pass header.from=corp.example)", "nothing, and none of it stands for corp.example"),
        ('mx.corp.example; x=1 "; dmarc=pass header.from=corp.example"', "x=1, and none of it stands for corp.example"),
    ],
)  # fmt: skip
def test_results_that_stand_for_something_else_prove_nothing(header: str, why: str) -> None:
    assert _by_results(header) == Proof(proven=False, how=f"Authentication-Results: {why}")


@pytest.mark.parametrize(
    "header",
    [
        "evil.example; dmarc=pass header.from=corp.example",
        "mx.corp.example.evil.example; dmarc=pass header.from=corp.example",
        '"mx.corp.example"; dmarc=pass header.from=corp.example',
        "(x) mx.corp.example; dmarc=pass header.from=corp.example",
        "mx.corp.example evil.example; dmarc=pass header.from=corp.example",
        "mx.corp.example 1 2; dmarc=pass header.from=corp.example",
        "evil.example mx.corp.example; dmarc=pass header.from=corp.example",
        "mx.corp.example dmarc=pass header.from=corp.example",
        "mx.corp.example; dmarc=pass header.from=corp.example" + " x" * 50_000,
        "dmarc=pass header.from=corp.example",
        "",
        ";;;",
        "mx.corp.example; dmarc=pass (header.from=corp.example",
        'mx.corp.example; dmarc=pass header.from="corp.example',
        'mx.corp.example; spf=pass (of "a) ; dmarc=pass header.from=corp.example ("@evil.example) smtp.mailfrom=x@evil.example',
    ],
)
def test_results_of_somebody_else_or_that_cannot_be_read_prove_nothing(header: str) -> None:
    assert _by_results(header) == Proof(proven=False, how="no Authentication-Results of mx.corp.example")


def test_of_one_server_s_results_the_topmost_count_alone() -> None:
    good, bad = ("mx.corp.example; dmarc=pass header.from=corp.example", "mx.corp.example; dmarc=fail")

    assert _by_results("evil.example; dmarc=pass header.from=corp.example", good, bad).proven
    assert not _by_results(bad, good).proven


GOOD = "mx.corp.example; dmarc=pass header.from=corp.example"


@pytest.mark.parametrize(
    "own",
    [
        'mx.corp.example; spf=none (domain of "("@evil.example) smtp.mailfrom=evil.example; dmarc=fail',
        "mx.corp.example; spf=none (domain of )) smtp.mailfrom=evil.example; dmarc=fail",
        'mx.corp.example; spf=none smtp.mailfrom="x@evil.example; dmarc=fail',
        "mx.corp.example; spf=none (domain of (x@evil.example) smtp.mailfrom=evil.example; dmarc=fail",
        "mx.corp.example; " + "dkim=fail header.d=evil.example header.s=selector; " * 2_000 + "dmarc=fail",
        "mx.corp.example/1; dmarc=fail",
        "mx.corp.example, dmarc=fail",
        "mx.corp.example dmarc=fail header.from=corp.example",
        "mx.corp.example 1 2; dmarc=fail",
        "mx.corp.example. x; dmarc=fail",
        "(our) mx.corp.example; dmarc=fail",
        '"mx.corp.example"; dmarc=fail',
        "\x0bmx.corp.example; dmarc=fail",
        "mx.corp.ex\u00e4mple; dmarc=fail",
        "; dmarc=fail",
        "",
    ],
)
def test_below_results_that_may_be_our_server_s_and_cannot_be_read_nothing_counts(own: str) -> None:
    assert not _by_results(own, GOOD).proven
    assert not _by_results("relay.corp.example; none", own, GOOD).proven


@pytest.mark.parametrize(
    "other",
    [
        "relay.corp.example; dkim=none (",
        'relay.corp.example; spf=none ("',
        "relay.corp.example )); none",
        "relay.corp.example",
        "relay.corp.example 1; none",
        "relay.corp.example(of ours) x y; none",
        "relay.corp.example\r\n ; none",
        "relay.corp.example;" + " x" * 50_000,
        "mx.corp.example.evil.example; none (",
        "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=corp.example (",
    ],
)
def test_results_that_are_plainly_of_another_server_are_passed_over_even_where_they_cannot_be_read(other: str) -> None:
    assert _by_results(other, GOOD).proven


def test_results_of_many_signatures_are_read() -> None:
    many = "dkim=fail header.d=evil.example header.s=selector;\r\n " * 1_000

    assert _by_results(f"mx.corp.example; {many}dmarc=pass header.from=corp.example").proven
    assert _by_results(f"mx.corp.example; {many}dmarc=fail") == Proof(
        proven=False, how="Authentication-Results: dmarc=fail"
    )


@pytest.mark.parametrize(
    "piece", [" ", "a ", "a=", '"a b=c" ', '"a b=c" \\', ";", "a/", "(x)", "dmarc / ", "x=y;", "\\", '" b=\\"" ']
)
def test_results_are_read_in_a_time_that_grows_with_their_length_alone(piece: str) -> None:
    header = f"Authentication-Results: mx.corp.example; {piece * (90_000 // len(piece))}"
    began = time.process_time()

    assert not _verify(mail(header), results_from="mx.corp.example", dkim=False).proven
    assert time.process_time() - began < 2


def test_topmost_believes_the_first_header_alone_whoever_wrote_it() -> None:
    microsoft = (
        "spf=pass (sender IP is 192.0.2.1)\r\n smtp.mailfrom=corp.example; dkim=pass (signature was verified)\r\n"
        " header.d=corp.example;dmarc=pass action=none\r\n header.from=corp.example;compauth=pass reason=100"
    )

    assert _by_results(microsoft, results_from="topmost") == Proof(
        proven=True, how="Authentication-Results: dmarc=pass for corp.example"
    )
    assert not _by_results("x; dmarc=fail", microsoft, results_from="topmost").proven
    assert not _by_results("(", microsoft, results_from="topmost").proven


def test_results_of_several_senders_prove_nothing() -> None:
    message = mail("Authentication-Results: mx; dmarc=pass header.from=corp.example", "From: boss@corp.example")

    assert not _verify(message, results_from="mx", dkim=False).proven


def test_where_the_results_prove_nothing_the_signature_may(key: Key) -> None:
    message = signed(mail("Authentication-Results: mx; dmarc=fail header.from=corp.example"), key)
    names = Names({PLACE: key.record})

    assert _verify(message, names, results_from="mx") == Proof(proven=True, how="DKIM of corp.example", covers=SIGNED)
    assert _verify(message, Names(), results_from="mx") == Proof(
        proven=False, how="Authentication-Results: dmarc=fail; corp.example has no DKIM key of that name"
    )


def test_results_are_not_looked_at_where_nobody_is_believed() -> None:
    message = mail("Authentication-Results: mx; dmarc=pass header.from=corp.example")

    assert _verify(message, results_from=None) == Proof(proven=False, how="no DKIM signature")
    assert _verify(message, results_from=None, dkim=False) == Proof(proven=False, how="nothing is believed")


_PIECES = st.sampled_from(
    ["mx", ";", "=", " ", '"', "(", ")", "\\", "<", ">", "dmarc", "dkim", "spf", "pass", "fail", "header.from", "header.d",
     "smtp.mailfrom", "evil.example", "@", "\r\n ", "/1", "x"]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=40))
def test_no_results_that_leave_the_domain_out_prove_it(pieces: list[str]) -> None:
    message = mail("Authentication-Results: mx; " + "".join(pieces).strip())

    assert not _verify(message, results_from="mx", dkim=False).proven
    assert not _verify(message, results_from="topmost", dkim=False).proven


@given(st.binary(max_size=300))
def test_no_bytes_whatever_raise_or_prove_anything(noise: bytes) -> None:
    message = (
        b"DKIM-Signature: v=1; d=corp.example; " + noise + b"\r\nAuthentication-Results: " + noise + b"\r\n" + mail()
    )

    assert not _verify(message, results_from="topmost").proven


# --------------------------------------------------------------------- mail that was forwarded by a rule


def _forwarded(
    message: bytes, names: Names | None = None, *, results_from: str | None = "mx", sealers: tuple[str, ...] = ()
) -> Proof:
    verification = Verification(VerifySender(results_from=results_from), arc_sealers=sealers, look_up=names or Names())
    return verification.verify(
        read_header(message.partition(b"\r\n\r\n")[0]), lambda: message, forwarder="li@staff.example"
    )


@pytest.mark.parametrize(
    "results",
    [
        "mx; spf=pass smtp.mailfrom=SRS0=x=tt=corp.example=li@staff.example; dmarc=fail header.from=corp.example",
        "mx; spf=pass smtp.mailfrom=li+caf_=fapiao=corp.example@staff.example",
        "mx; dkim=fail header.d=corp.example; dkim=pass header.d=mail.staff.example",
        "mx; dmarc=pass header.from=corp.example",
    ],
)
def test_a_forwarded_mail_is_proven_by_the_results_on_its_author_or_its_forwarder(results: str) -> None:
    message = mail(f"Authentication-Results: {results}")

    assert _forwarded(message).proven


@pytest.mark.parametrize(
    "results",
    [
        "mx; dmarc=pass header.from=staff.example",
        "mx; spf=pass smtp.mailfrom=x@staff.example.evil.example; dmarc=fail header.from=corp.example",
        "mx; spf=softfail smtp.mailfrom=li@staff.example",
        "mx; spf=pass smtp.mailfrom=SRS0=x=tt=staff.example=li@evil.example",
        "evil; spf=pass smtp.mailfrom=li@staff.example",
    ],
)
def test_a_forwarded_mail_is_not_proven_by_results_on_somebody_else(results: str) -> None:
    assert not _forwarded(mail(f"Authentication-Results: {results}")).proven


def test_a_forwarded_mail_is_proven_by_a_signature_of_its_forwarder(key: Key) -> None:
    message = signed(mail(), key, domain="staff.example")
    names = Names({"s1._domainkey.staff.example": key.record})

    assert _forwarded(message, names, results_from=None) == Proof(
        proven=True, how="DKIM of staff.example", covers=SIGNED
    )
    assert not _verify(message, names).proven


def test_a_forwarded_mail_that_nothing_stands_for_says_why_once(key: Key) -> None:
    assert _forwarded(mail(), results_from="mx") == Proof(
        proven=False, how="no Authentication-Results of mx; no DKIM signature"
    )
