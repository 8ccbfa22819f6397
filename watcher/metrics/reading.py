"""What is read for one scrape."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field

from watcher.model import Alert, Gate, Signs, Storage, Workload


class Reading(Struct, frozen=True, kw_only=True):
    """How this process and its journal fare. Without `signs` the journal cannot be read now."""

    version: str
    ready: bool
    late: int  # workers that give no sign of life
    sources: tuple[str, ...]
    last_good: Mapping[str, datetime] = field(default_factory=dict)  # by source, of this process
    signs: Signs | None = None
    workload: Workload | None = None
    storage: Storage | None = None
    gate: Gate | None = None
    alerts: tuple[Alert, ...] = ()  # that somebody has been told of, and that are not over
