"""Mails whose texts try to be more than text: in logs, terminals, pages, headers, paths and queries."""

from __future__ import annotations

import base64
from dataclasses import replace

from tests.hostile.case import PROOF, SMITH, WANG, ZHAO, Case, Expected, booked, case, held, letter, opening
from tests.hostile.marks import BIDI, ESCAPED, FORGED_LINE, HTML, INVISIBLE, TERMINAL
from tests.support.mails import TEXT_PART, crlf, encoded, multipart
from tests.support.workplace import pdf

# Several employees, because nobody gets more than sixty answers in an hour.
_WANG = "wang@corp.example"
_ZHAO = "zhao@corp.example"
_FROM_WANG = f"From: Wang <{_WANG}>"
_FROM_ZHAO = f"From: Zhao <{_ZHAO}>"
_OF_WANG = booked(WANG, _WANG)
_OF_ZHAO = booked(ZHAO, _ZHAO)
_SMITH = "smith@corp.example"
_REFUSED = Expected(place="error", state="closed", posted=(SMITH,), replied=_SMITH, code="300042")


def _word(text: str) -> str:
    """As one encoded word, however long."""
    return f"=?utf-8?b?{base64.b64encode(text.encode()).decode()}?="


def _subject(name: str, subject: str | bytes) -> Case:
    line = subject if isinstance(subject, bytes) else subject.encode()
    return replace(case(name, _OF_WANG, PROOF, _FROM_WANG, b"Subject: " + line), shows=True)


def _head(name: str, *head: str | bytes) -> Case:
    return case(name, _OF_ZHAO, PROOF, _FROM_ZHAO, *head)


def _file(name: str, *fields: str | bytes) -> Case:
    """A PDF whose header fields are these."""
    lines = [line if isinstance(line, bytes) else line.encode() for line in fields]
    head = b"".join(line + b"\r\n" for line in (*lines, b"Content-Transfer-Encoding: base64"))
    raw = letter(name, PROOF, _FROM_ZHAO, parts=[_part(head, name)])
    return Case(name, raw, _OF_ZHAO, pdf(name), shows=True)


def _part(head: bytes, mark: str) -> bytes:
    return head + b"\r\n" + crlf(encoded(pdf(mark)))


def _named(name: str, file_name: str) -> Case:
    """By an encoded word, which can hold any character."""
    return _file(name, f'Content-Type: application/pdf; name="{_word(file_name)}"')


_TEXTS = {
    "a forged log line": f"a\r\n{FORGED_LINE}",
    "a forged log line behind other line ends": f"a\x0b\x0c\x85\u2028\u2029{FORGED_LINE}",
    "terminal sequences": TERMINAL,
    "characters that turn the direction of writing": BIDI,
    "characters that nobody sees": INVISIBLE,
    "a script": HTML,
    "a template": "{{7*7}}{% for x in range(9999999) %}{{x}}{% endfor %}{{ self.__init__.__globals__ }}",
    "format marks": "%n%s%(password)s{0.__class__}${PATH}`id`$(id)",
    "a formula": "=cmd|' /C calc'!A1",
    "a query": "'; DROP TABLE submissions; --",
    "rich markup": "[bold red]closed[/bold red] [link=https://evil.example]x[/link] [/]",
    "a NUL": "a\x00b",
    "ten thousand characters": "好" * 10_000,
    "ten thousand marks on one letter": "e" + "\u0301" * 10_000,
    "half of a character": "a\ufffd",
}

_SUBJECTS = (
    *(_subject(f"puts {what} into the subject", _word(text)) for what, text in _TEXTS.items()),
    _subject("puts another header into the subject", _word("a\r\nBcc: victim@victim.example\r\n\r\nbody")),
    _subject("writes the subject in bytes of no character set", b"\xff\xfe\x80\x81 \x1b[31m"),
    _subject("writes the subject in a character set that is none", "=?../../etc/passwd?q?x?= =?idna?q?xn--?="),
    _subject("writes the subject in a codec that is no character set", "=?zlib?b?eJwrSSwuAQAEXQHB?= =?rot13?q?x?="),
    _subject("writes ten thousand encoded words", " ".join(["=?utf-8?q?=E5=A5=BD?="] * 10_000)),
    _subject("begins encoded words and ends none", "=?utf-8?b?" * 20_000),
    _subject("folds the subject a thousand times", "\r\n ".join(["x"] * 1000)),
    _head("has no subject", "Subject:"),
)

_SENDERS = tuple(
    case(
        f"puts {what} into the sender's name",
        held("the address header is too long") if len(text) > 5000 else _OF_WANG,
        PROOF, f"From: {_word(text)} <{_WANG}>",
    )
    for what, text in {**_TEXTS, "eight hundred characters": "好" * 800}.items()
)  # fmt: skip

