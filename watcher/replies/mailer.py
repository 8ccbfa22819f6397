"""Hands replies to the SMTP server: one connection, kept for a burst."""

from __future__ import annotations

import logging
import smtplib
import threading
import time
from collections.abc import Callable
from email.message import EmailMessage
from typing import TypeVar

from watcher.config.sections import Smtp
from watcher.errors import MailerUnavailable, MailRefused
from watcher.headers import mailbox
from watcher.model import Finding
from watcher.replies import faults
from watcher.replies.session import Connector

log = logging.getLogger(__name__)
T = TypeVar("T")


class SmtpMailer:
    """`ports.Mailer` over SMTP. Safe to call from many threads, which take turns.

    `timeout_seconds` is of the connection and of each reply of the server, `idle_seconds` how long an unused
    connection is kept.
    """

    def __init__(self, section: Smtp, *, timeout_seconds: float = 30.0, idle_seconds: float = 30.0) -> None:
        self._connector = Connector(section, timeout_seconds=timeout_seconds)
        self._subject = f"smtp {section.host}"
        self._idle_seconds = idle_seconds
        self._turn = threading.Lock()
        self._session: smtplib.SMTP | None = None
        self._used_at = 0.0
        self._timer: threading.Timer | None = None

    def send(self, message: EmailMessage) -> None:
        recipient = _recipient(message)
        with self._turn:
            self._within(lambda session: _hand_over(session, message, recipient))
        log.info("A reply was handed to the SMTP server.", extra={"reply_id": message["Message-ID"]})

    def check(self) -> list[Finding]:
        """Connect, log in and ask for the empty envelope sender, then take it back."""
        try:
            with self._turn:
                self._within(_try_empty_sender)
        except MailerUnavailable as problem:
            mend = self._connector.advice(problem)
            return [Finding(subject=self._subject, ok=False, message=str(problem), mend=mend)]
        said = "connected, logged in" if self._connector.logs_in else "connected, without a login"
        return [Finding(subject=self._subject, ok=True, message=f"{said}; replies can be sent")]

    def close(self) -> None:
        with self._turn:
            self._drop()

    def _within(self, act: Callable[[smtplib.SMTP], T]) -> T:
        """Act on a live session. What fails costs the session, so that the next one starts clean."""
        session = self._live()
        try:
            result = act(session)
        except MailRefused:
            self._touch()  # the server has answered in order: sendmail has reset the session
            raise
        except MailerUnavailable:
            self._drop()
            raise
        except Exception as error:
            self._drop()
            raise faults.translated(error, "the SMTP server could not be used") from error
        self._touch()
        return result

    def _live(self) -> smtplib.SMTP:
        if self._session is not None and not self._answers(self._session):
            self._drop()
        if self._session is None:
            self._session = self._connector.connect()
        return self._session

    def _answers(self, session: smtplib.SMTP) -> bool:
        """Servers hang up on a session that rests: what was kept is tried before it is relied on."""
        if time.monotonic() - self._used_at > self._idle_seconds:
            return False
        try:
            return session.noop()[0] == faults.OK
        except (OSError, smtplib.SMTPException):
            return False

    def _touch(self) -> None:
        self._used_at = time.monotonic()
        if self._timer is None:
            self._start_timer(self._idle_seconds)

    def _start_timer(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._drop_idle)
        self._timer.name = "smtp-idle"
        self._timer.daemon = True
        self._timer.start()

    def _drop_idle(self) -> None:
        with self._turn:
            if self._timer is None or threading.current_thread() is not self._timer:
                return  # the session that it watched is gone
            self._timer = None
            left = self._used_at + self._idle_seconds - time.monotonic()
            if left > 0:
                self._start_timer(left)
            else:
                self._drop()

    def _drop(self) -> None:
        session, self._session = self._session, None
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        if session is not None:
            _hang_up(session)


def _recipient(message: EmailMessage) -> str:
    """The one address in To."""
    address, problem = mailbox(str(message["To"] or ""))
    if address is None:
        raise MailRefused(f"the reply has no one recipient: {problem}")
    return address


def _hand_over(session: smtplib.SMTP, message: EmailMessage, recipient: str) -> None:
    try:
        session.send_message(message, from_addr="", to_addrs=[recipient])
    except (smtplib.SMTPException, UnicodeEncodeError) as error:
        raise faults.of_sending(error, recipient) from error


def _try_empty_sender(session: smtplib.SMTP) -> None:
    code, words = session.mail("")
    session.rset()
    if code != faults.OK:
        raise faults.sender_refused(code, words)


def _hang_up(session: smtplib.SMTP) -> None:
    try:
        session.quit()
    except (OSError, smtplib.SMTPException):
        session.close()
