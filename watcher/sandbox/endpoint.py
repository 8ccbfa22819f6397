"""The recognition endpoint as its documentation (api/ocrSyncWithConfig.txt) has it: faithful and strict.

    with Endpoint(latency=1.0) as endpoint:
        endpoint.behave(status=503, retry_after=5, times=1)
        ... post to endpoint.url ...
        assert [request.outcome for request in endpoint.requests] == ["misbehaved", "booked"]

It also has the platform's token route and its upload route, and takes the same orders over HTTP:
POST /sandbox/behave, DELETE /sandbox/behave, GET /sandbox/requests, GET /sandbox/bookings.
"""

from __future__ import annotations

import hashlib
import json
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from watcher.sandbox.endpoint_behaviour import Behaviour, Route, Rules, behaviour_from
from watcher.sandbox.endpoint_content import invoice, to_json
from watcher.sandbox.endpoint_http import Connection, HttpAnswer, HttpRequest, HttpServer
from watcher.sandbox.endpoint_ledger import Ledger, Received
from watcher.sandbox.endpoint_rules import PARAMETERS_REFUSED, Order, RefusedRequestError, read_json, read_order
from watcher.sandbox.endpoint_upload import Upload, read_upload

RECOGNITION_PATH = "/common/InvoiceOCR/ocrSyncWithConfig"
TOKEN_PATH = "/common/unAuth/tokens/get"  # noqa: S105 - an address
UPLOAD_PATH = "/common/files/upload"
CLIENT_ID = "sandbox"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105 - it is meant to be known
NO_KEY = (400000, "配置校验失败,请预先配置识别秘钥")
_SUCCESS = 200000
_TOKEN_REFUSED = 401001


@dataclass(slots=True)
class _Case:
    """A recognition request that is being dealt with."""

    request: HttpRequest
    connection: Connection
    behaviour: Behaviour
    received_at: float = field(default_factory=time.time)
    order: Order | None = None
    overlapped: bool = False
    expense_ids: list[int] = field(default_factory=list)


