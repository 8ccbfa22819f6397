"""mbsync and getmail as Debian has them, each with the plainest configuration that copies an INBOX into a maildir."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from tests.support.servers.dovecot import Account
from tests.support.servers.process import as_servant, hand_over, program

_MBSYNC = """\
IMAPAccount bench
Host {host}
Port {port}
User {user}
Pass {password}
SSLType None
AuthMechs LOGIN

IMAPStore far
Account bench

MaildirStore near
Path {folder}/
Inbox {folder}/INBOX

Channel pull
Far :far:
Near :near:
Patterns INBOX
Create Near
Sync Pull
SyncState *
"""

_GETMAIL = """\
[retriever]
type = SimpleIMAPRetriever
server = {host}
port = {port}
username = {user}
password = {password}
mailboxes = ("INBOX",)

[destination]
type = Maildir
path = {folder}/maildir/

[options]
read_all = false
delete = false
"""


def mbsync(account: Account, folder: Path, *, safely: bool = True) -> list[str]:
    """The command that copies what is new into `folder`, in which its state is; `safely` waits for the disk."""
    path = _configured(_MBSYNC if safely else f"FSync no\n\n{_MBSYNC}", account, folder, "mbsyncrc")
    return [str(program("mbsync", "isync")), "--quiet", "--config", str(path), "pull"]


def getmail(account: Account, folder: Path) -> list[str]:
    """The same by getmail, which remembers what it has fetched; not as root, who it does not deliver to."""
    for name in ("", "cur", "new", "tmp"):
        (folder / "maildir" / name).mkdir(exist_ok=True)
        hand_over(folder / "maildir" / name)
    path = _configured(_GETMAIL, account, folder, "getmailrc")
    hand_over(folder)
    hand_over(path)
    found = str(program("getmail", "getmail6"))
    return as_servant([found, "--quiet", "--getmaildir", str(folder), "--rcfile", str(path)])


def know(account: Account, folder: Path, seen: tuple[str, Sequence[str]]) -> None:
    """Write down for getmail, which forks for each mail, that it has fetched those UIDs under that UIDVALIDITY."""
    validity, uids = seen
    server = account.server
    path = folder / f"oldmail-{server.host}-{server.port}-{account.username}-INBOX"
    now = int(time.time())
    path.write_text("".join(f"{validity}/{uid}\0{now}\n" for uid in uids))
    hand_over(path)


def _configured(template: str, account: Account, folder: Path, name: str) -> Path:
    server = account.server
    path = folder / name
    path.write_text(
        template.format(
            host=server.host, port=server.port, user=account.username, password=account.password, folder=folder
        )
    )
    path.chmod(0o600)
    return path
