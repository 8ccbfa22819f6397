"""What people and logs are shown holds nothing that hides, turns or breaks a line."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.headers import clean, clean_name

ANY_TEXT = st.text(st.characters())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (None, ""),
        ("", ""),
        ("发票 通知", "发票 通知"),
        ("a\r\nBcc: b\tc\x00d", "a Bcc: b c d"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("\u2066a\u2069\u200eb\u061c", "ab"),
        ("pa\u200by\u200cp\u200da\ufeffl\u2060", "paypal"),
        ("a\u3164b\u034fc\u00add", "abcd"),
        ("\U000e0041tag", "tag"),
        ("lone\ud800", "lone\ufffd"),
        ("e\u0301", "é"),
        ("a\u2028b\u0085c", "a b c"),
        ("a\ufffeb", "ab"),
        ("h" + "\u0301" * 40, "h" + "\u0301" * 4),
    ],
)
def test_only_what_can_be_seen_is_left(text: str | None, shown: str) -> None:
    assert clean(text) == shown


def test_a_long_text_is_shortened_with_a_sign_of_it() -> None:
    assert clean("发" * 200) == "发" * 119 + "…"
    assert clean("abcdef", limit=4) == "abc…"
    assert clean("abcd", limit=4) == "abcd"
    assert clean("abcd", limit=0) == ""


@given(ANY_TEXT, st.integers(1, 200))
def test_clean_text_is_one_short_visible_line(text: str, limit: int) -> None:
    shown = clean(text, limit)
    assert len(shown) <= limit
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert shown == shown.strip()
    assert shown.encode().decode() == shown
    assert unicodedata.is_normalized("NFC", shown)
    assert clean(shown, limit) == shown


@given(st.text(st.sampled_from([*" !~aé中鿿！～\u3000\uff5f\ufe0f\u0301\u202e\u00a0\t"]), max_size=20))
def test_plain_text_is_known_by_its_characters_alone(text: str) -> None:
    # With a private-use character at its end no text is plain, and that one stays as it is.
    assert clean(text + "\ue000").removesuffix("\ue000").rstrip() == clean(text)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("发票.pdf", "发票.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\发票.pdf", "发票.pdf"),
        ("dir/", "dir"),
        ("/", "document"),
        ("..", "document"),
        ("...", "document"),
        ("", "document"),
        (None, "document"),
        (" \u202e ", "document"),
        (".htaccess", "htaccess"),
        ("a/.hidden.pdf", "hidden.pdf"),
        ("name. ", "name"),
        ("a\nb.pdf", "a b.pdf"),
        ("a/\u200b.pdf", "pdf"),
    ],
)
def test_a_name_is_a_plain_file_name(name: str | None, shown: str) -> None:
    assert clean_name(name, "document") == shown


def test_a_long_name_keeps_its_extension() -> None:
    shown = clean_name("发" * 300 + ".pdf", "document")
    assert shown == "发" * 115 + "….pdf"
    assert len(shown) == 120


@given(st.one_of(st.none(), ANY_TEXT, st.text("./\\ a\x00\u202e")))
def test_a_name_is_never_a_path_nor_empty(name: str | None) -> None:
    shown = clean_name(name, "document")
    assert shown
    assert not set(shown) & set("/\\\r\n\t\x00")
    assert not shown.startswith(".")
    assert len(shown) <= 120
