"""Mails that claim an employee by something else than From, or that mean to harm what the employee sends."""

from __future__ import annotations

from tests.hostile.case import (
    FIXED,
    FROM,
    PROOF,
    PROOF_OF_MALLORY,
    SMITH,
    ZHANG,
    Case,
    Expected,
    booked,
    case,
    held,
    in_mailbox,
    left_alone,
    letter,
    message_id,
    unknown,
)
from tests.support.mails import part
from tests.support.workplace import pdf

_MALLORY = "From: Mallory <mallory@evil.example>"
_REPLIED = "zhang@corp.example"


def _by_mallory(name: str, expected: Expected, *head: str | bytes) -> Case:
    """The mail server says truly that evil.example sent it."""
    return case(name, expected, PROOF_OF_MALLORY, *head)


_OTHER_HEADERS = tuple(
    _by_mallory(f"claims an employee by {header}", unknown(), _MALLORY, f"{header}: Zhang San <zhang@corp.example>")
    for header in (
        *("Sender", "Reply-To", "Return-Path", "Resent-From", "Resent-Sender", "X-Forwarded-For", "X-Original-From"),
        *("X-Sender", "Envelope-From", "Errors-To"),
    )
)

_AHEAD = "good among, proving"  # the mark of an ordinary mail that comes later
_STOLEN = (
    _by_mallory(
        "takes the Message-ID of an employee's mail before that comes",
        unknown(),
        _MALLORY,
        f"Message-ID: {message_id(_AHEAD)}",
    ),
    Case(
        "sends the document of an employee before the employee does",
        letter("sends it before", PROOF_OF_MALLORY, _MALLORY, parts=[part(pdf(_AHEAD))]),
        unknown(),
        b"",
    ),
)

_DELEGATES = (
    case(
        "names another employee in the subject and is no delegate",
        booked(ZHANG, _REPLIED),
        PROOF, FROM, f"Subject: invoice #{SMITH}",
    ),
    case(
        "names another employee in the address and is no delegate",
        booked(ZHANG, _REPLIED),
        PROOF, FROM, f"To: fapiao+{SMITH}@corp.example",
    ),
    case(
        "claims to be a delegate by the display name",
        held("the name is the address of somebody else"),
        PROOF,
        'From: "assistant@corp.example" <zhang@corp.example>', f"Subject: #{SMITH}",
    ),
    _by_mallory(
        "names an employee and claims a delegate by Sender",
        unknown(),
        _MALLORY, "Sender: assistant@corp.example", f"Subject: #{ZHANG}",
    ),
    case(
        "forges a delegate and names an employee",
        held("no Authentication-Results"),
        "From: assistant@corp.example", f"Subject: #{ZHANG}",
    ),
)  # fmt: skip

_LIMITED = in_mailbox(
    "limited",
    *(
        case(
            f"is number {number} of a flood in an employee's name, whose own mails must not wait for it",
            held("no Authentication-Results"),
            FROM,
        )
        for number in range(1, 7)
    ),
)

_FIXED = in_mailbox(
    "fixed",
    case("is from nobody who may send to a mailbox of one employee", left_alone(), PROOF_OF_MALLORY, _MALLORY),
    case("has two authors before a mailbox of one employee", left_alone(), PROOF, f"{FROM}, mallory@evil.example"),
    case("is from below the domain that may send there", left_alone(), PROOF, "From: x@a.corp.example"),
    case("is from a domain that ends like the one that may", left_alone(), PROOF, "From: x@evilcorp.example"),
    case("writes the pattern itself as its address", held("no Auth"), "From: *@corp.example"),
    case("forges who may send there", held("no Authentication-Results"), FROM),
    case(
        "is a colleague who may send there and is in no directory",
        booked(FIXED, "new@corp.example"),
        PROOF, "From: new@corp.example",
    ),
)  # fmt: skip

CASES = (*_OTHER_HEADERS, *_STOLEN, *_DELEGATES, *_LIMITED, *_FIXED)
