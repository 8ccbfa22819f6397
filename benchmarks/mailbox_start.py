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
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import partial
from pathlib import Path

from benchmarks.daemons import quiet, usage
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.servers.process import hand_over
from tests.support.waiting import wait_for
from tests.support.workplace import Daemon, Workplace, pdf
from watcher.journal.opening import migrate
from watcher.sandbox.endpoint import Endpoint
from watcher.sources.mailbox.identity import KEY_PREFIX, Sighting
from watcher.sources.mailbox.identity import Account as Identity

RECEIVED = datetime(2026, 1, 5, tzinfo=UTC).timestamp()
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
    stays = {"done": None, "error": None} if kind in ("done", "unflagged") else {}
    since = {"since": SINCE} if kind == "old" else {}
    workplace.with_mailbox(server.host, server.port, account.username, account.password, **stays, **since).write()
    _fill(account, kind, count)
    if kind in ("done", "unflagged"):
        _take_in(workplace, account, count)
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


def _mail(number: int, kind: str) -> bytes:
    trace = "".join(
        f"Received: from mx{hop}.example.net (mx{hop}.example.net [192.0.2.{hop}])\r\n\tby mx{hop + 1}.example.net"
        f" with ESMTPS id {number:08x}{hop}\r\n\tfor <fapiao@corp.example>; Mon, 05 Jan 2026 08:00:0{hop} +0800\r\n"
        for hop in range(6)
    )
    automatic = "Auto-Submitted: auto-replied\r\n" if kind == "left" else ""
    return (
        f"Return-Path: <zhang@corp.example>\r\n{trace}DKIM-Signature: v=1; a=rsa-sha256; d=corp.example; s=x;\r\n"
        f"\tb={'A' * 344}\r\nFrom: zhang@corp.example\r\nTo: fapiao@corp.example\r\nSubject: mail {number}\r\n"
        f"Message-ID: <{number}@corp.example>\r\nDate: Mon, 05 Jan 2026 08:00:00 +0800\r\n{automatic}"
        "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nsome text\r\n"
    ).encode()


def _new(name: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "zhang@corp.example", "fapiao@corp.example"
    message["Subject"], message["Message-ID"] = name, f"<{name}@corp.example>"
    message.set_content("see the invoice")
    message.add_attachment(pdf(name), maintype="application", subtype="pdf", filename=f"{name}.pdf")
    return message.as_bytes()


def _fill(account: Account, kind: str, count: int) -> None:
    account.append(b"From: a@corp.example\r\nAuto-Submitted: auto-replied\r\n\r\n")  # makes the folder
    maildir = account.server.folder / "mail" / account.username / "Maildir"
    if kind == "done":
        (maildir / "dovecot-keywords").write_text("0 $InvoiceDone\n")
        hand_over(maildir / "dovecot-keywords")
    for number in range(count):
        raw = _mail(number, kind)
        path = maildir / "cur" / f"1767571200.M{number:06}P1.host,S={len(raw)}:2,{'Sa' if kind == 'done' else 'S'}"
        path.write_bytes(raw)
        hand_over(path)
        os.utime(path, (RECEIVED, RECEIVED))


def _seen(account: Account, count: int, kind: str = "") -> Iterator[str]:
    identity = Identity(account.server.host, account.username)
    for number in range(count):
        raw = _mail(number, kind)
        header = raw[: raw.index(b"\r\n\r\n") + 4]
        yield KEY_PREFIX + identity.fingerprint(Sighting(uid=1, header=header, size=len(raw), received_at=None))


def _take_in(workplace: Workplace, account: Account, count: int) -> None:
    """Write into the journal that all were answered, and stay."""
    migrate(str(workplace.config["journal"]))
    with closing(sqlite3.connect(workplace.root / "journal.db")) as connection:
        rows = ((key, f"a{number:015}", True) for number, key in enumerate(_seen(account, count)))
        connection.executemany("INSERT INTO identities VALUES (?, ?, ?)", rows)
        connection.commit()


if __name__ == "__main__":
    main()
