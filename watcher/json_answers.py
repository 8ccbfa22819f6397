"""JSON answers of the services that the configuration names: read within bounds, decoded, and looked into.

What such a service sends is foreign: it may have no end, or be nested beyond reason.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests

_CHUNK_BYTES = 16 * 1024


class EndlessAnswer(ValueError):
    """The answer is longer, or takes longer, than any answer should."""


def body_of(response: requests.Response, *, largest_bytes: int, within_seconds: float) -> bytes:
    """The body of an answer that is being streamed, unpacked. Raises EndlessAnswer, and what requests raises."""
    until, body = time.monotonic() + within_seconds, bytearray()
    # Whatever is there, and not as much as was asked for: who trickles would be waited for all the same.
    while chunk := _piece(response):
        body += chunk
        if len(body) > largest_bytes or time.monotonic() > until:
            raise EndlessAnswer("the answer is too long, or takes too long")
    return bytes(body)


def _piece(response: requests.Response) -> bytes:
    """What is there, b"" at the end. Raises as requests does where it reads by itself."""
    import requests
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    try:
        return bytes(response.raw.read1(_CHUNK_BYTES, decode_content=True))
    except ReadTimeoutError as error:
        raise requests.Timeout(str(error)) from error
    except (HTTPError, OSError) as error:
        raise requests.ConnectionError(str(error)) from error


def decoded(body: bytes) -> Any:
    """The JSON value; None where it is none. Never raises."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def at(answer: Any, path: str) -> Any:
    """What stands at ``data.0.url`` (or ``data[0].url``); None where there is nothing. Never raises."""
    value = answer
    for step in path.replace("[", ".").replace("]", "").split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step[:9]) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def says(value: Any, expected: object) -> bool:
    """Whether they are the same, written as a number or as a text."""
    if isinstance(value, (dict, list)) or value is None:
        return False
    return str(value).lower() == str(expected).lower()


def seconds_of(value: Any, default: float) -> float:
    """A duration, written as a number or as a text; the default for what is no finite time beyond nothing."""
    try:
        seconds = float(value) if not isinstance(value, bool) else 0.0
    except (TypeError, ValueError, OverflowError):
        return default
    return seconds if 0 < seconds < float("inf") else default
