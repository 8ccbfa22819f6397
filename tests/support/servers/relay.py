"""A mail server between mailboxes: what is handed to it by SMTP lies in the recipient's mailbox when it says OK."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.servers.dovecot import Account
from tests.support.servers.process import LOOPBACK, Served, free_port, served_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A mail on its way; an empty envelope sender is ``""``. `raw` is as it was handed over."""

    sender: str
    recipient: str
    raw: bytes

    @property
    def subject(self) -> str:
        return str(message_from_bytes(self.raw, policy=policy.default)["Subject"])


Change = Callable[[Passed], Passed]
Responder = Callable[[Passed], Passed]
"""Who answers by itself: the mail that it sends for one that it gets."""


class Relay(Served):
    """Delivers to these addresses, with Return-Path and Received on top, as mail servers do.

    `change` is what a gateway on the way does to each mail; `responders` are addresses that answer at once, whose
    own mails are not changed. What goes to another address is kept in `passed`, and goes nowhere.
    """

    def __init__(
        self,
        mailboxes: Mapping[str, Account],
        *,
        change: Change = lambda mail: mail,
        responders: Mapping[str, Responder] | None = None,
    ) -> None:
        self.host = LOOPBACK
        self.port = free_port()
        self.folder = served_folder("relay")
        self.mailboxes = mailboxes
        self._change = change
        self._responders = responders or {}
        self._passed: list[Passed] = []
        self._lock = threading.Lock()
        self._controller: Controller | None = None

    def start(self) -> None:
        self._controller = Controller(
            self,
            hostname=self.host,
            port=self.port,
            ready_timeout=30,
            decode_data=False,
            server_hostname="relay.example",
        )
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
        self._controller = None

    def passed(self, recipient: str | None = None) -> list[Passed]:
        """The mails (to one recipient) so far."""
        with self._lock:
            return [mail for mail in self._passed if recipient in (None, mail.recipient)]

    def deliver(self, mail: Passed) -> None:
        """What came from elsewhere, or from a responder: as it is."""
        with self._lock:
            self._passed.append(mail)
            number = len(self._passed)
        if (account := self.mailboxes.get(mail.recipient)) is not None:
            account.append(_delivered(mail, number))
        if (responder := self._responders.get(mail.recipient)) is not None:
            self.deliver(responder(mail))

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        for recipient in envelope.rcpt_tos:
            sender = (envelope.mail_from or "").removeprefix("<>")
            mail = Passed(sender=sender, recipient=recipient, raw=cast("bytes", envelope.content))
            await asyncio.to_thread(self.deliver, self._change(mail))
        return "250 2.0.0 OK"


def _delivered(mail: Passed, number: int) -> bytes:
    trace = f"Return-Path: <{mail.sender}>\r\nReceived: by relay.example with ESMTP id {number}\r\n"
    return trace.encode() + mail.raw
