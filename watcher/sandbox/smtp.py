"""An SMTP server that takes every mail and keeps it, in memory and, where wanted, as files to look at."""

from __future__ import annotations

import asyncio
import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session
from msgspec import Struct

from watcher.sandbox.loop import LoopThread

LOOPBACK = "127.0.0.1"
_ODD = re.compile(r"[^A-Za-z0-9@._-]+")


class TakenMail(Struct, frozen=True, kw_only=True):
    """A mail as it came; an empty envelope sender is ``""``."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    path: Path | None  # its .eml file; .html and .txt beside it have its bodies

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)


class SandboxSmtp:
    """Listens on the loopback interface without TLS and login. `port` 0 is a free one; `folder` must exist."""

    def __init__(self, *, folder: Path | None = None, port: int = 0) -> None:
        self.host = LOOPBACK
        self.port = port
        self._folder = folder
        self._loop = LoopThread("sandbox-smtp")
        self._server: asyncio.Server | None = None
        self._mails: list[TakenMail] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def mails(self) -> list[TakenMail]:
        """All so far, in their order."""
        return list(self._mails)

    def start(self) -> None:
        self._loop.start()
        self._loop.call(self._serve())

    def stop(self) -> None:
        self._loop.call(self._close())
        self._loop.stop()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="sandbox.example", loop=loop, decode_data=False, enable_SMTPUTF8=True),
            host=self.host,
            port=self.port,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        recipients = tuple(envelope.rcpt_tos)
        path = self._write(raw, recipients) if self._folder is not None else None
        sender = (envelope.mail_from or "").removeprefix("<>")
        self._mails.append(TakenMail(sender=sender, recipients=recipients, raw=raw, path=path))
        return "250 2.0.0 OK"

    def _write(self, raw: bytes, recipients: tuple[str, ...]) -> Path:
        assert self._folder is not None  # noqa: S101 - for the type checker
        recipient = _ODD.sub("_", recipients[0]).lstrip(".")[:80]
        path = self._folder / f"{len(self._mails) + 1:03d}-{recipient}.eml"
        path.write_bytes(raw)
        message = message_from_bytes(raw, policy=policy.default)
        for kind, ending in (("html", ".html"), ("plain", ".txt")):
            part = message.get_body((kind,))
            if part is not None:
                path.with_suffix(ending).write_text(part.get_content(), encoding="utf-8")
        return path
