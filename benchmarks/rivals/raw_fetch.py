"""All mails of an INBOX in one command over a raw socket, and nothing looked at: what the protocol allows.

python raw_fetch.py HOST PORT USER PASSWORD
"""

from __future__ import annotations

import socket
import sys

_BUFFER_BYTES = 256 * 1024


def main() -> None:
    host, port, user, password = sys.argv[1:5]
    print("ready", flush=True)
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"a LOGIN {user} {password}\r\nb EXAMINE INBOX\r\nc UID FETCH 1:* (BODY.PEEK[])\r\n".encode()
        )
        buffer, end = bytearray(_BUFFER_BYTES), b""
        while b"\r\nc OK" not in end:
            size = connection.recv_into(buffer)
            if size == 0:
                raise SystemExit("the server closed the connection")
            end = (end + bytes(buffer[max(0, size - 200) : size]))[-400:]
        connection.sendall(b"d LOGOUT\r\n")


if __name__ == "__main__":
    main()
