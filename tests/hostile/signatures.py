"""Mails whose signatures prove nothing, or something else than that an employee sent them."""

from __future__ import annotations

import time

from tests.hostile.case import FROM, SMITH, ZHANG, Expected, booked, held
from tests.hostile.signed import LISTS, OTHER_LISTS, Keys, SignedCase
from tests.support.mails import part
from tests.support.signed_mail import sealed, signed
from tests.support.workplace import pdf

_ZHANG, _ASSISTANT = "zhang@corp.example", "assistant@corp.example"
_PLUS_ZHANG = f"fapiao+{ZHANG}@corp.example"
_SIGNED = ("from", "subject", "date", "message-id")
_USUAL = ("from", "to", "subject", "date", "message-id")
_MORE_OFTEN = "a header stands there more often than the DKIM signature covers it"
_OF_CORP = "the DKIM signature of corp.example"
_SAW = "dmarc=pass header.from=corp.example"
_NOT_FIT = f"{_OF_CORP} does not fit the mail"


def _replayed(name: str, why: str, *added: str) -> SignedCase:
    """A signed mail of an employee, with further headers on top."""
    top = "".join(f"{line}\r\n" for line in added).encode()
    return SignedCase(name, held(why), lambda keys, mail: top + signed(mail, keys.corp, headers=_USUAL))


def _changed(name: str, why: str, old: bytes, new: bytes) -> SignedCase:
    return SignedCase(name, held(why), lambda keys, mail: signed(mail, keys.corp, headers=_USUAL).replace(old, new, 1))


def _by_evil(name: str, domain: str) -> SignedCase:
    """Well signed, by the attacker's own key."""
    return SignedCase(
        name,
        held("no DKIM signature of corp.example"),
        lambda keys, mail: signed(mail, keys.evil, domain=domain, headers=_USUAL),
    )


def _appended(keys: Keys, mail: bytes) -> bytes:
    more = b"--BOUNDARY\r\n" + part(pdf("appended"), name="b.pdf")
    return signed(mail, keys.corp, headers=_USUAL, length=True) + more + b"\r\n--BOUNDARY--\r\n"


def _without_from(keys: Keys, mail: bytes) -> bytes:
    """The library refuses to leave From out, so it is taken out of what it signed."""
    made = signed(mail, keys.corp, headers=_USUAL)
    return made.replace(b"h=from : ", b"h=", 1).replace(b"h=from:", b"h=", 1)


def _crowded(keys: Keys, mail: bytes) -> bytes:
    """Behind five signatures of the same domain that do not fit."""
    wrong = signed(mail, keys.corp, headers=_USUAL)[: -len(mail)].replace(b"bh=", b"bh=AAAA", 1)
    return wrong * 5 + signed(mail, keys.corp, headers=_USUAL)


def _results(domain: str, found: str) -> bytes:
    return f"Authentication-Results: {domain}; {found}\r\n".encode()


def _sealed_twice(keys: Keys, mail: bytes) -> bytes:
    first = sealed(_results(OTHER_LISTS, _SAW) + mail, keys.evil, OTHER_LISTS)
    return sealed(_results(LISTS, "arc=pass; dmarc=fail") + first, keys.corp, LISTS)


_REPLAYS = (
    _replayed("replays a signed mail with another From on top", "more than one From header", "From: x@evil.example"),
    _replayed("replays a signed mail with the same From again", "more than one From header", FROM),
    _replayed(
        "replays a signed mail with another subject on top", "more than one Subject header", f"Subject: #{SMITH}"
    ),
    _replayed("replays a signed mail with another recipient on top", _MORE_OFTEN, f"To: fapiao+{SMITH}@corp.example"),
    _replayed("replays a signed mail with another date on top", _MORE_OFTEN, "Date: Fri, 27 Nov 2026 09:00:00 +0800"),
    _changed("replays a signed mail with another subject", _NOT_FIT, b"Subject: invoice", b"Subject: invoices"),
    _changed("replays a signed mail with another author", _NOT_FIT, b"<zhang@", b"<smith@"),
    _changed("replays a signed mail with another text", _OF_CORP, b"See the invoice.", b"See other things."),
)

