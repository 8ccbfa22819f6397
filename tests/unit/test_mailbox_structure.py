"""Which parts of a mail are files, and when the server's word on that is not believed."""

from __future__ import annotations

import pytest

from watcher.mime.part import SAID
from watcher.sources.mailbox.grammar import Malformed, parse
from watcher.sources.mailbox.structure import Part, contradiction, files, read_structure, texts

TEXT = '("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 90 2 NIL NIL NIL NIL)'
PDF = '("application" "pdf" ("name" "a.pdf") NIL NIL "base64" 5000 NIL ("attachment" ("filename" "b.pdf")) NIL NIL)'
ENVELOPE = "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"


def structure(text: str) -> Part:
    [value] = parse([text.encode()])
    return read_structure(value)


def found(text: str) -> list[tuple[str, str, str | None]]:
    return [(part.section, part.media_type, part.name) for part in files(structure(text))]


def message(inner: str, encoding: str = "7bit", octets: int = 6000) -> str:
    return f'("message" "rfc822" NIL NIL NIL "{encoding}" {octets} {ENVELOPE} {inner} 99 NIL NIL NIL NIL)'


def test_the_root_may_be_the_file() -> None:
    assert found(PDF) == [("1", "application/pdf", "b.pdf")]


def test_sections_count_from_one_at_each_level() -> None:
    nested = f'({TEXT}({TEXT}{PDF} "related"){PDF} "mixed")'

    assert [section for section, _, _ in found(nested)] == ["2.2", "3"]


def test_a_nested_multipart_has_the_sections_of_its_message() -> None:
    assert [
        section for section, _, _ in found(f'({TEXT}{message(f"({TEXT}{PDF} {chr(34)}mixed{chr(34)})")} "mixed")')
    ] == ["2.2", "2"]


def test_a_nested_single_part_is_the_first_of_its_message() -> None:
    assert [section for section, _, _ in found(f'({TEXT}{message(PDF)} "mixed")')] == ["2.1", "2"]


def test_the_header_of_a_nested_message_follows_its_files_whose_trails_begin_with_its_own() -> None:
    inner = message(f"({TEXT}{PDF} {chr(34)}mixed{chr(34)})")
    root = structure(f'({TEXT}{message(f"({TEXT}{inner} {chr(34)}mixed{chr(34)})")}{PDF} "mixed")')

    assert [(part.trail, part.is_walked) for part in files(root)] == [
        ("/2/2.2/2.2.2", False),
        ("/2/2.2", True),
        ("/2", True),
        ("/3", False),
    ]
    assert [mail for mail, _ in texts(root)] == ["", "/2", "/2/2.2"]


def test_an_encoded_message_is_a_file_itself() -> None:
    assert found(f'({TEXT}{message(PDF, "base64")} "mixed")') == [("2", "message/rfc822", None)]


@pytest.mark.parametrize(
    ("part", "is_file"),
    [
        ('("text" "plain" NIL NIL NIL "7bit" 10 1)', False),
        ('("TEXT" "HTML" NIL NIL NIL "7bit" 10 1 NIL ("inline" NIL))', False),
        ('("text" "plain" NIL NIL NIL "7bit" 10 1 NIL ("attachment" NIL))', True),
        ('("text" "plain" NIL NIL NIL "7bit" 10 1 NIL ("inline" ("filename" "a")))', True),
        ('("text" "plain" ("name" "a") NIL NIL "7bit" 10 1)', True),
        ('("text" "xml" NIL NIL NIL "7bit" 10 1)', True),
        ('("application" "octet-stream" NIL NIL NIL "base64" 10)', True),
        ('("application" "octet-stream" NIL NIL NIL "base64" 10 NIL "inline")', True),
        ('("image" "png" NIL "<cid>" NIL "base64" 10 NIL NIL)', True),
        ('("message" "delivery-status" NIL NIL NIL "7bit" 10)', True),
    ],
)
def test_text_without_a_name_is_the_body_and_all_else_a_file(part: str, is_file: bool) -> None:
    assert bool([kind for _, kind, _ in found(part) if kind != SAID]) is is_file


@pytest.mark.parametrize(
    "text", ["()", "NIL", '("text")', '("text" "plain" NIL NIL NIL "7bit")', "(((((NIL))))) ", '(() "mixed")']
)
def test_what_is_no_structure_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        structure(text)


def test_a_structure_deeper_than_any_mail_is_malformed() -> None:
    with pytest.raises(Malformed):
        structure("(" * 500 + TEXT + ' "mixed")' * 500)


PLAIN = b"Content-Type: text/plain\r\n".ljust(498) + b"\r\n"
MIXED = b"Content-Type: multipart/mixed; boundary=x\r\n".ljust(498) + b"\r\n"


def test_a_structure_that_accounts_for_the_mail_is_believed() -> None:
    assert contradiction(structure(f'({TEXT}{PDF} "mixed")'), MIXED, 500 + 5100 + 600) is None
    assert contradiction(structure(TEXT), PLAIN, 600) is None


@pytest.mark.parametrize(
    ("text", "header", "octets"),
    [
        (TEXT, MIXED, 600),
        (f'({TEXT}{PDF} "mixed")', MIXED, 500 + 5100 + 20_000),
        ('(("text" "plain" NIL NIL NIL "7bit" 0 0) "mixed")', MIXED, 1000),
        ('("application" "pdf" NIL NIL NIL "x-uuencode" 100)', PLAIN, 600),
        (f'({message(TEXT, octets=90_000)} "mixed")', MIXED, 90_600),
        (f'({TEXT * 6000} "mixed")', MIXED, 600_000),
    ],
    ids=["no parts", "too small", "an empty part", "odd encoding", "a nested message too small", "parts without end"],
)
def test_a_structure_that_hides_something_is_not_believed(text: str, header: bytes, octets: int) -> None:
    assert contradiction(structure(text), header, octets) is not None


def _said(octets: int, encoding: str = "7bit") -> str:
    return f'("text" "plain" ("charset" "utf-8") NIL NIL "{encoding}" {octets} 2 NIL NIL NIL NIL)'


HTML = '("text" "html" NIL NIL NIL "7bit" 9000 2 NIL NIL NIL NIL)'


KEY = '("application" "pgp-keys" ("name" "k.asc") NIL NIL "7bit" 3000 NIL NIL NIL NIL)'
LOGO = '("image" "png" NIL "<cid>" NIL "base64" 5000 NIL NIL)'


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        (f'({_said(90)}{PDF} "mixed")', []),
        (f'({_said(200)}{PDF} "mixed")', ["1"]),
        (f'(({_said(3000)}{HTML} "alternative"){PDF} "mixed")', []),
        (f'({_said(90)}{HTML} "alternative")', ["1"]),
        (_said(90), ["1"]),
        (f'({_said(90)}{message(_said(200))}{PDF} "mixed")', ["2.1"]),
        (f'({_said(90)}{message(f"({_said(90)}{PDF} {chr(34)}mixed{chr(34)})")} "mixed")', []),
        (HTML, []),
        (f'({_said(90)}{KEY}{LOGO} "mixed")', ["1"]),
    ],
)
def test_what_is_said_is_read_where_files_or_links_may_be_written_into_it(text: str, sections: list[str]) -> None:
    assert [part.section for part in files(structure(text)) if part.media_type == SAID] == sections
