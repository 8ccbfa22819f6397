"""The identities that must never change."""

from __future__ import annotations

import uuid

from msgspec.structs import replace

from watcher.model import BookingKey

KEY = BookingKey(content="ab" * 32, user_code="903851", create_expense=True)


def test_a_biz_id_is_36_characters_of_a_uuid() -> None:
    biz_id = KEY.biz_id(1)
    assert len(biz_id) == 36
    assert str(uuid.UUID(biz_id)) == biz_id


def test_the_same_booking_has_the_same_biz_id_in_every_release() -> None:
    assert KEY.biz_id(1) == "273ca375-5ed0-5915-a620-5757585d09e9"


def test_every_part_of_a_booking_changes_its_biz_id() -> None:
    others = [
        KEY.biz_id(2),
        replace(KEY, content="cd" * 32).biz_id(1),
        replace(KEY, content="ab" * 32 + "#1-3").biz_id(1),
        replace(KEY, user_code="903852").biz_id(1),
        replace(KEY, create_expense=False).biz_id(1),
    ]
    assert len({KEY.biz_id(1), *others}) == 6
