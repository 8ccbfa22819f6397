"""A name in an open folder, as every step of a move takes it."""

from __future__ import annotations

import os

from msgspec import Struct

from watcher.sources.folder.atomic import status_of


class Spot(Struct, frozen=True, kw_only=True):
    """A name in an open folder."""

    folder: int
    device: int  # that the folder is on
    name: str

    @property
    def status(self) -> os.stat_result | None:
        return status_of(self.folder, self.name)

    def beside(self, name: str) -> Spot:
        return Spot(folder=self.folder, device=self.device, name=name)
