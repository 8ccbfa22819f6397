"""Opens logged-in SMTP sessions: connection, TLS, login or XOAUTH2."""

from __future__ import annotations

import smtplib
import socket
import ssl

from watcher.config.sections import Smtp
from watcher.deadline import Deadline, Flight, Watchdog
from watcher.errors import MailerUnavailable, TokenRefused, TokenUnavailable
from watcher.oauth import AccessTokens
from watcher.replies import faults
from watcher.replies.session import Session, TlsSession
from watcher.secrecy import KnownSecrets
from watcher.tls import UnusableAuthorities, trusting

_LOGIN_SECONDS = 60.0  # from the connection on, however the server trickles


class Connector:
    """Opens sessions to the one server of a section."""

    def __init__(self, section: Smtp, *, timeout_seconds: float, known: KnownSecrets) -> None:
        self._section = section
        self._timeout_seconds = timeout_seconds
        self._known = known
        self._tokens = AccessTokens(section.oauth2, known) if section.oauth2 is not None else None
        self._watchdog = Watchdog()

    @property
    def logs_in(self) -> bool:
        return self._section.username is not None and (self._tokens is not None or self._section.password is not None)

    def connect(self) -> Session:
        """Raises MailerUnavailable for whatever goes wrong: as it is for all mails, altogether."""
        place = f"{self._section.host}:{self._section.effective_port}"
        session: Session | None = None
        try:
            session = self._open()
            session.known = self._known
            with Flight(Deadline(_LOGIN_SECONDS), self._watchdog) as flight:
                flight.use(session.sock)
                self._log_in(session)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            _close(session)
            failure = faults.translated(error, f"the SMTP server {place} cannot be used")
            failure.altogether = True
            raise failure from error
        except MailerUnavailable as failure:
            _close(session)
            failure.altogether = True
            raise
        return session

    def advice(self, problem: MailerUnavailable) -> str:
        """What the administrator should do about it."""
        if isinstance(problem, faults.SenderRefused):
            return "write the account's own address into smtp.from, or ask the provider under which sender it may send"
        if isinstance(problem, faults.NotLoggedIn):
            return "mend smtp.username and smtp.password; many providers want an app password (授权码) here"
        if isinstance(problem.__cause__, UnusableAuthorities):
            return "mend smtp.ca_file: a file of certificates in PEM"
        if isinstance(problem.__cause__, ssl.SSLError):
            return "mend smtp.tls and smtp.port, or name a private authority in smtp.ca_file"
        return "mend smtp.host, smtp.port and smtp.tls, and see whether a firewall is in the way"

    def _open(self) -> Session:
        host, port = self._section.host, self._section.effective_port
        name = _local_name()
        if self._section.tls == "implicit":
            context = trusting(self._section.ca_file)
            return TlsSession(host, port, local_hostname=name, timeout=self._timeout_seconds, context=context)
        session = Session(host, port, local_hostname=name, timeout=self._timeout_seconds)
        if self._section.tls == "starttls":
            try:
                session.starttls(context=trusting(self._section.ca_file))
            except BaseException:
                session.close()
                raise
        return session

    def _log_in(self, session: Session) -> None:
        if not self.logs_in:
            session.ehlo_or_helo_if_needed()
            return
        try:
            self._authenticate(session)
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError, UnicodeEncodeError) as error:
            raise faults.NotLoggedIn(f"the SMTP server refuses the login: {_why(error)}") from error

    def _authenticate(self, session: Session) -> None:
        username, password = self._section.username or "", self._section.password
        if self._tokens is None:
            revealed = password.reveal() if password is not None else ""
            self._known.learn(revealed)
            session.login(username, revealed)
            return
        session.ehlo_or_helo_if_needed()
        if "xoauth2" not in session.esmtp_features.get("auth", "").lower().split():
            raise smtplib.SMTPNotSupportedError("it does not offer XOAUTH2")
        token = _current(self._tokens)
        try:
            _xoauth2(session, username, token)
        except smtplib.SMTPAuthenticationError:
            # Tokens are revoked before their time, too: one more go with a fresh one.
            self._tokens.refused(token)
            _xoauth2(session, username, _current(self._tokens))


def _current(tokens: AccessTokens) -> str:
    try:
        return tokens.current()
    except TokenRefused as error:
        raise faults.NotLoggedIn(str(error)) from error
    except TokenUnavailable as error:
        raise MailerUnavailable(str(error)) from error


def _xoauth2(session: Session, username: str, token: str) -> None:
    def respond(challenge: bytes | None = None) -> str:
        # The one challenge that can come holds an error; its empty answer makes the server say 535.
        return f"user={username}\x01auth=Bearer {token}\x01\x01" if challenge is None else ""

    session.auth("XOAUTH2", respond)


def _why(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {faults.words(error.smtp_error)}"
    if isinstance(error, UnicodeEncodeError):
        return "the user name or the password is not ASCII"
    return faults.words(str(error))


def _local_name() -> str:
    """For EHLO. smtplib would ask name servers for it, and wait for them."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _close(session: Session | None) -> None:
    if session is not None:
        session.close()