_WEAK = (
    SignedCase("appends a file to a mail that is signed up to a length", held("a part of the body only"), _appended),
    SignedCase(
        "brings a signature that has expired",
        held("the DKIM signature has expired"),
        lambda keys, mail: signed(mail, keys.corp, headers=_USUAL, extra=b"x=%d" % (time.time() - 60)),
    ),
    SignedCase("brings a signature that leaves From out", held("the DKIM signature leaves From out"), _without_from),
    SignedCase(
        "brings a signature by SHA-1",
        held("the DKIM signature's algorithm is not believed"),
        lambda keys, mail: signed(mail, keys.corp, headers=_USUAL, algorithm=b"rsa-sha1"),
    ),
    SignedCase(
        "brings a signature by a key of 512 bits",
        held(_OF_CORP),
        lambda keys, mail: signed(mail, keys.weak, selector="weak", headers=_USUAL),
    ),
    SignedCase(
        "brings a signature by a key that was revoked",
        held("the DKIM key is revoked"),
        lambda keys, mail: signed(mail, keys.corp, selector="revoked", headers=_USUAL),
    ),
    SignedCase(
        "brings a signature by a key that is for something else than mail",
        held("the DKIM key is not for mail"),
        lambda keys, mail: signed(mail, keys.corp, selector="other", headers=_USUAL),
    ),
    SignedCase(
        "brings a signature by a key that does not exist",
        held("corp.example has no DKIM key of that name"),
        lambda keys, mail: signed(mail, keys.corp, selector="none", headers=_USUAL),
    ),
    SignedCase(
        "brings a signature in the employee's domain by its own key",
        held(_NOT_FIT),
        lambda keys, mail: signed(mail, keys.evil, headers=_USUAL),
    ),
    SignedCase("hides a good signature behind five that do not fit", held(_OF_CORP), _crowded),
)

_OTHERS = (
    _by_evil("brings a good signature of its own domain", "evil.example"),
    _by_evil("brings a good signature of a domain that begins alike", "corp.example.evil.example"),
    _by_evil("brings a good signature of the top-level domain", "example"),
    SignedCase(
        "names an employee as the identity in a signature of its own domain",
        held(""),
        lambda keys, mail: signed(
            mail, keys.evil, domain="evil.example", headers=_USUAL, extra=b"i=zhang@corp.example"
        ),
    ),
    SignedCase(
        "is an invoice of a shop that its own signature proves, in an employee's name",
        held("no DKIM signature of corp.example"),
        lambda keys, mail: signed(mail, keys.evil, domain="evil.example", headers=("from", "subject")),
    ),
    SignedCase(
        "brings a signature whose name server does not answer",
        Expected(place="INBOX", state=None),  # it waits
        lambda keys, mail: signed(mail, keys.corp, selector="broken", headers=_USUAL),
    ),
)


def _replayed_with(header: str, *results: str) -> SignedCase:
    """A delegate's signed mail to somebody else, sent to us with an employee's address in a header on top."""
    top = [*(f"Authentication-Results: mx.corp.example; {each}" for each in results), f"{header}: {_PLUS_ZHANG}"]
    above = "".join(f"{line}\r\n" for line in top).encode()
    to = () if header == "To" else ("To: shop@shop.example",)
    past = " past our server" if results else ""
    name = f"replays a delegate's signed mail{past} with a {header} that nobody signed"
    return SignedCase(
        name,
        held("the signature does not cover the address that names the employee"),
        lambda keys, mail: above + signed(_without_to(mail) if header == "To" else mail, keys.corp, headers=_SIGNED),
        (f"From: {_ASSISTANT}", *to),
    )


def _without_to(mail: bytes) -> bytes:
    return mail.replace(b"To: fapiao@corp.example\r\n", b"", 1)


def _by_delegate(name: str, expected: Expected, *top: str) -> SignedCase:
    """To an employee's address, which is signed."""
    above = "".join(f"{line}\r\n" for line in top).encode()
    return SignedCase(
        name,
        expected,
        lambda keys, mail: above + signed(mail, keys.corp, headers=_USUAL),
        (f"From: {_ASSISTANT}", f"To: {_PLUS_ZHANG}"),
    )


