"""Mails that come to an INBOX, over a raw socket, and nothing looked at: as soon as the protocol allows.

python raw_idle.py HOST PORT USER PASSWORD KNOWN NEW: waits for the server's word that there are more mails than KNOWN,
and reads them, until NEW have come. It says "ready" when it waits, "done" when it has them, and stays until it
is ended.
"""

from __future__ import annotations

import re
import signal
import socket
import sys
from typing import BinaryIO

_EXISTS = re.compile(rb"\* (\d+) EXISTS")
_LITERAL = re.compile(rb"\{(\d+)\}\r\n$")


class Dialogue:
    """What is said and heard, and how many mails there are by what the server has told last."""

    def __init__(self, connection: socket.socket, heard: BinaryIO) -> None:
        self.count = 0
        self._connection = connection
        self._heard = heard

    def say(self, words: str, until: bytes) -> None:
        """And hear what is answered, up to a line that begins so."""
        self._connection.sendall(f"{words}\r\n".encode())
        while not self.hear().startswith(until):
            pass

    def hear(self) -> bytes:
        line = self._heard.readline()
        if not line:
            raise SystemExit("the server closed the connection")
        if told := _EXISTS.match(line):
            self.count = int(told[1])
        if literal := _LITERAL.search(line):
            self._heard.read(int(literal[1]))
        return line


def main() -> None:
    host, port, user, password = sys.argv[1:5]
    known, last = int(sys.argv[5]), int(sys.argv[5]) + int(sys.argv[6])
    with socket.create_connection((host, int(port))) as connection, connection.makefile("rb") as heard:
        dialogue = Dialogue(connection, heard)
        dialogue.say(f"a LOGIN {user} {password}", b"a OK")
        dialogue.say("b EXAMINE INBOX", b"b OK")
        dialogue.say("c IDLE", b"+")
        print("ready", flush=True)
        while known < last:
            while dialogue.count <= known:
                dialogue.hear()
            dialogue.say("DONE", b"c OK")
            first, known = known + 1, dialogue.count
            dialogue.say(f"d FETCH {first}:{known} (BODY.PEEK[])", b"d OK")
            dialogue.say("c IDLE", b"+")
        print("done", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