class Endpoint:
    """A server in a thread of its own, from `start` (or `with`) to `stop`.

    `latency` is seconds, or a range; `token` whether a valid one is wanted in the header `access_token`;
    `log` a file that gets one JSON line for each request.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        latency: float | tuple[float, float] = 0.0,
        token: bool = False,
        token_seconds: int = 7200,
        client_id: str = CLIENT_ID,
        client_secret: str = CLIENT_SECRET,
        log: Path | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._latency = latency
        self._wants_token = token
        self._token_seconds = token_seconds
        self._client = (client_id, client_secret)
        self._tokens: dict[str, float] = {}  # and until when, in monotonic seconds
        self._rules = Rules()
        self._ledger = Ledger(log)
        self._uploads: list[Upload] = []
        self.token_requests = 0
        self._server = HttpServer(self._respond, host=host, port=port, tls=tls)
        self._base = f"{'https' if tls else 'http'}://{host}:{self._server.port}"
        self._routes: dict[tuple[str, str], Callable[[HttpRequest, Connection], None]] = {
            ("POST", RECOGNITION_PATH): self._recognise,
            ("GET", TOKEN_PATH): self._give_token,
            ("POST", UPLOAD_PATH): self._upload,
            ("POST", "/sandbox/behave"): self._control,
            ("DELETE", "/sandbox/behave"): self._control,
            ("GET", "/sandbox/requests"): self._show,
            ("GET", "/sandbox/bookings"): self._show,
        }

    def start(self) -> Self:
        self._server.start()
        return self

    def stop(self) -> None:
        """Cut all connections; what is under way is never answered."""
        self._server.stop()
        self._ledger.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        return self._base

    @property
    def url(self) -> str:
        """Of the recognition route."""
        return self._base + RECOGNITION_PATH

    @property
    def token_url(self) -> str:
        return self._base + TOKEN_PATH

    @property
    def upload_url(self) -> str:
        return self._base + UPLOAD_PATH

    @property
    def requests(self) -> tuple[Received, ...]:
        """Every POST to the recognition route that has been dealt with, in the order of their ends."""
        return self._ledger.requests

    @property
    def bookings(self) -> dict[str, tuple[int, ...]]:
        """Expense ids by bizId, of all that was booked, answered or not."""
        return self._ledger.bookings

    @property
    def under_way(self) -> int:
        """Recognition requests that came and are not dealt with yet."""
        return self._ledger.under_way

    @property
    def most_at_once(self) -> int:
        """How many recognition requests were under way together, at most."""
        return self._ledger.most_at_once

    @property
    def uploads(self) -> tuple[Upload, ...]:
        return tuple(self._uploads)

    @property
    def connections(self) -> int:
        """How many were accepted so far."""
        return self._server.accepted

    def behave(
        self, *, pattern: str | None = None, times: int | None = None, on: Route = "recognition", **values: Any
    ) -> None:
        """Misbehave (Behaviour's fields) for attachment URLs like `pattern` (* and ?), for the next `times`.

        The newest order that fits a request decides; `reset` takes all back. Raises ValueError.
        """
        self._rules.add(behaviour_from(values), on, pattern, times)

    def reset(self) -> None:
        """Be faithful again; bookings and log stay."""
        self._rules.clear()

    def revoke_tokens(self) -> None:
        """From now on every token given so far is refused."""
        self._tokens.clear()

    def wait_until(self, holds: Callable[[Endpoint], bool], timeout: float = 10.0) -> bool:
        """Whether it came to hold within `timeout` seconds; looked at after every request's begin and end."""
        return self._ledger.wait_until(lambda: holds(self), timeout)

    # ------------------------------------------------------------------------------- routing

    def _respond(self, request: HttpRequest, connection: Connection) -> None:
        route = self._routes.get((request.method, request.path))
        if route is not None:
            route(request, connection)
            return
        allowed = [method for method, path in self._routes if path == request.path]
        if not allowed:
            connection.reply(_answer(404, 404000, "接口不存在"))
        elif request.method == "OPTIONS":
            connection.reply(HttpAnswer(status=204, headers={"Allow": ", ".join(allowed)}))
        else:
            connection.reply(_answer(405, 405000, "请求方法不支持", Allow=", ".join(allowed)))

    def _token_is_refused(self, request: HttpRequest) -> bool:
        valid_until = self._tokens.get(request.headers.get("access_token", ""), 0.0)
        return self._wants_token and valid_until < time.monotonic()

    # --------------------------------------------------------------------------- recognition

    def _recognise(self, request: HttpRequest, connection: Connection) -> None:
        try:
            body = read_json(request.body)
        except ValueError:
            body = None
        data = body.get("data") if isinstance(body, dict) else None
        url = data.get("attachment_url") if isinstance(data, dict) else None
        case = _Case(request, connection, self._rules.take("recognition", url if isinstance(url, str) else ""))
        if self._token_is_refused(request):
            self._end(case, _answer(401, _TOKEN_REFUSED, "access_token无效或已过期"), "refused")
        elif body is None:
            self._end(case, _answer(400, PARAMETERS_REFUSED, "请求不是合法的JSON"), "refused")
        else:
            self._take(case, body)

    def _take(self, case: _Case, body: Any) -> None:
        try:
            case.order = order = read_order(body)
            if self._ledger.belongs_to_another(order.biz_id, order.user_code):
                raise RefusedRequestError("bizId已被其他工号使用")  # noqa: TRY301 - one way to refuse
        except RefusedRequestError as error:
            case.order = None
            self._end(case, _answer(200, PARAMETERS_REFUSED, f"参数校验失败: {error}"), "refused", str(error))
            return
        case.overlapped = self._ledger.begin(order.biz_id)
        delay = case.behaviour.delay(self._latency)
        if delay > 0:
            self._server.loop.call_later(delay, self._work, case, order)
        else:
            self._work(case, order)

    def _work(self, case: _Case, order: Order) -> None:
        behaviour = case.behaviour
        if (instead := _instead(behaviour)) is not None:
            self._end(case, instead, "misbehaved")
        elif "before" in (behaviour.cut, behaviour.silent):
            self._end(case, None, "misbehaved")
        else:
            self._carry_out(case, order)

    def _carry_out(self, case: _Case, order: Order) -> None:
        """Recognise, book, answer; what goes wrong after the booking goes wrong here."""
        behaviour, outcome = case.behaviour, "recognised"
        if order.create_expense and behaviour.expense and behaviour.invoices:
            case.expense_ids, known = self._ledger.book(order.biz_id, order.user_code, behaviour.invoices)
            outcome = "again" if known else "booked"
        if "after" in (behaviour.cut, behaviour.silent):
            self._end(case, None, outcome)
            return
        data = [_item(order, behaviour, index, case.expense_ids) for index in range(behaviour.invoices)]
        text = to_json({"resCode": _SUCCESS, "resMsg": "success", "data": data})
        text = text[: len(text) // 2] if behaviour.broken else text + " " * behaviour.padding
        self._end(case, HttpAnswer(body=text.encode(), trickle=behaviour.trickle, code=str(_SUCCESS)), outcome)

    def _end(self, case: _Case, answer: HttpAnswer | None, outcome: str, message: str | None = None) -> None:
        order = case.order
        self._ledger.end(
            begun=order is not None,
            received_at=case.received_at,
            connection=case.request.connection,
            biz_id=order.biz_id if order else None,
            user_code=order.user_code if order else None,
            attachment_url=order.attachment_url if order else None,
            timestamp=order.timestamp if order else None,
            outcome=outcome,
            status=answer.status if answer else None,
            res_code=answer.code if answer else None,
            message=message,
            expense_ids=tuple(case.expense_ids),
            overlapped=case.overlapped,
            body=case.request.body,
        )
        if answer is not None:
            case.connection.reply(answer)
        elif case.behaviour.cut:
            case.connection.cut()

    # ---------------------------------------------------------------------- token and upload

    def _give_token(self, request: HttpRequest, connection: Connection) -> None:
        self.token_requests += 1
        behaviour = self._rules.take("token", request.query.get("client_id", ""))
        if self._misbehaves(behaviour, connection):
            return
        given = (request.query.get("client_id"), request.query.get("client_secret"))
        if request.query.get("grant_type") != "client_credentials" or given != self._client:
            connection.reply(_answer(401, _TOKEN_REFUSED, "client_id或client_secret错误"))
            return
        token = hashlib.sha256(f"{self._base} {self.token_requests} {time.time_ns()}".encode()).hexdigest()[:40]
        self._tokens[token] = time.monotonic() + self._token_seconds
        data = {"access_token": token, "expires_in": self._token_seconds}
        self._reply_later(behaviour, connection, _answer(200, _SUCCESS, "success", data=data))

    def _upload(self, request: HttpRequest, connection: Connection) -> None:
        upload = read_upload(request.headers.get("content-type", ""), request.body)
        behaviour = self._rules.take("upload", upload.name if upload else "")
        if self._misbehaves(behaviour, connection):
            return
        if self._token_is_refused(request):
            answer = _answer(401, _TOKEN_REFUSED, "access_token无效或已过期")
        elif upload is None:
            answer = _answer(200, PARAMETERS_REFUSED, "参数校验失败: file不能为空")
        else:
            self._uploads.append(upload)
            answer = _answer(200, _SUCCESS, "success", data={"attachment_url": upload.attachment_url})
        self._reply_later(behaviour, connection, answer)

    def _misbehaves(self, behaviour: Behaviour, connection: Connection) -> bool:
        if behaviour.cut:
            connection.cut()
        elif (instead := _instead(behaviour)) is not None:
            self._reply_later(behaviour, connection, instead)
        return bool(behaviour.cut or behaviour.silent or _instead(behaviour))

    def _reply_later(self, behaviour: Behaviour, connection: Connection, answer: HttpAnswer) -> None:
        self._server.loop.call_later(behaviour.delay(0.0), connection.reply, answer)

    # ------------------------------------------------------------------------------- control

    def _control(self, request: HttpRequest, connection: Connection) -> None:
        try:
            if request.method == "DELETE":
                self.reset()
            else:
                self.behave(**read_json(request.body))
        except (ValueError, TypeError) as error:
            connection.reply(_json(400, {"error": str(error)}))
        else:
            connection.reply(_json(200, {}))

    def _show(self, request: HttpRequest, connection: Connection) -> None:
        if request.path.endswith("/bookings"):
            connection.reply(_json(200, self.bookings))
        else:
            connection.reply(_json(200, [received.as_json() for received in self.requests]))


def _item(order: Order, behaviour: Behaviour, index: int, expense_ids: list[int]) -> dict[str, Any]:
    item = invoice(order.attachment_url, index, verified=behaviour.verified, check=behaviour.check)
    expense: dict[str, Any] = {}
    if index < len(expense_ids):
        expense["expense_id"] = expense_ids[index]
    if order.create_expense and behaviour.invoice_message is not None:
        expense["invoice_message"] = behaviour.invoice_message
        expense["invoice_message_code"] = behaviour.invoice_message_code or ""
    if expense:
        item["expense_result"] = expense | {"invoice_status": "Y" if "expense_id" in expense else "N"}
    return item


def _instead(behaviour: Behaviour) -> HttpAnswer | None:
    """What is answered instead of carrying anything out."""
    if behaviour.status is not None or behaviour.location is not None:
        headers = {"Retry-After": behaviour.retry_after, "Location": behaviour.location}
        status = behaviour.status or 302
        return _answer(status, status * 1000, behaviour.res_msg or "sandbox", **headers)
    if behaviour.no_key:
        return _answer(200, *NO_KEY)
    if behaviour.res_code is not None:
        return _answer(200, behaviour.res_code, behaviour.res_msg or "sandbox")
    return None


def _answer(status: int, code: int | str, message: str, data: Any = None, **headers: Any) -> HttpAnswer:
    body = {"resCode": code, "resMsg": message} | ({} if data is None else {"data": data})
    given = {name.replace("_", "-"): str(value) for name, value in headers.items() if value is not None}
    return HttpAnswer(status=status, body=json.dumps(body, ensure_ascii=False).encode(), headers=given, code=str(code))


def _json(status: int, value: Any) -> HttpAnswer:
    return HttpAnswer(status=status, body=json.dumps(value, ensure_ascii=False).encode())
