"""A mailbox is a source."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.contract.source_suite import SourceSuite
from tests.support.mailboxes import mailbox
from tests.support.mails import PDF, mail, part
from tests.support.servers.dovecot import Dovecot
from tests.support.submissions import submission
from watcher.model import Submission
from watcher.ports import Arrival, Source
from watcher.sources.mailbox import MailboxSource


class TestMailbox(SourceSuite):
    says = ("See the invoice.",)

    @pytest.fixture
    def source(self) -> Iterator[MailboxSource]:
        with Dovecot() as server:
            self.server, self.account = server, server.account()
            with mailbox(self.account, done="发票/已处理", error="发票/失败") as source:
                yield source

    def drop(self, source: Source, number: int) -> None:
        self.account.append(mail(part(PDF)), received_at=datetime(2026, 11, number, tzinfo=UTC))

    def lose(self, source: Source) -> None:
        for message in self.account.messages():
            self.account.delete(message.uid)

    def take_away(self, source: Source) -> None:
        self.server.stop()

    def submission(self, source: Source, arrival: Arrival) -> Submission:
        return submission(key=arrival.key, place=arrival.place, fingerprint=arrival.fingerprint)
