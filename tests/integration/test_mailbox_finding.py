"""Which mails of a folder are arrivals, and that a mail stays the same mail."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.support.imap_script import MAIL_HEADER, ScriptedImap
from tests.support.mailboxes import arrivals, mailbox, renumber, scripted
from tests.support.mails import PDF, crlf, headers, mail, multipart, part
from tests.support.servers.dovecot import Account, Dovecot
from watcher.errors import Vanished
from watcher.model import Known, SubmissionState
from watcher.ports import Arrival
from watcher.sources.mailbox import MailboxSource

OPEN = Known(submission="s", state=SubmissionState.OPEN, stays=False)
MOVED = Known(submission="s", state=SubmissionState.CLOSED, stays=False)
STAYING = Known(submission="s", state=SubmissionState.CLOSED, stays=True)


class Journal:
    """Remembers what it was asked."""

    def __init__(self, **known: Known) -> None:
        self.asked: list[str] = []
        self.known: dict[str, Known] = dict(known)

    def __call__(self, keys: Sequence[str]) -> Mapping[str, Known]:
        self.asked.extend(keys)
        return {key: self.known[key] for key in keys if key in self.known}


@pytest.fixture
def account(dovecot: Dovecot) -> Account:
    return dovecot.account()


@pytest.fixture
def source(account: Account) -> Iterator[MailboxSource]:
    with mailbox(account) as opened:
        yield opened


def only(found: list[Arrival]) -> Arrival:
    assert len(found) == 1
    return found[0]


# ---------------------------------------------------------------------------------------- identity


def test_a_mail_that_is_new_is_found_at_each_look_until_it_is_known(account: Account, source: MailboxSource) -> None:
    account.append(mail(part(PDF)), received_at=datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC))

    first = only(arrivals(source))
    again = only(arrivals(source))

    assert first == again
    assert first.key == f"mail:{first.fingerprint}"
    assert first.received_at == datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
    assert first.known is None
    assert arrivals(source, {first.key: OPEN}) == []


def test_mails_are_found_oldest_first(account: Account, source: MailboxSource) -> None:
    uids = [account.append(mail(part(PDF))) for _ in range(3)]

    assert [int(each.place.partition(":")[2]) for each in arrivals(source)] == uids


def test_a_mail_keeps_its_key_when_the_folder_is_numbered_anew(account: Account) -> None:
    account.append(mail())
    account.append(mail(part(PDF)))
    account.delete(account.messages()[0].uid)
    with mailbox(account) as source:
        before = only(arrivals(source))
    renumber(account)

    with mailbox(account) as source:
        after = only(arrivals(source))

    assert after.key == before.key
    assert after.place != before.place


def test_a_mail_keeps_its_key_whatever_its_flags_and_wherever_it_was(account: Account, source: MailboxSource) -> None:
    uid = account.append(mail(part(PDF)))
    before = only(arrivals(source))
    account.flag(uid, r"\Seen", r"\Flagged")
    account.create("elsewhere")
    account.move(uid, "INBOX", "elsewhere")
    account.move(account.messages("elsewhere")[0].uid, "elsewhere", "INBOX")

    after = only(arrivals(source))

    assert after.key == before.key
    assert after.place != before.place


def test_mails_of_other_accounts_have_other_keys(dovecot: Dovecot) -> None:
    raw = mail(part(PDF))
    keys = set()
    for account in (dovecot.account(), dovecot.account()):
        account.append(raw)
        with mailbox(account) as source:
            keys.add(only(arrivals(source)).key)

    assert len(keys) == 2


# ------------------------------------------------------------------------------------- what is known


def test_an_answered_mail_that_was_moved_back_is_a_retry(account: Account, source: MailboxSource) -> None:
    account.append(mail(part(PDF)))
    key = only(arrivals(source)).key

    assert only(arrivals(source, {key: MOVED})).known == MOVED


def test_an_answered_mail_that_was_just_moved_away_is_no_retry(account: Account, source: MailboxSource) -> None:
    """The journal may hear of the move after the folder was looked at."""
    uid = account.append(mail(part(PDF)))
    key = only(arrivals(source)).key

    def moved_meanwhile(keys: Sequence[str]) -> Mapping[str, Known]:
        account.create("done")
        account.move(uid, "INBOX", "done")
        return dict.fromkeys(keys, MOVED)

    assert list(source.arrivals(moved_meanwhile)) == []
    assert key.startswith("mail:")


def test_a_mail_that_stays_is_not_asked_about_again(account: Account, source: MailboxSource) -> None:
    account.append(mail(part(PDF)))
    key = only(arrivals(source)).key
    journal = Journal(**{key: STAYING})

    assert list(source.arrivals(journal)) == []
    assert list(source.arrivals(journal)) == []
    assert journal.asked == [key]


def test_a_journal_that_fails_leaves_nothing_undecided(account: Account, source: MailboxSource) -> None:
    account.append(mail(part(PDF), more="Auto-Submitted: auto-replied\n"))
    account.append(mail(part(PDF)))

    def failing(keys: Sequence[str]) -> Mapping[str, Known]:
        raise RuntimeError

    with contextlib.suppress(RuntimeError):
        list(source.arrivals(failing))

    assert len(arrivals(source)) == 1


def test_a_later_look_reads_only_what_is_new(account: Account, source: MailboxSource) -> None:
    for _ in range(3):
        account.append(mail(part(PDF), more="Auto-Submitted: auto-replied\n"))
    arrivals(source)
    account.append(mail(part(PDF)))
    journal = Journal()

    found = list(source.arrivals(journal))

    assert journal.asked == [only(found).key]


# ------------------------------------------------------------------------------------ what is left alone


@pytest.mark.parametrize(
    "raw",
    [
        mail(part(PDF), more="Auto-Submitted: auto-replied\n"),
        mail(part(PDF), sender="FAPIAO@corp.example"),
        mail(part(PDF), sender="MAILER-DAEMON@corp.example"),
        headers() + multipart(part(PDF), kind="report; report-type=delivery-status"),
    ],
    ids=["auto-reply", "own address", "mailer daemon", "delivery report"],
)
def test_mail_that_must_not_be_taken_in_is_left_alone_and_counted(account: Account, raw: bytes) -> None:
    account.append(raw)
    with mailbox(account, own_addresses=["fapiao@corp.example"]) as source:
        assert arrivals(source) == []
        assert source.left_alone == 1

    assert [message.flags for message in account.messages()] == [frozenset()]


def test_mail_of_the_mailbox_itself_is_left_alone(account: Account, source: MailboxSource) -> None:
    account.append(mail(part(PDF), sender=account.username))

    assert arrivals(source) == []


def test_only_the_configured_senders_are_taken_in(account: Account) -> None:
    for sender in ("boss@corp.example", "a@partner.example", "x@sub.partner.example", "other@corp.example"):
        account.append(mail(part(PDF), sender=sender))
    account.append(crlf("From: boss@corp.example\nFrom: other@corp.example\nSubject: two\n\n"))

    with mailbox(account, senders=["Boss@Corp.example", "*@partner.example"]) as source:
        assert len(arrivals(source)) == 2
        assert source.left_alone == 3


def test_where_forwarding_is_believed_the_configured_senders_are_those_who_forward(account: Account) -> None:
    for forwarder in ("boss@corp.example", "other@corp.example"):
        more = f"X-Forwarded-For: {forwarder} fapiao@corp.example\n"
        account.append(mail(part(PDF), sender="noreply@vendor.example", more=more))

    with mailbox(account, senders=["boss@corp.example"], forwarded_for=True) as source:
        assert len(arrivals(source)) == 1
    with mailbox(account, senders=["boss@corp.example"]) as source:
        assert arrivals(source) == []


def test_mail_older_than_since_is_left_alone_by_the_date_of_its_arrival(account: Account) -> None:
    for day in (1, 9, 10, 11):
        account.append(mail(part(PDF)), received_at=datetime(2026, 11, day, 12, tzinfo=UTC))

    with mailbox(account, since=date(2026, 11, 10)) as source:
        assert [each.received_at.day for each in arrivals(source)] == [10, 11]
        assert source.left_alone == 2


def test_what_is_marked_as_deleted_or_done_is_not_found(account: Account, source: MailboxSource) -> None:
    account.append(mail(part(PDF)), flags=[r"\Deleted"])
    account.append(mail(part(PDF)), flags=["$InvoiceDone"])
    kept = account.append(mail(part(PDF)))

    assert only(arrivals(source)).place.endswith(f":{kept}")


def test_a_watched_folder_with_a_chinese_name_is_found(account: Account) -> None:
    account.append(mail(part(PDF)), folder="发票/待处理")

    with mailbox(account, folder="发票/待处理") as source:
        assert len(arrivals(source)) == 1


def told(sizes: Callable[[], int], date: bytes = b"01-Nov-2026 00:00:00 +0800") -> dict[str, Any]:
    """A script: one mail, and what is told of its size and date."""
    head = b'* 1 FETCH (UID 7 RFC822.SIZE %d INTERNALDATE "' + date + b'" BODY[HEADER] {%d}'
    return {"UID FETCH": lambda _: [head % (sizes(), len(MAIL_HEADER)), MAIL_HEADER + b")"]}


def test_a_mail_whose_size_was_estimated_at_first_is_taken_at_the_next_look() -> None:
    sizes = itertools.chain([100], itertools.repeat(120))
    with ScriptedImap(told(lambda: next(sizes))) as server, scripted(server) as source:
        (estimated,) = arrivals(source)
        with pytest.raises(Vanished), source.open(estimated):
            pass
        (exact,) = arrivals(source)
        with source.open(exact) as parcel:
            assert parcel.size == 120


@pytest.mark.parametrize("date", [b"01-Jan-0001 00:00:00 +0800", b"31-Dec-9999 23:59:59 +0000"])
def test_a_date_that_is_none_is_the_time_of_the_first_look(date: bytes) -> None:
    before = datetime.now(UTC)
    with ScriptedImap(told(lambda: 120, date)) as server, scripted(server) as source:
        (arrival,) = arrivals(source)

    assert before <= arrival.received_at <= datetime.now(UTC)
