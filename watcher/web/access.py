"""Who may see the pages, and whose wishes are carried out."""

from __future__ import annotations

import logging
import socket
from time import monotonic

from flask import Response, abort, request
from werkzeug.wrappers import Response as Answer

from watcher.config.sections import Configuration
from watcher.headers import clean
from watcher.web.front import Front
from watcher.web.origin import is_certain_host, is_encrypted, is_from_us
from watcher.web.sessions import Sessions, same_password
from watcher.web.throttle import Throttle, counted_as

log = logging.getLogger(__name__)

_COOKIE = "invoice_watcher"
FIELD = "csrf"  # of every form that changes something
_TOKEN_LENGTH = 64
_ASK = {"WWW-Authenticate": 'Basic realm="invoice-watcher"'}


class Access:
    """Reads the request that is under way."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self.sessions = Sessions(monotonic)
        self._throttle = Throttle(monotonic)

    # ------------------------------------------------------------------------------------ who it is

    def password(self) -> str | None:
        """The password now; None: none is asked. One that cannot be read lets nobody in: 503."""
        web = self._front.configuration.web
        if web is None or web.password is None:
            return None
        try:
            return web.password.reveal()
        except ValueError as error:
            log.error("The password of the page cannot be read; nobody is let in.", extra={"detail": str(error)})
            abort(503)

    def require_certain_host(self) -> None:
        """Without a password a Host that may be anybody's is refused: 421."""
        own = {socket.gethostname(), _listening(self._front.configuration)[0]}
        if self.password() is None and not is_certain_host(request.host, own):
            abort(421)

    def is_admitted(self) -> bool:
        """Whether the pages may be shown."""
        password = self.password()
        return password is None or self.sessions.is_open(self.token(), password)

    def token(self) -> str | None:
        """What tells this visitor from others; of somebody who is logged in it is the session's."""
        token = request.cookies.get(self.own_cookie(_COOKIE))
        return token if token and len(token) <= _TOKEN_LENGTH else None

    def own_cookie(self, name: str) -> str:
        """A cookie's name that is ours alone: browsers send one host's cookies to all its ports."""
        return f"{name}_{_listening(self._front.configuration)[1]}"

    # ----------------------------------------------------------------------------------- logging in

    def wait(self) -> float:
        """Seconds until a password from this address is looked at again, as people give it."""
        return self._throttle.wait(counted_as(_address()))

    def log_in(self, given: str) -> str | None:
        """The token of a new session; None: the password is wrong, or not asked."""
        wanted = self.password()
        if wanted is None or not self._is_right(given, wanted, counted_as(_address())):
            return None
        log.info("Somebody logged in to the page.", extra=from_where())
        return self.sessions.begin(wanted)

    def require_for_program(self) -> Response | None:
        """HTTP basic authentication with the page's password, whatever the user; None: let it pass.

        For what a program reads (`/metrics`), which cannot fill in a form. Without a password it is open.
        """
        self.require_certain_host()
        wanted = self.password()
        if wanted is None:
            return None
        given = _password_given()
        if given is None:
            return Response("the page's password is wanted\n", 401, _ASK)
        # Counted apart: behind a proxy all have one address, and a program with an old password would lock people out.
        program = f"a program at {counted_as(_address())}"
        if wait := self._throttle.wait(program):
            return Response("too many wrong passwords\n", 429, {"Retry-After": str(int(wait) + 1)})
        if self._is_right(given, wanted, program):
            return None
        return Response("wrong password\n", 401, _ASK)

    def _is_right(self, given: str, wanted: str, whose: str) -> bool:
        if same_password(given, wanted):
            self._throttle.succeeded(whose)
            return True
        self._throttle.failed(whose)
        log.warning("A wrong password was given to the page.", extra=from_where())
        return False

    # ------------------------------------------------------------------------------ whose wish it is

    def form_token(self, token: str) -> str:
        """What a form of this visitor's page carries."""
        return self.sessions.signature("form", token)

    def require_own_form(self) -> None:
        """A POST that another site had a browser make is refused: 403."""
        ours = is_from_us(
            host=request.host, origin=request.headers.get("Origin"), fetch_site=request.headers.get("Sec-Fetch-Site")
        )
        token = self.token()
        if not ours or token is None or not self.sessions.is_signature(request.form.get(FIELD, ""), "form", token):
            abort(403)

    def set_token(self, response: Answer, token: str) -> None:
        """Secure where the browser says https: no proxy's word is needed for that."""
        response.set_cookie(
            self.own_cookie(_COOKIE),
            token,
            httponly=True,
            samesite="Strict",
            secure=is_encrypted(request.headers.get("Origin")),
        )


def from_where() -> dict[str, str]:
    """Fields of a log line: who did it. What a proxy says of whom it speaks for is shown, and believed by nobody."""
    said = {"address": _address()}
    if forwarded := request.headers.get("X-Forwarded-For"):
        said["said_to_be_for"] = clean(forwarded, 100)
    return said


def _password_given() -> str | None:
    """By HTTP basic authentication; None: by none that can be read."""
    try:
        authorization = request.authorization
    except ValueError:  # werkzeug's, where the header is no ASCII
        return None
    return None if authorization is None else authorization.password


def _address() -> str:
    return request.remote_addr or ""


def _listening(configuration: Configuration) -> tuple[str, str]:
    """Host and port, as they are configured; empty without a page."""
    host, _, port = configuration.web.listen.rpartition(":") if configuration.web is not None else ("", "", "")
    return host.strip("[]"), port
