"""A script that waits for mail in some mailboxes with imap-tools, a thread each.

python idling.py HOST PORT PASSWORD USER…
"""

from __future__ import annotations

import sys
import threading

from imap_tools import MailBoxUnencrypted

_LONGEST_SECONDS = 29 * 60  # servers end an IDLE that lasts longer


def wait(host: str, port: int, user: str, password: str, logged_in: threading.Semaphore) -> None:
    with MailBoxUnencrypted(host, port).login(user, password) as box:
        logged_in.release()
        while True:
            box.idle.wait(timeout=_LONGEST_SECONDS)


def main() -> None:
    host, port, password, *users = sys.argv[1:]
    logged_in = threading.Semaphore(0)
    for user in users:
        threading.Thread(target=wait, args=(host, int(port), user, password, logged_in)).start()
    for _ in users:
        logged_in.acquire()
    print("ready", flush=True)


if __name__ == "__main__":
    main()
