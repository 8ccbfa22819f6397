"""Keeping what is secret out of what is kept."""

from __future__ import annotations

from msgspec.structs import replace

from watcher.model import Exchange
from watcher.secrecy import without_query


def without_signature(exchange: Exchange, url: str) -> Exchange:
    """The exchange without the query of a signed URL, see `without_query`."""
    if "?" not in url:
        return exchange
    response = exchange.response
    return replace(
        exchange,
        raw=_hidden(exchange.raw, url),
        detail=_hidden(exchange.detail, url),
        response=None if response is None else replace(response, message=_hidden(response.message, url)),
    )


def _hidden(text: str | None, url: str) -> str | None:
    return None if text is None else without_query(text, url)
