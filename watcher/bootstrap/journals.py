"""The journal as the commands open it, and what the configuration says of it."""

from __future__ import annotations

from datetime import timedelta

from watcher.config import sections
from watcher.config.confidential import confidential
from watcher.config.sections import Configuration
from watcher.errors import JournalUnusable, Unavailable
from watcher.journal.checking import journal_trouble
from watcher.journal.opening import is_same_journal, migrate, open_journal, open_to_read
from watcher.policy.conditions import HELD_IN_A_FOLDER
from watcher.ports import (
    Journal,
)
from watcher.secrecy import KnownSecrets


def secrets_of(configuration: Configuration) -> KnownSecrets:
    """What is kept out of all that is told, journalled and answered."""
    return KnownSecrets(confidential(configuration))


def open_for_work(configuration: Configuration) -> Journal:
    """The journal for the one process that works on it, brought to this version. Raises JournalUnusable."""
    return open_journal(configuration.journal, exclusive=True)


def open_for_reading(configuration: Configuration) -> Journal:
    """The journal beside a running daemon. Raises JournalUnusable."""
    return open_to_read(configuration.journal)


def have_one_journal(one: Configuration, other: Configuration) -> bool:
    """Whether two configurations mean the same journal. Raises JournalUnusable."""
    return is_same_journal(one.journal, other.journal)


def migrate_journal(configuration: Configuration) -> None:
    """Bring it to this version, or make it. Raises JournalUnusable where a daemon has it."""
    migrate(configuration.journal)


def trouble_of_journal(configuration: Configuration) -> str | None:
    """Why nothing can be written to it now, where that is seen beside a running daemon."""
    return journal_trouble(configuration.journal)


def trouble_of_open_journal(configuration: Configuration, journal: Journal) -> str | None:
    """Why it cannot be used now; None: it can be read, and nothing is seen that keeps it from being written."""
    try:
        journal.now()
    except (Unavailable, JournalUnusable) as error:
        return str(error)
    return trouble_of_journal(configuration)


def held_after(configuration: Configuration) -> dict[str, timedelta]:
    """How long each source's submissions may be held before somebody is told."""
    return {
        section.name: section.held_after if isinstance(section, sections.Mailbox) else HELD_IN_A_FOLDER
        for section in configuration.sources
    }
