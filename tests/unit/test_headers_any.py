"""What any mailer wrote into a header comes back as it was meant, and whatever is no header harms nobody."""

from __future__ import annotations

import base64
import itertools
import quopri
from urllib.parse import quote_from_bytes

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import targets
from watcher.headers import decode, decode_parameter, file_name, read_header, split_parameters

# Text that survives the folding of a header: no line end, no space at either end, and no "=?" of its own.
PLAIN = st.text(
    st.characters(codec="gb18030", exclude_categories=["C", "Z"], exclude_characters="=?\"\\'"), min_size=1, max_size=40
)
# What GBK mailers call the set that they write; gb2312 has not all of the characters.
CALLED = st.sampled_from(["gb2312", "GBK", "gb18030", "x-gbk", "GB2312*zh"])
JUNK = st.one_of(st.binary(max_size=120), st.text("=?utf-8BQ_;:<>@,\"\\()'*%\r\n \tä票\ud800").map(
    lambda text: text.encode("utf-8", "surrogatepass")
))  # fmt: skip


def cut(data: bytes, at: list[int]) -> list[bytes]:
    """In pieces that may part a character, as mailers do."""
    places = [0, *sorted({place % (len(data) + 1) for place in at}), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(places) if start < end]


def word(piece: bytes, charset: str, encoding: str) -> str:
    if encoding == "B":
        return f"=?{charset}?B?{base64.b64encode(piece).decode()}?="
    return f"=?{charset}?q?{quopri.encodestring(piece, header=True).decode().replace('?', '=3F')}?=".replace("=\n", "")


@given(PLAIN, CALLED, st.lists(st.integers(0, 200), max_size=4), st.lists(st.sampled_from("BQ"), min_size=5))
def test_a_text_in_encoded_words_comes_back_however_it_is_cut(
    text: str, charset: str, at: list[int], encodings: list[str]
) -> None:
    pieces = cut(text.encode("gb18030"), at)
    words = [word(piece, charset, encoding) for piece, encoding in zip(pieces, encodings, strict=False)]

    assert decode("\r\n ".join(words)) == text


@given(PLAIN, st.lists(st.integers(0, 200), max_size=6), st.sampled_from(["utf-8", "gb18030", "GB2312"]))
def test_a_name_by_rfc_2231_comes_back_however_it_is_cut(text: str, at: list[int], charset: str) -> None:
    data = text.encode("utf-8" if charset == "utf-8" else "gb18030")
    pieces = [quote_from_bytes(piece, safe="") for piece in cut(data, at)]
    pieces[0] = f"{charset}''{pieces[0]}"
    written = "".join(f";\r\n filename*{number}*={piece}" for number, piece in enumerate(pieces))

    assert file_name([("Content-Disposition", f"attachment{written}")]) == text


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=40))
def test_a_quoted_parameter_comes_back_with_its_quotation_marks(text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    kind, parameters = split_parameters(f'A/B; x=1; name="{quoted}"; y'.encode())

    assert kind == "a/b"
    assert dict(parameters)["name"] == text


@given(PLAIN, st.sampled_from(["utf-8", "gb18030"]))
def test_a_raw_name_comes_back_in_either_character_set(text: str, charset: str) -> None:
    raw = text.encode(charset)
    if charset == "gb18030" and _is_utf8(raw):
        return  # these bytes are another text in UTF-8, and nobody can tell

    assert decode_parameter([("filename", raw)], "filename") == text


@given(st.lists(st.tuples(st.from_regex(r"[A-Za-z][A-Za-z-]{0,20}", fullmatch=True), PLAIN), max_size=8))
def test_every_field_of_a_block_is_there_once_in_its_order(fields: list[tuple[str, str]]) -> None:
    block = b"".join(f"{name}:\r\n\t{value}\r\n".encode() for name, value in fields)
    header = read_header(block + b"\r\nBody: x\r\n")

    assert [name for name, _ in header.fields] == [name.lower() for name, _ in fields]
    assert [decode(value) for _, value in header.fields] == [value for _, value in fields]


@given(JUNK)
def test_whatever_stands_in_a_header_nothing_raises_and_all_of_it_can_be_stored(junk: bytes) -> None:
    targets.headers(junk)


@given(st.text('() "\\NIL1{}<>[]ab', max_size=80).map(str.encode))
def test_whatever_a_server_answers_is_read_or_malformed(junk: bytes) -> None:
    targets.answers(junk)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
