"""Documents for one daemon, fed at the pace at which it deals with them: files and mails, duplicates and failures.

No measurement by itself. What was dealt with is taken away, so that neither a folder nor a disk fills up.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

from benchmarks.servers import Servers
from tests.support.servers.dovecot import Account
from tests.support.servers.process import hand_over
from tests.support.workplace import pdf

DONE, FAILED = "Done", "Failed"
RULE = {"match": r"^p(\d+)@corp\.example$", "user_code": r"\1"}  # how the daemon knows who sends
_SENDERS = (
    2003  # so many that no one comes to the 60 replies in an hour that an address gets; a prime, so that all send
)
_FOLDERS = 100
_FIRST_CODE = 100_000
_MAIL_EACH, _DUPLICATE_EACH, _FAILURE_EACH = 8, 20, 25
_EARLIER = 8  # the file whose content a duplicate has was given so many before, and was a file as well
_OUTSTANDING = 400  # the most that may be under way
_PAUSE_SECONDS = 0.1
_EMPTY_EACH_SECONDS = 30.0
_PATIENCE_SECONDS = 180.0


class Item(NamedTuple):
    """A file or a mail. `content` says what document it brings; None: none, or for nobody, so that it fails."""

    mail: bool
    content: int | None
    person: int


def item(number: int) -> Item:
    """What comes as the document of that number."""
    mail, fails = number % _MAIL_EACH == 0, _fails(number)
    repeats = number % _DUPLICATE_EACH == _DUPLICATE_EACH - 1 and not _fails(number - _EARLIER)
    content = number - _EARLIER if repeats else number
    return Item(mail, None if fails else content, _FIRST_CODE + content % (_SENDERS if mail else _FOLDERS))


def _fails(number: int) -> bool:
    return number % _FAILURE_EACH == _FAILURE_EACH - 1


def contents(total: int) -> int:
    """How many of so many documents are to be booked."""
    return len({(each.mail, each.content) for each in map(item, range(total)) if each.content is not None})


class Feed:
    """Of `total` documents, at most `rate` a second. `shelves` has the folders inbox, done and error."""

    def __init__(self, shelves: Path, account: Account, servers: Servers, *, total: int, rate: float) -> None:
        self._shelves, self._account, self._servers = shelves, account, servers
        self._total, self._rate = total, rate
        self._given = 0
        self._gone = 0  # files that were answered, and taken away
        self._maildir = account.server.folder / "mail" / account.username / "Maildir"

    def prepare(self) -> None:
        """Make the folders of the mailbox and of each person."""
        with self._account.connection() as imap:
            imap.select("INBOX")  # which makes it
        for folder in (DONE, FAILED):
            self._account.create(folder)
        for number in range(_FOLDERS):
            (self._shelves / "inbox" / str(_FIRST_CODE + number)).mkdir(parents=True)

    @property
    def feeds(self) -> bool:
        """Whether there is more to come."""
        return self._given < self._total

    def steps(self) -> Iterator[int]:
        """Feeds and takes away between one value and the next, which is how many are dealt with, until all are.

        Raises AssertionError where nothing is dealt with for minutes though there is work.
        """
        began = emptied = moved = time.monotonic()
        dealt = before = 0
        while dealt < self._total:
            due = min(self._total, int((time.monotonic() - began) * self._rate) + 1, dealt + _OUTSTANDING)
            for number in range(self._given, due):
                self._give(number, item(number))
            self._given = max(self._given, due)
            self._gone += self._take_away()
            if time.monotonic() - emptied > _EMPTY_EACH_SECONDS:
                self._empty_the_mailbox()
                emptied = time.monotonic()
            dealt, before = self._gone + self._servers.counts().mails, dealt
            moved = time.monotonic() if dealt > before else moved
            if time.monotonic() - moved > _PATIENCE_SECONDS:
                raise AssertionError(f"of {self._given} documents {dealt} were dealt with, and then no more")
            yield dealt
            time.sleep(_PAUSE_SECONDS)

    def _give(self, number: int, given: Item) -> None:
        if given.mail:
            self._send(number, given)
            return
        folder = str(given.person) if given.content is not None else ""  # above all folders it is nobody's
        content = pdf(f"file {number if given.content is None else given.content}")
        (self._shelves / "inbox" / folder / f"{number}.pdf").write_bytes(content)

    def _send(self, number: int, given: Item) -> None:
        """As a server delivers: written beside, and renamed."""
        message = EmailMessage()
        message["From"], message["To"] = f"p{given.person}@corp.example", "fapiao@corp.example"
        message["Subject"], message["Message-ID"] = f"发票 {number}", f"<{number}@corp.example>"
        message.set_content("请查收")
        if given.content is not None:
            content = pdf(f"mail {number}")
            message.add_attachment(content, maintype="application", subtype="pdf", filename=f"{number}.pdf")
        name = f"{int(time.time())}.M{number:07}P1.host"
        (self._maildir / "tmp" / name).write_bytes(message.as_bytes())
        hand_over(self._maildir / "tmp" / name)
        (self._maildir / "tmp" / name).rename(self._maildir / "new" / name)

    def _take_away(self) -> int:
        """Delete what was answered, with the notes beside it; how many files it was."""
        count = 0
        for shelf in ("done", "error"):
            for folder, _, names in os.walk(self._shelves / shelf):
                for name in names:
                    (Path(folder) / name).unlink(missing_ok=True)
                    count += name.endswith(".pdf")
        return count

    def _empty_the_mailbox(self) -> None:
        """Of what was answered: with 50,000 mails in a folder the server would be what is measured."""
        with self._account.connection() as imap:
            for folder in (DONE, FAILED):
                imap.select(folder)
                imap.uid("STORE", "1:*", "+FLAGS.SILENT", r"(\Deleted)")
                imap.expunge()
