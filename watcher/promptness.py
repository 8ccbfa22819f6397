"""Whether a server answers so soon that to wait for it takes less than to have a thread wait."""

from __future__ import annotations

from collections import deque

_AT_ONCE_SECONDS = 0.004  # to hand something to a thread, and back, takes a busy machine no more
_ON_AVERAGE_SECONDS = 0.008  # who waits for an answer waits for the interpreter too, where others are at work
_WORTH_A_TRIAL_SECONDS = 0.006  # the least that one of many takes which wait for the interpreter
_OF_LATE = 16
_FIRST_REST_SECONDS, _LONGEST_REST_SECONDS = 1.0, 60.0  # from one trial to the next


class Promptness:
    """What the last answers took. Safe for threads."""

    def __init__(self) -> None:
        self._took: deque[float] = deque(maxlen=_OF_LATE)

    def took(self, seconds: float) -> None:
        """One request with its answer, and with the connection where there was none."""
        self._took.append(seconds)

    def failed(self) -> None:
        """What it did before tells no more what it will do."""
        self._took.clear()

    @property
    def is_known(self) -> bool:
        """Whether there have been some answers."""
        return len(self._took) == _OF_LATE

    @property
    def is_at_once(self) -> bool:
        """Whether it has answered at once of late; not so before there have been some answers.

        The quicker ones tell what the server takes, because the others wait for this process as well; all of them on
        average, whether it keeps those waiting that come one after the other. One does that which answers every other
        time only after TCP has put an acknowledgement off.
        """
        took = sorted(self._took)  # a copy in one step: others may write meanwhile
        return (
            len(took) == _OF_LATE
            and took[_OF_LATE // 4 - 1] <= _AT_ONCE_SECONDS
            and sum(took) <= _OF_LATE * _ON_AVERAGE_SECONDS
        )

    @property
    def may_be_at_once(self) -> bool:
        """Whether that is worth a trial: among many that wait, each takes long for those beside it."""
        took = tuple(self._took)
        return len(took) == _OF_LATE and min(took) <= _WORTH_A_TRIAL_SECONDS


class Succession:
    """Whether one thread sends requests one after the other, instead of many side by side. Safe for threads.

    What they take side by side tells only that it is worth a trial. What they take one after the other tells whether
    it goes on; if not, there is no other trial for a while, and a longer one each time.
    """

    def __init__(self) -> None:
        self._apart, self._in_turn = Promptness(), Promptness()
        self._is_on = False
        self._rests_until = 0.0
        self._rest_seconds = _FIRST_REST_SECONDS  # after the next trial that fails

    def took(self, seconds: float, *, in_turn: bool) -> None:
        """One request, answered: `in_turn`, one after the other."""
        (self._in_turn if in_turn else self._apart).took(seconds)

    def failed(self) -> None:
        """A request that came to no outcome: what others took before tells no more what the next ones will take."""
        self._is_on = False
        self._apart.failed()

    def is_on(self, now: float) -> bool:
        """`now` in seconds of a clock that only goes forward."""
        if self._is_on and self._in_turn.is_known:
            if self._in_turn.is_at_once:
                self._rest_seconds = _FIRST_REST_SECONDS
            else:
                self._is_on, self._rests_until = False, now + self._rest_seconds
                self._rest_seconds = min(self._rest_seconds * 2, _LONGEST_REST_SECONDS)
        elif not self._is_on and now >= self._rests_until and self._apart.may_be_at_once:
            self._in_turn.failed()
            self._is_on = True
        return self._is_on
