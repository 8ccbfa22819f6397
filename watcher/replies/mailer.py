"""Hands replies to the SMTP server: one connection, kept for a burst."""

from __future__ import annotations

import contextlib
import logging
import smtplib
import threading
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage

from watcher.clock import boot_seconds
from watcher.config.sections import Smtp
from watcher.deadline import Deadline, Flight, Watchdog, started
from watcher.errors import MailerUnavailable, MailRefused
from watcher.headers import mailbox, named_address
from watcher.model import Finding
from watcher.replies import faults
from watcher.replies.connector import Connector
from watcher.replies.probe import check_server, hang_up
from watcher.replies.session import Session, TooLate
from watcher.secrecy import KnownSecrets

log = logging.getLogger(__name__)

_CHECK_SECONDS = 10.0  # less than a whole check may take, so that it can say what did not answer
_MOMENT_SECONDS = 1.0  # so long after a mail no server has hung up yet, or nearly none
_NOOP_SECONDS, _QUIT_SECONDS = 10.0, 3.0  # what no server needs time for
_REFUSAL_HOLDS_SECONDS = 3600.0  # of an empty sender: some refuse by the same code what they take another time
_LINE_END = "\r\n"


class _HungUp(MailerUnavailable):
    """A session that was not asked whether it is still there was not, and is closed."""

    broke = True


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
        self._section = section
        self._connector = Connector(section, timeout_seconds=timeout_seconds, known=self._known)
        self._timeout_seconds = timeout_seconds
        self._idle_seconds = idle_seconds
        self._total_seconds = total_seconds
        self._patience_seconds = patience_seconds
        self._watchdog = Watchdog()
        self._turn = threading.Lock()
        self._session: Session | None = None
        # It has refused an empty envelope sender. Of the server and not of a session: some hang up with that.
        self._needs_sender_until = float("-inf")  # by the monotonic clock
        self._used_at = 0.0
        self._timer: threading.Timer | None = None

    def send(self, message: EmailMessage) -> None:
        recipient = _recipient(message)
        answer_by = boot_seconds() + self._total_seconds
        content_by = answer_by - self._patience_seconds

        def hand_over() -> None:
            self._within(lambda session: self._hand_over(session, message, recipient, content_by, answer_by))

        with self._in_turn(content_by):
            try:
                hand_over()
            except _HungUp:  # nothing has left of the mail
                hand_over()
        if log.isEnabledFor(logging.DEBUG):  # to look a field up costs more than to ask
            log.debug("A reply was handed to the SMTP server.", extra={"reply_id": message["Message-ID"]})

    def check(self) -> list[Finding]:
        """Begin a reply to our own address and take it back, over a connection of its own."""
        seconds = min(self._timeout_seconds, _CHECK_SECONDS)
        return check_server(self._section, known=self._known, timeout_seconds=seconds)

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
                self._send(session, message, recipient)
            except (smtplib.SMTPException, UnicodeEncodeError) as error:
                late = MailerUnavailable("the SMTP server does not answer in time")
                failure = late if flight.expired else faults.of_sending(error, recipient)
                if isinstance(failure, MailerUnavailable):
                    failure.broke = flight.expired or session.sock is None
                    if failure.broke and session.is_untried and not session.has_content and boot_seconds() < content_by:
                        raise _HungUp(str(failure)) from error
                raise failure from error

    def _send(self, session: Session, message: EmailMessage, recipient: str) -> None:
        """With an empty envelope sender, so that nothing answers; where the server takes none, with our own address."""
        content = _content(message)
        _, own = named_address(self._section.sender)
        if time.monotonic() <= self._needs_sender_until:
            session.hand_over(own, recipient, content)
            return
        try:
            session.hand_over("", recipient, content)
        except smtplib.SMTPSenderRefused as error:
            if not faults.wants_an_address(error.smtp_code):
                raise
            self._remember_refusal(faults.words(error.smtp_error))
            session.is_untried = True  # where it has hung up with that, the reply is begun anew
            session.hand_over(own, recipient, content)
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError) as error:
            code, said = faults.answer_in(error, recipient)
            if not faults.wants_an_address(code) or session.sock is None:
                raise
            self._send_under(own, session, recipient, content, refused=error)
            self._remember_refusal(faults.words(said))

    def _send_under(
        self, own: str, session: Session, recipient: str, content: bytes, *, refused: smtplib.SMTPException
    ) -> None:
        """Once more, before a refusal is believed: many servers say only of the recipient that they want a sender."""
        try:
            session.hand_over(own, recipient, content)
        except smtplib.SMTPServerDisconnected:
            if session.has_content:
                raise
            raise refused from None

    def _remember_refusal(self, said: str) -> None:
        self._needs_sender_until = time.monotonic() + _REFUSAL_HOLDS_SECONDS
        log.warning(
            "The SMTP server takes no mail without an envelope sender; replies go out under smtp.from.",
            extra={"detail": said},
        )

    def _within(self, act: Callable[[Session], None]) -> None:
        """Act on a live session. It is kept where the server has answered in order, whatever it answered."""
        session = self._live()
        try:
            act(session)
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

    def _live(self) -> Session:
        if self._session is not None and not self._answers(self._session):
            self._drop()
        if self._session is None:
            self._session = self._connector.connect()
        return self._session

    def _answers(self, session: Session) -> bool:
        """Servers hang up on a session that rests: what was kept is tried before it is relied on.

        In a burst the next mail itself is what it is tried by: that saves a round trip for each.
        """
        rested = time.monotonic() - self._used_at
        if session.sock is None or rested > self._idle_seconds:
            return False
        session.is_untried = rested <= _MOMENT_SECONDS
        if session.is_untried:
            return True
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
        timer = threading.Timer(seconds, self._drop_idle)
        timer.name = "smtp-idle"
        timer.daemon = True
        with contextlib.suppress(OSError):  # no thread can be had: it is kept until the server hangs up
            started(timer)
            self._timer = timer

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
            hang_up(session, _QUIT_SECONDS)


def _recipient(message: EmailMessage) -> str:
    """The one address in To, read as it is written: the standard library's reading costs more than all the rest."""
    written = next((value for name, value in message.raw_items() if name.lower() == "to"), "")
    address, problem = mailbox(str(written))
    if address is None:
        raise MailRefused(f"the reply has no one recipient: {problem}")
    return address


def _content(message: EmailMessage) -> bytes:
    """With the line ends of the wire. Its recipient is ASCII, as `mailbox` has it, and so is smtp.from."""
    wire = message.policy.linesep == _LINE_END
    return message.as_bytes() if wire else message.as_bytes(policy=message.policy.clone(linesep=_LINE_END))
