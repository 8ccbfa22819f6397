"""A signed URL is a secret, also in the endpoint's words."""

from __future__ import annotations

import json

import pytest

from watcher.model import Exchange, Response
from watcher.policy.redaction import without_signature

SIGNATURE = "X-Amz-Expires=86400&X-Amz-Signature=c0ffee"
URL = f"https://s3.example/invoices/ab.pdf?{SIGNATURE}"


def escaped(text: str) -> str:
    """As some encoders write JSON that may stand in HTML."""
    return text.replace("&", "\\u0026").replace("=", "\\u003d")


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps({"url": URL}),
        json.dumps({"attachments": json.dumps([{"original_url": URL}])}),
        json.dumps({"url": URL}).replace("/", "\\/"),
        escaped(json.dumps({"url": URL})),
        json.dumps({"attachments": escaped(json.dumps([URL]))}),
        f"<a href='{URL.replace('&', '&amp;')}'>",
    ],
)
def test_no_form_of_the_signature_is_kept(raw: str) -> None:
    response = Response(code="300042", message=f"cannot fetch {URL}")
    kept = without_signature(Exchange(sent=True, status=200, raw=raw, response=response, detail=URL), URL)

    assert "c0ffee" not in repr(kept)
    assert "***" in (kept.raw or "")


def test_the_signature_alone_is_not_kept_either() -> None:
    signature = "c0ffee" * 8
    url = f"https://s3.example/a.pdf?X-Amz-Credential=KEY%2F20261126%2Fus&X-Amz-Signature={signature}"
    raw = f"credential *** and {signature}, KEY/20261126/us, KEY%2F20261126%2Fus"

    kept = without_signature(Exchange(sent=True, status=200, raw=raw), url)

    assert kept.raw == "credential *** and ***, ***, ***"


def test_an_answer_without_it_stays_as_it_is() -> None:
    exchange = Exchange(sent=True, status=200, raw='{"resCode": 200000}')

    assert without_signature(exchange, URL) == exchange
    assert without_signature(exchange, "https://files.example/a.pdf") is exchange
