"""The platform's other routes: where a token is given, and where a file is uploaded."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from watcher.sandbox.endpoint_answers import SUCCESS, TOKEN_REFUSED, answer, instead_of_work
from watcher.sandbox.endpoint_behaviour import Behaviour, Rules
from watcher.sandbox.endpoint_http import Connection, HttpAnswer, HttpRequest
from watcher.sandbox.endpoint_rules import PARAMETERS_REFUSED
from watcher.sandbox.endpoint_upload import Upload, read_upload

Later = Callable[..., object]  # (seconds, function, *arguments), in the server's thread


class Tokens:
    """The tokens given so far. `wanted`: whether requests are refused without a valid one."""

    def __init__(self, *, wanted: bool, seconds: int, client: tuple[str, str]) -> None:
        self._wanted = wanted
        self._seconds = seconds
        self._client = client
        self._valid_until: dict[str, float] = {}  # monotonic seconds
        self.asked = 0

    @property
    def valid(self) -> tuple[str, ...]:
        return tuple(self._valid_until)

    def answer(self, request: HttpRequest) -> HttpAnswer:
        given = (request.query.get("client_id"), request.query.get("client_secret"))
        if request.query.get("grant_type") != "client_credentials" or given != self._client:
            return answer(401, TOKEN_REFUSED, "client_id或client_secret错误")
        token = hashlib.sha256(f"{id(self)} {self.asked} {time.time_ns()}".encode()).hexdigest()[:40]
        self._valid_until[token] = time.monotonic() + self._seconds
        return answer(200, SUCCESS, "success", data={"access_token": token, "expires_in": self._seconds})

    def refusal(self, request: HttpRequest) -> HttpAnswer | None:
        """What a request without a valid token gets."""
        valid_until = self._valid_until.get(request.headers.get("access_token", ""), 0.0)
        if not self._wanted or time.monotonic() < valid_until:
            return None
        return answer(401, TOKEN_REFUSED, "access_token无效或已过期")

    def revoke(self) -> None:
        self._valid_until.clear()


class PlatformRoutes:
    """GET of a token and POST of a file."""

    def __init__(self, rules: Rules, tokens: Tokens, later: Later) -> None:
        self._rules = rules
        self._tokens = tokens
        self._later = later
        self.uploads: list[Upload] = []

    def give_token(self, request: HttpRequest, connection: Connection) -> None:
        self._tokens.asked += 1
        behaviour = self._rules.take("token", request.query.get("client_id", ""))
        if not self._misbehaves(behaviour, connection):
            self._reply(behaviour, connection, self._tokens.answer(request))

    def upload(self, request: HttpRequest, connection: Connection) -> None:
        upload = read_upload(request.headers.get("content-type", ""), request.body)
        behaviour = self._rules.take("upload", upload.name if upload else "")
        if not self._misbehaves(behaviour, connection):
            self._reply(behaviour, connection, self._tokens.refusal(request) or self._kept(upload))

    def _kept(self, upload: Upload | None) -> HttpAnswer:
        if upload is None:
            return answer(200, PARAMETERS_REFUSED, "参数校验失败: file不能为空")
        self.uploads.append(upload)
        return answer(200, SUCCESS, "success", data={"attachment_url": upload.attachment_url})

    def _misbehaves(self, behaviour: Behaviour, connection: Connection) -> bool:
        instead = instead_of_work(behaviour)
        if behaviour.cut:
            connection.cut()
        elif instead is not None:
            self._reply(behaviour, connection, instead)
        return bool(behaviour.cut or behaviour.silent or instead)

    def _reply(self, behaviour: Behaviour, connection: Connection, given: HttpAnswer) -> None:
        self._later(behaviour.delay(0.0), connection.reply, given)
