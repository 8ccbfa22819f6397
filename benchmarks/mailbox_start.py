"""How long the daemon needs until it knows a mailbox of 50,000 mails, at its first start and at each further one.

    .venv/bin/python -m benchmarks.mailbox_start
    .venv/bin/python -m benchmarks.mailbox_start --kinds left,old --mails 20000

It starts the installed command on a Dovecot of its own, twice on the same journal. Kinds of mails:

- `none`: an empty folder, to compare with
- `done`: answered and left where they are (`done: null`), flagged $InvoiceDone
- `unflagged`: the same on a server that kept no keywords
- `left`: auto-replies, which are never taken in and stay
- `old`: from before `since`

and one new mail beside them, after which it is waited for.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import partial
from pathlib import Path

from benchmarks.daemons import quiet, usage
from benchmarks.known_mails import STAYS, know_old_mails, put_old_mails
from tests.support.servers.dovecot import Dovecot
from tests.support.waiting import wait_for
from tests.support.workplace import Daemon, Workplace, pdf
from watcher.sandbox.endpoint import Endpoint

SINCE = "2026-06-01"
_TAKEN_IN = "A submission was taken in"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", default="none,done,unflagged,left,old")
    parser.add_argument("--mails", type=int, default=50_000)
    arguments = parser.parse_args()
    for kind in arguments.kinds.split(","):
        with Dovecot() as server, Endpoint() as endpoint, tempfile.TemporaryDirectory() as folder:
            _measure(Workplace(Path(folder), endpoint), server, kind, 0 if kind == "none" else arguments.mails)


def _has_taken_in(daemon: Daemon, wanted: int) -> bool:
    return daemon.said().count(_TAKEN_IN) >= wanted


def _measure(workplace: Workplace, server: Dovecot, kind: str, count: int) -> None:
    account = server.account()
    stays = STAYS if kind in ("done", "unflagged") else {}
    since = {"since": SINCE} if kind == "old" else {}
    workplace.with_mailbox(server.host, server.port, account.username, account.password, **stays, **since).write()
    put_old_mails(account, count, automatic=kind == "left", flagged=kind == "done")
    if kind in ("done", "unflagged"):
        know_old_mails(workplace, account, count)
    with account.connection() as imap:  # the server's own indexes are there in a mailbox that is used
        began = time.monotonic()
        imap.select("INBOX", readonly=True)
        imap.uid("FETCH", "1:*", "(RFC822.SIZE INTERNALDATE)")
    print(f"{kind}: {count} mails; the server needed {time.monotonic() - began:.1f} s to see them", flush=True)
    for wanted, start in enumerate(("first", "next"), 1):
        account.append(_new(start), received_at=datetime.now(UTC))
        began = time.monotonic()
        with workplace.daemon() as daemon:
            wait_for(partial(_has_taken_in, daemon, wanted), 1800, "the new mail")
            taken = time.monotonic() - began
            quiet(daemon.process.pid)
            used = usage(daemon.process.pid)
            print(f"  {start} start: the new mail taken in after {taken:.1f} s;", end=" ")
            print(f"{used.cpu:.1f} s CPU, {used.rss:.0f} MB, at most {used.peak:.0f} MB", flush=True)


def _new(name: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "zhang@corp.example", "fapiao@corp.example"
    message["Subject"], message["Message-ID"] = name, f"<{name}@corp.example>"
    message.set_content("see the invoice")
    message.add_attachment(pdf(name), maintype="application", subtype="pdf", filename=f"{name}.pdf")
    return message.as_bytes()


if __name__ == "__main__":
    main()
