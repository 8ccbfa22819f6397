"""Signed mails of a delegate, who may name an employee, that somebody else sends on with a name of their own."""

from __future__ import annotations

from tests.hostile.case import SMITH, ZHANG, Expected, booked, held
from tests.hostile.signed import LISTS, SAW, USUAL, SignedCase, results_of
from tests.support.signed_mail import sealed, signed

_ASSISTANT = "assistant@corp.example"
_PLUS_ZHANG = f"fapiao+{ZHANG}@corp.example"
_SIGNED = ("from", "subject", "date", "message-id")
_UNCOVERED = held("the signature does not cover the address that names the employee")


def _replayed_with(header: str, *results: str) -> SignedCase:
    """A delegate's signed mail to somebody else, sent to us with an employee's address in a header on top."""
    top = [*(f"Authentication-Results: mx.corp.example; {each}" for each in results), f"{header}: {_PLUS_ZHANG}"]
    above = "".join(f"{line}\r\n" for line in top).encode()
    to = () if header == "To" else ("To: shop@shop.example",)
    past = " past our server" if results else ""
    name = f"replays a delegate's signed mail{past} with a {header} that nobody signed"
    return SignedCase(
        name,
        _UNCOVERED,
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
        lambda keys, mail: above + signed(mail, keys.corp, headers=USUAL),
        (f"From: {_ASSISTANT}", f"To: {_PLUS_ZHANG}"),
    )


CASES: tuple[SignedCase, ...] = (
    *(_replayed_with(header) for header in ("Cc", "To", "X-Original-To", "Delivered-To")),
    _replayed_with("Cc", "dkim=pass header.d=corp.example; spf=pass smtp.mailfrom=evil.example"),
    _replayed_with("Delivered-To", SAW),
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
        _UNCOVERED,
        lambda keys, mail: f"Cc: {_PLUS_ZHANG}\r\n".encode() + sealed(results_of(LISTS, SAW) + mail, keys.corp, LISTS),
        (f"From: {_ASSISTANT}",),
    ),
    _by_delegate(
        "replays a delegate's mail for one employee with a copy to another's address",
        _UNCOVERED,
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
            results_of("mx.corp.example", f"spf=pass smtp.mailfrom={_ASSISTANT}; {SAW}")
            + f"Delivered-To: {_PLUS_ZHANG}\r\n".encode()
            + signed(mail, keys.corp, headers=USUAL)
        ),
        (f"From: {_ASSISTANT}", "To: shop@shop.example"),
    ),
    _by_delegate("is a delegate who names an employee in a signed address", booked(ZHANG, _ASSISTANT)),
)
