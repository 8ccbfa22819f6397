"""What IMAP servers answer is read as it is meant, and nothing else is accepted."""

from __future__ import annotations

import pytest

from watcher.sources.mailbox.grammar import Malformed, attributes, parse, responses


def test_strings_atoms_lists_and_nil_are_told_apart() -> None:
    assert parse([b'12 (UID 3 "NIL" NIL ("a b" (\\Seen)) "q\\"\\\\")']) == [
        b"12",
        [b"UID", b"3", b"NIL", None, [b"a b", [rb"\Seen"]], b'q"\\'],
    ]


def test_literals_stand_where_they_were_cut_out() -> None:
    pieces: list[bytes | tuple[bytes, bytes]] = [
        (b"1 (UID 7 BODY[HEADER] {3}", b"a)("),
        (b" BINARY[2]<0> ~{2}", b"\x00x"),
        b" FLAGS ())",
    ]

    assert attributes(pieces) == {"UID": b"7", "BODY[HEADER]": b"a)(", "BINARY[2]<0>": b"\x00x", "FLAGS": []}


def test_responses_are_parted_where_the_line_ends() -> None:
    assert list(responses([(b"1 (X {1}", b"a"), b")", None, b"2 (FLAGS ())"])) == [
        [(b"1 (X {1}", b"a"), b")"],
        [b"2 (FLAGS ())"],
    ]


@pytest.mark.parametrize("text", [b"1 (UID 3", b"1 UID 3)", b'1 (UID "3)', b"1 (UID)", b"1", b"1 ((x) y)"])
def test_what_is_not_paired_is_malformed(text: bytes) -> None:
    with pytest.raises(Malformed):
        attributes([text])


def test_nesting_is_not_bounded_by_pythons_stack() -> None:
    depth = 50_000
    found = parse([b"(" * depth + b")" * depth])

    assert len(found) == 1
