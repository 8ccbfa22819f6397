"""ARC: mail that a believed gateway passes on."""

from __future__ import annotations

import time

import pytest

from tests.support.signed_mail import Key, Names, mail, make_key, sealed
from watcher.config.sections import VerifySender
from watcher.errors import DirectoryUnavailable
from watcher.headers import read_header
from watcher.people import Verification
from watcher.ports import Proof

SAW = "Authentication-Results: gw.example; dmarc=pass header.from=corp.example"


@pytest.fixture(scope="module")
def key() -> Key:
    return make_key()


def _names(key: Key, *domains: str) -> Names:
    return Names({f"arc._domainkey.{domain}": key.record for domain in domains or ("gw.example",)})


def _verify(message: bytes, names: Names, *sealers: str) -> Proof:
    verification = Verification(VerifySender(), arc_sealers=sealers or ("GW.example",), look_up=names)
    return verification.verify(read_header(message.partition(b"\r\n\r\n")[0]), lambda: message)


def test_what_a_believed_gateway_saw_proves_the_sender(key: Key) -> None:
    assert _verify(sealed(mail(SAW), key), _names(key)) == Proof(
        proven=True, how="ARC seal of gw.example: dmarc=pass for corp.example", covers=frozenset({"from", "subject"})
    )


def test_a_chain_of_believed_gateways_proves_the_sender(key: Key) -> None:
    first = sealed(mail(SAW), key)
    message = sealed(b"Authentication-Results: two.example; arc=pass; dmarc=fail\r\n" + first, key, "two.example")
    names = _names(key, "gw.example", "two.example")

    assert _verify(message, names, "gw.example", "two.example").proven
    assert not _verify(message, names, "two.example").proven
    assert not _verify(message, names, "gw.example").proven


def test_a_gateway_that_is_not_named_proves_nothing_and_is_not_asked_for(key: Key) -> None:
    names = _names(key)

    proof = _verify(sealed(mail(SAW), key), names, "other.example")

    assert proof == Proof(proven=False, how="no DKIM signature; ARC: a seal of a domain that is not believed")
    assert names.asked == []


def test_seals_are_not_looked_at_where_nobody_is_named(key: Key) -> None:
    message = sealed(mail(SAW), key)
    verification = Verification(VerifySender(), look_up=_names(key))

    assert not verification.verify(read_header(message.partition(b"\r\n\r\n")[0]), lambda: message).proven


@pytest.mark.parametrize(
    "saw",
    [
        "gw.example; dmarc=fail header.from=corp.example",
        "gw.example; dmarc=pass header.from=evil.example",
        "gw.example; dkim=pass header.d=evil.example",
    ],
)
def test_a_gateway_that_saw_no_proof_gives_none(key: Key, saw: str) -> None:
    proof = _verify(sealed(mail(f"Authentication-Results: {saw}"), key), _names(key))

    assert proof == Proof(proven=False, how="no DKIM signature; ARC: no sealer saw that corp.example was proven")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"book this", b"book that"),
        (b"From: Li <li@corp", b"From: Li <boss@corp"),
        (b"header.from=evil.example", b"header.from=corp.example"),
    ],
)
def test_a_mail_that_was_changed_after_the_seal_proves_nothing(key: Key, old: bytes, new: bytes) -> None:
    saw = SAW.replace("corp", "evil") if b"evil" in old else SAW
    message = sealed(mail(saw), key)
    assert old in message

    proof = _verify(message.replace(old, new), _names(key))

    assert proof == Proof(proven=False, how="no DKIM signature; ARC: the chain of seals is broken")


def test_a_seal_that_leaves_room_for_another_subject_proves_nothing(key: Key) -> None:
    message = b"Subject: #903851\r\n" + sealed(mail(SAW), key)

    assert not _verify(message, _names(key)).proven


def test_a_seal_without_a_key_proves_nothing(key: Key) -> None:
    assert not _verify(sealed(mail(SAW), key), Names()).proven


def test_name_servers_that_cannot_be_asked_leave_it_open(key: Key) -> None:
    with pytest.raises(DirectoryUnavailable):
        _verify(sealed(mail(SAW), key), Names({"arc._domainkey.gw.example": DirectoryUnavailable("timeout")}))


def test_a_forwarded_mail_is_proven_by_a_seal_that_saw_its_forwarder(key: Key) -> None:
    saw = "Authentication-Results: gw.example; spf=pass smtp.mailfrom=li@staff.example; dmarc=fail"
    message = sealed(mail(saw), key)
    verification = Verification(VerifySender(), arc_sealers=["gw.example"], look_up=_names(key))

    def verify(forwarder: str | None) -> bool:
        return verification.verify(
            read_header(message.partition(b"\r\n\r\n")[0]), lambda: message, forwarder=forwarder
        ).proven

    assert verify("li@staff.example")
    assert not verify("li@other.example")
    assert not verify(None)


def test_what_a_gateway_saw_of_a_mail_that_somebody_changed_before_the_next_one_proves_nothing(key: Key) -> None:
    # Given a proven mail, sealed, and changed by whoever got it, who sends it through another believed gateway
    stolen = sealed(mail(SAW), key).replace(b"book this", b"book that").replace(b"Li <li@", b"Boss <boss@")
    saw = b"Authentication-Results: two.example; arc=pass; dmarc=fail header.from=corp.example\r\n"
    message = sealed(saw + stolen, key, "two.example")

    proof = _verify(message, _names(key, "gw.example", "two.example"), "gw.example", "two.example")

    # Then the chain of seals is whole, and the first gateway vouches for another mail
    assert proof == Proof(proven=False, how="no DKIM signature; ARC: no sealer saw that corp.example was proven")


def test_what_a_list_saw_before_it_changed_a_mail_and_sealed_it_proves_the_sender(key: Key) -> None:
    first = sealed(mail(SAW), key)
    saw = b"Authentication-Results: list.example; arc=pass; dmarc=pass header.from=corp.example\r\n"
    message = sealed(saw + first.replace(b"Subject: invoice", b"Subject: [list] invoice"), key, "list.example")

    proof = _verify(message, _names(key, "gw.example", "list.example"), "gw.example", "list.example")

    assert proof == Proof(
        proven=True, how="ARC seal of list.example: dmarc=pass for corp.example", covers=frozenset({"from", "subject"})
    )


def test_a_seal_whose_signature_leaves_the_subject_out_proves_nothing(key: Key) -> None:
    message = sealed(mail(SAW), key, headers=("from", "to"))

    assert _verify(message, _names(key)) == Proof(
        proven=False, how="no DKIM signature; ARC: the DKIM signature leaves Subject out"
    )


def test_a_forged_seal_that_is_made_to_be_slow_is_verified_in_time(key: Key) -> None:
    message = sealed(mail(SAW), key) + b" " * 1_000_000 + b"x\r\n"
    began = time.process_time()

    assert not _verify(message, _names(key)).proven
    assert time.process_time() - began < 2.0
