"""The daemon: threads around the three steps, their schedule, their start and their stop."""

from watcher.service.service import Service

__all__ = ["Service"]
