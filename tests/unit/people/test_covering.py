"""Which header fields a proof covers: whoever sends a signed mail on may write others above it."""

from __future__ import annotations

import pytest

from tests.support.signed_mail import Key, Names, mail, make_key, sealed, signed
from watcher.config.sections import VerifySender
from watcher.headers import read_header
from watcher.people import Verification

NAMES = ("s1._domainkey.corp.example", "s1._domainkey.evil.example", "arc._domainkey.gw.example")
COPY = b"Cc: fapiao+903851@corp.example\r\n"


@pytest.fixture(scope="module")
def key() -> Key:
    return make_key()


def _covers(message: bytes, key: Key) -> set[str] | None:
    """By a server's results, else by a signature, else by a seal; all keys are known."""
    verification = Verification(
        VerifySender(results_from="mx"), arc_sealers=["gw.example"], look_up=Names(dict.fromkeys(NAMES, key.record))
    )
    proof = verification.verify(read_header(message.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"), lambda: message)
    assert proof.proven, proof.how
    return None if proof.covers is None else set(proof.covers)


def _found(results: str, message: bytes) -> bytes:
    return f"Authentication-Results: mx; {results}\r\n".encode() + message


def test_a_signature_covers_the_fields_that_it_names_and_that_stand_there(key: Key) -> None:
    message = signed(mail("Cc: a@corp.example"), key, headers=("from", "to", "cc", "subject", "date"))

    assert _covers(message, key) == {"from", "to", "cc", "subject"}


@pytest.mark.parametrize("field", ["Cc", "Delivered-To", "X-Original-To", "Resent-To"])
def test_a_signature_does_not_cover_a_field_that_is_written_above_it(key: Key, field: str) -> None:
    message = f"{field}: fapiao+903851@corp.example\r\n".encode() + signed(mail(), key)

    assert _covers(message, key) == {"from", "to", "subject"}


def test_a_signature_does_not_cover_a_field_of_which_more_stand_there_than_it_names(key: Key) -> None:
    message = signed(mail("Delivered-To: a@corp.example"), key, headers=("from", "subject", "delivered-to"))
    again = b"Delivered-To: fapiao+903851@corp.example\r\n" + message

    assert _covers(message, key) == {"from", "subject", "delivered-to"}
    assert _covers(again, key) == {"from", "subject"}


@pytest.mark.parametrize(
    "results",
    [
        "dmarc=pass header.from=corp.example",
        "dkim=pass header.d=corp.example; spf=pass smtp.mailfrom=evil.example",
        "dkim=pass header.d=corp.example; spf=fail smtp.mailfrom=corp.example",
    ],
)
def test_what_a_server_found_covers_of_a_signed_mail_what_is_signed(key: Key, results: str) -> None:
    assert _covers(_found(results, COPY + signed(mail(), key)), key) == {"from", "to", "subject"}


def test_what_a_server_found_covers_what_each_of_the_domain_s_signatures_does(key: Key) -> None:
    made_up = signed(signed(COPY + mail(), key), key, selector="gone", headers=("from", "cc", "to", "subject"))
    less = signed(made_up, key, headers=("from", "cc", "subject"))
    others = signed(less, key, domain="evil.example", headers=("from", "subject"))

    results = "dmarc=pass header.from=corp.example"
    assert _covers(_found(results, made_up), key) == {"from", "to", "subject"}
    assert _covers(_found(results, less), key) == {"from", "subject"}
    assert _covers(_found(results, others), key) == {"from", "subject"}


def test_what_a_server_found_covers_all_where_the_domain_sent_the_mail_or_signed_nothing(key: Key) -> None:
    sent = "dmarc=pass header.from=corp.example; spf=pass smtp.mailfrom=corp.example"
    passed = "dmarc=pass header.from=corp.example"

    assert _covers(_found(sent, COPY + signed(mail(), key)), key) is None
    assert _covers(_found(passed, COPY + mail()), key) is None
    assert _covers(_found(passed, COPY + signed(mail(), key, domain="evil.example")), key) is None


def _sealed(key: Key, saw: str, message: bytes) -> bytes:
    header = f"Authentication-Results: gw.example; {saw}\r\n".encode()
    fields = ("from", "to", "cc", "subject") if b"Cc:" in message else ("from", "to", "subject")
    return sealed(header + message, key, headers=fields)


def test_a_seal_covers_what_the_sealer_sealed(key: Key) -> None:
    saw = "dmarc=pass header.from=corp.example"

    assert _covers(_sealed(key, saw, COPY + mail()), key) == {"from", "to", "cc", "subject"}
    assert _covers(COPY + _sealed(key, saw, mail()), key) == {"from", "to", "subject"}


def test_a_seal_on_a_signed_mail_covers_what_is_signed_unless_the_domain_sent_it_to_the_sealer(key: Key) -> None:
    replayed = COPY + signed(mail(), key).replace(b"b=", b"b=A", 1)  # the list has changed it: it fits no more
    passed, sent = "dmarc=pass header.from=corp.example", "spf=pass smtp.mailfrom=corp.example"

    assert _covers(_sealed(key, passed, replayed), key) == {"from", "to", "subject"}
    assert _covers(_sealed(key, sent, replayed), key) == {"from", "to", "cc", "subject"}


def test_a_seal_on_a_mail_with_a_signature_that_cannot_be_read_covers_nothing(key: Key) -> None:
    broken = b"DKIM-Signature: nonsense\r\n" + COPY + mail()

    assert _covers(_sealed(key, "dmarc=pass header.from=corp.example", broken), key) == set()
