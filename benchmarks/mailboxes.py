"""Mailboxes full of mails, that contestants find in the same state whatever the one before did."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.mails import mail, part
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.servers.process import hand_over
from tests.support.workplace import Workplace, pdf

RECEIVED = 1767571200  # 5 January 2026
PEOPLE = 100  # so many that none submits more than is answered within an hour


def addresses() -> list[str]:
    return [f"person-{number}@corp.example" for number in range(PEOPLE)]


def write_employees(path: Path) -> None:
    rows = (f"{address},{900_000 + number},员工{number},zh\n" for number, address in enumerate(addresses()))
    path.write_text("email,user_code,name,language\n" + "".join(rows), encoding="utf-8")


def watched_by(workplace: Workplace, account: Account, **keys: object) -> Workplace:
    """The workplace of the daemon with this mailbox, in which anybody may submit as much as there is."""
    server = account.server
    write_employees(workplace.root / "employees.csv")
    given = {"per_sender": None, **keys}
    return workplace.with_mailbox(server.host, server.port, account.username, account.password, **given)


class Stock:
    """`count` mails with one PDF of `size` bytes each, all different, made once."""

    def __init__(self, server: Dovecot, count: int, size: int) -> None:
        self._server = server
        self._folder = server.folder / "stock"
        self._folder.mkdir()
        people = addresses()
        for number in range(count):
            content = pdf(f"document {number}", size)
            raw = mail(
                part(content, name=f"invoice-{number}.pdf"),
                subject=f"invoice {number}",
                sender=people[number % PEOPLE],
                message_id=f"<{number}@corp.example>",
            )
            put(self._folder, f"{RECEIVED}.M{number:06}P1.host,S={len(raw)}:2,", raw)

    def account(self) -> Account:
        """A new one whose INBOX has all of them, unread. Their files are links: a server never writes into one."""
        account = self._server.account()
        with account.connection() as imap:
            imap.select("INBOX")  # makes the folder
        current = maildir(account) / "cur"
        for path in self._folder.iterdir():
            os.link(path, current / path.name)
        return account


def maildir(account: Account, folder: str = "") -> Path:
    return account.server.folder / "mail" / account.username / "Maildir" / folder


def put(folder: Path, name: str, raw: bytes, received_at: float = RECEIVED) -> None:
    path = folder / name
    path.write_bytes(raw)
    os.utime(path, (received_at, received_at))
    hand_over(path)


def index(account: Account) -> None:
    """Let the server make its own indexes, which are there in a mailbox that is used."""
    with account.connection() as imap:
        imap.select("INBOX", readonly=True)
        imap.uid("FETCH", "1:*", "(RFC822.SIZE INTERNALDATE BODYSTRUCTURE BODY.PEEK[HEADER])")


def unread(account: Account, count: int) -> None:
    """Let the first so many mails of the INBOX be unread, and the others read."""
    with account.connection() as imap:
        imap.select("INBOX")
        imap.store("1:*", "+FLAGS.SILENT", r"(\Seen)")
        imap.store(f"1:{count}", "-FLAGS.SILENT", r"(\Seen)")


def uids_of(account: Account, first: int = 1) -> tuple[str, list[str]]:
    """UIDVALIDITY of the INBOX, and the UIDs of its mails from that one on."""
    with account.connection() as imap:
        imap.select("INBOX", readonly=True)
        (validity,) = imap.response("UIDVALIDITY")[1]
        (found,) = imap.uid("SEARCH", "ALL")[1]
    return bytes(validity or b"").decode(), found.decode().split()[first - 1 :]


def count_in(account: Account, folder: str) -> int:
    """How many mails a folder has, by its files."""
    places = (maildir(account, folder) / name for name in ("cur", "new"))
    return sum(len(os.listdir(place)) for place in places if place.is_dir())  # noqa: PTH208 - a count of names
