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
        ("mail.corp.example", "hr.corp.example"),
        ("mail.corp.com.cn", "hr.corp.com.cn"),
        ("a.b.corp.co.uk", "c.corp.co.uk"),
        ("mail.user.github.io", "user.github.io"),
        ("mail.corp.local", "corp.local"),
        ("com.cn", "com.cn"),
        ("mail.corp.xn--55qx5d.cn", "corp.xn--55qx5d.cn"),
        ("mail.www.ck", "www.ck"),
        ("eu.corp.onmicrosoft.com", "corp.onmicrosoft.com"),
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
        ("one.github.io", "two.github.io"),
        ("one.com.cn", "two.com.cn"),
        ("one.bj.cn", "two.bj.cn"),
        ("one.xn--55qx5d.cn", "two.xn--55qx5d.cn"),
        ("one.xn--fiqs8s", "two.xn--fiqs8s"),
        ("one.ck", "two.ck"),
        ("one.onmicrosoft.com", "two.onmicrosoft.com"),
        ("one.onmicrosoft.com", "onmicrosoft.com"),
        ("one.mail.onmicrosoft.com", "two.mail.onmicrosoft.com"),
        ("mail.onmicrosoft.com", "one.mail.onmicrosoft.com"),
        ("one.partner.onmschina.cn", "two.partner.onmschina.cn"),
        ("one.local", "two.local"),
        ("one.xn--corp-example", "two.xn--corp-example"),
        ("mail.localhost", "localhost"),
        ("corp.example.evil.example", "corp.example"),
        ("evil.cn", "cn"),
    ],
)
def test_domains_of_two_organisations_are_not_aligned(one: str, other: str) -> None:
    assert not aligned(one, other)
    assert not aligned(other, one)


_LABELS = st.sampled_from(
    ["a", "corp", "com", "cn", "uk", "co", "github", "io", "onmicrosoft", "mail", "example", "www"]
)


@given(st.lists(_LABELS, min_size=1, max_size=5), st.lists(_LABELS, min_size=1, max_size=5))
def test_domains_are_aligned_only_below_one_domain_that_somebody_has(one: list[str], other: list[str]) -> None:
    left, right = ".".join(one), ".".join(other)

    assert aligned(left, right) == aligned(right, left)
    if aligned(left, right) and left != right:
        shared = 0
        while shared < min(len(one), len(other)) and one[-1 - shared] == other[-1 - shared]:
            shared += 1
        assert shared > 1


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
