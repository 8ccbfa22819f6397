"""What is measured, and read for a scrape; nothing where no `web` is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from watcher.bootstrap.journals import held_after
from watcher.config.sections import Configuration
from watcher.errors import JournalUnusable, Unavailable
from watcher.policy.conditions import LONG, RECENT
from watcher.ports import UNMEASURED, Journal, Meter
from watcher.service.vitals import Vitals
from watcher.web.front import Front

if TYPE_CHECKING:
    from watcher.metrics import Exposition, Reading


class Measuring:
    """One for the process. prometheus-client is loaded by the first configuration with `web`."""

    def __init__(self, vitals: Vitals) -> None:
        self._vitals = vitals
        self._exposition: Exposition | None = None

    def meter(self, configuration: Configuration) -> Meter:
        """Of services that are built from this configuration."""
        if configuration.web is None:
            return UNMEASURED
        meter = self._made().meter
        meter.expect([section.name for section in configuration.sources], list(configuration.stores))
        return meter

    def text(self, front: Front) -> bytes:
        """All metrics."""
        return self._made().text(lambda: self._read(front))

    def _made(self) -> Exposition:
        if self._exposition is None:
            from watcher.metrics import Exposition

            self._exposition = Exposition()
        return self._exposition

    def _read(self, front: Front) -> Reading:
        from watcher.metrics import Reading

        vitals = self._vitals
        good = {name: looks.last_good for name, looks in vitals.looks().items() if looks.last_good is not None}
        with front.current() as current:
            bare = Reading(
                version=vitals.version,
                ready=not vitals.missing(),
                late=len(vitals.late()),
                sources=tuple(section.name for section in current.configuration.sources),
                last_good=good,
            )
            try:
                return bare if current.journal is None else _with(bare, current.configuration, current.journal)
            except (Unavailable, JournalUnusable):
                return bare


def _with(bare: Reading, configuration: Configuration, journal: Journal) -> Reading:
    """With what the journal shows. Raises Unavailable, JournalUnusable."""
    signs = journal.signs(held_after(configuration), long=LONG, recent=RECENT)
    return replace(
        bare,
        signs=signs,
        workload=journal.workload(bare.sources),
        storage=journal.storage(),
        gate=signs.gate(configuration.recognition.url),
        alerts=tuple(each for each in journal.alerts() if each.stands),
    )
