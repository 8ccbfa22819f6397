"""What the sandbox endpoint answers, in the shape of api/ocrSyncWithConfig.txt ("返回参数")."""

from __future__ import annotations

import json
from typing import Any

from watcher.sandbox.endpoint_behaviour import Behaviour
from watcher.sandbox.endpoint_content import invoice, to_json
from watcher.sandbox.endpoint_http import HttpAnswer
from watcher.sandbox.endpoint_rules import Order

SUCCESS = 200000
TOKEN_REFUSED = 401001
NO_KEY = (400000, "配置校验失败,请预先配置识别秘钥")


def success(order: Order, behaviour: Behaviour, expense_ids: list[int]) -> HttpAnswer:
    """The invoices of a document, with the expenses created for them."""
    data = [_item(order, behaviour, index, expense_ids) for index in range(behaviour.invoices)]
    text = to_json({"resCode": SUCCESS, "resMsg": "success", "data": data})
    text = text[: len(text) // 2] if behaviour.broken else text + " " * behaviour.padding
    return HttpAnswer(body=text.encode(), trickle=behaviour.trickle, code=str(SUCCESS))


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


def instead_of_work(behaviour: Behaviour) -> HttpAnswer | None:
    """What is answered instead of carrying anything out."""
    if behaviour.status is not None or behaviour.location is not None:
        headers = {"Retry-After": behaviour.retry_after, "Location": behaviour.location}
        status = behaviour.status or 302
        return answer(status, status * 1000, behaviour.res_msg or "sandbox", **headers)
    if behaviour.no_key:
        return answer(200, *NO_KEY)
    if behaviour.res_code is not None:
        return answer(200, behaviour.res_code, behaviour.res_msg or "sandbox")
    return None


def answer(status: int, code: int | str, message: str, data: Any = None, **headers: Any) -> HttpAnswer:
    body = {"resCode": code, "resMsg": message} | ({} if data is None else {"data": data})
    given = {name.replace("_", "-"): str(value) for name, value in headers.items() if value is not None}
    return HttpAnswer(status=status, body=json.dumps(body, ensure_ascii=False).encode(), headers=given, code=str(code))


def plain_json(status: int, value: Any) -> HttpAnswer:
    return HttpAnswer(status=status, body=json.dumps(value, ensure_ascii=False).encode())
