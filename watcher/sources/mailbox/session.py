"""The commands that are needed of a logged-in connection.

imap-tools knows folders; what it does to flags and moves is not used, because it expunges whatever anybody has marked
as deleted.
"""

from __future__ import annotations

import contextlib
import imaplib
import select
import socket
import ssl
from collections.abc import Sequence
from datetime import datetime
from io import BufferedReader
from typing import cast

from imap_tools.utils import encode_folder

from watcher.sources.mailbox.connection import CommandRefused, Connection, checked
from watcher.sources.mailbox.grammar import Malformed, Value, attributes, number, responses
from watcher.sources.mailbox.uids import among, uid_set
from watcher.tls import ends_at


class Session(Connection):
    """A connection with the folder that is open on it."""

    selected: tuple[str, bool] | None = None  # folder, and whether it may only be read
    uidvalidity = "0"
    permanent_flags: frozenset[str] | None = None  # in small letters; None: the server does not tell

    # -------------------------------------------------------------------------------------- folders

    def select(self, folder: str, *, readonly: bool) -> str:
        """Open a folder, in its present state; its UIDVALIDITY."""
        with self._working():
            self.selected = None
            self._box.folder.set(folder, readonly)
            self.selected = (folder, readonly)
            self.uidvalidity = self._validity()
            self.permanent_flags = self._flags()
            self._client.untagged_responses.clear()
            self._news = False
            return self.uidvalidity

    def _validity(self) -> str:
        told = self._client.response("UIDVALIDITY")[1]
        return told[0].decode("ascii", "replace").strip() if told and told[0] else "0"

    def _flags(self) -> frozenset[str] | None:
        told = self._client.response("PERMANENTFLAGS")[1]
        if not told or told[0] is None:
            return None
        return frozenset(told[0].decode("ascii", "replace").strip("() ").lower().split())

    def listed(self, folder: str) -> list[Value] | None:
        """The server's line on a folder (flags, delimiter, name); None: there is none. "" is for the delimiter."""
        lines = self.untagged("LIST", '""', encode_folder(folder))
        return next((line for line in lines if _exists(line)), None)

    def folder_names(self) -> list[bytes]:
        """All of them, as the server writes them."""
        return [line[2] for line in self.untagged("LIST", '""', '"*"') if _exists(line) and isinstance(line[2], bytes)]

    def personal_namespace(self) -> tuple[bytes, bytes | None] | None:
        """Prefix and delimiter of one's own folders, where the server tells."""
        lines = self.untagged("NAMESPACE") if self.has("NAMESPACE") else []
        first = lines[0][0] if lines and lines[0] else None
        entry = first[0] if isinstance(first, list) and first else None
        if not isinstance(entry, list) or len(entry) < 2 or not isinstance(entry[0], bytes):  # noqa: PLR2004 - both
            return None
        return entry[0], entry[1] if isinstance(entry[1], bytes) else None

    def certificate_ends(self) -> datetime | None:
        """Until when the server's certificate is valid; None without TLS."""
        return ends_at(self._client.sock)

    def create(self, folder: str) -> None:
        """Make a folder, and show it to mail programs that show only what is subscribed to."""
        with self._working():
            self._box.folder.create(folder)
        with contextlib.suppress(CommandRefused), self._working():
            self._box.folder.subscribe(folder, value=True)

    # ----------------------------------------------------------------------------------------- mails

    def search(self, *criteria: str | bytes) -> list[int]:
        """UIDs in ascending order."""
        data = self._uid("SEARCH", *criteria)
        words = b" ".join(line for line in data if isinstance(line, bytes)).split()
        return sorted({int(word) for word in words if word.isdigit()})

    def fetch(self, uids: Sequence[int], items: str) -> list[dict[str, Value]]:
        """The attributes of each of these mails that is there; what was not asked for may be among the answers."""
        data = self._uid("FETCH", uid_set(uids), f"(UID {items})")
        found = []
        for response in responses(data):
            with contextlib.suppress(Malformed):
                found.append(attributes(response))
        wanted = set(uids)
        return [each for each in found if number(each.get("UID")) in wanted]

    def store(self, uids: Sequence[int], flags: str) -> None:
        self._uid("STORE", uid_set(uids), "+FLAGS.SILENT", f"({flags})")

    def copy(self, uid: int, folder: str) -> bool:
        """Whether the server says where the copy is (COPYUID): it need not, even with UIDPLUS."""
        self._uid("COPY", str(uid), encode_folder(folder))
        return any(self._client.response("COPYUID")[1])

    def move(self, uids: Sequence[int], folder: str) -> Sequence[int]:
        """Those that were moved, as COPYUID has it; those that are gone, where the server does not tell."""
        self._uid("MOVE", uid_set(uids), encode_folder(folder))
        told = [line for line in self._client.response("COPYUID")[1] if line]
        return among(uids, told) if told else self._gone(uids)

    def _gone(self, uids: Sequence[int]) -> list[int]:
        """Those that are in the selected folder no more: there are servers that say OK and move nothing."""
        left = set(self.search("UID", uid_set(uids)))
        return [uid for uid in uids if uid not in left]

    def expunge(self, uid: int) -> None:
        """Of just this mail: only where UIDPLUS is."""
        self._uid("EXPUNGE", str(uid))

    def noop(self) -> None:
        with self._working(), self._impatient():
            checked(self._client.noop())

    # ------------------------------------------------------------------------------------------ idle

    def idle(self, seconds: float, wake: int) -> None:
        """Return when the server says anything, when `wake` (a file descriptor) is readable, or when time is over."""
        if self._news:
            self._news = False
            return
        with self._working(extra_seconds=max(0.0, seconds)), self._impatient():
            tag = self._client._command("IDLE")  # noqa: SLF001 - imap-tools does the same
            told = False
            while self._client._get_response() is not None:  # noqa: SLF001 - as above
                told = True
                if self._client.tagged_commands[tag]:
                    raise imaplib.IMAP4.error(str(self._client.tagged_commands.pop(tag)))
            if not told and not self._has_buffered():
                _wait_readable(self._client.sock, wake, seconds)
            self._client.send(b"DONE\r\n")
            self._box.consume_until_tagged_response(tag)

    def _has_buffered(self) -> bool:
        """Whether bytes were read from the socket together with the go-ahead: polling it would not show them."""
        own_buffer = getattr(self._client, "_readbuf", None)  # Python 3.14
        if own_buffer is not None:
            return bool(own_buffer)
        timeout = self._client.sock.gettimeout()
        self._client.sock.settimeout(0)
        try:
            return bool(cast("BufferedReader", self._client.file).peek(1))
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        finally:
            self._client.sock.settimeout(timeout)


def _exists(line: list[Value]) -> bool:
    if len(line) < 3:  # noqa: PLR2004 - flags, delimiter, name
        return False
    flags = line[0] if isinstance(line[0], list) else []
    return not any(isinstance(flag, bytes) and flag.lower() == b"\\nonexistent" for flag in flags)


def _wait_readable(sock: socket.socket, wake: int, seconds: float) -> None:
    poller = select.poll()
    poller.register(sock, select.POLLIN)
    poller.register(wake, select.POLLIN)
    poller.poll(max(0.0, seconds) * 1000)
