"""What others do to the mailbox while mails of it are on their way, by the installed command."""

from __future__ import annotations

from email import message_from_bytes
from pathlib import Path

import pytest

from tests.support.mailboxes import renumber
from tests.support.mails import mail, part
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.servers.smtp import SmtpSink
from tests.support.waiting import wait_for
from tests.support.workplace import Workplace, pdf
from watcher.sandbox.endpoint import Endpoint

WATCHED, DONE = "报销", "发票/已处理"


@pytest.fixture
def account(dovecot: Dovecot) -> Account:
    made = dovecot.account()
    made.create(WATCHED)
    return made


@pytest.fixture
def workplace(tmp_path: Path, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink) -> Workplace:
    made = Workplace(tmp_path, endpoint).with_smtp(smtp_sink.host, smtp_sink.port)
    server = account.server
    return made.with_mailbox(
        server.host, server.port, account.username, account.password, folder=WATCHED, poll="1s"
    ).write()


@pytest.fixture
def slow(endpoint: Endpoint) -> Endpoint:
    """It answers when it is told to, after others have interfered between intake and answer."""
    endpoint.behave(held=True)
    return endpoint


def invoice(mark: str) -> bytes:
    return mail(part(pdf(mark), name=f"{mark}.pdf"), subject=mark)


def subjects(account: Account, folder: str) -> list[str]:
    return sorted(str(message_from_bytes(message.raw)["Subject"]) for message in account.messages(folder))


def is_accepted(account: Account, raw: bytes, folder: str) -> bool:
    """Dovecot refuses a mail while whoever has the folder open has not noticed that its index is away."""
    try:
        account.append(raw, folder)
    except AssertionError as error:
        if "deleted under us" not in str(error):
            raise
        return False
    return True


def test_a_folder_that_is_numbered_anew_between_intake_and_answer_changes_nothing(
    workplace: Workplace, slow: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    with workplace.daemon() as daemon:
        for name in ("one", "two"):
            account.append(invoice(name), WATCHED)
        assert slow.wait_until(lambda it: it.under_way == 2)
        renumber(account)
        wait_for(lambda: is_accepted(account, invoice("three"), WATCHED), 60, "the folder to take a mail again")
        slow.release()
        workplace.closed(3)
        workplace.wait_for_status("fapiao up")
        assert daemon.process.poll() is None
    assert subjects(account, DONE) == ["one", "three", "two"]
    assert account.messages(WATCHED) == []
    assert len(slow.requests) == len(smtp_sink.received) == 3


@pytest.mark.exhaustive  # it waits for the pauses of a mailbox that is away, again and again
def test_folders_that_are_renamed_deleted_and_made_again_lose_no_mail(
    workplace: Workplace, slow: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    with workplace.daemon() as daemon:
        # Given a folder that is renamed while a mail of it is on its way
        account.append(invoice("one"), WATCHED)
        assert slow.wait_until(lambda it: it.under_way == 1)
        account.rename(WATCHED, "别处")
        # Then that is said, and its answer is not ended, because nobody knows whether the mail is gone
        workplace.wait_for_status(f"the folder {WATCHED} cannot be opened")
        slow.release()
        smtp_sink.wait_for(1, timeout=60)
        assert workplace.submissions("--state", "closed") == []
        # When it is made anew, and where the answered ones lie is gone
        account.create(WATCHED)
        workplace.closed(1)
        account.append(invoice("two"), WATCHED)
        workplace.closed(2)
        account.remove(DONE)
        account.append(invoice("three"), WATCHED)
        workplace.closed(3)
        workplace.wait_for_status("fapiao up")
        assert daemon.process.poll() is None
    # Then all are answered once, and none was doubled
    assert subjects(account, "别处") == ["one"]
    assert subjects(account, DONE) == ["three"]
    assert len(slow.requests) == len(smtp_sink.received) == 3
    assert len({reply.message["In-Reply-To"] for reply in smtp_sink.received}) == 3
