"""A mailbox of mails that were answered long ago and stay, and the journal that knows them. No measurement by itself.

The journal is written in bulk, as if the daemon had taken the mails in.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

from benchmarks.mailboxes import maildir, put
from tests.support.servers.dovecot import Account
from tests.support.servers.process import hand_over
from tests.support.workplace import Workplace
from watcher.journal.opening import migrate
from watcher.sources.mailbox.identity import KEY_PREFIX, Sighting
from watcher.sources.mailbox.identity import Account as Identity

RECEIVED = datetime(2026, 1, 5, tzinfo=UTC).timestamp()
STAYS = {"done": None, "error": None}  # the keys of a mailbox whose mails stay where they are


def old_mail(number: int, *, automatic: bool = False) -> bytes:
    """As it comes through a few servers."""
    trace = "".join(
        f"Received: from mx{hop}.example.net (mx{hop}.example.net [192.0.2.{hop}])\r\n\tby mx{hop + 1}.example.net"
        f" with ESMTPS id {number:08x}{hop}\r\n\tfor <fapiao@corp.example>; Mon, 05 Jan 2026 08:00:0{hop} +0800\r\n"
        for hop in range(6)
    )
    reply = "Auto-Submitted: auto-replied\r\n" if automatic else ""
    return (
        f"Return-Path: <zhang@corp.example>\r\n{trace}DKIM-Signature: v=1; a=rsa-sha256; d=corp.example; s=x;\r\n"
        f"\tb={'A' * 344}\r\nFrom: zhang@corp.example\r\nTo: fapiao@corp.example\r\nSubject: mail {number}\r\n"
        f"Message-ID: <{number}@corp.example>\r\nDate: Mon, 05 Jan 2026 08:00:00 +0800\r\n{reply}"
        "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nsome text\r\n"
    ).encode()


def put_old_mails(account: Account, count: int, *, automatic: bool = False, flagged: bool = True) -> None:
    """Read ones, and flagged as answered where wanted, into the INBOX of an account that is new."""
    with account.connection() as imap:
        imap.select("INBOX")  # makes the folder
    if flagged:
        keywords = maildir(account) / "dovecot-keywords"
        keywords.write_text("0 $InvoiceDone\n")
        hand_over(keywords)
    current, flags = maildir(account) / "cur", "Sa" if flagged else "S"
    for number in range(count):
        raw = old_mail(number, automatic=automatic)
        put(current, f"{int(RECEIVED)}.M{number:06}P1.host,S={len(raw)}:2,{flags}", raw, RECEIVED)


def know_old_mails(workplace: Workplace, account: Account, count: int) -> None:
    """Write into the journal, which is on SQLite and new, that all were answered and stay."""
    migrate(str(workplace.config["journal"]))
    with closing(sqlite3.connect(workplace.root / "journal.db")) as connection, connection:
        rows = ((key, f"a{number:015}", True) for number, key in enumerate(_keys(account, count)))
        connection.executemany("INSERT INTO identities VALUES (?, ?, ?)", rows)


def _keys(account: Account, count: int) -> Iterator[str]:
    identity = Identity(account.server.host, account.username)
    for number in range(count):
        raw = old_mail(number)
        header = raw[: raw.index(b"\r\n\r\n") + 4]
        yield KEY_PREFIX + identity.fingerprint(Sighting(uid=1, header=header, size=len(raw), dated=None))
