"""What `check` finds out about the SMTP server, handing over no mail."""

from __future__ import annotations

import contextlib
import smtplib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from watcher.config.sections import Smtp
from watcher.errors import MailerUnavailable
from watcher.findings import About
from watcher.headers import named_address
from watcher.model import Finding
from watcher.mounts import in_bytes
from watcher.replies import faults
from watcher.replies.connector import Connector
from watcher.replies.session import Session
from watcher.secrecy import KnownSecrets
from watcher.tls import RENEW, ends_at, ends_soon

_SMALLEST_SIZE = 1_000_000  # bytes: a reply that lists fifty documents is far smaller
_TAKEN = (250, 251)
_QUIT_SECONDS = 3.0


def check_server(section: Smtp, *, known: KnownSecrets, timeout_seconds: float) -> list[Finding]:
    """Connect, log in, begin a reply to our own address, and take it back (RSET): nothing is sent."""
    about = About(f"smtp {section.host}")
    connector = Connector(section, timeout_seconds=timeout_seconds, known=known)
    try:
        with contextlib.closing(_Probe(section, connector, about)) as probe:
            try:
                return [probe.tried(), *probe.notes()]
            except (OSError, smtplib.SMTPException) as error:
                raise faults.translated(error, "the SMTP server could not be used") from error
    except MailerUnavailable as problem:
        return [about.wrong(str(problem), connector.advice(problem))]


def hang_up(session: Session, seconds: float) -> None:
    """Take leave, within so many seconds."""
    try:
        session.be_patient(seconds)
        session.quit()
    except (OSError, smtplib.SMTPException):
        session.close()


class _Probe:
    """What the server says to the beginnings of mails. Raises MailerUnavailable and what smtplib raises."""

    def __init__(self, section: Smtp, connector: Connector, about: About) -> None:
        self._section = section
        self._connector = connector
        self._about = about
        self._session = connector.connect()
        self._needs_sender = False  # it has refused an empty envelope sender

    def close(self) -> None:
        hang_up(self._session, _QUIT_SECONDS)

    def tried(self) -> Finding:
        """Raises MailerUnavailable where replies can be sent under no sender."""
        code, words = self._asked(lambda session: session.mail(""))
        if code not in _TAKEN:
            if not faults.wants_an_address(code):
                raise faults.sender_refused(code, words)
            self._needs_sender = True
        said = "connected, logged in" if self._connector.logs_in else "connected, without a login"
        most = _most_bytes(self._session)
        limit = f"; mails of up to {in_bytes(most)}" if most else ""
        return self._about.well(f"{said}; replies can be sent{limit}")

    def notes(self) -> Iterator[Finding]:
        if ending := ends_soon(ends_at(self._session.sock), datetime.now(UTC)):
            yield self._about.note(ending, RENEW)
        _, address = named_address(self._section.sender)
        code, words = self._asked(lambda session: session.mail(address))
        if code not in _TAKEN and self._needs_sender:
            raise faults.sender_refused(code, words)
        if not self._needs_sender:  # many servers tell it only when they hear of a recipient
            empty, _ = self._asked(lambda session: _to_ourselves(session, "", address))
            own, _ = self._asked(lambda session: _to_ourselves(session, address, address))
            self._needs_sender = faults.wants_an_address(empty) and own in _TAKEN
        if self._needs_sender:
            yield self._about.note(
                f"it takes no mail without an envelope sender: replies are sent under {address}",
                "nothing, or have the provider allow an empty one: what cannot be delivered comes back to this address",
            )
        if code not in _TAKEN:
            us = self._section.username or "us"
            message = f"it does not let {us} send as {address}: {code} {faults.words(words)}"
            yield self._about.note(
                message, "write the account's own address into smtp.from: answers may be refused otherwise"
            )
        code, words = self._asked(
            lambda session: _to_ourselves(session, address if self._needs_sender else "", address)
        )
        if code not in _TAKEN:
            message = f"it would take no mail to {address}, which people answer to: {code} {faults.words(words)}"
            yield self._about.note(message, "see that smtp.from is an address that exists")
        most = _most_bytes(self._session)
        if most and most < _SMALLEST_SIZE:
            yield self._about.note(
                f"it takes mails of at most {in_bytes(most)}", "have the server's limit raised to 1 MB"
            )

    def _asked(self, ask: Callable[[Session], tuple[int, bytes]]) -> tuple[int, bytes]:
        """What the server says to it; it is taken back. Some hang up with what they refuse."""
        said = ask(self._session)
        try:
            self._session.rset()
        except smtplib.SMTPServerDisconnected:
            self._session = self._connector.connect()
        return said


def _to_ourselves(session: Session, sender: str, address: str) -> tuple[int, bytes]:
    code, words = session.mail(sender)
    return session.rcpt(address) if code in _TAKEN else (code, words)


def _most_bytes(session: Session) -> int:
    """The size of mail that the server has told (RFC 1870); 0: it has no limit, or has not told."""
    told = session.esmtp_features.get("size", "").strip()
    return int(told) if told.isdigit() else 0
