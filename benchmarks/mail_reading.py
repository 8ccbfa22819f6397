"""What reading mails from IMAP costs: CPU of the reading process alone, and its memory over what it had at the login.

    .venv/bin/python -m benchmarks.mail_reading
    .venv/bin/python -m benchmarks.mail_reading --ways source,tools --mails 200 --runs 3 --without BINARY

On a Dovecot of its own, each run in a process of its own. Ways to read 1000 mails with one PDF of 100 kB each:

- `source`: as intake does it: found, opened, the structure interpreted, every leaf in hand with size and hash
- `tools`: imap-tools, one mail after the other, its attachments decoded
- `sections`: the bare loop over `BODY.PEEK[2]`, decoded: it knows beforehand which part it wants
- `download`: the same bytes from a raw socket, in one command, not looked at

and one mail with an attachment of 25 MB: `large` as intake reads it, `large-tools` by imap-tools.
"""

from __future__ import annotations

import argparse
import base64
import imaplib
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from imap_tools import MailBoxUnencrypted

from benchmarks.daemons import usage
from tests.support.mailboxes import mailbox
from tests.support.mails import mail, part
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.servers.process import hand_over

PDF_BYTES = 100_000
LARGE_BYTES = 25_000_000
_RECEIVED = 1767571200


@dataclass(frozen=True, slots=True)
class _Server:
    """As much of a server as somebody needs who did not start it."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    cpu: float
    wall: float
    over_base: float  # MB
    count: int
    octets: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ways", default=",".join(_WAYS))
    parser.add_argument("--mails", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--without", action="append", default=[], help="a capability that the server does not offer")
    parser.add_argument("--read", nargs=4, metavar=("WAY", "HOST", "PORT", "USER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read is not None:
        _read(*arguments.read)
        return
    with Dovecot(without=arguments.without) as server:
        many, large = server.account(), server.account()
        _fill(many, arguments.mails, PDF_BYTES)
        _fill(large, 1, LARGE_BYTES)
        for way in arguments.ways.split(","):
            _measure(way, large if way.startswith("large") else many, arguments.runs)


def _fill(account: Account, count: int, size: int) -> None:
    account.append(b"From: a@corp.example\r\nAuto-Submitted: auto-replied\r\n\r\n")  # makes the folder
    folder = account.server.folder / "mail" / account.username / "Maildir" / "cur"
    content = b"%PDF-1.7\n" + random.Random(size).randbytes(size - 9)
    for number in range(count):
        raw = mail(part(content, name=f"invoice-{number}.pdf"), subject=f"invoice {number}")
        path = folder / f"{_RECEIVED}.M{number:06}P1.host,S={len(raw)}:2,S"
        path.write_bytes(raw)
        hand_over(path)
        os.utime(path, (_RECEIVED, _RECEIVED))
    with account.connection() as imap:  # the server's own indexes are there in a mailbox that is used
        imap.select("INBOX", readonly=True)
        imap.uid("FETCH", "1:*", "(RFC822.SIZE INTERNALDATE BODYSTRUCTURE BODY.PEEK[HEADER])")


def _measure(way: str, account: Account, runs: int) -> None:
    _run(way, account)  # once for the server's caches
    done = [_run(way, account) for _ in range(runs)]
    shown = [
        f"{name} {_spread([getattr(run, field) for run in done])}"
        for name, field in (("s CPU", "cpu"), ("s wall", "wall"), ("MB over base", "over_base"))
    ]
    print(f"{way}: {done[0].count} parts, {done[0].octets / 1e6:.1f} MB; {'; '.join(shown)}", flush=True)


def _spread(values: Sequence[float]) -> str:
    return f"{min(values):.2f} / {statistics.median(values):.2f} / {max(values):.2f}"


def _run(way: str, account: Account) -> _Run:
    where = [way, account.server.host, str(account.server.port), account.username]
    command = [sys.executable, "-m", "benchmarks.mail_reading", "--read", *where]
    words = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    cpu, wall, over_base = map(float, words[:3])
    return _Run(cpu=cpu, wall=wall, over_base=over_base, count=int(words[3]), octets=int(words[4]))


# --------------------------------------------------------------------------------- in the child process


def _read(way: str, host: str, port: str, username: str) -> None:
    account = Account(server=_Server(host, int(port)), username=username, password="secret")  # type: ignore[arg-type] # host and port are all that is asked of it
    base, began, wall = usage(os.getpid()).rss, time.process_time(), time.monotonic()
    count, octets = _WAYS[way](account)
    cpu, took = time.process_time() - began, time.monotonic() - wall
    print(cpu, took, usage(os.getpid()).peak - base, count, octets)


def _by_source(account: Account) -> tuple[int, int]:
    count = octets = 0
    with mailbox(account) as source:
        for arrival in source.arrivals(lambda _: {}):
            with source.open(arrival) as parcel:
                assert parcel.header
                for leaf in parcel.leaves():
                    content = leaf.fetch()
                    count, octets = count + 1, octets + content.size
                    content.close()
    return count, octets


def _by_imap_tools(account: Account) -> tuple[int, int]:
    count = octets = 0
    with MailBoxUnencrypted(account.server.host, account.server.port).login(account.username, account.password) as box:
        for message in box.fetch(mark_seen=False):
            for attachment in message.attachments:
                count, octets = count + 1, octets + len(attachment.payload)
    return count, octets


def _by_sections(account: Account) -> tuple[int, int]:
    count = octets = 0
    with account.connection() as imap:
        for uid in _uids(imap):
            data = imap.uid("FETCH", uid, "(BODY.PEEK[2])")[1]
            content = base64.b64decode(data[0][1])
            count, octets = count + 1, octets + len(content)
    return count, octets


def _by_download(account: Account) -> tuple[int, int]:
    with account.connection() as imap:
        uids = _uids(imap)
        sock: socket.socket = imap.sock
        sock.sendall(b"x UID FETCH %s:%s (BODY.PEEK[2])\r\n" % (uids[0].encode(), uids[-1].encode()))
        buffer, octets, end = bytearray(256 * 1024), 0, b""
        while not end.rstrip().endswith(b"x OK") and b"\r\nx OK" not in end:
            size = sock.recv_into(buffer)
            octets, end = octets + size, end[-80:] + bytes(buffer[max(0, size - 200) : size])
    return len(uids), octets


def _uids(imap: imaplib.IMAP4) -> list[str]:
    imap.select("INBOX", readonly=True)
    found: list[str] = imap.uid("SEARCH", "SUBJECT", "invoice")[1][0].decode().split()
    return found


_WAYS: dict[str, Callable[[Account], tuple[int, int]]] = {
    "source": _by_source,
    "tools": _by_imap_tools,
    "sections": _by_sections,
    "download": _by_download,
    "large": _by_source,
    "large-tools": _by_imap_tools,
}


if __name__ == "__main__":
    main()
