"""Known secrets are found in whatever form a server may repeat them, and nothing else is touched."""

from __future__ import annotations

import base64
import json
from html import escape
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.secrecy import KnownSecrets

SECRET = "K7&x=é/\"q'+ %<9"
KNOWN = KnownSecrets([SECRET])
CORE = ("K7&x", "K7%26x", "K7\\u0026x", "K7&amp;x")


@pytest.mark.parametrize(
    "said",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").replace("%2F", "%2f").replace("%3D", "%3d"),
        quote(quote(SECRET, safe="")),
        escape(escape(SECRET)),
        quote_plus(SECRET),
        urlencode({"client_secret": SECRET}),
        json.dumps({"password": SECRET}),
        json.dumps({"password": SECRET}, ensure_ascii=False),
        json.dumps(SECRET).replace("/", "\\/"),
        json.dumps(json.dumps(SECRET)),
        json.dumps(SECRET).replace("&", "\\u0026").replace("=", "\\u003d").replace("<", "\\u003c"),
        escape(SECRET),
        escape(SECRET).replace("&#x27;", "&#39;"),
        repr(SECRET),
        repr(SECRET.encode()),
        SECRET.encode().hex(),
        SECRET.encode().decode("latin-1"),
    ],
)
def test_a_secret_is_hidden_in_every_form_it_is_written_in(said: str) -> None:
    shown = KNOWN.hidden(f"refused: {said} is wrong")

    assert "***" in shown
    assert not any(form in shown for form in CORE)


@given(st.binary(max_size=7), st.binary(max_size=7), st.text(min_size=8).filter(lambda text: text.strip() == text))
def test_a_secret_is_hidden_wherever_it_stands_in_base64(before: bytes, after: bytes, secret: str) -> None:
    data = secret.encode("utf-8", "surrogatepass")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        said = encode(before + data + after).decode()
        shown = KnownSecrets([secret]).hidden(said)
        assert "***" in shown
        # What is left is of what stands around it, and at most a character of each end of the secret.
        assert len(shown) - 3 <= len(said) - (len(data) * 8 // 6 - 2)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=6), st.text(max_size=9), st.text(max_size=9))
def test_whatever_a_secret_consists_of_it_is_hidden(secret: str, before: str, after: str) -> None:
    data = secret.encode()
    for said in (secret, quote(secret), json.dumps(secret)[1:-1], escape(secret), data.hex(), data.hex().upper()):
        shown = KnownSecrets([secret]).hidden(f"{before}|{said}|{after}")
        assert "***" in shown
        assert len(shown) < len(f"{before}|{said}|{after}")


def test_a_secret_that_is_part_of_another_leaves_nothing_of_it() -> None:
    known = KnownSecrets(["abcdef", "abcdefghijkl"])

    assert known.hidden("abcdefghijkl abcdef") == "*** ***"


def test_what_is_too_short_to_be_a_secret_blots_out_nothing() -> None:
    assert KnownSecrets(["12345", ""]).hidden("invoice 1234567") == "invoice 1234567"


def test_what_was_learnt_is_hidden_too_and_forgotten_before_the_configuration_is() -> None:
    known = KnownSecrets(["of the configuration"])
    known.learn("the first token", None, "")
    assert known.hidden("the first token") == "***"

    for number in range(100):
        known.learn(f"token number {number}")

    assert known.hidden("of the configuration, token number 99") == "***, ***"
    assert known.hidden("the first token") == "the first token"


def test_nothing_stays_nothing() -> None:
    assert KNOWN.hidden(None) is None
