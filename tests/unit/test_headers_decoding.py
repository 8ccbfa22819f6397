"""Headers are read as Chinese mailers write them, and nothing that comes in makes reading them fail."""

from __future__ import annotations

import base64
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.headers import decode, decode_bytes, decode_parameter, file_name, server_words, split_parameters


def _word(text: bytes, charset: str) -> str:
    return f"=?{charset}?B?{base64.b64encode(text).decode()}?="


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain", "plain"),
        (b" spaces around \r\n", "spaces around"),
        (b"folded\r\n line", "folded line"),
        (b"folded\n\tline", "folded\tline"),
        (b"broken\r\nline", "broken line"),
        ("=?utf-8?q?Rechnung_f=C3=BCr?= M=?", "Rechnung für M=?"),
        ("=?UTF-8*zh?B?5Y+R56Wo?=", "发票"),
        ("a =?utf-8?B?5Y+R?= =?utf-8?B?56Wo?= b", "a 发票 b"),
        ("=?utf-8?B?5Y+R?=\r\n =?utf-8?q?=E7=A5=A8?=", "发票"),
        ("=?utf-8?q?caf=E9?=", "caf\ufffd"),
        ("=?no-such-set?B?5Y+R56Wo?=", "发票"),
        ("=?unknown-8bit?B?5Y+R56Wo?=", "发票"),
        ("=?punycode?B?YWJjLQ==?=", "abc-"),
        ("=?hex?B?NDE=?=", "41"),
        ("=?utf-8?B?5Y+R56Wo", "=?utf-8?B?5Y+R56Wo"),
        ("发票 2024", "发票 2024"),
        ("发票".encode(), "发票"),
        ("朱镕基 陶喆 赵堃".encode("gb18030"), "朱镕基 陶喆 赵堃"),
        ("发票".encode("gbk").decode("ascii", "surrogateescape"), "发票"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        (b"\x80\xff\x81", "\ufffd\ufffd\ufffd"),
    ],
)
def test_a_header_becomes_its_text(raw: bytes | str, text: str) -> None:
    assert decode(raw) == text


@pytest.mark.parametrize("charset", ["gb2312", "GB2312", "gbk", "gb18030", "cp936", "x-gbk", "GB_2312-80"])
def test_characters_beyond_gb2312_survive_its_label(charset: str) -> None:
    assert decode(_word("镕喆堃".encode("gb18030"), charset)) == "镕喆堃"


def test_a_character_that_two_encoded_words_share_is_whole() -> None:
    # Given a mailer that cuts after so many bytes, in the middle of a character
    data = "电子发票通知".encode()
    # When both halves stand in words of their own
    header = f"{_word(data[:7], 'utf-8')}\r\n {_word(data[7:], 'UTF-8')}"
    # Then they are put together before they are read
    assert decode(header) == "电子发票通知"


def test_base64_that_is_cut_in_the_middle_of_a_quantum_is_whole() -> None:
    text = base64.b64encode("电子发票通知书".encode()).decode()
    assert decode(f"=?utf-8?B?{text[:6]}?= =?utf-8?B?{text[6:]}?=") == "电子发票通知书"


def test_line_ends_inside_an_encoded_word_are_kept_for_clean_to_see() -> None:
    assert decode(_word(b"a\r\nBcc: b", "utf-8")) == "a\r\nBcc: b"


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ([("filename", "发票.pdf")], "发票.pdf"),
        ([("FileName", b"a.pdf")], "a.pdf"),
        ([("filename*", "UTF-8''" + quote("发票.pdf"))], "发票.pdf"),
        ([("filename*", "gb2312'zh-cn'" + quote("喆.pdf".encode("gbk")))], "喆.pdf"),
        ([("filename*", quote("发票.pdf"))], "发票.pdf"),
        ([("filename*", "''" + quote("发票.pdf"))], "发票.pdf"),
        ([("filename*", "\"utf-8''" + quote("it's.pdf") + '"')], "it's.pdf"),
        ([("filename", "x.pdf"), ("filename*", "utf-8''%E7%A5%A8.pdf")], "票.pdf"),
        ([("filename*1*", "%E7%A5%A8.pdf"), ("filename*0*", "utf-8''%E5%8F%91")], "发票.pdf"),
        ([("filename*0*", "utf-8''%E5%8F"), ("filename*1*", "%91.pdf")], "发.pdf"),
        ([("filename*0", "long "), ("filename*1", "name.pdf"), ("filename*3", "lost")], "long name.pdf"),
        ([("filename*0*", "utf-8''%E5%8F%91"), ("filename*1", "100%25.pdf")], "发100%25.pdf"),
        ([("filename*0", "=?utf-8?B?5Y+R"), ("filename*1", "56Wo?=.pdf")], "发票.pdf"),
        ([("filename", "=?gb2312?B?t6LGsQ==?= =?gb2312?Q?.pdf?=")], "发票.pdf"),
        ([("filename", "发票.pdf".encode("gbk"))], "发票.pdf"),
        ([("filename", "发票.pdf".encode("gbk").decode("ascii", "surrogateescape"))], "发票.pdf"),
        ([("filename", "发票.pdf".encode())], "发票.pdf"),
        ([("charset", "utf-8")], None),
        ([("filename*7", "x")], None),
        ([], None),
    ],
)
def test_a_file_name_is_read_however_the_mailer_wrote_it(
    parameters: list[tuple[str, str | bytes]], name: str | None
) -> None:
    assert decode_parameter(parameters, "filename") == name


