"""A watched folder: a scan that is the truth, file events that wake it, and moves that never overwrite."""

from __future__ import annotations

from watcher.sources.folder.arriving import Arriving
from watcher.sources.folder.likeness import Likeness
from watcher.sources.folder.source import FolderSource

__all__ = ["Arriving", "FolderSource", "Likeness"]
