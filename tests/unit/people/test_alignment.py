"""Which domains stand for each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.people.alignment import aligned, domain_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("corp.example", "corp.example"),
        ("mail.corp.example", "corp.example"),
        ("a.b.corp.com.cn", "corp.com.cn"),
        ("mail.corp.cn", "corp.cn"),
        ("localhost", "localhost"),
    ],
)
def test_domains_of_one_organisation_are_aligned(one: str, other: str) -> None:
    assert aligned(one, other)
    assert aligned(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("notcorp.example", "corp.example"),
        ("corp.example", "example"),
        ("evil.com.cn", "com.cn"),
        ("evil.bj.cn", "bj.cn"),
        ("evil.co.uk", "co.uk"),
        ("evil.github.io", "github.io"),
        ("a.corp.example", "b.corp.example"),
        ("corp.example.evil.example", "corp.example"),
        ("evil.cn", "cn"),
    ],
)
def test_domains_of_two_organisations_are_not_aligned(one: str, other: str) -> None:
    assert not aligned(one, other)
    assert not aligned(other, one)


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("li@Corp.Example", "corp.example"),
        ("<li@corp.example>", "corp.example"),
        ("@corp.example", "corp.example"),
        ("corp.example.", "corp.example"),
        ("", None),
        ("li@", None),
        ("corp..example", None),
        ("corp example", None),
        ("公司.example", None),
        ("corp.example\n", "corp.example"),
        ("-x.example", None),
        ("a." * 127 + "b", None),
    ],
)
def test_a_domain_is_read_strictly(text: str, domain: str | None) -> None:
    assert domain_of(text) == domain


@given(st.text(max_size=40))
def test_whatever_is_no_domain_is_none_and_nothing_is_raised(text: str) -> None:
    found = domain_of(text)

    assert found is None or found == found.lower().strip()
