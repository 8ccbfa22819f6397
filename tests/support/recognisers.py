"""Recognisers for tests: the real client, with short times."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

from watcher.config.sections import Recognition
from watcher.recognition.client import HttpRecogniser
from watcher.recognition.token import TokenSource

SHANGHAI = ZoneInfo("Asia/Shanghai")


@contextmanager
def recogniser(url: str, *, auth: dict[str, Any] | None = None, **section: Any) -> Iterator[HttpRecogniser]:
    """The client for `url`; other keys as in the configuration."""
    given = Recognition.model_validate({"url": url, "timeout": "10s", "connect_timeout": "5s", "auth": auth, **section})
    token = TokenSource(given.auth) if given.auth else None
    client = HttpRecogniser(given, timezone=SHANGHAI, token=token)
    try:
        yield client
    finally:
        client.close()
        if token is not None:
            token.close()


def biz_id() -> str:
    return str(uuid.uuid4())
