"""An SMTP sink for many mails a second: takes every mail, counts it, and keeps nothing."""

from __future__ import annotations

import asyncio

from benchmarks.servers.endpoint import Ledger

_END = b"\r\n.\r\n"
_ANSWERS = {
    b"EHLO": b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000000\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 goodbye\r\n",
}


class Session(asyncio.Protocol):
    """One connection."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._buffer = bytearray()
        self._in_mail = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink.example ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._transport is not None and (taken := self._next()):
            command = taken[:4].upper()
            if self._in_mail:
                self._in_mail = False
                self._ledger.mails += 1
                self._transport.write(b"250 taken\r\n")
            else:
                self._in_mail = command == b"DATA"
                self._transport.write(_ANSWERS.get(command, b"250 ok\r\n"))
                if command == b"QUIT":
                    self._transport.close()

    def _next(self) -> bytes:
        """The next line, or the next mail; nothing where it is not whole yet."""
        mark = _END if self._in_mail else b"\r\n"
        end = self._buffer.find(mark)
        if end < 0:
            return b""
        taken = bytes(self._buffer[: end + len(mark)])
        del self._buffer[: end + len(mark)]
        return taken
