"""Keeping what is secret out of what is kept."""

from __future__ import annotations

from dataclasses import replace

from watcher.model import Exchange

_HIDDEN = "***"


def without_signature(exchange: Exchange, url: str) -> Exchange:
    """The exchange without the query of a signed URL, which endpoints repeat in their answers.

    For as long as it is valid, whoever reads it can fetch the document.
    """
    query = url.partition("?")[2]
    if not query:
        return exchange
    response = exchange.response
    return replace(
        exchange,
        raw=_hidden(exchange.raw, query),
        detail=_hidden(exchange.detail, query),
        response=None if response is None else replace(response, message=_hidden(response.message, query)),
    )


def _hidden(text: str | None, query: str) -> str | None:
    """As it is, and as JSON (within JSON) and HTML write it."""
    if text is None:
        return None
    for form in (query, *_escaped(query, "&", "\\u0026"), *_escaped(query, "&", "&amp;")):
        text = text.replace(form, _HIDDEN)
    return text


def _escaped(query: str, character: str, escape: str) -> list[str]:
    """JSON that escapes one of these signs escapes the others too; within JSON the backslash is doubled."""
    once = query.replace(character, escape)
    both = once.replace("=", "\\u003d")
    return [once, both, once.replace("\\", "\\\\"), both.replace("\\", "\\\\")]
