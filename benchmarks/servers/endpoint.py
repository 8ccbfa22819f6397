"""HTTP for many requests a second: recognition, upload, and what the benchmark asks. Nothing is kept of an upload.

A request for recognition is read as the sandbox's endpoint reads it, and refused where it is not as documented. The
answer is the sandbox's for one invoice, made once: only the address and the numbers differ.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from collections.abc import Callable
from functools import partial

from watcher.sandbox.endpoint_content import invoice, number, to_json
from watcher.sandbox.endpoint_rules import PARAMETERS_REFUSED, RefusedRequestError, read_json, read_order

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_PLACE, _EXPENSE = "https://place.example/", "9999999999"
_FIRST_NUMBER = 26_000_000_000_000_000_000


class Ledger:
    """What came, for all connections."""

    def __init__(self, *, latency: float) -> None:
        self.latency = latency
        self.clear()

    def clear(self) -> None:
        self.arrivals: list[tuple[float, str, str]] = []
        self.uploads = self.mails = self.answered = self.under_way = self.most_at_once = 0

    def counts(self) -> dict[str, int]:
        names = ("answered", "uploads", "mails", "under_way", "most_at_once")
        return {"posts": len(self.arrivals)} | {name: getattr(self, name) for name in names}


def _template() -> Callable[[str, int], bytes]:
    """Gives the answer for an address and a number."""
    found = invoice(_PLACE, 0)
    its_number = found["ocr_result"]["invoice_num"]
    item = found | {"expense_result": {"expense_id": number(_EXPENSE), "invoice_status": "Y"}}
    text = to_json({"resCode": 200000, "resMsg": "success", "data": [item]})
    parts = re.split("|".join(map(re.escape, (_PLACE, its_number, _EXPENSE))), text)
    kinds = re.findall("|".join(map(re.escape, (_PLACE, its_number, _EXPENSE))), text)

    def answer(address: str, count: int) -> bytes:
        words = {_PLACE: address, its_number: str(_FIRST_NUMBER + count), _EXPENSE: str(387_000_000 + count)}
        return "".join(part + words.get(kind, "") for part, kind in zip(parts, [*kinds, ""], strict=True)).encode()

    return answer


_answer = _template()


class Conversation(asyncio.Protocol):
    """One connection; requests may follow one another on it."""

    _numbers = itertools.count(1)

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._buffer = bytearray()
        self._head = b""  # of the request whose body is coming
        self._left: int | None = None  # of an upload's body, which is not kept
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._left is not None:
            self._swallow(data)
            return
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:end])
            if _CHUNKED.search(head):
                self._reply(b"{}", status=b"411 Length Required")
                return
            found = _LENGTH.search(head)
            length = int(found[1]) if found else 0
            if b" /upload" in head[:40]:
                rest = bytes(self._buffer[end + 4 :])
                self._buffer.clear()
                self._left = length
                if b"\r\nexpect: 100" in head.lower() and self._transport is not None:
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                self._swallow(rest)
                return
            if len(self._buffer) < end + 4 + length:
                return
            body = bytes(self._buffer[end + 4 : end + 4 + length])
            del self._buffer[: end + 4 + length]
            self._respond(head, body)

    def _swallow(self, data: bytes) -> None:
        assert self._left is not None
        self._left -= len(data)
        if self._left <= 0:
            rest, self._left = data[len(data) + self._left :], None
            self._ledger.uploads += 1
            address = f"https://files.example/invoices/{self._ledger.uploads}.pdf"
            self._reply(b'{"resCode":200000,"resMsg":"success","data":{"attachment_url":"%s"}}' % address.encode())
            if rest:
                self.data_received(rest)

    def _respond(self, head: bytes, body: bytes) -> None:
        method, path = head.split(b" ", 2)[:2]
        if path == b"/ocr":
            self._recognise(body)
        elif path == b"/counts" and method == b"DELETE":
            self._ledger.clear()
            self._reply(b"{}")
        elif path == b"/counts":
            self._reply(json.dumps(self._ledger.counts()).encode())
        elif path == b"/arrivals":
            self._reply(json.dumps(self._ledger.arrivals).encode())
        elif path.startswith(b"/latency/"):
            self._ledger.latency = float(path.rpartition(b"/")[2])
            self._reply(b"{}")
        else:
            self._reply(b"{}", status=b"404 Not Found")

    def _recognise(self, body: bytes) -> None:
        ledger = self._ledger
        try:
            order = read_order(read_json(body))
        except (RefusedRequestError, ValueError) as error:
            refused = {"resCode": PARAMETERS_REFUSED, "resMsg": str(error)}
            self._reply(json.dumps(refused, ensure_ascii=False).encode())
            return
        ledger.arrivals.append((time.monotonic(), order.attachment_url, order.biz_id))
        ledger.under_way += 1
        ledger.most_at_once = max(ledger.most_at_once, ledger.under_way)
        done = partial(self._recognised, order.attachment_url)
        if ledger.latency:
            asyncio.get_running_loop().call_later(ledger.latency, done)
        else:
            done()

    def _recognised(self, address: str) -> None:
        self._ledger.under_way -= 1
        self._ledger.answered += 1
        self._reply(_answer(address, next(self._numbers)))

    def _reply(self, body: bytes, *, status: bytes = b"200 OK") -> None:
        if self._transport is not None and not self._transport.is_closing():
            head = b"HTTP/1.1 %s\r\nContent-Type: application/json;charset=UTF-8\r\nContent-Length: %d\r\n\r\n"
            self._transport.write(head % (status, len(body)) + body)
