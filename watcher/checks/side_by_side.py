"""Checks of different things run at the same time, and none of them holds up or ends the others."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from watcher.deadline import Deadline
from watcher.findings import About
from watcher.model import Finding

TOTAL_SECONDS = 30.0
_PACKAGE = Path(__file__).resolve().parents[1]


class Check(Struct, frozen=True, kw_only=True):
    """What is looked at, and the look; `find` may take its time, and may fail."""

    subject: str
    find: Callable[[], Sequence[Finding]]


def side_by_side(
    checks: Sequence[Check], *, seconds: float = TOTAL_SECONDS, waiting_for: Callable[[str], None] = lambda _: None
) -> Iterator[Finding]:
    """What each of them finds, in their order, as soon as it is known; all are over within `seconds`.

    One that takes longer is left behind, and said to have had no end. What one raises is a finding; it is shown in full
    on standard error too, because it is a fault of this program. `waiting_for` is told whose turn it is.
    """
    looks = [_Look(check) for check in checks]
    deadline = Deadline(seconds)
    for look in looks:
        look.start()
    for look in looks:
        waiting_for(look.check.subject)
        yield from look.findings(deadline, seconds)


class _Look:
    """One check on its way, in a thread that the end of the process does not wait for."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self._found: Sequence[Finding] = ()
        self._thread = threading.Thread(target=self._run, name=f"check {check.subject}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def findings(self, deadline: Deadline, seconds: float) -> Sequence[Finding]:
        self._thread.join(deadline.remaining())
        if not self._thread.is_alive():
            return self._found
        about = About(self.check.subject)
        mend = "see whether it can be reached from this machine, and what its own log says"
        return [about.wrong(f"did not come to an end within {seconds:g} s", mend)]

    def _run(self) -> None:
        try:
            self._found = tuple(self.check.find())
        except Exception as error:  # noqa: BLE001 - whatever it is, the other checks go on
            self._found = [_fault(self.check.subject, error)]
            sys.excepthook(type(error), error, error.__traceback__)


def _fault(subject: str, error: Exception) -> Finding:
    """Without the error's own text, which may hold anything."""
    place = _place(error)
    message = f"the check itself failed: {type(error).__name__}" + (f" at {place}" if place else "")
    return About(subject).wrong(message, "report this fault, with what stands on standard error")


def _place(error: Exception) -> str:
    """The innermost line of ours."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(_PACKAGE))]
    return f"{Path(frames[-1].filename).relative_to(_PACKAGE.parent)}:{frames[-1].lineno}" if frames else ""
