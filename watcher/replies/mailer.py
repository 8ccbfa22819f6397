"""Hands replies to the SMTP server: one connection, kept for a burst."""

from __future__ import annotations

import contextlib
import logging
import smtplib
import threading
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import TypeVar

from watcher.clock import boot_seconds
from watcher.config.sections import Smtp
from watcher.deadline import Deadline, Flight, Watchdog
from watcher.errors import MailerUnavailable, MailRefused
from watcher.headers import mailbox
from watcher.model import Finding
from watcher.replies import faults
from watcher.replies.session import Connector, Session, TooLate
from watcher.secrecy import KnownSecrets

log = logging.getLogger(__name__)

_NOOP_SECONDS, _QUIT_SECONDS = 10.0, 3.0  # what no server needs time for
T = TypeVar("T")


class SmtpMailer:
    """`ports.Mailer` over SMTP. Safe to call from many threads, which take turns.

    `timeout_seconds` is of the connection and of each reply of the server, `idle_seconds` how long an unused
    connection is kept. `send` ends within `total_seconds`, connecting aside, and lets no mail out in its last
    `patience_seconds`, which are for the server to acknowledge it. `known` is kept out of what the server says.
    """

    def __init__(
        self,
        section: Smtp,
        *,
        timeout_seconds: float = 30.0,
        idle_seconds: float = 30.0,
        total_seconds: float = 45.0,
        patience_seconds: float = 20.0,
        known: KnownSecrets | None = None,
    ) -> None:
        self._known = known or KnownSecrets()
        self._connector = Connector(section, timeout_seconds=timeout_seconds, known=self._known)
        self._timeout_seconds = timeout_seconds
        self._subject = f"smtp {section.host}"
        self._idle_seconds = idle_seconds
        self._total_seconds = total_seconds
        self._patience_seconds = patience_seconds
        self._watchdog = Watchdog()
        self._turn = threading.Lock()
        self._session: Session | None = None
        self._used_at = 0.0
        self._timer: threading.Timer | None = None

    def send(self, message: EmailMessage) -> None:
        recipient = _recipient(message)
        answer_by = boot_seconds() + self._total_seconds
        content_by = answer_by - self._patience_seconds
        with self._in_turn(content_by):
            self._within(lambda session: self._hand_over(session, message, recipient, content_by, answer_by))
        log.debug("A reply was handed to the SMTP server.", extra={"reply_id": message["Message-ID"]})

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

    @contextlib.contextmanager
    def _in_turn(self, until: float) -> Iterator[None]:
        if not self._turn.acquire(timeout=max(until - boot_seconds(), 0.0)):
            raise TooLate("the SMTP server is slow, and other replies are being handed over")
        try:
            yield
        finally:
            self._turn.release()

    def _hand_over(
        self, session: Session, message: EmailMessage, recipient: str, content_by: float, answer_by: float
    ) -> None:
        if boot_seconds() > content_by:
            raise TooLate("it took long to connect to the SMTP server; the reply is begun anew")
        session.content_by, session.answer_by = content_by, answer_by
        with Flight(Deadline(answer_by - boot_seconds()), self._watchdog) as flight:
            flight.use(session.sock)
            try:
                session.send_message(message, from_addr="", to_addrs=[recipient])
            except (smtplib.SMTPException, UnicodeEncodeError) as error:
                late = MailerUnavailable("the SMTP server does not answer in time")
                failure = late if flight.expired else faults.of_sending(error, recipient)
                if isinstance(failure, MailerUnavailable):
                    failure.broke = flight.expired or session.sock is None
                raise failure from error

    def _within(self, act: Callable[[Session], T]) -> T:
        """Act on a live session. It is kept where the server has answered in order, whatever it answered."""
        session = self._live()
        try:
            result = act(session)
        except (MailRefused, TooLate):
            self._touch()  # the server has answered in order, and the session is reset; or it is found closed
            raise
        except MailerUnavailable as failure:
            if failure.broke:
                self._drop()
            else:
                self._touch()
            raise
        except Exception as error:
            self._drop()
            raise faults.translated(error, "the SMTP server could not be used") from error
        self._touch()
        return result

    def _live(self) -> Session:
        if self._session is not None and not self._answers(self._session):
            self._drop()
        if self._session is None:
            self._session = self._connector.connect()
        return self._session

    def _answers(self, session: Session) -> bool:
        """Servers hang up on a session that rests: what was kept is tried before it is relied on."""
        if time.monotonic() - self._used_at > self._idle_seconds:
            return False
        try:
            session.be_patient(min(_NOOP_SECONDS, self._timeout_seconds))
            answers = session.noop()[0] == faults.OK
            session.be_patient(self._timeout_seconds)
        except (OSError, smtplib.SMTPException):
            return False
        return answers

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


def _try_empty_sender(session: Session) -> None:
    code, words = session.mail("")
    session.rset()
    if code != faults.OK:
        raise faults.sender_refused(code, words)


def _hang_up(session: Session) -> None:
    try:
        session.be_patient(_QUIT_SECONDS)
        session.quit()
    except (OSError, smtplib.SMTPException):
        session.close()
