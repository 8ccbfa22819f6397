"""One logged-in connection, and the commands that are needed of it.

imap-tools makes the connection and knows folders; what it does to flags and moves is not used,
because it expunges whatever anybody has marked as deleted.
"""

from __future__ import annotations

import contextlib
import imaplib
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from io import BufferedReader
from typing import Any, cast

from imap_tools import BaseMailBox
from imap_tools.errors import ImapToolsError, UnexpectedCommandStatusError
from imap_tools.utils import encode_folder

from watcher.deadline import Deadline, Flight, Watchdog
from watcher.errors import SourceUnavailable
from watcher.headers import clean, decode_bytes, server_words
from watcher.secrecy import KnownSecrets
from watcher.sources.mailbox.grammar import Malformed, Value, attributes, number, parse, responses
from watcher.tls import ends_at, speaks_no_tls

_LOGOUT_SECONDS = 3.0
_PATIENCE_SECONDS = 20.0  # for answers that no server needs time for


class CommandRefused(SourceUnavailable):
    """The server answered NO or BAD; the connection is as good as before."""


class Session:
    """A connection after its login. A failure of it closes it at once (`broken`); a refused command does not.

    Every method raises SourceUnavailable, or CommandRefused where the server says no.
    """

    def __init__(
        self,
        box: BaseMailBox,
        *,
        host: str,
        known: KnownSecrets,
        capabilities: frozenset[str],
        watchdog: Watchdog,
        exchange_seconds: float,
    ) -> None:
        """`watchdog` cuts off an exchange that takes longer than `exchange_seconds`; `known` is never repeated."""
        self.capabilities = capabilities
        self.broken = False
        self.selected: tuple[str, bool] | None = None  # folder, and whether it may only be read
        self.uidvalidity = "0"
        self.permanent_flags: frozenset[str] | None = None  # in small letters; None: the server does not tell
        self.used_at = time.monotonic()
        self.beat: Callable[[], None] = lambda: None  # hears of every command on mails that is begun
        self._news = False  # mail was announced beside another answer
        self._box = box
        self._client = box.client
        self._host = host
        self._known = known
        self._lock = threading.RLock()
        self._watchdog = watchdog
        self._exchange_seconds = exchange_seconds

    def has(self, capability: str) -> bool:
        return capability in self.capabilities

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
            _check(self._client.noop())

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

    # ------------------------------------------------------------------------------------------- end

    def logout(self) -> None:
        """Take leave; from any thread. Where another one is at work, it is cut off."""
        if not self._lock.acquire(timeout=_LOGOUT_SECONDS):
            self._cut_off()
            return
        try:
            if not self.broken:
                self._client.sock.settimeout(_LOGOUT_SECONDS)
                with contextlib.suppress(OSError, imaplib.IMAP4.error, ValueError):
                    self._client.logout()
            self._close()
        finally:
            self._lock.release()

    def _cut_off(self) -> None:
        # Not the TLS layer's own shutdown, nor a close: both are the reading thread's.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._client.sock, socket.SHUT_RDWR)

    def _close(self) -> None:
        self.broken = True
        with contextlib.suppress(OSError, ValueError):
            self._client.shutdown()

    # -------------------------------------------------------------------------------------- commands

    def _uid(self, command: str, *arguments: str | bytes) -> list[Any]:
        self.beat()
        with self._working():
            data: list[Any] = _check(self._client.uid(command, *arguments))  # type: ignore[arg-type] # imaplib takes bytes too
            return data

    def untagged(self, command: str, *arguments: str | bytes, answer: str | None = None) -> list[list[Value]]:
        """The lines that the server sends for it, which begin with `answer`, else with the command itself."""
        with self._working():
            given = self._client._simple_command(command, *arguments)  # noqa: SLF001 - of commands that imaplib lacks
            _check(given)
            data = self._client._untagged_response(*given, answer or command)[1]  # noqa: SLF001 - as above
            return [parse(each) for each in responses(data)]

    @contextlib.contextmanager
    def _working(self, *, extra_seconds: float = 0.0) -> Iterator[None]:
        """Around each exchange: whatever may have left half an answer on the line closes it."""
        with self._lock:
            if self.broken:
                raise SourceUnavailable(f"{self._host}: the connection is closed")
            # Unasked answers heap up otherwise, and would be taken for those of the next command.
            self._client.untagged_responses.clear()
            try:
                with translated(self._host, self._known), self._limited(self._exchange_seconds + extra_seconds):
                    yield
            except CommandRefused as error:
                if self._waits_for_an_end:
                    self._close()
                    raise SourceUnavailable(str(error)) from error
                raise
            except BaseException:
                self._close()
                raise
            finally:
                self.used_at = time.monotonic()
                self._news |= "EXISTS" in self._client.untagged_responses

    @property
    def _waits_for_an_end(self) -> bool:
        """Whether imaplib gave an answer up in the middle, as it does with a line that is too long for it."""
        return None in self._client.tagged_commands.values()

    @contextlib.contextmanager
    def _limited(self, seconds: float) -> Iterator[None]:
        """A server that trickles keeps every wait for it short: so the whole has an end, too."""
        with Flight(Deadline(seconds), self._watchdog) as flight:
            flight.use(self._client.sock)
            try:
                yield
            except (OSError, imaplib.IMAP4.error, ImapToolsError, ValueError, EOFError) as error:
                if flight.expired:
                    raise TimeoutError("the server did not come to the end of its answer") from error
                raise

    @contextlib.contextmanager
    def _impatient(self) -> Iterator[None]:
        """So that a connection that leads nowhere any more is noticed soon."""
        timeout = self._client.sock.gettimeout()
        self._client.sock.settimeout(min(timeout or _PATIENCE_SECONDS, _PATIENCE_SECONDS))
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                self._client.sock.settimeout(timeout)


