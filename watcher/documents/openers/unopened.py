"""Containers that are known and not opened: their sender is told what to send instead."""

from __future__ import annotations

from collections.abc import Generator

from watcher.documents import words
from watcher.documents.unpacking import Allowance, Entry, Opener, Refusal
from watcher.errors import DocumentRefused
from watcher.model import Reason
from watcher.spool import Spooled


def refuse(form: str) -> Opener:
    """An opener that only says that this form cannot be opened."""

    def opener(_content: Spooled, _allowance: Allowance) -> Generator[Entry | Refusal, None, None]:
        raise DocumentRefused(Reason.UNREADABLE, words.unsupported(form))
        yield  # makes it a generator, as openers are

    return opener
