"""Mails that bring their own Authentication-Results, in an employee's name."""

from __future__ import annotations

from tests.hostile.case import FROM, PROOF, ZHANG, Case, Expected, booked, case, held, in_mailbox, refused

_FAIL = (
    "Authentication-Results: mx.corp.example; dmarc=fail header.from=corp.example; spf=pass smtp.mailfrom=evil.example"
)
_NONE_OF_IT = "none of it stands for corp.example"
_ANOTHER = "dmarc speaks of another From"
_NOBODY = "no Authentication-Results of mx.corp.example"
_REPLIED = "zhang@corp.example"


def _says(name: str, expected: Expected, *results: str) -> Case:
    """What our mail server is said to have found; the first is the topmost."""
    return case(name, expected, *(f"Authentication-Results: {each}" for each in results), FROM)


def _ours(name: str, expected: Expected, found: str) -> Case:
    """What our own mail server really writes, with what the sender could put into it."""
    return _says(name, expected, f"mx.corp.example; {found}")


_FORGED = (
    _says("forges an employee and brings no results", held(_NOBODY)),
    _says(
        "brings results of a mail server that nobody believes",
        held(_NOBODY),
        "mx.evil.example; dmarc=pass header.from=corp.example",
    ),
    case("puts forged results of our server below the real ones", held("dmarc=fail"), _FAIL, PROOF, FROM),
    case("repeats forged results of our server a hundred times", held("dmarc=fail"), _FAIL, *[PROOF] * 100, FROM),
    _says(
        "begins the name of its server like ours",
        held(_NOBODY),
        "mx.corp.example.evil.example; dmarc=pass header.from=corp.example",
    ),
    _says(
        "puts the name of our server into a comment",
        held(_NOBODY),
        "(mx.corp.example) mx.evil.example; dmarc=pass header.from=corp.example",
    ),
    _says(
        "puts the name of our server behind its own",
        held(_NOBODY),
        "mx.evil.example mx.corp.example; dmarc=pass header.from=corp.example",
    ),
    _says("brings results without a server's name", held(_NOBODY), "dmarc=pass header.from=corp.example"),
    *(
        case(
            f"brings its results in {header}",
            held(_NOBODY),
            f"{header}: mx.corp.example; dmarc=pass header.from=corp.example",
            FROM,
        )
        for header in (
            *("ARC-Authentication-Results", "X-Authentication-Results", "Authentication-Results-Original"),
            *("Original-Authentication-Results", "Received-SPF", "X-MS-Exchange-Authentication-Results"),
        )
    ),
)

_TRUE_BUT_WORTHLESS = (
    _ours(
        "passes SPF and DKIM as an employee's domain where DMARC says that it fails",
        held("dmarc=fail"),
        "dmarc=fail header.from=corp.example; dkim=pass header.d=corp.example; spf=pass smtp.mailfrom=corp.example",
    ),
    *(
        _ours(f"{what} and writes as an employee", held(why), found)
        for what, why, found in (
            ("passes DMARC as another domain", _ANOTHER, "dmarc=pass header.from=evil.example"),
            ("passes DMARC as a domain below the employee's", _ANOTHER, "dmarc=pass header.from=a.corp.example"),
            ("is signed by another domain", _NONE_OF_IT, "dkim=pass header.d=evil.example"),
            ("is signed by a domain that begins alike", _NONE_OF_IT, "dkim=pass header.d=corp.example.evil.example"),
            ("is signed by a domain that ends alike", _NONE_OF_IT, "dkim=pass header.d=evilcorp.example"),
            ("is signed by the top-level domain", _NONE_OF_IT, "dkim=pass header.d=example"),
            ("has an envelope of another domain", _NONE_OF_IT, "spf=pass smtp.mailfrom=mallory@evil.example"),
            ("passes SPF by its host name alone", _NONE_OF_IT, "spf=pass smtp.helo=corp.example"),
            ("has a signature that does not fit", _NONE_OF_IT, "dkim=fail header.d=corp.example"),
            ("has a signature of no meaning", _NONE_OF_IT, "dkim=neutral header.d=corp.example"),
            ("has no policy", _NONE_OF_IT, "dmarc=none header.from=corp.example"),
            ("passes by a guess", _NONE_OF_IT, "dmarc=bestguesspass header.from=corp.example"),
            ("passes a method of its own", _NONE_OF_IT, "x-dmarc=pass header.from=corp.example"),
        )
    ),
)

