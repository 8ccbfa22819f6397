"""POST to the recognition route: refuse what is not as documented, wait, book, answer, write it down."""

from __future__ import annotations

import time
from typing import Any

from msgspec import Struct, field

from watcher.sandbox.endpoint_answers import answer, instead_of_work, success
from watcher.sandbox.endpoint_behaviour import Behaviour, Rules
from watcher.sandbox.endpoint_http import Connection, HttpAnswer, HttpRequest
from watcher.sandbox.endpoint_ledger import Ledger
from watcher.sandbox.endpoint_platform import Later, Tokens
from watcher.sandbox.endpoint_rules import PARAMETERS_REFUSED, Order, RefusedRequestError, read_json, read_order


class _Case(Struct):
    """A recognition request that is being dealt with."""

    request: HttpRequest
    connection: Connection
    behaviour: Behaviour
    received_at: float = field(default_factory=time.time)
    order: Order | None = None
    overlapped: bool = False
    expense_ids: list[int] = field(default_factory=list)


class RecognitionRoute:
    """`latency` is seconds, or a range of them, where a behaviour does not say otherwise."""

    def __init__(
        self, rules: Rules, ledger: Ledger, tokens: Tokens, later: Later, latency: float | tuple[float, float]
    ) -> None:
        self._rules = rules
        self._ledger = ledger
        self._tokens = tokens
        self._later = later
        self._latency = latency
        self._held: list[tuple[_Case, Order]] = []

    def recognise(self, request: HttpRequest, connection: Connection) -> None:
        try:
            body = read_json(request.body)
        except ValueError:
            body = None
        data = body.get("data") if isinstance(body, dict) else None
        url = data.get("attachment_url") if isinstance(data, dict) else None
        case = _Case(request, connection, self._rules.take("recognition", url if isinstance(url, str) else ""))
        if (refusal := self._tokens.refusal(request)) is not None:
            self._end(case, refusal, "refused")
        elif body is None:
            self._end(case, answer(400, PARAMETERS_REFUSED, "请求不是合法的JSON"), "refused")
        else:
            self._take(case, body)

    def _take(self, case: _Case, body: Any) -> None:
        try:
            case.order = order = read_order(body)
            if self._ledger.belongs_to_another(order.biz_id, order.user_code):
                raise RefusedRequestError("bizId已被其他工号使用")  # noqa: TRY301 - one way to refuse
        except RefusedRequestError as error:
            case.order = None
            self._end(case, answer(200, PARAMETERS_REFUSED, f"参数校验失败: {error}"), "refused", str(error))
            return
        case.overlapped = self._ledger.begin(order.biz_id)
        delay = case.behaviour.delay(self._latency)
        if case.behaviour.held:
            self._held.append((case, order))
        elif delay > 0:
            self._later(delay, self._work, case, order)
        else:
            self._work(case, order)

    def release(self) -> None:
        """Deal with what is held; in the server's thread."""
        held, self._held = self._held, []
        for case, order in held:
            self._work(case, order)

    def _work(self, case: _Case, order: Order) -> None:
        behaviour = case.behaviour
        if (instead := instead_of_work(behaviour)) is not None:
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
        self._end(case, success(order, behaviour, case.expense_ids), outcome)

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
