"""An SMTP server that keeps what it is sent, and refuses what it is told to."""

from __future__ import annotations

import base64
import re
import secrets
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Literal, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.servers.certificates import Certificate, make_certificate
from tests.support.servers.process import LOOPBACK, Served, free_port, served_folder
from tests.support.waiting import wait_for

Stage = Literal["CONNECT", "AUTH", "MAIL", "RCPT", "DATA"]
_OK = "250 OK"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One mail as it came over the wire; an empty sender is ``""``."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    login: str | None
    tls: bool

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)


@dataclass(slots=True, kw_only=True)
class _Refusal:
    reply: str
    times: int | None
    close: bool
    pattern: re.Pattern[str]
    nameless: bool


class SmtpSink(Served):
    """Takes every mail, by default without TLS and without a login.

    With `username` and `password` nothing is taken before a login (PLAIN, LOGIN, or XOAUTH2 with `token` as the
    access token). With `tls` a certificate of `ca_file` is shown. With `pipelining` it says that it takes several
    commands at once, as nearly all servers do.
    """

    def __init__(
        self,
        *,
        tls: Literal["none", "starttls", "implicit"] = "none",
        username: str | None = None,
        password: str = "secret",
        token: str | None = None,
        pipelining: bool = True,
    ) -> None:
        self.host = LOOPBACK
        self.port = free_port()
        self.tls = tls
        self.username = username
        self.password = password
        self.token = token
        self.pipelining = pipelining
        self.goes_on_anyway = False  # at DATA, though it has refused the recipient
        self.received: list[Received] = []
        self.folder = served_folder("smtp")
        self._certificate: Certificate | None = make_certificate(self.folder) if tls != "none" else None
        self.ca_file = self._certificate.ca_file if self._certificate else None
        self._refusals: dict[str, _Refusal] = {}
        self._controller: Controller | None = None

    def start(self) -> None:
        """Listen, on the same port as before."""
        context = self._certificate.server_context() if self._certificate else None
        self._controller = Controller(
            _Conversation(self),
            hostname=self.host,
            port=self.port,
            ready_timeout=30,
            ssl_context=context if self.tls == "implicit" else None,
            tls_context=context if self.tls == "starttls" else None,
            require_starttls=self.tls == "starttls",
            auth_require_tls=False,
            auth_exclude_mechanism=[] if self.username else ["PLAIN", "LOGIN", "XOAUTH2"],
            authenticator=self._authenticate,
            decode_data=False,
            server_hostname="sink.example.com",
        )
        self._controller.start()

    def stop(self) -> None:
        """Refuse connections; what was received is kept."""
        if self._controller is not None:
            self._controller.stop()
        self._controller = None

    def refuse(
        self,
        stage: Stage,
        reply: str,
        *,
        times: int | None = None,
        close: bool = False,
        matching: str = "",
        nameless: bool = False,
    ) -> None:
        """Answer `reply` (such as ``"450 4.2.0 later"``) at this stage, `times` times or until `accept`.

        `matching` is looked for in the address (MAIL, RCPT) or in the mail (DATA). With `close` the connection is
        cut instead of answered; at DATA that is after the mail was received and kept: it is in doubt for the client.
        `nameless`: only what has an empty envelope sender.
        """
        pattern = re.compile(matching)
        self._refusals[stage] = _Refusal(reply=reply, times=times, close=close, pattern=pattern, nameless=nameless)

    def accept(self) -> None:
        """Refuse nothing any more."""
        self._refusals.clear()

    def clear(self) -> None:
        """Forget what was received, and refuse nothing."""
        self.received.clear()
        self.goes_on_anyway = False
        self.accept()

    def wait_for(self, count: int = 1, *, to: str | None = None, timeout: float = 10.0) -> list[Received]:
        """The mails received (of one recipient), once they are at least `count`."""

        def arrived() -> list[Received]:
            found = [mail for mail in list(self.received) if to is None or to in mail.recipients]
            return found if len(found) >= count else []

        return wait_for(arrived, timeout, f"{count} mail(s) at the SMTP sink")

    def _refusal(self, stage: Stage, text: str, sender: str | None = None) -> _Refusal | None:
        refusal = self._refusals.get(stage)
        if refusal is None or not refusal.pattern.search(text):
            return None
        if refusal.nameless and (sender or "").removeprefix("<>"):
            return None
        if refusal.times is not None:
            refusal.times -= 1
            if refusal.times == 0:
                del self._refusals[stage]
        return refusal

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        refusal = self._refusal("AUTH", "")
        if refusal is not None:
            return AuthResult(success=False, handled=False, message=refusal.reply)
        wanted = (str(self.username).encode(), self.password.encode())
        success = secrets.compare_digest(b"\0".join(wanted), b"\0".join((data.login, data.password)))
        return AuthResult(success=success, handled=False, auth_data=data)


class _Conversation:
    """What aiosmtpd calls for each command."""

    def __init__(self, sink: SmtpSink) -> None:
        self._sink = sink

    async def handle_EHLO(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        refusal = self._sink._refusal("CONNECT", "")
        if refusal is not None:
            return [_ended(server, refusal)]
        return [responses[0], "250-PIPELINING", *responses[1:]] if self._sink.pipelining else responses

    async def handle_MAIL(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._sink.username is not None and not session.authenticated:
            return "530 5.7.0 Authentication required"
        refusal = self._sink._refusal("MAIL", address)
        if refusal is not None:
            return _ended(server, refusal)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return _OK

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self._sink._refusal("RCPT", address, envelope.mail_from)
        if refusal is not None:
            envelope.rcpt_tos += [""] if self._sink.goes_on_anyway else []
            return _ended(server, refusal)
        envelope.rcpt_tos.append(address)
        return _OK

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        raw = cast("bytes", envelope.content)
        refusal = self._sink._refusal("DATA", raw.decode("utf-8", "replace"), envelope.mail_from)
        if refusal is None or refusal.close:
            self._keep(session, envelope, raw)
        return _OK if refusal is None else _ended(server, refusal)

    def _keep(self, session: Session, envelope: Envelope, raw: bytes) -> None:
        login = session.auth_data.login.decode() if isinstance(session.auth_data, LoginPassword) else None
        self._sink.received.append(
            Received(
                sender=(envelope.mail_from or "").removeprefix("<>"),
                recipients=tuple(envelope.rcpt_tos),
                raw=raw,
                login=login,
                tls=self._sink.tls != "none",
            )
        )

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        """RFC-less: ``user=NAME^Aauth=Bearer TOKEN^A^A``, in the command or after an empty challenge."""
        data = base64.b64decode(args[1]) if len(args) > 1 else await server.challenge_auth("")
        wanted = f"user={self._sink.username}\1auth=Bearer {self._sink.token}\1\1".encode()
        success = self._sink.token is not None and data == wanted
        return AuthResult(
            success=success, handled=False, auth_data=LoginPassword(str(self._sink.username).encode(), b"")
        )


def _ended(server: SMTP, refusal: _Refusal) -> str:
    if refusal.close and server.transport is not None:
        cast("Any", server.transport).abort()
    return refusal.reply
