"""Mails of an INBOX in one command over a raw socket, and nothing looked at: what the protocol allows.

python raw_fetch.py HOST PORT USER PASSWORD [MAILS LEAST_BYTES]: all, or those of these numbers, as `5:*`; and an error
where it were fewer bytes.
"""

from __future__ import annotations

import socket
import sys

_BUFFER_BYTES = 256 * 1024


def main() -> None:
    host, port, user, password = sys.argv[1:5]
    mails, least_bytes = (sys.argv[5], int(sys.argv[6])) if len(sys.argv) > 5 else ("1:*", 0)
    print("ready", flush=True)
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"a LOGIN {user} {password}\r\nb EXAMINE INBOX\r\nc FETCH {mails} (BODY.PEEK[])\r\n".encode()
        )
        buffer, end, received = bytearray(_BUFFER_BYTES), b"", 0
        while b"\r\nc OK" not in end:
            size = connection.recv_into(buffer)
            if size == 0:
                raise SystemExit("the server closed the connection")
            received += size
            end = (end + bytes(buffer[max(0, size - 200) : size]))[-400:]
        connection.sendall(b"d LOGOUT\r\n")
    if received < least_bytes:
        raise SystemExit(f"only {received} bytes came")


if __name__ == "__main__":
    main()
