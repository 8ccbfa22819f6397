"""Findings on one subject, as the checks of all parts write them."""

from __future__ import annotations

from collections.abc import Iterable

from watcher.model import Finding


class About:
    """What is found out about one thing: `well`, worth a `note`, or `wrong`."""

    def __init__(self, subject: str) -> None:
        self.subject = subject

    def well(self, message: str) -> Finding:
        return Finding(subject=self.subject, ok=True, message=message)

    def note(self, message: str, mend: str) -> Finding:
        """It works, and an administrator should know this."""
        return Finding(subject=self.subject, ok=True, message=message, mend=mend, warning=True)

    def wrong(self, message: str, mend: str) -> Finding:
        """It does not work, or will not."""
        return Finding(subject=self.subject, ok=False, message=message, mend=mend)


def some(names: Iterable[str], most: int = 3) -> str:
    """The first few of many: ``a, b, c and 5 more``."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more
