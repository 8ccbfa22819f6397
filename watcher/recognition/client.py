"""Posts one document to the recognition endpoint, as api/ocrSyncWithConfig.txt has it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Protocol
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from watcher.config.sections import Recognition
from watcher.deadline import Deadline
from watcher.errors import TokenRefused, TokenUnavailable
from watcher.findings import About
from watcher.http_request import NO_HEADERS, HeadersWithToken
from watcher.model import Exchange, Finding, Invoice, Response
from watcher.recognition.response import read_response, read_text
from watcher.recognition.transport import Reply, Transport, TransportFailure
from watcher.secrecy import KnownSecrets, without_query
from watcher.tls import distrust, trust_advice

LONGEST_RAW = 64 * 1024  # characters of an answer that are kept with its try
_REFUSED_STATUSES = (401, 403)
_SHORT_LIFE_SECONDS = 300
_UNKNOWN_FORM = "the answer is not in the documented form"
_JSON = json.JSONEncoder(ensure_ascii=False)

log = logging.getLogger(__name__)


class DatedToken(Protocol):
    """ports.Token, by a deadline."""

    def header(self, deadline: Deadline | None = None) -> Mapping[str, str]: ...

    def refresh(self, old: Mapping[str, str], deadline: Deadline | None = None) -> Mapping[str, str]: ...

    @property
    def lifetime(self) -> float | None:
        """Seconds that the last token was given for; None where the answer did not say."""


class HttpRecogniser:
    """ports.Recogniser over HTTP. `timezone` is that of dates the endpoint gives as milliseconds.

    The whole of a `recognise`, a fresh token and its one more go included, ends within `connect_timeout` +
    `timeout`; its socket is closed then.
    """

    def __init__(
        self,
        section: Recognition,
        *,
        timezone: ZoneInfo,
        token: DatedToken | None,
        known: KnownSecrets | None = None,
    ) -> None:
        """`known` is kept out of what the endpoint says."""
        self._section = section
        self._known = known or KnownSecrets()
        self._timezone = timezone
        self._token = token
        self._refused = frozenset(str(code) for code in section.auth.refused) if section.auth else frozenset[str]()
        self._fixed = {name: secret.reveal() for name, secret in section.headers.items()}
        self._headers = HeadersWithToken(
            {"Content-Type": "application/json", "Accept": "application/json", **self._fixed}
        )
        self._transport = Transport(
            section.url, connect_timeout_seconds=section.connect_timeout.total_seconds(), ca_file=section.ca_file
        )

    @property
    def endpoint(self) -> str:
        return self._section.url

    def recognise(
        self, attachment_url: str, biz_id: str, user_code: str | None, *, begun_at: float | None = None
    ) -> Exchange:
        """See ports.Recogniser."""
        seconds = (self._section.connect_timeout + self._section.timeout).total_seconds()
        deadline = Deadline(seconds, begun_at=begun_at)
        try:
            header = self._token.header(deadline) if self._token else NO_HEADERS
            exchange = self._posted(header, deadline, attachment_url, biz_id, user_code)
            if not self._is_refused(exchange) or self._token is None:
                return replace(exchange, token_refused=True) if self._has_refused_code(exchange) else exchange
            log.info("The token was refused; one more go with a fresh one.", extra={"biz_id": biz_id})
            header = self._token.refresh(header, deadline)
        except TokenRefused as error:
            return Exchange(sent=False, token_refused=True, detail=str(error))
        except TokenUnavailable as error:
            return Exchange(sent=False, detail=str(error))
        exchange = self._posted(header, deadline, attachment_url, biz_id, user_code)
        return replace(exchange, token_refused=self._is_refused(exchange))

    def check(self) -> list[Finding]:
        """The token, and whether the endpoint answers at all (OPTIONS: nothing is posted)."""
        findings = [] if self._token is None else [self._check_token(self._token)]
        return [*findings, self._check_endpoint()]

    def close(self) -> None:
        self._transport.close()

    def _posted(
        self, header: Mapping[str, str], deadline: Deadline, attachment_url: str, biz_id: str, user_code: str | None
    ) -> Exchange:
        try:
            reply = self._transport.send(
                "POST",
                deadline=deadline,
                headers=self._headers.of(header),
                body=self._body(attachment_url, biz_id, user_code),
            )
        except TransportFailure as error:
            return Exchange(sent=error.sent, status=error.status, detail=error.detail)
        try:
            return self._read(reply, attachment_url)
        except Exception:  # it was sent: without a value the outcome would be lost, and the booking posted again
            log.exception("An answer could not be read.", extra={"biz_id": biz_id})
            return Exchange(sent=True, status=reply.status, retry_after=reply.retry_after, detail=_UNKNOWN_FORM)

    def _body(self, attachment_url: str, biz_id: str, user_code: str | None) -> bytes:
        """The keys and their order are the documentation's; `timestamp` is in milliseconds, of this try."""
        data = {"attachment_url": attachment_url, "purchase_invoice": "Y" if self._section.purchase_invoice else "N"}
        if user_code is not None:
            data |= {"create_expense": "Y", "user_code": user_code}
        body = {"data": data, "bizId": biz_id, "timestamp": time.time_ns() // 1_000_000}
        return _JSON.encode(body).encode("utf-8", "backslashreplace")

    def _read(self, reply: Reply, attachment_url: str) -> Exchange:
        """Secrets go before anything is cut off, lest half of one is left."""

        def hidden(text: str) -> str:
            return self._known.hidden(without_query(text, attachment_url))

        response = read_response(reply.body, self._timezone, hidden)
        response = None if response is None else _without(response, self._known)
        return Exchange(
            sent=True,
            status=reply.status,
            retry_after=reply.retry_after,
            response=response,
            detail=None if response else _UNKNOWN_FORM,
            raw=hidden(read_text(reply.body))[:LONGEST_RAW].replace("\x00", "\N{REPLACEMENT CHARACTER}"),
        )

    def _is_refused(self, exchange: Exchange) -> bool:
        return exchange.status in _REFUSED_STATUSES or self._has_refused_code(exchange)

    def _has_refused_code(self, exchange: Exchange) -> bool:
        return exchange.response is not None and exchange.response.code in self._refused

    def _check_token(self, token: DatedToken) -> Finding:
        try:
            token.header()
        except TokenRefused as error:
            mend = "check recognition.auth: token_url, client_id, client_secret, and token (where it is in the answer)"
            return Finding(subject="token", ok=False, message=str(error), mend=mend)
        except TokenUnavailable as error:
            mend = _trust(error) or "check recognition.auth.token_url"
            return Finding(subject="token", ok=False, message=str(error), mend=mend)
        return _token_finding(token.lifetime)

    def _check_endpoint(self) -> Finding:
        seconds = self._section.connect_timeout.total_seconds() * 2
        try:
            reply = self._transport.send("OPTIONS", deadline=Deadline(seconds), headers=self._fixed)
        except TransportFailure as error:
            mend = _trust(error) or "check recognition.url, the network and the proxy settings"
            return Finding(subject="recognition", ok=False, message=f"cannot be reached: {error.detail}", mend=mend)
        message = f"reachable, and answers HTTP {reply.status} to OPTIONS; nothing was posted"
        about, strange = About("recognition"), _strange(reply.status)
        return about.well(message) if strange is None else about.note(message, strange)


def _token_finding(lifetime: float | None) -> Finding:
    about = About("token")
    if lifetime is None:
        return about.well("a token was obtained; the answer does not say for how long, so 2 h are assumed")
    if lifetime < _SHORT_LIFE_SECONDS:
        mend = "ask whoever runs the token server: each of our requests may need a fresh one"
        return about.note(f"a token was obtained, for {lifetime:.0f} s only", mend)
    return about.well(f"a token was obtained, for {timedelta(seconds=round(lifetime))}")


def _strange(status: int) -> str | None:
    """What to look at, where the answer is none that such an endpoint gives. Many do not know OPTIONS (405, 501)."""
    if status == HTTPStatus.NOT_FOUND:
        return "check the path in recognition.url"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return "check recognition.url: it leads elsewhere, and redirects are not followed; is it http instead of https?"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_IMPLEMENTED:
        return "ask whoever runs the endpoint: it, or what stands before it, is out of order"
    return None


def _trust(error: Exception) -> str | None:
    """What to do where a certificate was not believed."""
    return None if distrust(error) is None else trust_advice("recognition.ca_file")


def _without(response: Response, known: KnownSecrets) -> Response:
    """Names are kept without secrets, as messages are; codes, numbers and amounts stay what they are."""
    invoices = tuple(_invoice_without(invoice, known) for invoice in response.invoices)
    return response if invoices == response.invoices else replace(response, invoices=invoices)


def _invoice_without(invoice: Invoice, known: KnownSecrets) -> Invoice:
    names = (invoice.name, invoice.seller_name, invoice.buyer_name)
    name, seller_name, buyer_name = hidden = tuple(known.hidden(each) for each in names)
    if hidden == names:
        return invoice
    return replace(invoice, name=name, seller_name=seller_name, buyer_name=buyer_name)