@given(st.one_of(st.binary(), st.text(st.characters())))
def test_decoding_never_raises_and_gives_encodable_text(raw: bytes | str) -> None:
    decode(raw).encode()


@given(st.text("=?utf-8gb2312BQq*'%_ \r\n\tA0éö票"))
def test_decoding_never_raises_on_what_looks_like_encoded_words(raw: str) -> None:
    decode(raw)


@given(st.binary(), st.text(st.characters(codec="ascii"), max_size=12))
def test_bytes_become_text_whatever_charset_is_named(data: bytes, charset: str) -> None:
    decode_bytes(data, charset).encode()


@given(st.lists(st.tuples(st.sampled_from(["f", "f*", "f*0", "f*0*", "f*1", "f*1*", "f*2*"]), st.binary())))
def test_reading_parameters_never_raises(parameters: list[tuple[str, str | bytes]]) -> None:
    decode_parameter(parameters, "f")


@given(st.text(min_size=1).map(lambda text: " ".join(text.split())).filter(lambda text: text.isprintable()))
def test_what_was_encoded_in_pieces_comes_back(text: str) -> None:
    data = text.encode()
    words = [_word(data[start : start + 5], "utf-8") for start in range(0, len(data), 5)]
    assert decode("\r\n ".join(words)) == text


def test_a_header_made_to_be_slow_is_read_in_time() -> None:
    began = time.process_time()
    decode("=?utf-8?q?" * 50_000)
    decode("=?utf-8?q?a?= " * 50_000)
    decode("=?" * 200_000)
    decode(" ".join(f"=?x{number}?q?a?=" for number in range(20_000)))
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("header", "value", "parameters"),
    [
        ("attachment", "attachment", []),
        ('Attachment; FileName="a;b.pdf"; size=3', "attachment", [("filename", "a;b.pdf"), ("size", "3")]),
        ('a; filename="say \\"hi\\".pdf"', "a", [("filename", 'say "hi".pdf')]),
        ('a; filename="C:\\temp\\a.pdf"', "a", [("filename", "C:\\temp\\a.pdf")]),
        ("a; filename=my invoice.pdf;\r\n x", "a", [("filename", "my invoice.pdf")]),
        ('a; filename="发票.pdf"'.encode("gbk"), "a", [("filename", "发票.pdf")]),
        ('a; filename="open', "a", [("filename", "open")]),
        ("a; filename*=utf-8''%E7%A5%A8;=x", "a", [("filename*", "utf-8''%E7%A5%A8"), ("", "x")]),
        ("", "", []),
    ],
)
def test_parameters_are_split_as_mailers_write_them(
    header: bytes | str, value: str, parameters: list[tuple[str, str]]
) -> None:
    assert split_parameters(header) == (value, parameters)


@given(st.one_of(st.binary(), st.text(st.characters()), st.text(";=\"\\a*'%\r\n ")))
def test_splitting_parameters_never_raises(header: bytes | str) -> None:
    decode_parameter(split_parameters(header)[1], "a")


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ([("Content-Disposition", 'attachment; filename="a.pdf"'), ("Content-Type", 'x/y; name="b.pdf"')], "a.pdf"),
        ([("Content-Disposition", "attachment"), ("CONTENT-TYPE", 'x/y; name="b.pdf"')], "b.pdf"),
        ([("Content-Type", r'x/y; name="C:\发票\b.pdf"')], "C:\\发票\\b.pdf"),
        ([("Content-Type", "x/y")], None),
        ([], None),
    ],
)
def test_a_part_has_the_name_of_its_disposition_else_of_its_type(
    fields: list[tuple[str, str | bytes]], name: str | None
) -> None:
    assert file_name(fields) == name


def test_what_a_server_says_is_one_clean_line_whatever_its_character_set() -> None:
    assert server_words("登录失败\r\n\x1b[31m".encode("gb18030")) == "登录失败 [31m"
    assert len(server_words("x" * 1000, 50)) == 50
