"""The way in and out: who is admitted, logging in and out, and how the pages are to look."""

from __future__ import annotations

import math

from flask import Blueprint, Response, abort, request, url_for
from werkzeug.wrappers import Response as Answer

from watcher.web.access import Access
from watcher.web.static_files import NAMES, static_file
from watcher.web.visit import Notice, Visits, local_path

_OPEN_TO_ALL = {"pages.login", "pages.log_in", "pages.static", "pages.choose"}


class Entrance:
    """Stands before every page."""

    def __init__(self, access: Access, visits: Visits) -> None:
        self._access = access
        self._visits = visits

    def join(self, pages: Blueprint) -> None:
        pages.before_request(self.admit)
        pages.after_request(self._visits.remember)
        pages.add_url_rule("/static/<name>", "static", self.static)
        pages.add_url_rule("/login", "login", self.look)
        pages.add_url_rule("/login", "log_in", self.log_in, methods=["POST"])
        pages.add_url_rule("/logout", "log_out", self.log_out, methods=["POST"])
        pages.add_url_rule("/choose", "choose", self._visits.choose, methods=["POST"])

    def admit(self) -> Answer | None:
        """Before each request of a page: None lets it pass."""
        self._access.require_certain_host()
        self._visits.identify()
        if request.method == "POST":
            self._access.require_own_form()
        if request.endpoint in _OPEN_TO_ALL or self._access.is_admitted():
            return None
        wanted = request.full_path.rstrip("?") if request.method == "GET" else "/"
        return self._visits.leave(url_for("pages.login", next=wanted))

    def static(self, name: str) -> Answer:
        if name not in NAMES:
            abort(404)
        found = static_file(name)
        return Response(found.data, content_type=found.type, headers={"Cache-Control": "public, max-age=31536000"})

    def look(self) -> Answer:
        to = local_path(request.args.get("next"))
        return self._visits.leave(to) if self._access.is_admitted() else self._form(to)

    def log_in(self) -> Answer:
        to, say = local_path(request.form.get("next")), self._visits.speech.say
        if self._access.password() is None:
            return self._visits.leave(to)
        if wait := math.ceil(self._access.wait()):
            response = self._form(to, 429, say("login.wait", n=wait))
            response.headers["Retry-After"] = str(wait)
            return response
        token = self._access.log_in(request.form.get("password", ""))
        if token is None:
            return self._form(to, 403, say("login.wrong"))
        response = self._visits.leave(to)
        self._visits.change_token(response, token)
        return response

    def log_out(self) -> Answer:
        self._access.sessions.end(self._access.token())
        response = self._visits.leave(url_for("pages.login"), Notice(key="login.ended", values={}))
        self._visits.change_token(response, self._access.sessions.new_token())
        return response

    def _form(self, to: str, status: int = 200, wrong: str | None = None) -> Answer:
        return self._visits.page("login", status, next=to, wrong=wrong)
