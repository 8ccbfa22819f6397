"""Mails of public test corpora, through a real server: whatever they are, they are read or refused in good order."""

from __future__ import annotations

from pathlib import Path

from tests.support.mailboxes import arrivals, mailbox
from tests.support.servers.dovecot import Dovecot
from watcher.errors import Unavailable, Vanished
from watcher.sources.mailbox import MailboxSource


def test_every_leaf_of_every_sample_can_be_fetched(dovecot: Dovecot, samples: Path) -> None:
    account = dovecot.account()
    files = sorted((samples / "mail").rglob("*.eml"))
    appended = [path for path in files if path.stat().st_size]
    for path in appended:
        account.append(path.read_bytes())
    with mailbox(account, own_addresses=[]) as source:
        found = arrivals(source)
        assert len(found) + source.left_alone == len(appended) > 100

        problems = [problem for each in found if (problem := _problem(source, each)) is not None]

    assert problems == []


def _problem(source: MailboxSource, arrival: object) -> str | None:
    try:
        with source.open(arrival) as parcel:  # type: ignore[arg-type]
            assert parcel.header
            assert parcel.whole().startswith(parcel.header[:20])
            for leaf in parcel.leaves():
                leaf.fetch().close()
    except (Unavailable, Vanished) as error:
        return str(error)
    return None
