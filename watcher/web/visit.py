"""The request under way: who asks, in which language, and how the page is to look."""

from __future__ import annotations

import json
import re
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import quote

from flask import Response, g, make_response, redirect, render_template, request
from msgspec import Struct
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as Answer

from watcher.web.access import Access
from watcher.web.front import Front
from watcher.web.server import THREADS
from watcher.web.speech import LANGUAGES, Speech

View = Callable[..., Answer]

THEMES = ("auto", "light", "dark")
_LANGUAGE, _THEME, _SAID = "language", "theme", "said"
_YEAR_SECONDS = 365 * 86_400
_LOOK_AGAIN_SECONDS = "3"
_READERS = THREADS // 2  # so that a journal that hangs keeps nobody from asking whether the daemon is alive
_PLACE_SECONDS = 2.0
_LOCAL = re.compile(r"/(?![/\\])[\x21-\x7e]*")  # a path of ours: "//host" and "/\host" lead elsewhere


class Notice(Struct, frozen=True, kw_only=True):
    """What is told once, after something was done: a sentence of the catalogue."""

    key: str
    values: Mapping[str, Any]


class Visits:
    """Reads and answers the request under way."""

    def __init__(self, front: Front, access: Access) -> None:
        self._front = front
        self._access = access
        self._places = threading.BoundedSemaphore(_READERS)

    @property
    def speech(self) -> Speech:
        configuration = self._front.configuration
        chosen = request.cookies.get(_LANGUAGE)
        language = next((each for each in LANGUAGES if each == chosen), configuration.language)
        return Speech(language=language, zone=configuration.timezone, accept=tuple(configuration.accept))

    @property
    def theme(self) -> str:
        chosen = request.cookies.get(_THEME, "")
        return chosen if chosen in THEMES else THEMES[0]

    def identify(self) -> None:
        """Give the visitor a token, which their forms are bound to."""
        token = self._access.token()
        g.fresh = token is None
        g.token = token or self._access.sessions.new_token()

    def reading(self, view: View) -> View:
        """The view, handed what is there now and the journal, which is not closed while it works.

        While there is no journal, or too many read it, people are asked to wait a moment: 503.
        """

        @wraps(view)
        def answer(**values: Any) -> Answer:
            if not self._places.acquire(timeout=_PLACE_SECONDS):
                return self.one_moment()
            try:
                with self._front.current() as current:
                    return self.one_moment() if current.journal is None else view(current, current.journal, **values)
            finally:
                self._places.release()

        return answer

    def one_moment(self) -> Answer:
        """The page that looks again by itself."""
        response = self.page("moment", 503)
        response.headers["Retry-After"] = _LOOK_AGAIN_SECONDS
        return response

    def remember(self, response: Response) -> Response:
        """Have the visitor keep the token that they were given."""
        if g.get("fresh") and not g.get("changed"):
            self._access.set_token(response, g.token)
        return response

    def change_token(self, response: Answer, token: str) -> None:
        """Another one from now on."""
        g.changed = True
        self._access.set_token(response, token)

    def page(self, template: str, status: int = 200, **values: object) -> Response:
        """A page in the visitor's language."""
        speech = self.speech
        notice = self._notice()
        html = render_template(
            f"{template}.html.j2",
            speech=speech,
            say=speech.say,
            theme=self.theme,
            themes=THEMES,
            form_token=self._access.form_token(g.token),
            here=request.full_path.rstrip("?") if request.method == "GET" else "/",
            inside=self._inside(),
            notice=speech.say(notice.key, **notice.values) if notice is not None else None,
            **values,
        )
        response = make_response(html, status)
        if notice is not None:
            response.delete_cookie(self._access.own_cookie(_SAID))
        response.headers["Content-Language"] = speech.tag
        response.headers["Vary"] = "Cookie"
        return response

    def _inside(self) -> str | None:
        """Whether the visitor may see the pages: "open" to all, or "logged in"; None: neither."""
        try:
            if self._access.is_admitted():
                return "open" if self._access.password() is None else "logged in"
        except HTTPException:  # the password cannot be read, which is what this page has to say
            pass
        return None

    def leave(self, to: str, notice: Notice | None = None) -> Answer:
        """On to another page, by GET: to load it again does nothing again."""
        response = redirect(to, 303)
        if notice is not None:
            text = json.dumps([notice.key, dict(notice.values)])
            sealed = f"{self._access.sessions.signature('notice', text)}.{urlsafe_b64encode(text.encode()).decode()}"
            name = self._access.own_cookie(_SAID)
            response.set_cookie(name, sealed, max_age=60, httponly=True, samesite="Strict")
        return response

    def choose(self) -> Answer:
        """The language and the look that were asked for, kept for a year."""
        response = redirect(local_path(request.form.get("back")), 303)
        for name, allowed in ((_LANGUAGE, LANGUAGES), (_THEME, THEMES)):
            if (value := request.form.get(name, "")) in allowed:
                response.set_cookie(name, value, max_age=_YEAR_SECONDS, httponly=True, samesite="Strict")
        return response

    def _notice(self) -> Notice | None:
        signature, _, sealed = request.cookies.get(self._access.own_cookie(_SAID), "").partition(".")
        try:
            text = urlsafe_b64decode(sealed).decode()
        except ValueError:
            return None
        if not self._access.sessions.is_signature(signature, "notice", text):
            return None
        key, values = json.loads(text)
        return Notice(key=key, values=values)


def local_path(text: str | None) -> str:
    """A path of this site, and nothing that leads elsewhere."""
    path = quote(text or "", safe="/?&=%+:;,@!$'()*~.-_")
    return path if _LOCAL.fullmatch(path) else "/"
