"""Arrivals that are left where they are for a while, so that they hold up no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from watcher.clock import boot_seconds
from watcher.model import Known, SubmissionState

# What a source does with something that is about to be answered is what is wanted here: it leaves it for now, and asks
# again at its next look.
_LEFT_FOR_NOW = Known(submission="", state=SubmissionState.SETTLED, stays=False)


class Resting:
    """By their keys, and kept in memory alone: losing it costs another look at them."""

    def __init__(self) -> None:
        self._until: dict[str, tuple[float, str]] = {}  # boot seconds, and why
        self._seen: set[str] = set()  # in this look

    @property
    def seen(self) -> int:
        """How many of them the present look has met."""
        return len(self._seen)

    @property
    def reasons(self) -> Sequence[str]:
        """Of all that rest, whether they were met or not."""
        return [why for _, why in self._until.values()]

    def begin(self, *, goes_on: bool = False) -> None:
        """Another look begins. Where it `goes_on` from one that came no further, whatever rests does so still.

        Else it would come to the same ones again, and never to those behind them.
        """
        now = boot_seconds()
        self._until = {key: rest for key, rest in self._until.items() if goes_on or rest[0] > now}
        self._seen.clear()

    def let_rest(self, key: str, seconds: float, why: str = "") -> None:
        self._until[key] = (boot_seconds() + seconds, why)
        self._seen.add(key)

    def known(self, keys: Sequence[str]) -> Mapping[str, Known]:
        """Those of the keys that are not to be looked at yet."""
        resting = [key for key in keys if key in self._until]
        self._seen.update(resting)
        return dict.fromkeys(resting, _LEFT_FOR_NOW)
