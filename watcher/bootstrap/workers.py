"""For how long those who look after sources may be silent: as long as one step of theirs can take, and no longer.

A step that takes longer than this hangs; whatever is legal takes less. The longest are a document that goes to its
store as slowly as the store's client allows, and a file that is read from or moved to a slow network drive.
"""

from __future__ import annotations

from msgspec import Struct

from watcher.config import sections
from watcher.config.sections import Configuration
from watcher.service.heartbeats import MARGIN_SECONDS, Heartbeats, Worker

_STEP_SECONDS = 1200.0
_SLOWEST_UPLOAD = 20_000.0  # bytes a second
_MAILBOX_MARGIN_SECONDS = 300.0  # a server may take so long to let us go from IDLE


class SourceWorkers(Struct, frozen=True, kw_only=True):
    """Who beats for a source. The threads that store beat for the one that looks, since it waits for them."""

    look: Worker
    answer: Worker


def build_workers(configuration: Configuration, heartbeats: Heartbeats) -> dict[str, SourceWorkers]:
    """By the source's name."""
    step = _STEP_SECONDS + configuration.limits.document / _SLOWEST_UPLOAD
    return {
        section.name: SourceWorkers(
            look=heartbeats.worker(f"look-{section.name}", silence_seconds=step, margin_seconds=_margin(section)),
            answer=heartbeats.worker(f"answer-{section.name}", silence_seconds=step),
        )
        for section in configuration.sources
    }


def _margin(section: sections.Mailbox | sections.Folder) -> float:
    return _MAILBOX_MARGIN_SECONDS if isinstance(section, sections.Mailbox) else MARGIN_SECONDS
