"""What in a configuration must never be told."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import BaseModel

from watcher.config.secret import Secret
from watcher.config.sections import Configuration
from watcher.config.wording import PUBLIC_OPTIONS, looks_secret

_LEAST_OF_A_PART = 12  # characters: shorter words within a secret are schemes, hosts and ports


def confidential(configuration: Configuration) -> Iterator[str]:
    """The values of all secrets that can be read now, their telling parts, and what addresses hold of the kind.

    The addresses of the environment's proxies count among them.
    """
    for name, value in os.environ.items():
        if name.lower().endswith("_proxy"):
            yield from passwords_in(value)
    for value in _within(configuration):
        yield value
        if re.search(r"\s|://", value):
            yield from (part for part in re.split(r"[\s/:@?&=#]+", value) if _tells(part))


def passwords_in(address: str) -> Iterator[str]:
    """What an address has as a password, or in its query under a name that speaks of a secret."""
    try:
        parsed = urlsplit(address)
        password = parsed.password
    except ValueError:
        return
    if password:
        yield from {password, unquote(password)}
    for name, value in parse_qsl(parsed.query):
        if looks_secret(name):
            yield value


def is_confidential(key: str, secret: Secret) -> bool:
    """Whether a header or option holds a secret, and not a name or place that stands there openly."""
    return key not in PUBLIC_OPTIONS and (looks_secret(key) or "key" in key.lower() or not secret.plain)


def _within(value: object) -> Iterator[str]:
    if isinstance(value, Secret):
        with suppress(ValueError):  # whoever needs it will say that it cannot be read
            yield value.reveal()
    elif isinstance(value, BaseModel):
        for field in type(value).model_fields:
            yield from _within(getattr(value, field))
    elif isinstance(value, Mapping):
        yield from _of_pairs(value)
    elif isinstance(value, list):
        for item in value:
            yield from _within(item)
    elif isinstance(value, str) and "://" in value:
        yield from passwords_in(value)


def _of_pairs(pairs: Mapping[str, object]) -> Iterator[str]:
    for key, value in pairs.items():
        if isinstance(value, str) and looks_secret(key):
            yield value
        elif not isinstance(value, Secret) or is_confidential(key, value):
            yield from _within(value)


def _tells(part: str) -> bool:
    """A robot's key in its address, a token behind ``Bearer``: what a server repeats by itself."""
    return len(part) >= _LEAST_OF_A_PART and "." not in part
