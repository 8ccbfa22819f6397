"""From the configuration to a session: TLS, login, capabilities, ID."""

from __future__ import annotations

import contextlib
import imaplib
import logging
import re
import socket
from collections.abc import Iterator
from typing import Any

from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError

from watcher.config.sections import Mailbox
from watcher.deadline import Deadline, Flight, Watchdog
from watcher.errors import LoginRefused, SourceUnavailable, TokenRefused, TokenUnavailable
from watcher.oauth import AccessTokens
from watcher.secrecy import KnownSecrets
from watcher.sources.mailbox.connection import said, translated
from watcher.sources.mailbox.session import Session
from watcher.tls import trusting

log = logging.getLogger(__name__)

_ID = '("name" "invoice-watcher" "version" "0.1" "vendor" "invoice-watcher")'
_CONNECT_SECONDS = 30.0  # for the connection, and for each piece of TLS and the greeting
_LOGIN_SECONDS = 120.0  # for the login as a whole
_EXCHANGE_TIMES = 3.0  # as long as one wait for the server may last a whole answer that comes in pieces
# RFC 5530: refused now, but not because of who asks.
_PASSING = re.compile(r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\b", re.IGNORECASE)
_OWN_PASSWORDS = (
    "qq.com",
    "163.com",
    "126.com",
    "126.net",
    "yeah.net",
    "foxmail.com",
    "sina.com",
    "sina.cn",
    "139.com",
)
_COMPANY_PASSWORDS = ("exmail.qq.com", "qiye.163.com", "aliyun.com", "feishu.cn", "qiye.aliyun.com")


class _StartTls(MailBoxStartTls):
    """As it is in imap-tools, but nothing stays open where TLS cannot be had, and the port is one's own affair."""

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        client = imaplib.IMAP4(self._host, self._port, self._timeout)
        try:
            client.starttls(self._ssl_context)
        except BaseException:
            with contextlib.suppress(OSError):
                client.shutdown()
            raise
        return client


def log_in(
    settings: Mailbox, tokens: AccessTokens | None, *, timeout_seconds: float, watchdog: Watchdog, known: KnownSecrets
) -> Session:
    """A new session. Raises SourceUnavailable, and LoginRefused where the server will not have us.

    `known` is kept out of what the server says.
    """
    with translated(settings.host, known):
        box = _connected(settings, min(timeout_seconds, _CONNECT_SECONDS))
    try:
        _keep_alive(box.client.sock)
        box.client.sock.settimeout(timeout_seconds)
        with Flight(Deadline(_LOGIN_SECONDS), watchdog) as flight:
            flight.use(box.client.sock)
            capabilities = _logged_in(box, settings, tokens, known)
    except BaseException:
        with contextlib.suppress(OSError, ValueError):
            box.client.shutdown()
        raise
    log.info("A mailbox is open.", extra={"mailbox": settings.name, "host": settings.host})
    return Session(
        box,
        host=settings.host,
        known=known,
        capabilities=capabilities,
        watchdog=watchdog,
        exchange_seconds=_EXCHANGE_TIMES * timeout_seconds,
    )


def _logged_in(box: BaseMailBox, settings: Mailbox, tokens: AccessTokens | None, known: KnownSecrets) -> frozenset[str]:
    """The capabilities after the login."""
    before = _words(box.client.capabilities)
    _authenticate(box, settings, tokens, known)
    with translated(settings.host, known):
        after = _capabilities(box)
        # 163 and its like refuse every folder to a client that does not say what it is.
        if "ID" in before | after:
            _say_who_we_are(box)
    return after


def _connected(settings: Mailbox, timeout_seconds: float) -> BaseMailBox:
    host, port = settings.host, settings.effective_port
    if settings.tls == "none":
        return MailBoxUnencrypted(host, port, timeout_seconds)
    context = trusting(settings.ca_file)
    if settings.tls == "starttls":
        return _StartTls(host, port, timeout_seconds, context)
    return MailBox(host, port, timeout=timeout_seconds, ssl_context=context)


def _keep_alive(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def _capabilities(box: BaseMailBox) -> frozenset[str]:
    """Read again: after the login there are others."""
    data: list[Any] = box.client.capability()[1]
    return _words(data[-1].decode("ascii", "replace").split()) if data and data[-1] else frozenset()


def _words(words: Any) -> frozenset[str]:
    return frozenset(word.upper() for word in words)


def _say_who_we_are(box: BaseMailBox) -> None:
    imaplib.Commands.setdefault("ID", ("NONAUTH", "AUTH", "SELECTED"))
    try:
        box.client._simple_command("ID", _ID)  # noqa: SLF001 - imaplib knows no such command
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:
        log.info("The server does not take ID, though it says so.")


# ------------------------------------------------------------------------------------------ login


def _authenticate(box: BaseMailBox, settings: Mailbox, tokens: AccessTokens | None, known: KnownSecrets) -> None:
    if box.client.state != "NONAUTH":  # PREAUTH: the server knows who we are
        return
    if tokens is None:
        password = _password(settings)
        known.learn(password)
        with _login_errors(settings, known):
            _by_password(box, settings, password)
        return
    token = _current(tokens)
    try:
        _by_token(box, settings, token, known)
    except LoginRefused:
        # It may have been withdrawn, or have expired on the server's clock.
        tokens.refused(token)
        _by_token(box, settings, _current(tokens), known)


def _current(tokens: AccessTokens) -> str:
    try:
        return tokens.current()
    except TokenRefused as error:
        raise LoginRefused(str(error)) from error
    except TokenUnavailable as error:
        raise SourceUnavailable(str(error)) from error


def _by_password(box: BaseMailBox, settings: Mailbox, password: str) -> None:
    plain_only = "LOGINDISABLED" in box.client.capabilities and "AUTH=PLAIN" in box.client.capabilities
    if plain_only or not (settings.username + password).isascii():
        box.login_utf8(settings.username, password, initial_folder=None)
        return
    if "LOGINDISABLED" in box.client.capabilities:
        raise SourceUnavailable(f"{settings.host}: the server takes no password here: set tls to implicit or starttls")
    box.login(settings.username, password, initial_folder=None)


def _password(settings: Mailbox) -> str:
    if settings.password is None:
        raise SourceUnavailable(f"{settings.host}: neither password nor oauth2 is configured")
    try:
        password = settings.password.reveal()
    except ValueError as error:
        raise SourceUnavailable(f"{settings.host}: the password cannot be read: {error}") from error
    if re.search(r"[\r\n\0]", password + settings.username):
        raise SourceUnavailable(f"{settings.host}: user name and password must be one line each")
    return password


def _by_token(box: BaseMailBox, settings: Mailbox, token: str, known: KnownSecrets) -> None:
    # The second challenge tells why it was refused, and wants an empty answer.
    answers = iter([f"user={settings.username}\1auth=Bearer {token}\1\1".encode()])
    with _login_errors(settings, known):
        box.client.authenticate("XOAUTH2", lambda _: next(answers, b""))


@contextlib.contextmanager
def _login_errors(settings: Mailbox, known: KnownSecrets) -> Iterator[None]:
    with translated(settings.host, known):
        try:
            yield
        except imaplib.IMAP4.abort:
            raise
        except (imaplib.IMAP4.error, ImapToolsError) as error:
            # Some servers repeat what they did not understand.
            raise _as_refused(settings, said(error, known)) from error


def _as_refused(settings: Mailbox, text: str) -> SourceUnavailable:
    if _PASSING.search(text):
        return SourceUnavailable(f"{settings.host}: no login now: {text}")
    hint = login_hint(settings)
    return LoginRefused(
        f"{settings.host}: the login of {settings.username} is refused: {text}" + (hint and f"; {hint}")
    )


def login_hint(settings: Mailbox) -> str:
    """What usually helps where this provider refuses a login."""
    if settings.oauth2 is not None:
        return "see whether the application may use IMAP (scope, consent) and the user name is the mailbox's address"
    host = settings.host.lower().rstrip(".")
    if host.endswith(_COMPANY_PASSWORDS):
        return "switch IMAP on in the mailbox's settings and use its 客户端专用密码, not the password of the web page"
    if host.endswith(_OWN_PASSWORDS):
        return "switch IMAP on in the mailbox's settings and use its 授权码, not the password of the web page"
    return "see user name and password, and whether IMAP is switched on"
