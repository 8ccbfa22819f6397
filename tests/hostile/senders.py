"""Mails whose From looks like an employee: to a person, to another parser, or to a careless one."""

from __future__ import annotations

from tests.hostile.case import (
    ASSISTANT,
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
    letter,
    unknown,
)
from tests.support.workplace import pdf

_MALLORY = "From: Mallory <mallory@evil.example>"
_TWO = "there is more than one address"
_SOMEBODY_ELSE = "the name is the address of somebody else"
_LOOK_ALIKE = "the sender's domain may be a look-alike of another: "
_NOT_PLAIN = "the address is not plain"
_REPLIED = "zhang@corp.example"


def _by_mallory(name: str, expected: Expected, *head: str | bytes) -> Case:
    """The mail server says truly that evil.example sent it."""
    return case(name, expected, PROOF_OF_MALLORY, *head)


def _fooled(name: str, expected: Expected, *head: str | bytes) -> Case:
    """The mail server read From as the attacker wants, and says that corp.example sent it."""
    return case(name, expected, PROOF, *head)


_DISPLAY_NAMES = (
    _by_mallory(
        "puts the address of an employee into the display name",
        held(_SOMEBODY_ELSE),
        'From: "Zhang San zhang@corp.example" <mallory@evil.example>',
    ),
    _by_mallory(
        "puts the address of an employee before its own, without quotation marks",
        held(_TWO),
        "From: zhang@corp.example <mallory@evil.example>",
    ),
    _by_mallory(
        "hides the address of an employee in an encoded display name",
        held(_SOMEBODY_ELSE),
        "From: =?utf-8?q?zhang=40corp=2Eexample?= <mallory@evil.example>",
    ),
    _by_mallory(
        "puts a whole mailbox of an employee into an encoded display name",
        held(_SOMEBODY_ELSE),
        "From: =?utf-8?b?WmhhbmcgPHpoYW5nQGNvcnAuZXhhbXBsZT4=?= <mallory@evil.example>",
    ),
    _by_mallory(
        "hides its own address in a comment behind that of an employee",
        held("a remark in brackets looks like an address"),
        "From: zhang@corp.example (<mallory@evil.example>)",
    ),
    _by_mallory(
        "writes the address of an employee in quotation marks as the local part of its own",
        held(_NOT_PLAIN),
        'From: "zhang@corp.example"@evil.example',
    ),
    _by_mallory(
        "writes the address of an employee with a percent sign before its own domain",
        unknown(),
        "From: zhang%corp.example@evil.example",
    ),
    _fooled(
        "closes a quotation mark with the second byte of a GBK character",
        held("mixes an unknown character set with escapes"),
        b'From: "\xd5\x5c" <zhang@corp.example>" <mallory@evil.example>',
    ),
    _fooled(
        "escapes the end of a quoted name so that the address is in the name",
        held("the name before the address is escaped in a way that hides something"),
        'From: "Zhang \\<zhang@corp.example>" <mallory@evil.example>',
    ),
)

_PARSERS = (
    _fooled(
        "writes a comment that parsers take for the address (CVE-2023-27043)",
        held("a remark in brackets looks like an address"),
        "From: mallory@evil.example(<zhang@corp.example>)",
    ),
    _fooled(
        "writes an address that parsers take for a comment (CVE-2023-27043)",
        held("a remark in brackets looks like an address"),
        "From: zhang@corp.example(<mallory@evil.example>)",
    ),
    _fooled("has two From headers, the employee's first", held("more than one From header"), FROM, _MALLORY),
    _fooled("has two From headers, the employee's last", held("more than one From header"), _MALLORY, FROM),
    _fooled(
        "has a second From header with a blank before the colon",
        held("more than one From header"),
        "From : Zhang San <zhang@corp.example>",
        _MALLORY,
    ),
    _fooled(
        "has a second From header in small letters and folded",
        held("more than one From header"),
        "from:\r\n Zhang San\r\n <zhang@corp.example>",
        _MALLORY,
    ),
    _fooled("has a thousand From headers", held("more than one From header"), *[FROM] * 1000),
    _fooled("has no From header at all", held("there is no From header")),
    _fooled("has an empty From", held("there is no address"), "From:"),
    _fooled("has a From of nothing but a name", held("there is no address"), "From: Zhang San"),
    _fooled(
        "writes the envelope line of a mail folder instead of From",
        held("there is no From header"),
        "From zhang@corp.example Thu Nov 26 09:00:00 2026",
    ),
    _fooled(
        "names two authors, the employee first",
        held(_TWO),
        "From: Zhang San <zhang@corp.example>, Mallory <mallory@evil.example>",
    ),
    _fooled(
        "names two authors, the employee last", held(_TWO), "From: mallory@evil.example, Zhang <zhang@corp.example>"
    ),
    _fooled(
        "names two authors with a semicolon between, as Outlook does",
        held("it is a group and not an address"),
        "From: zhang@corp.example; mallory@evil.example",
    ),
    _fooled(
        "writes two addresses in angle brackets with nothing between",
        held(_TWO),
        "From: <zhang@corp.example><mallory@evil.example>",
    ),
    _fooled(
        "writes the employee as the only member of a group",
        held("it is a group and not an address"),
        "From: Staff: zhang@corp.example;",
    ),
    _fooled("writes an empty group before the employee", held("group"), "From: x:; Zhang <zhang@corp.example>"),
    _fooled(
        "sends the address of an employee through a route",
        held(_NOT_PLAIN),
        "From: Zhang <@evil.example:zhang@corp.example>",
    ),
    _fooled("quotes the local part", held(_NOT_PLAIN), 'From: "zhang"@corp.example'),
    _fooled("puts a comment into the address", held(""), "From: zhang(x)@corp.example"),
    _fooled("puts blanks around the at sign", held(""), "From: Zhang <zhang @ corp.example>"),
    _fooled("ends the domain with a dot", held(_NOT_PLAIN), "From: zhang@corp.example."),
    _fooled("writes the domain as a literal", held(""), "From: zhang@[corp.example]"),
    _fooled("writes the address as an encoded word", held(""), "From: =?utf-8?q?zhang=40corp=2Eexample?="),
    _fooled("writes the local part as an encoded word", held(""), "From: Zhang <=?utf-8?q?zhang?=@corp.example>"),
    _fooled("leaves the angle bracket open", held("an angle bracket is not closed"), "From: Zhang <zhang@corp.example"),
    _fooled("lets something follow the address", held(""), "From: Zhang <zhang@corp.example> evil.example"),
    _fooled(
        "puts a control character into the address",
        held("the address header holds control characters"),
        b"From: Zhang <zhang@corp.example\x01>",
    ),
    _fooled(
        "ends the address with a NUL, and goes on",
        held(""),
        b"From: Zhang <zhang@corp.example\x00@evil.example>",
    ),
    _fooled(
        "puts a carriage return and another From into the header",
        held("more than one From header"),  # the server makes it a line end
        b"From: Mallory <mallory@evil.example>\rFrom: Zhang <zhang@corp.example>",
    ),
    _fooled(
        "smuggles a second From behind a line feed in the subject",
        held("more than one From header"),
        _MALLORY,
        b"Subject: invoice\nFrom: Zhang <zhang@corp.example>",
    ),
    _fooled(
        "begins From with a blank, so that it continues the header before",
        held("there is no From header"),
        " From: Zhang <zhang@corp.example>",
    ),
    Case(
        "hides From behind an empty line",
        letter("hides From behind an empty line", PROOF).replace(b"To:", b"\r\nFrom: zhang@corp.example\r\nTo:", 1),
        held("there is no From header"),
        pdf("hides From behind an empty line"),
    ),
    _fooled(
        "has an address of a thousand characters",
        held("the address is too long"),
        f"From: <zhang@corp.example{'.example' * 125}>",
    ),
    _fooled(
        "has an address of a hundred thousand characters",
        held("the address header is too long"),
        f"From: <zhang@corp.example{'.example' * 12_500}>",
    ),
)

