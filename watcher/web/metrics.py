"""`/metrics`, for Prometheus: numbers, and names of the configuration."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response


def blueprint(expose: Callable[[], bytes], content_type: str) -> Blueprint:
    """`expose` gives the text of all metrics."""
    metrics = Blueprint("metrics", __name__)

    @metrics.get("/metrics")
    def scrape() -> Response:
        return Response(expose(), content_type=content_type)

    return metrics
