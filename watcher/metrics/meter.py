"""Counts and times of what the steps tell of."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram

from watcher.model import Outcome, Stage, Submission

_STAGE_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_ANSWER_BUCKETS = (5, 15, 30, 60, 120, 300, 900, 3600, 4 * 3600, 86400, 3 * 86400)


class PrometheusMeter:
    """Implements ports.Meter. Labels are names of the configuration and our own words, and nothing from outside."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, what: str, *labels: str) -> Callable[..., Counter]:
            """The series of the values that its labels have; `cache` because finding one costs more than counting."""
            return cache(Counter(name, what, labels, namespace="invoice_watcher", registry=registry).labels)

        self._documents = counter("documents", "Documents of submissions that were answered.", "source", "outcome")
        self._taken_in = counter("submissions_taken_in", "Submissions that were taken in.", "source")
        self._settled = counter("bookings_settled", "Posted documents that got an outcome.", "source", "outcome")
        self._tries = counter("tries", "Requests to the endpoint that ended, by why and how.", "kind", "result")
        self._failures = counter("store_failures", "Documents that a store did not take.", "store", "kind")
        stages = Histogram(
            "stage_duration_seconds",
            "Time that one submission (recognise: one request) took in a stage.",
            ["stage"],
            namespace="invoice_watcher",
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )
        self._stages = {stage: stages.labels(stage.value) for stage in Stage}
        self._delays = Histogram(
            "answer_delay_seconds",
            "Time from the receipt of a submission to its first answer.",
            namespace="invoice_watcher",
            buckets=_ANSWER_BUCKETS,
            registry=registry,
        )

    def expect(self, sources: Collection[str], stores: Collection[str]) -> None:
        """Have their series begin with 0, so that the first of a kind is seen as a rise."""
        for source in sources:
            self._taken_in(source)
            for outcome in Outcome:
                self._documents(source, outcome.value)
        for store in stores:
            for kind in ("unavailable", "refused"):
                self._failures(store, kind)

    def took(self, stage: Stage, seconds: float) -> None:
        self._stages[stage].observe(seconds)

    def taken_in(self, source: str) -> None:
        self._taken_in(source).inc()

    def tried(self, kind: str, result: str) -> None:
        self._tries(kind, str(result)).inc()

    def settled(self, source: str, outcome: Outcome) -> None:
        self._settled(source, outcome.value).inc()

    def answered(self, submission: Submission) -> None:
        for document in submission.documents:
            if document.outcome is not None:
                self._documents(submission.source, document.outcome.value).inc()
        if submission.answered_at is None:  # the first one
            self._delays.observe(max(0.0, (datetime.now(UTC) - submission.received_at).total_seconds()))

    def store_failed(self, store: str, *, refused: bool) -> None:
        self._failures(store, "refused" if refused else "unavailable").inc()
