"""A MailboxSource at a test server, and short ways to ask it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tests.support.imap_script import ScriptedImap
from tests.support.servers.dovecot import Account
from tests.support.submissions import submission
from watcher.config.sections import Mailbox
from watcher.mime.part import SAID, WALKED
from watcher.model import Known, Submission, Thread
from watcher.ports import Arrival
from watcher.sources.mailbox import MailboxSource

TIMEOUT_SECONDS = 10.0
WITHOUT = {"MOVE": (), "COPY and UIDPLUS": ("MOVE",), "COPY alone": ("MOVE", "UIDPLUS")}  # of servers, by how they move


def settings(account: Account, **changes: Any) -> Mailbox:
    """The configuration of a mailbox without TLS."""
    given: dict[str, Any] = {
        "name": "fapiao",
        "host": account.server.host,
        "port": account.server.port,
        "tls": "none",
        "username": account.username,
        "password": account.password,
    }
    return Mailbox.model_validate(given | changes)


@contextlib.contextmanager
def mailbox(
    account: Account,
    *,
    own_addresses: Sequence[str] = (),
    timeout_seconds: float = TIMEOUT_SECONDS,
    beat: Callable[[], None] = lambda: None,
    **changes: Any,
) -> Iterator[MailboxSource]:
    source = MailboxSource(
        settings(account, **changes), own_addresses=own_addresses, timeout_seconds=timeout_seconds, beat=beat
    )
    try:
        yield source
    finally:
        source.close()


@contextlib.contextmanager
def scripted(server: ScriptedImap, *, timeout_seconds: float = 2.0, **changes: Any) -> Iterator[MailboxSource]:
    """A source at a server that keeps to a script."""
    given: dict[str, Any] = {
        "name": "fapiao",
        "host": "127.0.0.1",
        "port": server.port,
        "tls": "none",
        "username": "u@corp.example",
        "password": "password",
    }
    source = MailboxSource(Mailbox.model_validate(given | changes), own_addresses=[], timeout_seconds=timeout_seconds)
    try:
        yield source
    finally:
        source.close()


def arrivals(source: MailboxSource, known: Mapping[str, Known] | None = None) -> list[Arrival]:
    """All of one look, with a journal that knows these keys."""
    journal = known or {}
    return list(source.arrivals(lambda keys: {key: journal[key] for key in keys if key in journal}))


def leaves(source: MailboxSource) -> list[tuple[str | None, str | None, bytes]]:
    """Name, declared type and bytes of each file of each mail that is new."""
    found = []
    for arrival in arrivals(source):
        with source.open(arrival) as parcel:
            for leaf in parcel.leaves():
                if leaf.declared_type in (WALKED, SAID):
                    continue
                content = leaf.fetch()
                found.append((leaf.name, leaf.declared_type, content.read()))
                content.close()
    return found


def renumber(account: Account) -> None:
    """What a restored or rebuilt mailbox does: other UIDs under another UIDVALIDITY."""
    home = account.server.folder / "mail" / account.username / "Maildir"
    for pattern in ("dovecot-uidlist", "dovecot.index*", "dovecot-uidvalidity*"):
        for path in home.rglob(pattern):
            path.unlink()


def taken_in(source: MailboxSource, arrival: Arrival, **changes: Any) -> Submission:
    """The mail as the journal would have it."""
    with source.open(arrival) as parcel:
        assert parcel.header is not None
        thread = Thread(message_id=parcel.header.message_id)
    return submission(key=arrival.key, place=arrival.place, fingerprint=arrival.fingerprint, thread=thread, **changes)
