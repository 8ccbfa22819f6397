"""One thread per source that claims its answers, and those that give them."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor, wait

from watcher.answer import Answer
from watcher.clock import boot_seconds
from watcher.errors import Unavailable
from watcher.model import ClaimedAnswer

log = logging.getLogger(__name__)

_BATCH = 16
_BEGIN_WITHIN_SECONDS = 15.0  # of the claim; what could not be begun by then is given back
_LONGEST_WAIT_SECONDS = 30.0  # polling is the truth; being woken only makes it quick
_PAUSE_SECONDS = 5.0


class Answerer:
    """Gives the answers of one source, until stopped."""

    def __init__(self, *, answer: Answer, at_once: int) -> None:
        """`at_once`: how many answers the source can be given at a time."""
        self._answer = answer
        self._givers = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="answer")
        self._awake = threading.Event()
        self._stopping = False

    def wake(self) -> None:
        self._awake.set()

    def stop(self) -> None:
        """End `run` after one last pass over what is due."""
        self._stopping = True
        self._awake.set()

    def run(self) -> None:
        with self._givers:
            self._run()

    def _run(self) -> None:
        while True:
            self._awake.clear()  # before it is asked whether to stop: a wish that comes between must not be cleared
            stopping = self._stopping
            try:
                self._pass(once=stopping)
                pause = self._pause()
            except Unavailable as error:
                log.warning("Answers have to wait.", extra={"detail": str(error)})
                pause = _PAUSE_SECONDS
            if stopping:
                return
            self._awake.wait(pause)

    def _pass(self, *, once: bool) -> None:
        """All returns and answers that are due; only one batch of them when stopping."""
        self._answer.put_back(_BATCH)
        while batch := self._claim():
            self._give(*batch)
            if once or self._stopping:
                return

    def _claim(self) -> tuple[float, list[ClaimedAnswer]] | None:
        claimed_at = boot_seconds()
        claims = self._answer.claim(_BATCH)
        return (claimed_at, claims) if claims else None

    def _give(self, claimed_at: float, claims: list[ClaimedAnswer]) -> None:
        """Raises what one of them raises, when none is under way any more."""
        given = [self._givers.submit(self._give_one, claimed_at, claimed) for claimed in claims]
        wait(given)
        for one in given:
            one.result()

    def _give_one(self, claimed_at: float, claimed: ClaimedAnswer) -> None:
        if boot_seconds() - claimed_at > _BEGIN_WITHIN_SECONDS:
            self._answer.give_back(claimed)
        else:
            self._answer.give(claimed)

    def _pause(self) -> float:
        due_in = self._answer.next_in()
        return _LONGEST_WAIT_SECONDS if due_in is None else min(max(due_in, 0.05), _LONGEST_WAIT_SECONDS)
