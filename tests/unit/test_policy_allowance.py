"""How much one sender may submit in an hour."""

from __future__ import annotations

import pytest

from watcher.config.sections import PerSender
from watcher.model import Spent
from watcher.policy.allowance import is_used_up

LIMIT = PerSender(submissions=3, bytes="1kB")  # type: ignore[arg-type]  # as it is written in a configuration


@pytest.mark.parametrize(
    ("count", "spent", "size", "used_up"),
    [
        (0, 0, 10, False),
        (2, 20, 10, False),
        (3, 30, 10, True),  # the fourth
        (1, 900, 100, False),  # exactly what is allowed
        (1, 900, 101, True),
        (0, 0, 5000, False),  # would wait for ever
        (1, 1, 5000, True),
        (1, 5000, 1, True),
    ],
)
def test_a_mail_waits_where_it_would_be_too_many_or_too_much(count: int, spent: int, size: int, used_up: bool) -> None:
    assert is_used_up(Spent(count=count, bytes=spent), size, LIMIT) is used_up
