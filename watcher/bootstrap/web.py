"""The web of the daemon."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from watcher.bootstrap.measuring import Measuring
from watcher.service.vitals import Vitals
from watcher.web.front import Front
from watcher.web.server import Server
from watcher.web.site import Site

if TYPE_CHECKING:
    from flask import Flask


def build_site(vitals: Vitals, measuring: Measuring | None = None) -> Site:
    """One for the process; it serves nothing before it follows a configuration that has `web`."""
    measured = measuring or Measuring(vitals)
    return Site(
        lambda listen, front: Server(listen, partial(_application, front, vitals, measured), heard=vitals.served)
    )


def _application(front: Front, vitals: Vitals, measuring: Measuring) -> Flask:
    """Called for the first request: Flask is loaded where somebody looks."""
    from watcher.metrics import CONTENT_TYPE
    from watcher.web import health, metrics
    from watcher.web.app import build_app

    alive = health.blueprint(late=vitals.late, missing=lambda: [each.what for each in vitals.missing()])
    measured = metrics.blueprint(partial(measuring.text, front), CONTENT_TYPE)
    return build_app(front, supervision=[alive], programs=[measured])
