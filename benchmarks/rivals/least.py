"""The least that each way takes in this language: a floor to read the targets by, and nothing that anybody would use.

    python least.py intake JOURNAL FILES HOST PORT USER PASSWORD
    python least.py mailbox JOURNAL FILES HOST PORT USER PASSWORD OCR UPLOAD SMTP-HOST SMTP-PORT
    python least.py folder JOURNAL INBOX DONE OCR [UPLOAD]
    python least.py --requests mailbox … | folder …

One process, one thread, sockets that are kept. Each step is there on which a promise of the daemon stands: contents are
hashed and on the disk before they are recorded, recorded before they are posted, and what came of it is recorded before
anybody hears of it. Each is done in the cheapest way and for many documents at once, for mails and files of just the
shape that the benchmark makes; whatever goes wrong ends it. With `--requests` HTTP goes through the library that the
daemon and the script use, and all else stays as it is.
"""

from __future__ import annotations

import ctypes
import hashlib
import http.client
import itertools
import json
import os
import re
import select
import smtplib
import socket
import sqlite3
import struct
import sys
import time
import urllib.parse
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import pybase64

BATCH = 100
GATHER_SECONDS = 0.02
BASE_URL = "https://files.example/inbox/"
USER_CODE = "903851"
_CLOSE_WRITE, _MOVED_TO = 0x8, 0x80
_EVENT = struct.Struct("iIII")
_EVENTS_BYTES = 1 << 18
_LITERAL = re.compile(rb"\{(\d+)\}\r\n$")


class Document(NamedTuple):
    """`uid` and `header` are of a mail."""

    name: str
    content: bytes
    sha256: str
    uid: bytes = b""
    header: bytes = b""


# ------------------------------------------------------------------------------------------------- journal


