"""The sender of replies and alerts, as the configuration has it, is read in one way."""

from __future__ import annotations

import pytest

from watcher.headers import named_address
from watcher.replies.envelope import Sender, parse_sender


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("fapiao@corp.example", ""),
        ("<fapiao@corp.example>", ""),
        ("发票助手 <fapiao@corp.example>", "发票助手"),
        ('"Invoices, Inc." <fapiao@corp.example>', "Invoices, Inc."),
        ("发票, 助手 <fapiao@corp.example>", "发票, 助手"),
        ("发票助手(财务) <fapiao@corp.example>", "发票助手(财务)"),
        ("Invoices: all; of them <fapiao@corp.example>", "Invoices: all; of them"),
    ],
)
def test_a_sender_is_its_name_and_its_address_whatever_stands_in_the_name(text: str, name: str) -> None:
    assert named_address(text) == (name, "fapiao@corp.example")
    assert parse_sender(text) == Sender(name=name, address="fapiao@corp.example")


@pytest.mark.parametrize("text", ["", "发票助手", "发票助手 <fapiao>", "a@b.example, c@d.example"])
def test_what_holds_no_address_is_no_sender(text: str) -> None:
    with pytest.raises(ValueError, match="not a sender"):
        parse_sender(text)
