"""The addresses that requests lead to now: the endpoint may fetch there whatever lies there by then."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

from watcher.model import ClaimedBooking, Locator, UnderWay


def behind_others(
    claimed: Sequence[ClaimedBooking], others: Sequence[UnderWay], ours: Collection[int]
) -> list[ClaimedBooking]:
    """Of these, those at whose address another content is posted by somebody else, or may have been.

    What bookings `ours` do is for `Addresses` to say, but for one of these whose last try never came to its end: what
    has come in its place may have been fetched by that.
    """
    interrupted = [
        UnderWay(booking=each.booking, content=each.key.content, locator=each.locator)
        for each in claimed
        if each.interrupted
    ]
    taken = [*(each for each in others if each.booking not in ours), *interrupted]
    return [each for each in claimed if any(_is_before(each, other) for other in taken)]


def _is_before(claimed: ClaimedBooking, other: UnderWay) -> bool:
    at, there = claimed.locator, other.locator
    return (at.store, at.key) == (there.store, there.key) and claimed.key.content != other.content


class Addresses:
    """Which content is being posted from which address, for many threads at once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._posted: dict[tuple[str, str], tuple[str, int]] = {}  # the content, and how many requests lead to it

    @contextmanager
    def posting(self, locator: Locator, content: str) -> Iterator[bool]:
        """Whether this content may be posted from there meanwhile: not while another one is."""
        place = (locator.store, locator.key)
        if not self._taken(place, content):
            yield False
            return
        try:
            yield True
        finally:
            self._leave(place)

    def _taken(self, place: tuple[str, str], content: str) -> bool:
        with self._lock:
            posted, requests = self._posted.get(place, (content, 0))
            if posted != content:
                return False
            self._posted[place] = (content, requests + 1)
        return True

    def _leave(self, place: tuple[str, str]) -> None:
        with self._lock:
            content, requests = self._posted.pop(place)
            if requests > 1:
                self._posted[place] = (content, requests - 1)
