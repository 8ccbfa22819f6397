"""An IMAP server that keeps to a script: for what providers do and Dovecot cannot be brought to."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from typing import Self, TypeAlias

# What it answers to a command: untagged lines, or None to say nothing more and hang up.
Reply: TypeAlias = "Callable[[str], list[bytes] | None]"

OK = "OK done"
MAIL_HEADER = b"From: a@corp.example\r\nMessage-ID: <1@corp.example>\r\n\r\n"


class Refusal(Exception):
    """A handler raises it to answer NO or BAD; its text is the whole answer after the tag."""


class Farewell(Exception):
    """A handler raises it to take leave in the middle of a command, as a server does that is shut down."""


class ScriptedImap:
    """One mail with UID 7 lies there. `script` overrides the answer to a command, by its name in capitals.

    `said` has all commands of all clients, without their tags.
    """

    def __init__(self, script: Mapping[str, Reply] | None = None, *, capabilities: str = "IMAP4rev1 ID") -> None:
        self.said: list[str] = []
        self.capabilities = capabilities
        self.connections = 0
        self.closing = threading.Event()
        self._script = {**self._defaults(), **(script or {})}
        server = self

        class Connection(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                server.connections += 1
                with contextlib.suppress(OSError):
                    self.wfile.write(b"* OK ready\r\n")
                    while line := self.rfile.readline():
                        if not server._answer(line.decode("utf-8").strip(), self.wfile.write):
                            return

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", 0), Connection)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self) -> int:
        port: int = self._server.socket.getsockname()[1]
        return port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def names(self) -> list[str]:
        """The names of the commands, in their order."""
        return [_name(command) for command in self.said]

    def _answer(self, line: str, write: Callable[[bytes], object]) -> bool:
        tag, _, command = line.partition(" ")
        if not command:  # DONE, or the answer to a challenge
            self.said.append(tag)
            return True
        self.said.append(command)
        try:
            lines = self._script[_name(command)](command) if _name(command) in self._script else []
        except Refusal as refusal:
            write(f"{tag} {refusal}\r\n".encode())
            return True
        except Farewell as farewell:
            write(f"* BYE {farewell}\r\n".encode())
            return False
        if lines is None:
            return False
        write(b"".join(line + b"\r\n" for line in lines) + f"{tag} {OK}\r\n".encode())
        return _name(command) != "LOGOUT"

    def _defaults(self) -> dict[str, Reply]:
        size = len(MAIL_HEADER)
        header = b"* 1 FETCH (UID 7 RFC822.SIZE %d INTERNALDATE " % size
        return {
            "CAPABILITY": lambda _: [b"* CAPABILITY " + self.capabilities.encode()],
            "SELECT": lambda _: [b"* 1 EXISTS", b"* OK [UIDVALIDITY 5] ok"],
            "EXAMINE": lambda _: [b"* 1 EXISTS", b"* OK [UIDVALIDITY 5] ok"],
            "LIST": lambda _: [b'* LIST () "/" INBOX'],
            "UID SEARCH": lambda command: [b"* SEARCH" + (b" 7" if "UNDELETED" in command else b"")],
            "UID FETCH": lambda _: [
                header + b'"01-Nov-2026 00:00:00 +0800" BODY[HEADER] {%d}' % size,
                MAIL_HEADER + b' BODYSTRUCTURE ("text" "plain" NIL NIL NIL "7bit" 0 0))',
            ],
            "LOGOUT": lambda _: [b"* BYE see you"],
        }


def _name(command: str) -> str:
    words = command.upper().split()
    return " ".join(words[:2]) if words[0] == "UID" else words[0]


def silence() -> socket.socket:
    """A listening socket that nobody answers at: connections are made, and then nothing."""
    return socket.create_server(("127.0.0.1", 0))
