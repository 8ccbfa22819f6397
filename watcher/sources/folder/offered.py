"""Files that were handed out, and of which it is not known whether they were recorded."""

from __future__ import annotations

_PAUSE_SECONDS = 1.0  # before a look: by then a file is mostly recorded, posted, answered and moved away


class Offered:
    """When each of them is to be looked at once more. For the thread that looks; `moved` is for any."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def add(self, path: str, now: float) -> None:
        """It is handed out; times are monotonic seconds."""
        self._since[path] = now

    def moved(self, path: str) -> None:
        """It was recorded: we have moved it away."""
        self._since.pop(path, None)

    def due(self, now: float) -> list[str]:
        """Those whose time has come. They are not given again."""
        offered = list(self._since.items())  # in one step, because others take from it
        due = [path for path, since in offered if since + _PAUSE_SECONDS <= now]
        for path in due:
            self._since.pop(path, None)
        return due

    def clear(self) -> None:
        """All are about to be looked at."""
        self._since.clear()
