"""Transfer encodings are undone piece by piece with the same result as in one piece."""

from __future__ import annotations

import base64
import quopri

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.mime.transfer import decoded, decoded_at_once, from_base64, from_quoted_printable


def pieces(raw: bytes, size: int) -> list[bytes]:
    return [raw[start : start + size] for start in range(0, len(raw), size)]


@settings(deadline=None)
@given(st.binary(max_size=400), st.integers(1, 90))
def test_base64_in_pieces_is_what_it_was(content: bytes, size: int) -> None:
    raw = base64.encodebytes(content).replace(b"\n", b"\r\n")

    assert b"".join(from_base64(pieces(raw, size))) == content


@settings(deadline=None)
@given(st.binary(max_size=400), st.integers(1, 90))
def test_quoted_printable_in_pieces_is_what_it_was(content: bytes, size: int) -> None:
    raw = quopri.encodestring(content)

    assert b"".join(from_quoted_printable(pieces(raw, size))) == quopri.decodestring(raw)


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(1, 50))
def test_nothing_that_is_called_base64_raises(raw: bytes, size: int) -> None:
    b"".join(from_base64(pieces(raw, size)))


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(1, 50))
def test_nothing_that_is_called_quoted_printable_raises(raw: bytes, size: int) -> None:
    b"".join(from_quoted_printable(pieces(raw, size)))


@settings(deadline=None)
@given(st.text("AZaz09+/=!\r\n é", max_size=60).map(lambda text: text.encode("latin-1")))
def test_base64_at_once_is_what_it_is_in_pieces(raw: bytes) -> None:
    assert decoded_at_once("base64", raw) == b"".join(from_base64([raw]))


@pytest.mark.parametrize(
    ("raw", "content"),
    [
        (b"JVBE!Ri0=", b"%PDF-"),
        (b"JVBERi0", b"%PDF-"),
        (b"JVBERi0=\r\nJVBERi0=", b"%PDF-%PDF-"),
        (b"JVBERi0=====JVBERi0", b"%PDF-%PDF-"),
        (b"JVBERi0xA", b"%PDF-1"),
        (b"", b""),
    ],
)
def test_damaged_base64_gives_what_is_left_of_it(raw: bytes, content: bytes) -> None:
    assert b"".join(from_base64([raw])) == content


@pytest.mark.parametrize("size", [999, 1000, 65_535, 65_536, 70_000])
def test_a_line_without_end_is_decoded_without_waiting_for_it(size: int) -> None:
    raw = b"=41 " * 40_000

    assert b"".join(from_quoted_printable(pieces(raw, size))) == quopri.decodestring(raw)


def test_anything_else_comes_as_it_is() -> None:
    assert list(decoded("8bit", [b"a=41", b"\x00"])) == [b"a=41", b"\x00"]
