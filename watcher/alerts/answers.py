"""What chat robots say in answers that HTTP calls a success, which apprise does not look at."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

# The keys of which one that is not 0 means that nothing was posted, and those that say why.
_CODES = {
    "qyapi.weixin.qq.com": ("errcode",),
    "oapi.dingtalk.com": ("errcode",),
    "open.feishu.cn": ("code", "StatusCode"),
    "open.larksuite.com": ("code", "StatusCode"),
}
_WORDS = ("errmsg", "msg", "StatusMessage")


def refusal(url: str, body: bytes) -> str | None:
    """Why a robot did not take a message that it answered so; None: it took it, or it is none of these robots."""
    codes = _CODES.get(urlsplit(url).hostname or "")
    if codes is None:
        return None
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        return "the answer is not a robot's"
    code = next((answer[key] for key in codes if answer.get(key, 0) != 0), None)
    if code is None:
        return None
    words = next((answer[key] for key in _WORDS if isinstance(answer.get(key), str)), "")
    return f"refused with {code} {words}".rstrip()