_LOOK_ALIKES = (
    *(
        case(f"sends from {domain}, which {how}", expected, proof, f"From: Zhang San <zhang@{domain}>")
        for domain, how, expected, proof in (
            ("c0rp.example", "looks like the employee's domain", unknown(), PROOF_OF_MALLORY),
            ("corp.example.evil.example", "begins like the employee's domain", unknown(), PROOF_OF_MALLORY),
            ("evilcorp.example", "ends like the employee's domain", unknown(), PROOF_OF_MALLORY),
            ("mail.corp.example", "lies below the employee's domain", unknown(), PROOF),
            ("xn--crp-rma.example", "is an international name in ASCII", held(f"{_LOOK_ALIKE}círp"), PROOF_OF_MALLORY),
            ("xn--crp-sed.example", "has a Cyrillic letter, in ASCII", held(_LOOK_ALIKE), PROOF_OF_MALLORY),
            ("c\N{CYRILLIC SMALL LETTER O}rp.example", "has a Cyrillic letter", held("not ASCII"), PROOF),
            ("\N{FULLWIDTH LATIN SMALL LETTER C}orp.example", "has a wide letter", held("not ASCII"), PROOF),
            ("corp\N{IDEOGRAPHIC FULL STOP}example", "has a Chinese full stop for a dot", held("not ASCII"), PROOF),
        )
    ),
    _fooled(
        "writes a letter that becomes an employee's when case is folded",
        held("not ASCII"),
        "From: Ann Smith <\N{LATIN SMALL LETTER LONG S}mith@corp.example>",
    ),
    _fooled(
        "puts a character of no width into the address",
        held("not ASCII"),
        "From: Zhang <zh\N{ZERO WIDTH SPACE}ang@corp.example>",
    ),
    _fooled(
        "turns the direction of writing inside the address",
        held("not ASCII"),
        "From: Zhang <\N{RIGHT-TO-LEFT OVERRIDE}zhang@corp.example>",
    ),
)

_GENUINE = (
    case("is an employee whom the mail server proves", booked(ZHANG, _REPLIED), PROOF, FROM),
    case(
        "is an employee who writes from an alias in capital letters",
        booked(ZHANG, "ZHANG.SAN@corp.example"),
        PROOF, "From: =?gb2312?B?1cXI/Q==?= <ZHANG.SAN@CORP.EXAMPLE>",
    ),
    case(
        "is an employee whose mailer repeats the address as the name",
        booked(ZHANG, _REPLIED),
        PROOF, "From: zhang@corp.example <zhang@corp.example>",
    ),
    case(
        "is a delegate who names an employee in the subject",
        booked(SMITH, "assistant@corp.example"),
        PROOF, "From: assistant@corp.example", f"Subject: #{SMITH}",
    ),
    case(
        "is a delegate who names an employee in the address",
        booked(ZHANG, "assistant@corp.example"),
        PROOF, "From: assistant@corp.example", f"To: fapiao+{ZHANG}@corp.example",
    ),
    case(
        "is a delegate who names nobody",
        booked(ASSISTANT, "assistant@corp.example"),
        PROOF, "From: assistant@corp.example",
    ),
)  # fmt: skip

CASES = (*_DISPLAY_NAMES, *_PARSERS, *_LOOK_ALIKES, *_GENUINE)