def uid_set(uids: Sequence[int]) -> str:
    """``1:3,7``: as short as it can be, because servers limit the length of a command."""
    ranges: list[list[int]] = []
    for uid in sorted(uids):
        if ranges and uid == ranges[-1][1] + 1:
            ranges[-1][1] = uid
        else:
            ranges.append([uid, uid])
    return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in ranges)


def among(uids: Sequence[int], told: Sequence[bytes]) -> list[int]:
    """Those of the UIDs that are the sources of a COPYUID, ``1511 304,319:320 3956:3958``."""
    sources = [words[1] for words in (line.split() for line in told) if len(words) > 1]
    ranges = [_range(each) for source in sources for each in source.split(b",")]
    return [uid for uid in uids if any(first <= uid <= last for first, last in ranges)]


def _range(written: bytes) -> tuple[int, int]:
    ends = [int(end) for end in written.split(b":") if end.isdigit()] or [0]
    return min(ends), max(ends)


@contextlib.contextmanager
def translated(host: str, known: KnownSecrets) -> Iterator[None]:
    """The errors of sockets, TLS, imaplib and imap-tools as ours; imaplib quotes what it does not understand."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        detail = clean(error.verify_message)
        raise SourceUnavailable(f"{host}: the server's certificate is not trusted ({detail}); see ca_file") from error
    except imaplib.IMAP4.abort as error:
        raise SourceUnavailable(f"{host}: the connection broke ({said(error, known)})") from error
    except (imaplib.IMAP4.error, ImapToolsError) as error:
        raise CommandRefused(f"{host}: the server refused: {said(error, known)}") from error
    except (OSError, ValueError, EOFError) as error:
        if speaks_no_tls(error):
            raise SourceUnavailable(f"{host}: the server speaks no TLS at this port; see port and tls") from error
        raise SourceUnavailable(f"{host}: {clean(known.hidden(str(error))) or type(error).__name__}") from error


def said(error: Exception, known: KnownSecrets) -> str:
    """What the server said, without secrets, cleaned and shortened."""
    text: object = str(error)
    if isinstance(error, UnexpectedCommandStatusError):
        data = error.command_result[1]
        text = data[-1] if data else b""
    return server_words(known.hidden(decode_bytes(text) if isinstance(text, bytes) else str(text)))


def _check(answer: tuple[str, list[Any]]) -> list[Any]:
    if answer[0] != "OK":
        raise UnexpectedCommandStatusError(command_result=answer, expected="OK")
    return answer[1]


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
