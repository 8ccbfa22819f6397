"""What the process knows of itself."""

from __future__ import annotations

from importlib.metadata import version

from watcher.service.supervision import Supervision
from watcher.service.vitals import Vitals


def build_vitals(supervision: Supervision) -> Vitals:
    """One for the process, and so for all services that it builds."""
    return Vitals(version=version("invoice-watcher"), late=supervision.heartbeats.late)
