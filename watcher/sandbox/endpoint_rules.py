"""What the endpoint refuses: everything that api/ocrSyncWithConfig.txt ("请求参数") does not allow."""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct

PARAMETERS_REFUSED = 400001
_LONGEST_BIZ_ID = 36
_TIMESTAMP_DIGITS = 13
_BODY_KEYS = {"data", "bizId", "timestamp"}
_DATA_KEYS = {"attachment_url", "purchase_invoice", "create_expense", "user_code"}


class RefusedRequestError(Exception):
    """The request breaks the documentation; `str()` says where."""


class Order(Struct, frozen=True, kw_only=True):
    """A request as documented."""

    biz_id: str
    timestamp: int  # milliseconds
    attachment_url: str
    purchase_invoice: bool
    create_expense: bool
    user_code: str | None


def read_json(body: bytes) -> Any:
    """Raises ValueError."""
    try:
        return json.loads(body.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def read_order(request: Any) -> Order:
    """Raises RefusedRequestError."""
    whole = _object(request, "请求", _BODY_KEYS)
    data = _object(whole.get("data"), "data", _DATA_KEYS)
    wants_expense = _yes(data, "create_expense")
    if wants_expense and "user_code" not in data:
        raise RefusedRequestError("create_expense为Y时user_code必传")
    return Order(
        biz_id=_biz_id(whole.get("bizId")),
        timestamp=_timestamp(whole.get("timestamp")),
        attachment_url=_text(data.get("attachment_url"), "attachment_url"),
        purchase_invoice=_yes(data, "purchase_invoice"),
        create_expense=wants_expense,
        user_code=_text(data["user_code"], "user_code") if "user_code" in data else None,
    )


def _object(value: Any, name: str, keys: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RefusedRequestError(f"{name}格式错误")
    if unknown := sorted(set(value) - keys):
        raise RefusedRequestError(f"{name}包含未知字段: {', '.join(unknown)}")
    return value


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise RefusedRequestError(f"{name}不能为空")
    return value


def _biz_id(value: Any) -> str:
    if len(text := _text(value, "bizId")) > _LONGEST_BIZ_ID:
        raise RefusedRequestError(f"bizId长度不能超过{_LONGEST_BIZ_ID}")
    return text


def _timestamp(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or len(str(value)) != _TIMESTAMP_DIGITS:
        raise RefusedRequestError(f"timestamp必须是{_TIMESTAMP_DIGITS}位毫秒时间戳")
    return value


def _yes(data: dict[str, Any], name: str) -> bool:
    """Y or N; absent is N."""
    value = data.get(name, "N")
    if value not in ("Y", "N"):
        raise RefusedRequestError(f"{name}只能为Y或N")
    return bool(value == "Y")
