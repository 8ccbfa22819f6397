"""Alerts by mail, over the server that sends the replies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.headerregistry import Address
from email.utils import format_datetime, make_msgid

from watcher.headers import OWN_MARK, clean, named_address
from watcher.mime.outgoing import OutgoingMail
from watcher.model import Finding
from watcher.ports import Mailer


class MailChannel:
    """`ports.AlertChannel` for one of `alerts.operators`."""

    def __init__(
        self,
        address: str,
        *,
        sender: str,
        mailer: Mailer,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`sender` is smtp.from."""
        self._address = address
        self._sender = sender
        self._mailer = mailer
        self._clock = clock

    @property
    def name(self) -> str:
        return f"mail to {self._address}"

    def tell(self, subject: str, text: str, *, good: bool) -> None:  # noqa: ARG002 - the subject says it
        """Raises MailerUnavailable, MailRefused."""
        name, address = named_address(self._sender)
        message = OutgoingMail()
        message["From"] = str(Address(display_name=clean(name, 100), addr_spec=address))
        message["To"] = str(Address(addr_spec=self._address))
        message["Subject"] = clean(subject, 180)
        message["Date"] = format_datetime(self._clock())
        message["Message-ID"] = make_msgid(domain=address.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message[OWN_MARK] = "alert"  # so that no mailbox of ours takes it in
        message.fill(f"{text}\n".replace("\n", "\r\n"))
        self._mailer.send(message)

    def check(self) -> list[Finding]:
        """Nothing of its own: the mailer is checked as such."""
        return []