_FILES = (
    *(_named(f"puts {what} into the file's name", f"{text}.pdf") for what, text in _TEXTS.items()),
    *(
        _named(f"writes {what} by the file's name", name)
        for what, name in (
            ("above its folder", f"../../../../../../tmp/{ESCAPED}.pdf"),
            ("above its folder as Windows does", f"..\\..\\..\\..\\{ESCAPED}.pdf"),
            ("an absolute path", f"/etc/{ESCAPED}.pdf"),
            ("an absolute path of Windows", f"C:\\{ESCAPED}.pdf"),
            ("a share", f"\\\\evil.example\\share\\{ESCAPED}.pdf"),
            ("an address", f"file:///tmp/{ESCAPED}.pdf"),
            ("a name of two dots", ".."),
            ("a hidden name", f".{ESCAPED}.pdf"),
            ("a device of Windows", "CON.pdf"),
            ("a path behind a NUL", f"a.pdf\x00/tmp/{ESCAPED}"),
            ("an option", "--config=/etc/passwd.pdf"),
        )
    ),
    _file(
        "writes the file's name in thousands of continuations",
        "Content-Type: application/pdf",
        "Content-Disposition: attachment" + "".join(f";\r\n filename*{number}*=%E5%A5%BD" for number in range(3000)),
    ),
    _file(
        "names the file in a character set that is none",
        "Content-Type: application/pdf; name*=../../etc/passwd''%2e%2e%2fa.pdf",
    ),
    _file(
        "gives the file a thousand parameters",
        "Content-Type: application/pdf" + "".join(f";\r\n p{number}=v" for number in range(1000)) + ";\r\n name=a.pdf",
    ),
    _file("gives the file two names", "Content-Type: application/pdf; name=a.pdf; name=../b.exe; name*=utf-8''c.pdf"),
    _file(
        "puts header lines into the file's name",
        b'Content-Type: application/pdf; name="a.pdf\r\n\tX-Evil: 1\r\n\t.pdf"',
    ),
)

_THREADS = (
    _head("puts a header behind a line feed into Message-ID", b"Message-ID: <a@b>\nBcc: victim@victim.example"),
    _head("puts an encoded header into Message-ID", f"Message-ID: {_word('<a@b>' + chr(13) + chr(10) + 'Bcc: v@v')}"),
    _head("puts a header into References", "References: <a@b>\r\n\tBcc: victim@victim.example <c@d>"),
    _head("puts a header into In-Reply-To", b"In-Reply-To: <a@b>\rBcc: victim@victim.example"),
    _head("has a Message-ID of five thousand characters", f"Message-ID: <{'a' * 5000}@corp.example>"),
    _head("has a Message-ID of HTML", "Message-ID: <script>alert(1)</script>@corp.example"),
    _head("has a Message-ID of terminal sequences", b"Message-ID: <\x1b[2J@corp.example>"),
    _head("has ten thousand references", "References: " + "\r\n ".join(f"<{n}@corp.example>" for n in range(10_000))),
    _head("has two Message-IDs", "Message-ID: <1@corp.example>", "Message-ID: <2@evil.example>"),
    _head("has ten thousand recipients", "To: " + ",\r\n ".join(f"u{n}@corp.example" for n in range(10_000))),
    _head("has a date that is none", "Date: '; DROP TABLE submissions; -- \x1b[31m"),
    _head("writes the date of the year 99999", "Date: Thu, 26 Nov 99999 09:00:00 +9999"),
)

_BODIES = (
    Case(
        "has a text of terminal sequences, scripts and templates",
        opening("body", PROOF, _FROM_ZHAO)
        + multipart(
            crlf(f"Content-Type: text/html; charset=nothing\n\n{HTML}{{{{7*7}}}}\n{TERMINAL}\n"),
            _part(b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n", "body"),
        ),
        _OF_ZHAO,
        pdf("body"),
    ),
    Case(
        "has a header of a thousand lines that are none",
        opening("no fields", PROOF, _FROM_ZHAO) + b"no field\r\n" * 1000
        + multipart(
            TEXT_PART,
            _part(b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n", "no fields"),
        ),
        held("the mail's header can be read in two ways"),
        pdf("no fields"),
    ),
)  # fmt: skip

_ANSWERS = tuple(
    replace(
        case(f"has an invoice of which the endpoint says {what}", _REFUSED, PROOF, f"From: Ann <{_SMITH}>"),
        answered=text,
        shows=True,
    )
    for what, text in _TEXTS.items()
)

CASES = (*_SUBJECTS, *_SENDERS, *_FILES, *_THREADS, *_BODIES, *_ANSWERS)
