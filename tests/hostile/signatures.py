"""Mails whose signatures prove nothing, or something else than that an employee sent them."""

from __future__ import annotations

import time

from tests.hostile.case import FROM, SMITH, ZHANG, Expected, booked, held
from tests.hostile.signed import LISTS, OTHER_LISTS, SAW, USUAL, Keys, SignedCase, results_of
from tests.support.mails import part
from tests.support.signed_mail import sealed, signed
from tests.support.workplace import pdf

_ZHANG = "zhang@corp.example"
_PARTS = b'Content-Type: multipart/mixed; boundary="BOUNDARY"'
_MORE_OFTEN = "a header stands there more often than the DKIM signature covers it"
_OF_CORP = "the DKIM signature of corp.example"
_NOT_FIT = f"{_OF_CORP} does not fit the mail"


def _replayed(name: str, why: str, *added: str) -> SignedCase:
    """A signed mail of an employee, with further headers on top."""
    top = "".join(f"{line}\r\n" for line in added).encode()
    return SignedCase(name, held(why), lambda keys, mail: top + signed(mail, keys.corp, headers=USUAL))


def _changed(name: str, why: str, old: bytes, new: bytes) -> SignedCase:
    return SignedCase(name, held(why), lambda keys, mail: signed(mail, keys.corp, headers=USUAL).replace(old, new, 1))


def _by_evil(name: str, domain: str) -> SignedCase:
    """Well signed, by the attacker's own key."""
    return SignedCase(
        name,
        held("no DKIM signature of corp.example"),
        lambda keys, mail: signed(mail, keys.evil, domain=domain, headers=USUAL),
    )


def _appended(keys: Keys, mail: bytes) -> bytes:
    more = b"--BOUNDARY\r\n" + part(pdf("appended"), name="b.pdf")
    return signed(mail, keys.corp, headers=USUAL, length=True) + more + b"\r\n--BOUNDARY--\r\n"


def _without_from(keys: Keys, mail: bytes) -> bytes:
    """The library refuses to leave From out, so it is taken out of what it signed."""
    made = signed(mail, keys.corp, headers=USUAL)
    return made.replace(b"h=from : ", b"h=", 1).replace(b"h=from:", b"h=", 1)


def _crowded(keys: Keys, mail: bytes) -> bytes:
    """Behind five signatures of the same domain that do not fit."""
    wrong = signed(mail, keys.corp, headers=USUAL)[: -len(mail)].replace(b"bh=", b"bh=AAAA", 1)
    return wrong * 5 + signed(mail, keys.corp, headers=USUAL)


def _sealed_twice(keys: Keys, mail: bytes) -> bytes:
    first = sealed(results_of(OTHER_LISTS, SAW) + mail, keys.evil, OTHER_LISTS)
    return sealed(results_of(LISTS, "arc=pass; dmarc=fail") + first, keys.corp, LISTS)


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

_OTHERWISE = (
    SignedCase(
        "replays a signed mail with another boundary behind a comment in its Content-Type",
        held("the DKIM signature leaves Content-Type out"),
        lambda keys, mail: signed(mail, keys.corp, headers=USUAL).replace(
            _PARTS,
            b'Content-Type: multipart/mixed; (x) boundary="fake"; boundary="BOUNDARY"',
            1,
        ),
    ),
    SignedCase(
        "replays a signed text as an attachment by a Content-Disposition on top",
        held("the DKIM signature leaves Content-Disposition out"),
        lambda keys, mail: (
            b"Content-Disposition: attachment; filename=a.pdf\r\n"
            + signed(mail.replace(_PARTS, b"Content-Type: text/plain", 1), keys.corp, headers=(*USUAL, "content-type"))
        ),
    ),
)

