"""The web application: the parts joined, and what holds for every answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from flask import Blueprint, Flask, Response

from watcher.web.front import Front
from watcher.web.server import LARGEST_BODY_BYTES

log = logging.getLogger(__name__)

# Nothing but our own files, and no script or style within a page, so that a subject that got past the escaping is text.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with less, browsers tell no Origin with our own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def build_app(front: Front, supervised: Sequence[Blueprint] = ()) -> Flask:  # noqa: ARG001 - the pages are made of it
    """The whole application, before it what `front` has at the moment of each request.

    `supervised` is what supervisors ask without a password: health, metrics.
    """
    app = Flask("watcher.web", static_folder=None, template_folder="templates")
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_BODY_BYTES, MAX_FORM_MEMORY_SIZE=LARGEST_BODY_BYTES, MAX_FORM_PARTS=50)
    for each in supervised:
        app.register_blueprint(each)
    app.after_request(_protect)
    return app


def _protect(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")
    return response
