"""Addresses, templates and answers, as recipes use them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.documents.links.address import NotAnAddress, read_address
from watcher.documents.links.answers import anchors_of, by_format, fields_of, found_at, is_set, read_json, text_at
from watcher.documents.links.template import Lacking, Template
from watcher.documents.links.wire import Request

ANSWER = {"a": [{"b": 1}, {"b": " x "}, {"c": {"b": "y"}}], "n": None, "t": True, "s": "\ud800"}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.1.b", [" x "]),
        ("a.*.b", [1, " x "]),
        ("**.b", [1, " x ", "y"]),
        ("a.*.*.b", ["y"]),
        ("a.9.b", []),
        ("a.b", []),
        ("missing", []),
    ],
)
def test_a_path_finds_what_stands_there(path: str, found: list[object]) -> None:
    assert found_at(ANSWER, path) == found


@pytest.mark.parametrize(
    ("address", "referer"),
    [
        ("https://portal.example/file", "https://portal.example/page?token=t"),
        ("https://portal.example:8443/file", "https://portal.example/"),
        ("https://files.example/file", "https://portal.example/"),
    ],
)
def test_only_the_host_itself_is_told_the_address_that_led_to_it(address: str, referer: str) -> None:
    page = read_address("https://portal.example/page?token=t#part")

    assert Request(address=read_address(address), referer=page).headers["Referer"] == referer


@pytest.mark.parametrize(
    ("paths", "text"),
    [(["x", "a.0.b"], "1"), (["a.1.b"], "x"), (["n", "t", "a"], None), (["s"], "?")],
)
def test_the_first_text_or_number_counts(paths: list[str], text: str | None) -> None:
    assert text_at(ANSWER, paths) == text


def test_what_is_nested_beyond_reason_is_no_answer() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [deep]

    assert read_json("[" * 200_000) is None
    assert found_at(deep, "**.x") == []


@pytest.mark.parametrize(
    ("mark", "yes"),
    [("1", True), ("Y", True), (True, True), (1, True), ("0", False), ("N", False), (None, False), (False, False)],
)
def test_a_mark_says_yes_in_whatever_way(mark: object, yes: bool) -> None:
    assert is_set(mark) is yes


def test_addresses_are_sorted_by_the_format_that_they_or_their_labels_say() -> None:
    pairs = [("https://a/1", ""), ("https://a/2.OFD", ""), ("https://a/3.pdf", "XML"), ("https://a/4?type=pdf", "")]

    assert by_format(pairs) == {"ofd": "https://a/2.OFD", "xml": "https://a/3.pdf", "pdf": "https://a/4?type=pdf"}
    assert by_format(pairs[:1]) == {"pdf": "https://a/1"}


def test_links_of_a_page_that_say_no_format_are_none_of_its_files() -> None:
    page = '<a href="/help">帮助</a><a href="/d?a=1&amp;b=2">PDF下载</a><img src="/x.ofd">'

    assert anchors_of(page) == {"pdf": "/d?a=1&b=2"}


def test_fields_have_their_values() -> None:
    assert fields_of('<input id=a value="1&amp;2"><input name="b" value=""><input value=3>') == {"a": "1&2"}


def test_a_template_encodes_what_is_put_in_and_takes_a_whole_address_as_it_is() -> None:
    known = {"id": "a/b?c#&=", "url": "https://a.example/x?y=1"}

    assert Template.of("/x/{id}?z={z?}").address(known) == "/x/a%2Fb%3Fc%23%26%3D?z="
    assert Template.of("{url}").address(known) == known["url"]
    assert Template.of("{id}").value(known) == "a/b?c#&="
    with pytest.raises(Lacking):
        Template.of("/{other}").address(known)


def test_parameters_that_are_no_utf8_are_handed_on_as_they_came() -> None:
    parameters = read_address("https://a.example/x?name=%C9%EE%DB%DA&t=a+b#/page?lsh=5").parameters

    assert (parameters["t"], parameters["lsh"]) == ("a+b", "5")
    assert Template.of("/y?n={name}&t={t}").address(parameters) == "/y?n=%C9%EE%DB%DA&t=a%2Bb"


def test_what_is_encoded_stays_so_and_what_is_not_becomes_it() -> None:
    address = read_address("../f 1.pdf?a=%E5%8F%91&b=100%&c=发", read_address("https://a.example/x/y/z"))

    assert str(address) == "https://a.example/x/f%201.pdf?a=%E5%8F%91&b=100%25&c=%E5%8F%91"


@given(st.text(max_size=40))
def test_a_text_is_an_address_or_is_refused(text: str) -> None:
    for written in (text, f"https://a.example/{text}", f"https://{text}/"):
        try:
            address = read_address(written, read_address("https://base.example/"))
        except NotAnAddress:
            continue
        assert str(address).isascii()
        assert read_address(str(address)) == address
