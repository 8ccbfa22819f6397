"""The rounds of the alarm, over a real journal."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.support.journals import ENDPOINT, HOLD, close_gate, mail
from tests.support.servers.postgres import Postgres
from tests.support.waiting import wait_for
from watcher.errors import AlertUnavailable, JournalUnavailable
from watcher.journal.connection import Connection
from watcher.journal.journal import SqlJournal
from watcher.journal.opening import open_journal
from watcher.model import Alert, Finding, Reason, SubmissionState
from watcher.policy.alarm import AlarmRules
from watcher.service.alarm import DUTY, Alarm
from watcher.service.courier import Courier
from watcher.service.own_alarm import OwnAlarm, WithoutJournal
from watcher.service.vitals import Vitals

NONE = timedelta(0)


@dataclass
class Channel:
    name: str = "alerts.urls[0]"
    is_away: bool = False
    texts: list[str] = field(default_factory=list)

    def tell(self, subject: str, text: str, *, good: bool) -> None:
        if self.is_away:
            raise AlertUnavailable("no answer")
        self.texts.append(text)

    def check(self) -> list[Finding]:
        return []


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqlJournal]:
    opened = open_journal(f"sqlite:///{tmp_path}/journal.db", exclusive=True)
    yield opened
    opened.close()


@pytest.fixture
def channel() -> Channel:
    return Channel()


def alarm(
    journal: SqlJournal,
    *channels: Channel,
    after: timedelta = NONE,
    held_after: timedelta = NONE,
    trouble: str = "",
    vitals: Vitals | None = None,
) -> Alarm:
    return Alarm(
        journal=journal,
        rules=rules(after, held_after),
        courier=courier(*channels),
        trouble=lambda: trouble or None,
        vitals=vitals,
    )


def rules(after: timedelta = NONE, held_after: timedelta = NONE) -> AlarmRules:
    return AlarmRules(
        after=after,
        held_after={"fapiao": held_after},
        endpoint=ENDPOINT,
        language="en",
        moment=lambda moment: f"{moment:%H:%M}",
    )


def courier(*channels: Channel) -> Courier:
    return Courier(channels, language="en", first_pause_seconds=0.0)


def held_mail(journal: SqlJournal) -> str:
    return journal.record(mail(state=SubmissionState.HELD, reason=Reason.UNKNOWN_SENDER))


def test_a_source_that_goes_down_is_told_once_and_once_when_it_is_back(journal: SqlJournal, channel: Channel) -> None:
    made = alarm(journal, channel)
    journal.report_source("fapiao", up=False, message="no route")
    for _ in range(3):
        made.round()
    journal.report_source("fapiao", up=True)
    for _ in range(3):
        made.round()
    assert [text.split(" since")[0] for text in channel.texts] == [
        "- Source fapiao cannot be used",
        "- Over: source fapiao can be used",
    ]


def test_what_is_wrong_at_the_same_time_is_one_message(journal: SqlJournal, channel: Channel) -> None:
    journal.report_source("fapiao", up=False, message="no route")
    close_gate(journal, ENDPOINT, "the address is wrong", HOLD)
    held_mail(journal)
    alarm(journal, channel).round()
    (text,) = channel.texts
    assert len(text.splitlines()) == 3


def test_a_restart_repeats_nothing(journal: SqlJournal, channel: Channel) -> None:
    name = held_mail(journal)
    alarm(journal, channel).round()
    alarm(journal, channel).round()
    journal.refuse(name)
    alarm(journal, channel).round()
    alarm(journal, channel).round()
    assert len(channel.texts) == 2


def test_what_mends_itself_before_the_time_is_not_told(journal: SqlJournal, channel: Channel) -> None:
    made = alarm(journal, channel, after=HOLD)
    journal.report_source("fapiao", up=False, message="no route")
    made.round()
    journal.report_source("fapiao", up=True)
    made.round()
    assert channel.texts == []


def test_a_round_that_finds_nothing_new_writes_nothing(journal: SqlJournal, channel: Channel) -> None:
    made = alarm(journal, channel)
    held_mail(journal)
    made.round()
    claims = journal._database.read(_claims_of_the_duty)
    made.round()
    assert journal._database.read(_claims_of_the_duty) == claims


def _claims_of_the_duty(connection: Connection) -> int:
    return int(connection.execute(text("SELECT claim FROM duties")).scalar_one())


def test_another_node_whose_duty_it_is_tells_instead(journal: SqlJournal, channel: Channel) -> None:
    made = alarm(journal, channel)
    held_mail(journal)
    claim = journal.claim_duty(DUTY, HOLD)
    made.round()
    assert channel.texts == []
    assert claim is not None
    journal.release_duty(claim)
    made.round()
    assert len(channel.texts) == 1


def test_of_two_nodes_one_tells(journal: SqlJournal) -> None:
    first, second = Channel(), Channel()
    nodes = alarm(journal, first), alarm(journal, second)
    held_mail(journal)
    for node in (*nodes, *nodes):
        node.round()
    assert (len(first.texts), len(second.texts)) == (1, 0)


def test_of_two_nodes_on_one_postgresql_that_look_at_the_same_time_one_tells(postgres: Postgres) -> None:
    url = postgres.database()
    journals = [open_journal(url, exclusive=True) for _ in range(2)]
    channel = Channel()
    both_look = threading.Barrier(2)

    def looks(journal: SqlJournal) -> None:
        made = alarm(journal, channel)
        for _ in range(5):
            both_look.wait(30)
            made.round()

    held_mail(journals[0])
    with ThreadPoolExecutor() as nodes:
        list(nodes.map(looks, journals))
    for each in journals:
        each.close()
    assert len(channel.texts) == 1


def test_what_nobody_could_be_told_is_told_when_somebody_can_be(
    journal: SqlJournal, channel: Channel, caplog: pytest.LogCaptureFixture
) -> None:
    made = alarm(journal, channel)
    channel.is_away = True
    held_mail(journal)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            made.round()
    channel.is_away = False
    made.round()
    assert len(channel.texts) == 1
    assert [record.message for record in caplog.records].count("Something needs a person.") == 1


def test_who_dies_between_telling_and_remembering_tells_twice_and_not_never(
    journal: SqlJournal, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_mail(journal)
    remember = journal.remember

    def dies(alerts: tuple[Alert, ...], *, forget: tuple[str, ...] = ()) -> None:
        if any(alert.told_at for alert in alerts):
            raise JournalUnavailable("gone")
        remember(alerts, forget=forget)

    monkeypatch.setattr(journal, "remember", dies)
    alarm(journal, channel).round()
    monkeypatch.undo()
    alarm(journal, channel).round()
    alarm(journal, channel).round()
    assert len([text for text in channel.texts if "held" in text]) == 2


def test_without_channels_the_log_tells_once_and_once_when_it_is_over(
    journal: SqlJournal, caplog: pytest.LogCaptureFixture
) -> None:
    made = alarm(journal)
    with caplog.at_level(logging.INFO):
        name = held_mail(journal)
        made.round()
        made.round()
        journal.refuse(name)
        made.round()
        made.round()
    said = [(record.levelname, record.message, vars(record)["alert"]) for record in caplog.records]
    assert said == [
        ("WARNING", "Something needs a person.", "held"),
        ("INFO", "What needed a person is over.", "held"),
    ]


def test_a_journal_that_cannot_be_used_is_told_of_though_nothing_can_be_remembered_in_it(
    journal: SqlJournal, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = alarm(journal, channel)

    def away(*_: object, **__: object) -> None:
        raise JournalUnavailable("the database is away")

    monkeypatch.setattr(journal, "signs", away)
    made.round()
    made.round()
    monkeypatch.undo()
    made.round()
    made.round()
    assert [text.split(":")[0] for text in channel.texts] == [
        "- The journal cannot be used, so that nothing is taken in or posted",
        "- Over",
    ]


def test_a_journal_that_is_waited_for_is_told_of_and_the_alarm_after_it_tells_that_it_is_there(
    journal: SqlJournal, channel: Channel
) -> None:
    vitals = Vitals()
    waiting = OwnAlarm(rules=rules(), courier=courier(channel), vitals=vitals)
    with WithoutJournal(lambda: waiting) as without:
        without.say("the database is away")
        without.say("the database is away")
        wait_for(lambda: vitals.own_alerts and vitals.own_alerts[0].told_at, what="it to be told")
    for _ in range(3):
        alarm(journal, channel, vitals=vitals).round()
    assert [text.split(":")[0] for text in channel.texts] == [
        "- The journal cannot be used, so that nothing is taken in or posted",
        "- Over",
    ]


def test_a_look_that_fails_does_not_keep_a_journal_that_is_waited_for_from_being_told_of(
    channel: Channel, caplog: pytest.LogCaptureFixture
) -> None:
    looks: list[str] = []

    def clock() -> datetime:
        looks.append("one")
        if len(looks) == 1:
            raise RuntimeError("what nobody thought of")
        return datetime.now(UTC)

    vitals = Vitals()
    waiting = OwnAlarm(rules=rules(), courier=courier(channel), vitals=vitals, clock=clock)
    with WithoutJournal(lambda: waiting) as without:
        without.say("the database is away")
        wait_for(lambda: channel.texts, what="it to be told")
    assert "A look at what is wrong failed" in caplog.text


def test_a_journal_that_can_be_had_at_once_is_told_of_by_nobody() -> None:
    with WithoutJournal(lambda: pytest.fail("it is not needed")):
        pass


def test_a_full_disk_is_told_of_before_anything_is_written(journal: SqlJournal, channel: Channel) -> None:
    held_mail(journal)
    alarm(journal, channel, trouble="the journal's disk is full").round()
    (text,) = channel.texts
    assert "disk is full" in text
    assert journal.alerts() == []


def test_messages_keep_a_minutes_distance(journal: SqlJournal, channel: Channel) -> None:
    made = alarm(journal, channel, after=HOLD)
    held_mail(journal)
    made.round()
    journal._database.write(lambda connection: connection.exec_driver_sql("DELETE FROM alerts") and None)
    made.round()
    assert len(channel.texts) == 1


@pytest.mark.parametrize(("after", "seconds"), [(NONE, 1), (timedelta(seconds=20), 20), (timedelta(minutes=10), 60)])
def test_a_round_is_due_each_minute_or_as_often_as_the_configuration_needs(
    journal: SqlJournal, after: timedelta, seconds: float
) -> None:
    assert alarm(journal, after=after).every_seconds == seconds


def test_after_a_stop_no_round_begins(journal: SqlJournal, channel: Channel) -> None:
    made = alarm(journal, channel)
    held_mail(journal)
    made.stop()
    made.round()
    assert channel.texts == []


def test_a_refused_smtp_login_is_told_once_and_its_recovery_by_the_process_after_the_restart(
    journal: SqlJournal, channel: Channel
) -> None:
    """Given a password that was mended and a daemon that was started again, then that is told when it has mailed."""
    before, after = Vitals(), Vitals()
    before.mailer_refused("535 wrong")
    old = alarm(journal, channel, vitals=before)
    for _ in range(3):
        old.round()
    new = alarm(journal, channel, vitals=after)
    new.round()
    assert len(channel.texts) == 1
    assert "535 wrong" in channel.texts[0]

    after.mailed()
    for _ in range(3):
        new.round()
    assert channel.texts[1:] == ["- Over: the SMTP server lets us in again"]


def test_a_page_that_is_served_at_last_is_told_to_be_over_after_a_reload_too(
    journal: SqlJournal, channel: Channel
) -> None:
    vitals = Vitals()
    vitals.served("127.0.0.1:8750: Address already in use")
    for _ in range(2):
        alarm(journal, channel, vitals=vitals).round()
    vitals.served(None)
    for _ in range(3):
        alarm(journal, channel, vitals=vitals).round()
    assert len(channel.texts) == 2
    assert "Address already in use" in channel.texts[0]
    assert channel.texts[1] == "- Over: page and metrics are served"


def test_a_worker_that_hangs_is_told_at_once_however_long_one_waits_for_others(
    journal: SqlJournal, channel: Channel
) -> None:
    vitals = Vitals(late=lambda: ["look-fapiao"])
    alarm(journal, channel, after=HOLD, vitals=vitals).round()
    (text,) = channel.texts
    assert "look-fapiao" in text
