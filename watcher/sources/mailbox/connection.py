"""One logged-in connection, and how a command is exchanged on it: bounded in time, with its failures as ours.

imap-tools makes the connection.
"""

from __future__ import annotations

import contextlib
import imaplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from imap_tools import BaseMailBox
from imap_tools.errors import ImapToolsError, UnexpectedCommandStatusError

from watcher.deadline import Deadline, Flight, Watchdog
from watcher.errors import SourceUnavailable
from watcher.headers import clean, decode_bytes, server_words
from watcher.secrecy import KnownSecrets
from watcher.sources.mailbox.grammar import Value, parse, responses
from watcher.tls import speaks_no_tls

_LOGOUT_SECONDS = 3.0
_PATIENCE_SECONDS = 20.0  # for answers that no server needs time for


class CommandRefused(SourceUnavailable):
    """The server answered NO or BAD; the connection is as good as before."""


class Connection:
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

    def _uid(self, command: str, *arguments: str | bytes) -> list[Any]:
        self.beat()
        with self._working():
            data: list[Any] = checked(self._client.uid(command, *arguments))  # type: ignore[arg-type] # imaplib takes bytes too
            return data

    def untagged(self, command: str, *arguments: str | bytes, answer: str | None = None) -> list[list[Value]]:
        """The lines that the server sends for it, which begin with `answer`, else with the command itself."""
        with self._working():
            given = self._client._simple_command(command, *arguments)  # noqa: SLF001 - of commands that imaplib lacks
            checked(given)
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


def checked(answer: tuple[str, list[Any]]) -> list[Any]:
    """The lines of an answer of imaplib's. Raises UnexpectedCommandStatusError where it is NO or BAD."""
    if answer[0] != "OK":
        raise UnexpectedCommandStatusError(command_result=answer, expected="OK")
    return answer[1]