_DELEGATES = (
    *(_replayed_with(header) for header in ("Cc", "To", "X-Original-To", "Delivered-To")),
    _replayed_with("Cc", "dkim=pass header.d=corp.example; spf=pass smtp.mailfrom=evil.example"),
    _replayed_with("Delivered-To", _SAW),
    SignedCase(
        "names an employee in a delegate's subject that the signature leaves out",
        held("the DKIM signature leaves Subject out"),
        lambda keys, mail: signed(mail, keys.corp, headers=("from", "to", "date")).replace(
            b"Subject: invoice", f"Subject: invoice #{ZHANG}".encode(), 1
        ),
        (f"From: {_ASSISTANT}",),
    ),
    SignedCase(
        "replays a delegate's mail to a believed list with a copy to an employee's address",
        held("the signature does not cover the address that names the employee"),
        lambda keys, mail: f"Cc: {_PLUS_ZHANG}\r\n".encode() + sealed(_results(LISTS, _SAW) + mail, keys.corp, LISTS),
        (f"From: {_ASSISTANT}",),
    ),
    _by_delegate(
        "replays a delegate's mail for one employee with a copy to another's address",
        held("the signature does not cover the address that names the employee"),
        f"Cc: fapiao+{SMITH}@corp.example",
    ),
    _by_delegate(
        "is a delegate's whose mail our server delivered to the signed address",
        booked(ZHANG, _ASSISTANT),
        f"Delivered-To: {_PLUS_ZHANG}",
    ),
    SignedCase(
        "is a delegate's blind copy to an employee's address, straight from the delegate's server",
        booked(ZHANG, _ASSISTANT),
        lambda keys, mail: (
            _results("mx.corp.example", f"spf=pass smtp.mailfrom={_ASSISTANT}; {_SAW}")
            + f"Delivered-To: {_PLUS_ZHANG}\r\n".encode()
            + signed(mail, keys.corp, headers=_USUAL)
        ),
        (f"From: {_ASSISTANT}", "To: shop@shop.example"),
    ),
)

_SEALS = (
    SignedCase(
        "is sealed by a list that nobody believes",
        held("a seal of a domain that is not believed"),
        lambda keys, mail: sealed(_results(OTHER_LISTS, _SAW) + mail, keys.evil, OTHER_LISTS),
    ),
    SignedCase(
        "is sealed in the name of a believed list by another key",
        held("the chain of seals is broken"),
        lambda keys, mail: sealed(_results(LISTS, _SAW) + mail, keys.evil, LISTS),
    ),
    SignedCase(
        "is sealed by a believed list that saw no proof",
        held("no sealer saw that corp.example was proven"),
        lambda keys, mail: sealed(_results(LISTS, "dmarc=fail header.from=corp.example") + mail, keys.corp, LISTS),
    ),
    SignedCase(
        "changes what a believed list saw",
        held("the chain of seals is broken"),
        lambda keys, mail: sealed(
            _results(LISTS, "dmarc=none header.from=corp.example") + mail, keys.corp, LISTS
        ).replace(b"dmarc=none", b"dmarc=pass"),
    ),
    SignedCase(
        "changes the subject of a mail that a believed list sealed",
        held("the chain of seals is broken"),
        lambda keys, mail: sealed(_results(LISTS, _SAW) + mail, keys.corp, LISTS).replace(
            b"Subject: invoice", b"Subject: #1"
        ),
    ),
    SignedCase(
        "passes a mail of an unbelieved list through a believed one",
        held("a seal of a domain that is not believed"),
        lambda keys, mail: sealed(
            _results(LISTS, "arc=pass; dmarc=fail")
            + sealed(_results(OTHER_LISTS, _SAW) + mail, keys.evil, OTHER_LISTS),
            keys.corp,
            LISTS,
        ),
    ),
)

_GENUINE = (
    SignedCase(
        "is an employee whose signature is verified here",
        booked(ZHANG, _ZHANG),
        lambda keys, mail: signed(mail, keys.corp, headers=_USUAL),
    ),
    SignedCase(
        "is an employee whose mail host has signed",
        booked(ZHANG, _ZHANG),
        lambda keys, mail: signed(mail, keys.corp, domain="mail.corp.example", headers=_USUAL),
    ),
    SignedCase(
        "is an employee with the signature of a mailing service as well",
        booked(ZHANG, _ZHANG),
        lambda keys, mail: signed(
            signed(mail, keys.corp, headers=_USUAL), keys.evil, domain="evil.example", headers=_USUAL
        ),
    ),
    SignedCase(
        "is an employee whom a believed list has seen",
        booked(ZHANG, _ZHANG),
        lambda keys, mail: sealed(_results(LISTS, _SAW) + mail, keys.corp, LISTS),
    ),
    SignedCase(
        "is a delegate who names an employee in a signed address",
        booked(ZHANG, _ASSISTANT),
        lambda keys, mail: signed(mail, keys.corp, headers=_USUAL),
        (f"From: {_ASSISTANT}", f"To: fapiao+{ZHANG}@corp.example"),
    ),
)

CASES: tuple[SignedCase, ...] = (*_REPLAYS, *_WEAK, *_OTHERS, *_DELEGATES, *_SEALS, *_GENUINE)