_WEAK = (
    SignedCase("appends a file to a mail that is signed up to a length", held("a part of the body only"), _appended),
    SignedCase(
        "brings a signature that has expired",
        held("the DKIM signature has expired"),
        lambda keys, mail: signed(mail, keys.corp, headers=USUAL, extra=b"x=%d" % (time.time() - 60)),
    ),
    SignedCase("brings a signature that leaves From out", held("the DKIM signature leaves From out"), _without_from),
    SignedCase(
        "brings a signature by SHA-1",
        held("the DKIM signature's algorithm is not believed"),
        lambda keys, mail: signed(mail, keys.corp, headers=USUAL, algorithm=b"rsa-sha1"),
    ),
    SignedCase(
        "brings a signature by a key of 512 bits",
        held(_OF_CORP),
        lambda keys, mail: signed(mail, keys.weak, selector="weak", headers=USUAL),
    ),
    SignedCase(
        "brings a signature by a key that was revoked",
        held("the DKIM key is revoked"),
        lambda keys, mail: signed(mail, keys.corp, selector="revoked", headers=USUAL),
    ),
    SignedCase(
        "brings a signature by a key that is for something else than mail",
        held("the DKIM key is not for mail"),
        lambda keys, mail: signed(mail, keys.corp, selector="other", headers=USUAL),
    ),
    SignedCase(
        "brings a signature by a key that does not exist",
        held("corp.example has no DKIM key of that name"),
        lambda keys, mail: signed(mail, keys.corp, selector="none", headers=USUAL),
    ),
    SignedCase(
        "brings a signature in the employee's domain by its own key",
        held(_NOT_FIT),
        lambda keys, mail: signed(mail, keys.evil, headers=USUAL),
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
        lambda keys, mail: signed(mail, keys.evil, domain="evil.example", headers=USUAL, extra=b"i=zhang@corp.example"),
    ),
    SignedCase(
        "is an invoice of a shop that its own signature proves, in an employee's name",
        held("no DKIM signature of corp.example"),
        lambda keys, mail: signed(mail, keys.evil, domain="evil.example", headers=("from", "subject")),
    ),
    SignedCase(
        "brings a signature whose name server does not answer",
        Expected(place="INBOX", state=None),  # it waits
        lambda keys, mail: signed(mail, keys.corp, selector="broken", headers=USUAL),
    ),
)

_SEALS = (
    SignedCase(
        "is sealed by a list that nobody believes",
        held("a seal of a domain that is not believed"),
        lambda keys, mail: sealed(results_of(OTHER_LISTS, SAW) + mail, keys.evil, OTHER_LISTS),
    ),
    SignedCase(
        "is sealed in the name of a believed list by another key",
        held("the chain of seals is broken"),
        lambda keys, mail: sealed(results_of(LISTS, SAW) + mail, keys.evil, LISTS),
    ),
    SignedCase(
        "is sealed by a believed list that saw no proof",
        held("no sealer saw that corp.example was proven"),
        lambda keys, mail: sealed(results_of(LISTS, "dmarc=fail header.from=corp.example") + mail, keys.corp, LISTS),
    ),
    SignedCase(
        "changes what a believed list saw",
        held("the chain of seals is broken"),
        lambda keys, mail: sealed(
            results_of(LISTS, "dmarc=none header.from=corp.example") + mail, keys.corp, LISTS
        ).replace(b"dmarc=none", b"dmarc=pass"),
    ),
    SignedCase(
        "changes the subject of a mail that a believed list sealed",
        held("the chain of seals is broken"),
        lambda keys, mail: sealed(results_of(LISTS, SAW) + mail, keys.corp, LISTS).replace(
            b"Subject: invoice", b"Subject: #1"
        ),
    ),
    SignedCase(
        "passes a mail of an unbelieved list through a believed one",
        held("a seal of a domain that is not believed"),
        lambda keys, mail: sealed(
            results_of(LISTS, "arc=pass; dmarc=fail")
            + sealed(results_of(OTHER_LISTS, SAW) + mail, keys.evil, OTHER_LISTS),
            keys.corp,
            LISTS,
        ),
    ),
)

_GENUINE = (
    SignedCase(
        "is an employee whose signature is verified here",
        booked(ZHANG, _ZHANG),
        lambda keys, mail: signed(mail, keys.corp, headers=USUAL),
    ),
    SignedCase(
        "is an employee whose mail host has signed",
        booked(ZHANG, _ZHANG),
        lambda keys, mail: signed(mail, keys.corp, domain="mail.corp.example", headers=USUAL),
    ),
    SignedCase(
        "is an employee with the signature of a mailing service as well",
        booked(ZHANG, _ZHANG),
        lambda keys, mail: signed(
            signed(mail, keys.corp, headers=USUAL), keys.evil, domain="evil.example", headers=USUAL
        ),
    ),
    SignedCase(
        "is an employee whom a believed list has seen",
        booked(ZHANG, _ZHANG),
        lambda keys, mail: sealed(results_of(LISTS, SAW) + mail, keys.corp, LISTS),
    ),
)

CASES: tuple[SignedCase, ...] = (*_REPLAYS, *_OTHERWISE, *_WEAK, *_OTHERS, *_SEALS, *_GENUINE)
