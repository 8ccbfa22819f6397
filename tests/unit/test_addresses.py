"""Who waits where two contents were taken in at one address, one after the other."""

from __future__ import annotations

from msgspec.structs import replace

from watcher.addresses import Addresses, behind_others
from watcher.model import BookingKey, Claim, ClaimedBooking, Locator, UnderWay

AT = Locator(store="drive", key="a.pdf", url=None)


def claimed(booking: int, content: str, locator: Locator = AT, *, interrupted: bool = False) -> ClaimedBooking:
    return ClaimedBooking(
        claim=Claim(row=str(booking), number=1),
        booking=booking,
        key=BookingKey(content=content, user_code="903851", create_expense=True),
        biz_id=f"b{booking}",
        locator=locator,
        source="shared",
        attempt=1,
        try_number=1,
        first_failed_at=None,
        in_doubt=interrupted,
        interrupted=interrupted,
    )


OLD = UnderWay(booking=1, content="old", locator=AT)


def test_what_lies_where_somebody_else_posts_another_content_waits() -> None:
    new, elsewhere = claimed(2, "new"), claimed(3, "new", replace(AT, key="b.pdf"))

    assert behind_others([new, elsewhere], [OLD], {2, 3}) == [new]


def test_the_same_name_in_another_store_is_another_address() -> None:
    assert behind_others([claimed(2, "new", replace(AT, store="other"))], [OLD], {2}) == []


def test_the_same_content_for_somebody_else_does_not_wait() -> None:
    assert behind_others([claimed(2, "old")], [OLD], {2}) == []


def test_what_this_process_posts_takes_turns_by_itself() -> None:
    assert behind_others([claimed(2, "new")], [OLD], {1, 2}) == []


def test_what_was_claimed_together_waits_for_what_never_came_to_its_end_and_for_nothing_else() -> None:
    new = claimed(2, "new")

    assert behind_others([claimed(1, "old"), new], [], {1, 2}) == []
    assert behind_others([claimed(1, "old", interrupted=True), new], [], {1, 2}) == [new]


def test_a_content_is_posted_from_its_address_by_several_and_another_one_by_none_of_them() -> None:
    addresses = Addresses()
    with (
        addresses.posting(AT, "old") as first,
        addresses.posting(AT, "old") as second,
        addresses.posting(AT, "new") as meanwhile,
        addresses.posting(replace(AT, key="b.pdf"), "new") as elsewhere,
    ):
        assert (first, second, meanwhile, elsewhere) == (True, True, False, True)
    with addresses.posting(AT, "new") as then:
        assert then