_SMUGGLED = tuple(
    _ours(f"smuggles a pass {where}", held(""), found)
    for where, found in (
        ("through a comment", "dmarc=none (p=none; dmarc=pass header.from=corp.example) header.from=evil.example"),
        ("through a comment that is closed too early", "spf=none (a) dmarc=pass header.from=corp.example) x"),
        ("through a comment that is never closed", "dmarc=pass header.from=corp.example (spf=fail"),
        ("through a quotation mark in a comment", 'spf=none ("); dmarc=pass header.from=corp.example; (")'),
        ("through a quoted reason", 'dkim=none reason="; dmarc=pass header.from=corp.example"'),
        ("through the envelope sender", 'spf=none smtp.mailfrom="x; dmarc=pass header.from=corp.example"@evil.example'),
        ("through a blank in the envelope sender", "spf=none smtp.mailfrom=x@y header.d=corp.example dkim=pass"),
        ("through a property that is given twice", "dmarc=pass header.from=evil.example header.from=corp.example"),
        ("through a domain in a comment", "dmarc=pass (header.from=corp.example) header.from=evil.example"),
        ("through two DMARC results", "dmarc=pass header.from=corp.example; dmarc=pass header.from=evil.example"),
        ("through a wide letter", "dmarc=pass header.from=\N{FULLWIDTH LATIN SMALL LETTER C}orp.example"),
        ("through hundred thousand characters", f"x=none reason={'a' * 100_000}; dmarc=pass header.from=corp.example"),
    )
)

_PASS = "mx.corp.example; dmarc=pass header.from=corp.example"
_UNREADABLE = (
    *(
        _says(f"makes our server write results {what}, and forges others below", held(_NOBODY), own, _PASS)
        for what, own in (
            (
                "with a quotation mark in a comment",
                'mx.corp.example; spf=none (domain of "(") smtp.mailfrom=evil.example; dmarc=fail',
            ),
            (
                "with a bracket too many",
                "mx.corp.example; spf=none (domain of )) smtp.mailfrom=evil.example; dmarc=fail",
            ),
            (
                "with a bracket too few",
                "mx.corp.example; spf=none (of () smtp.mailfrom=evil.example; dmarc=fail",
            ),
            (
                "with a quotation mark too few",
                'mx.corp.example; spf=none smtp.mailfrom="evil.example; dmarc=fail',
            ),
            (
                "of two thousand signatures",
                "mx.corp.example; " + "dkim=fail header.d=evil.example header.s=selector; " * 2000 + "dmarc=fail",
            ),
        )
    ),
    *(
        _says(f"forges results below some of {server}", held(_NOBODY), f"{server}; dmarc=fail", _PASS)
        for server in ("mx.corp.example/1", "mx.corp.example,", '"mx.corp.example"', "(x) mx.corp.example")
    ),
    _says(
        "makes our server write results of six hundred signatures, and forges others below",
        held("dmarc=fail"),
        "mx.corp.example; " + "dkim=fail header.d=evil.example header.s=selector; " * 600 + "dmarc=fail",
        _PASS,
    ),
    *(
        _ours(
            f"has a DMARC result of {value} that names its domain twice",
            held("dmarc names one property twice"),
            f"dmarc={value} header.from=corp.example header.from=corp.example; dkim=pass header.d=corp.example",
        )
        for value in ("fail", "pass")
    ),
)

_TOPMOST = in_mailbox(
    "refusing",
    _says(
        "puts a pass below the topmost results",
        refused("dmarc=fail"),
        "spf=fail smtp.mailfrom=corp.example; dkim=none; dmarc=fail action=none header.from=corp.example",
        "mx.corp.example; dmarc=pass header.from=corp.example",
    ),
    _says(
        "puts a pass below topmost results that cannot be read",
        refused(""),
        "mx.corp.example (; dmarc=none",
        "mx.corp.example; dmarc=pass header.from=corp.example",
    ),
    _says("brings no results where the topmost count", refused("no Authentication-Results")),
)

_GENUINE = (
    _ours("is signed by the employee's domain", booked(ZHANG, _REPLIED), "dkim=pass header.d=corp.example"),
    _ours("is signed by a host of the employee's domain", booked(ZHANG, _REPLIED), "dkim=pass header.d=m.corp.example"),
    _ours("has the employee's envelope", booked(ZHANG, _REPLIED), "spf=pass smtp.mailfrom=zhang@corp.example"),
    _says(
        "is an employee with unreadable results of another server above ours",
        booked(ZHANG, _REPLIED),
        "relay.corp.example; none (",
        _PASS,
    ),
    *in_mailbox(
        "refusing",
        _says(
            "is an employee with results as Microsoft 365 writes them",
            booked(ZHANG, _REPLIED),
            "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=corp.example; dkim=pass (signature was verified) "
            "header.d=corp.example;dmarc=pass action=none header.from=corp.example;compauth=pass reason=100",
        ),
    ),
)

CASES = (*_FORGED, *_TRUE_BUT_WORTHLESS, *_SMUGGLED, *_UNREADABLE, *_TOPMOST, *_GENUINE)
