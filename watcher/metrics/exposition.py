"""All metrics of a process as the text that Prometheus reads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Metric,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.registry import Collector

from watcher.clock import boot_seconds
from watcher.metrics.gauges import gauges
from watcher.metrics.meter import PrometheusMeter
from watcher.metrics.reading import Reading

CONTENT_TYPE = CONTENT_TYPE_LATEST
_KNOWN_SECONDS = 3.0  # the journal is read no more often, however many scrape


class Exposition:
    """One for the process: what was counted goes on through reloads."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each counter, which nobody asks for
        self._registry = CollectorRegistry(auto_describe=False)
        self.meter = PrometheusMeter(self._registry)
        self._shown = _Shown()
        self._registry.register(self._shown)
        ProcessCollector(registry=self._registry)
        self._lock = threading.Lock()
        self._read_at = 0.0

    def text(self, read: Callable[[], Reading]) -> bytes:
        """As of now, or of some seconds ago. `read` raises nothing."""
        with self._lock:
            now = boot_seconds()
            if self._shown.reading is None or now - self._read_at > _KNOWN_SECONDS:
                self._shown.reading = read()
                self._read_at = now
            return generate_latest(self._registry)


class _Shown(Collector):
    """The last reading."""

    def __init__(self) -> None:
        self.reading: Reading | None = None

    def collect(self) -> Iterator[Metric]:
        return iter(()) if self.reading is None else gauges(self.reading)