def journal(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE documents (sha256 PRIMARY KEY, name, size, biz_id, expense, closed DEFAULT 0)")
    return connection


def record(rows: sqlite3.Connection, documents: Sequence[Document]) -> list[str]:
    """The number under which each will be posted."""
    numbers = [str(uuid.uuid4()) for _ in documents]
    write(
        rows, "INSERT INTO documents (sha256, name, size, biz_id) VALUES (?, ?, ?, ?)",
        [(each.sha256, each.name, len(each.content), number) for each, number in zip(documents, numbers, strict=True)],
    )  # fmt: skip
    return numbers


def write(rows: sqlite3.Connection, statement: str, values: Sequence[Sequence[object]]) -> None:
    rows.execute("BEGIN IMMEDIATE")
    rows.executemany(statement, values)
    rows.execute("COMMIT")


def settle(rows: sqlite3.Connection, documents: Sequence[Document], expenses: Sequence[str]) -> None:
    given = [(expense, each.sha256) for each, expense in zip(documents, expenses, strict=True)]
    write(rows, "UPDATE documents SET expense = ? WHERE sha256 = ?", given)


def close(rows: sqlite3.Connection, documents: Sequence[Document]) -> None:
    write(rows, "UPDATE documents SET closed = 1 WHERE sha256 = ?", [(each.sha256,) for each in documents])


def sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


# ------------------------------------------------------------------------------------------------- posting


Send = Callable[[str, bytes, dict[str, str]], bytes]
"""A method, a body and its headers: what came back."""


def plainly(url: str) -> Send:
    """By a connection of its own."""
    where = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(where.netloc)

    def send(method: str, body: bytes, headers: dict[str, str]) -> bytes:
        connection.request(method, where.path, body, headers)
        return connection.getresponse().read()

    return send


def by_requests(url: str) -> Send:
    """By a session of its own."""
    import requests  # here: the other way does without

    session = requests.Session()

    def send(method: str, body: bytes, headers: dict[str, str]) -> bytes:
        return session.request(method, url, data=body, headers=headers).content

    return send


class Endpoint:
    """Without `upload` files have an address already."""

    def __init__(self, ocr: str, upload: str | None, ways: Callable[[str], Send]) -> None:
        self._post, self._put = ways(ocr), ways(upload or ocr)
        self._uploads = upload is not None

    def expense(self, document: Document, number: str) -> str:
        address = self._uploaded(document) if self._uploads else f"{BASE_URL}{USER_CODE}/{document.name}"
        data = {"attachment_url": address, "purchase_invoice": "N", "create_expense": "Y", "user_code": USER_CODE}
        body = json.dumps({"data": data, "bizId": number, "timestamp": int(time.time() * 1000)}).encode()
        (found,) = json.loads(self._post("POST", body, {"Content-Type": "application/json"}))["data"]
        return str(found["expense_result"]["expense_id"])

    def _uploaded(self, document: Document) -> str:
        answer = self._put("PUT", document.content, {"Content-Type": "application/pdf"})
        return str(json.loads(answer)["data"]["attachment_url"])


# ------------------------------------------------------------------------------------------------- mailbox


class Mailbox:
    """An INBOX of mails whose second part is a PDF."""

    def __init__(self, host: str, port: str, user: str, password: str) -> None:
        self._socket = socket.create_connection((host, int(port)))
        self._lines = self._socket.makefile("rb", 1 << 18)
        self._lines.readline()
        self._do(f"LOGIN {user} {password}")
        self._do("SELECT INBOX")

    def uids(self) -> list[bytes]:
        (found,) = (line for line in self._do("UID SEARCH ALL") if line.startswith(b"* SEARCH"))
        return found.split()[2:]

    def documents(self, uids: Sequence[bytes]) -> Iterator[Document]:
        header = "BODY.PEEK[HEADER.FIELDS (FROM SUBJECT MESSAGE-ID)]"
        self._send(f"UID FETCH {b','.join(uids).decode()} (UID {header} BODY.PEEK[2])")
        for _ in uids:
            uid, header_bytes, encoded = self._fetched()
            content = pybase64.b64decode(encoded.translate(None, b"\r\n"))
            name = f"{uid.decode()}.pdf"
            yield Document(name, content, hashlib.sha256(content).hexdigest(), uid, header_bytes)
        self._answered()

    def move(self, uids: Sequence[bytes], folder: str) -> None:
        self._do(f"UID MOVE {b','.join(uids).decode()} {folder}")

    def _fetched(self) -> tuple[bytes, bytes, bytes]:
        """`* 1 FETCH (UID 1 BODY[HEADER…] {n} … BODY[2] {n} …)`."""
        line = self._lines.readline()
        header = self._literal(line)
        encoded = self._literal(self._lines.readline())
        self._lines.readline()
        return line.split(b"UID ", 1)[1].split(b" ", 1)[0], header, encoded

    def _literal(self, line: bytes) -> bytes:
        found = _LITERAL.search(line)
        if found is None:
            raise SystemExit(f"unexpected: {line!r}")
        return bytes(self._lines.read(int(found[1])))

    def _do(self, command: str) -> list[bytes]:
        self._send(command)
        return self._answered()

    def _send(self, command: str) -> None:
        self._socket.sendall(f"a {command}\r\n".encode())

    def _answered(self) -> list[bytes]:
        lines = []
        while not (line := self._lines.readline()).startswith(b"a "):
            lines.append(line)
        if not line.startswith(b"a OK"):
            raise SystemExit(f"refused: {line!r}")
        return lines


def store(folder: str, document: Document) -> None:
    descriptor = os.open(f"{folder}/{document.name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(descriptor, document.content)
    os.fsync(descriptor)
    os.close(descriptor)


def taken(rows: sqlite3.Connection, folder: str, box: Mailbox) -> Iterator[tuple[list[Document], list[str]]]:
    """Batches that are stored and recorded, each with its numbers."""
    for uids in _batches(box.uids()):
        documents = []
        for document in box.documents(uids):
            store(folder, document)
            documents.append(document)
        sync(folder)
        yield documents, record(rows, documents)


def _batches(uids: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (uids[start : start + BATCH] for start in range(0, len(uids), BATCH))


def intake(path: str, folder: str, *where: str) -> None:
    rows = journal(path)
    print("ready", flush=True)
    for _ in taken(rows, folder, Mailbox(*where)):
        pass


def mailbox(path: str, folder: str, *words: str, ways: Callable[[str], Send] = plainly) -> None:
    rows, endpoint = journal(path), Endpoint(words[4], words[5], ways)
    print("ready", flush=True)
    box = Mailbox(*words[:4])
    with smtplib.SMTP(words[6], int(words[7])) as smtp:
        for documents, numbers in taken(rows, folder, box):
            pairs = zip(documents, numbers, strict=True)
            expenses = [endpoint.expense(document, number) for document, number in pairs]
            settle(rows, documents, expenses)
            for document, expense in zip(documents, expenses, strict=True):
                reply(smtp, document, expense)
            box.move([each.uid for each in documents], "Done")
            close(rows, documents)


def reply(smtp: smtplib.SMTP, document: Document, expense: str) -> None:
    fields = dict(line.split(b": ", 1) for line in document.header.strip().split(b"\r\n"))
    to = fields[b"From"]
    lines = (
        b"From: fapiao@corp.example", b"To: " + to, b"Subject: Re: " + fields[b"Subject"],
        b"In-Reply-To: " + fields[b"Message-ID"], b"Auto-Submitted: auto-replied",
        b"Content-Type: text/plain; charset=utf-8", b"", f"已创建消费记录: {expense}".encode(), b"",
    )  # fmt: skip
    smtp.sendmail("fapiao@corp.example", to.decode(), b"\r\n".join(lines))


# -------------------------------------------------------------------------------------------------- folder


def folder(
    path: str, inbox: str, done: str, ocr: str, upload: str | None = None, *, ways: Callable[[str], Send] = plainly
) -> None:
    """Deals with each file that is closed after writing in INBOX, and moves it to DONE."""
    rows, endpoint, names = journal(path), Endpoint(ocr, upload, ways), _closed(inbox)
    for batch in names:
        documents = [_read(inbox, name) for name in batch]
        numbers = record(rows, documents)
        settle(rows, documents, [endpoint.expense(*pair) for pair in zip(documents, numbers, strict=True)])
        for name in batch:
            os.rename(f"{inbox}/{name}", f"{done}/{name}")  # noqa: PTH104 - the cheapest way
        sync(done)
        sync(inbox)
        close(rows, documents)


def _read(inbox: str, name: str) -> Document:
    descriptor = os.open(f"{inbox}/{name}", os.O_RDONLY)
    content = os.read(descriptor, os.fstat(descriptor).st_size)
    os.close(descriptor)
    return Document(name, content, hashlib.sha256(content).hexdigest())


def _closed(inbox: str) -> Iterator[tuple[str, ...]]:
    """Names, at most so many at once, as the kernel tells them."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init()
    if descriptor < 0 or libc.inotify_add_watch(descriptor, inbox.encode(), _CLOSE_WRITE | _MOVED_TO) < 0:
        raise OSError(ctypes.get_errno(), "inotify")
    print("ready", flush=True)
    while True:
        select.select([descriptor], [], [])
        time.sleep(GATHER_SECONDS)  # for several at once
        names = _names(os.read(descriptor, _EVENTS_BYTES))
        while batch := tuple(itertools.islice(names, BATCH)):
            yield batch


def _names(events: bytes) -> Iterator[str]:
    place = 0
    while place < len(events):
        length = _EVENT.unpack_from(events, place)[3]
        place += _EVENT.size + length
        yield events[place - length : place].rstrip(b"\0").decode()


if __name__ == "__main__":
    words = sys.argv[1:]
    ways: dict[str, Callable[..., None]] = {"intake": intake, "mailbox": mailbox, "folder": folder}
    if words[0] == "--requests":
        ways[words[1]](*words[2:], ways=by_requests)
    else:
        ways[words[0]](*words[1:])
