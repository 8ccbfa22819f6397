"""Files that an interrupted move has left under their hidden names, when nobody resumes that move."""

from __future__ import annotations

import logging
import os

from watcher.sources.folder.atomic import rename_new
from watcher.sources.folder.drive import folder_below
from watcher.sources.folder.hidden import original_name
from watcher.sources.folder.names import numbered

log = logging.getLogger(__name__)

STAY_HIDDEN_SECONDS = 60.0  # a move that is under way hides its file for less than a second
_MOST_NUMBERS = 100


class Leftovers:
    """Gives them their names back after a while, so that a scan sees them again."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def put_back(self, root: int, paths: list[str], now: float) -> None:
        """`paths` are the hidden files that a scan of everything saw; `now` is monotonic seconds."""
        self._since = {path: self._since.get(path, now) for path in paths}
        for path, since in self._since.items():
            folder, _, hidden = path.rpartition("/")
            name = original_name(hidden)
            if name is not None and now - since >= STAY_HIDDEN_SECONDS:
                _rename(root, folder, hidden, name)


def _rename(root: int, folder: str, hidden: str, name: str) -> None:
    try:
        with folder_below(root, folder) as here:
            for _, free in zip(range(_MOST_NUMBERS), numbered(name), strict=False):
                try:
                    rename_new(here, hidden, here, free)
                except FileExistsError:
                    continue
                log.warning("A file that an interrupted move had hidden has its name again")
                return
    except OSError as error:
        log.warning("A hidden file could not be given its name back", extra={"reason": os.strerror(error.errno or 0)})
