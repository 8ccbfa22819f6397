"""The web application: the parts joined, and what holds for every answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from time import monotonic
from typing import Any

from flask import Blueprint, Flask, Response, request, url_for
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable
from werkzeug.wrappers import Response as Answer

from watcher.errors import JournalUnavailable
from watcher.web.access import Access
from watcher.web.entrance import Entrance
from watcher.web.exporting import Exporting
from watcher.web.front import Front
from watcher.web.pages import Pages
from watcher.web.remembered import Remembered
from watcher.web.server import LARGEST_BODY_BYTES
from watcher.web.static_files import static_file
from watcher.web.visit import Visits

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
_REMEMBER_SECONDS = 5.0  # the figures of the overview, however many look at it
EXPLAINED = {400, 403, 404, 405, 413, 421, 500, 503}


def build_app(
    front: Front,
    *,
    supervision: Sequence[Blueprint] = (),
    programs: Sequence[Blueprint] = (),
    remember_seconds: float = _REMEMBER_SECONDS,
) -> Flask:
    """The whole application, before it what `front` has at the moment of each request.

    `supervision` is what is answered to everybody (health), `programs` what is answered to whoever has the password.
    """
    app = Flask("watcher.web", static_folder=None, template_folder="templates")
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_BODY_BYTES, MAX_FORM_MEMORY_SIZE=LARGEST_BODY_BYTES, MAX_FORM_PARTS=50)
    access = Access(front)
    visits = Visits(front, access)
    for each in supervision:
        app.register_blueprint(each)
    for each in programs:
        each.before_request(access.require_for_program)
        app.register_blueprint(each)
    app.register_blueprint(_pages(front, access, visits, remember_seconds))
    _set_up_templates(app)
    _explain_failures(app, visits)
    app.after_request(_protect)
    return app


def _pages(front: Front, access: Access, visits: Visits, remember_seconds: float) -> Blueprint:
    pages = Blueprint("pages", __name__)
    Entrance(access, visits).join(pages)
    Pages(access, visits, Remembered(monotonic, remember_seconds)).join(pages)
    Exporting(front, visits).join(pages)
    return pages


def _set_up_templates(app: Flask) -> None:
    app.jinja_env.autoescape = True  # by their ending Flask would take ours for plain text
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["static"] = lambda name: url_for("pages.static", name=name, v=static_file(name).version)


def _explain_failures(app: Flask, visits: Visits) -> None:
    def explain(error: HTTPException) -> Answer:
        """A page in the visitor's language; the words of the library are for programs."""
        status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
        if request.blueprint not in (None, "pages"):
            return Response(f"{HTTPStatus(status).phrase}\n", status, mimetype="text/plain")
        visits.identify()
        return visits.page("error", status, key=f"error.{status if status in EXPLAINED else 400}")

    def fail(error: Exception) -> Any:
        if isinstance(error, JournalUnavailable):
            log.warning("A page could not be shown.", extra={"detail": str(error)})
            return explain(ServiceUnavailable())
        log.error("A page failed.", exc_info=error)
        return explain(InternalServerError())

    app.register_error_handler(HTTPException, explain)
    app.register_error_handler(Exception, fail)


def _protect(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")
    return response
