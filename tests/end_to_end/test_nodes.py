"""Several daemons and killed daemons, by the installed command: nothing twice, and nothing lost."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import pytest

from tests.support.database_clock import DatabaseClock
from tests.support.nodes import Nodes
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.servers.far_away import FarAway
from tests.support.servers.fault_proxy import Fault, Kind, Way
from tests.support.servers.postgres import Postgres
from tests.support.servers.smtp import SmtpSink
from tests.support.waiting import wait_for
from tests.support.workplace import ZHANG, Workplace, pdf
from watcher.sandbox.endpoint import Endpoint


@pytest.fixture
def workplace(tmp_path: Path, endpoint: Endpoint) -> Workplace:
    return Workplace(tmp_path, endpoint, connect_timeout="1s", timeout="4s", concurrency=2).with_folder().write()


def has_had(count: int, endpoint: Endpoint) -> bool:
    return len(endpoint.requests) >= count


def mail(number: int, content: bytes) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "zhang@corp.example", "fapiao@corp.example"
    message["Subject"], message["Message-ID"] = f"发票 {number}", f"<{number}@corp.example>"
    message.set_content("请查收")
    message.add_attachment(content, maintype="application", subtype="pdf", filename="a.pdf")
    return message.as_bytes()


@pytest.fixture
def journal(postgres: Postgres) -> str:
    return postgres.database()


@pytest.fixture
def account(dovecot: Dovecot, workplace: Workplace) -> Account:
    """A mailbox that the workplace watches, beside the folder."""
    made = dovecot.account()
    workplace.with_mailbox(dovecot.host, dovecot.port, made.username, made.password, poll="1s")
    return made


def test_two_nodes_on_one_postgresql_share_a_folder_and_a_mailbox_and_double_nothing(
    workplace: Workplace, endpoint: Endpoint, journal: str, account: Account, smtp_sink: SmtpSink
) -> None:
    endpoint.behave(latency=(0.01, 0.1))
    workplace.config["journal"] = journal
    workplace.with_smtp(smtp_sink.host, smtp_sink.port).write()
    with workplace.daemon() as first, workplace.daemon() as second:
        wait_for(lambda: second.said().count("The daemon is ready") == 2, 60, "the second node")
        for number in range(30):
            workplace.drop(f"{number}.pdf", pdf(f"{number}"))
        for number in range(5):  # what also lies in the folder
            account.append(mail(number, pdf(f"{number}")))
        submissions = workplace.closed(35)
        assert first.process.poll() is None

    outcomes = Counter(document["outcome"] for submission in submissions for document in submission["documents"])
    assert outcomes == {"done": 30, "duplicate": 5}
    assert len({request.biz_id for request in endpoint.requests}) == len(endpoint.requests) == 30
    assert len(list((workplace.done / ZHANG).glob("*.pdf"))) == 30
    assert len(account.messages("发票/已处理")) == 5
    assert len(smtp_sink.received) == 5


def test_a_node_that_is_far_from_its_database_posts_all_the_same(
    workplace: Workplace, endpoint: Endpoint, journal: str
) -> None:
    # Given a line on which each answer of the database comes half a second after the one before it
    with Nodes(workplace, journal) as nodes:
        (node,) = nodes.start("far")
        armed = node.line.meet(Fault(kind=Kind.DRIBBLE, of=Way.DOWN, times=None, piece=65536, pause=0.5))
        # When a file comes
        workplace.drop("a.pdf", pdf("a"))
        # Then it is posted, though to claim it takes seconds
        wait_for(lambda: has_had(1, endpoint), 60, "the request")
        assert armed.fired
        node.line.heal()


def test_a_node_with_fifty_sources_that_is_far_from_its_database_posts_all_the_same(
    workplace: Workplace, endpoint: Endpoint, journal: str, postgres: Postgres
) -> None:
    # Given fifty folders, and a database from which each answer takes a tenth of a second
    with FarAway(postgres.port, round_trip=0.1) as line:
        workplace.config["journal"] = journal.replace(f":{postgres.port}/", f":{line.port}/")
        (folder,) = workplace.config["folders"]
        for number in range(1, 50):
            at = {name: str(workplace.root / f"{name}-{number}") for name in ("path", "done", "error")}
            Path(at["path"]).mkdir()
            workplace.config["folders"].append({**folder, **at, "name": f"folder-{number}"})
        workplace.write().drop("a.pdf", pdf("a"))
        # When the daemon runs
        with workplace.daemon() as daemon:
            # Then what was dropped is posted and answered, and nothing had to be given back
            workplace.closed(1)
            assert "soon enough after its claim" not in daemon.said()

    assert len(endpoint.requests) == 1


def test_nodes_whose_databases_clock_is_set_ahead_post_nothing_beside_each_other_and_go_on(
    workplace: Workplace, endpoint: Endpoint, journal: str
) -> None:
    clock = DatabaseClock(journal)
    endpoint.behave(held=True)
    workplace.config["journal"] = journal
    workplace.config["recognition"]["timeout"] = "20s"
    with workplace.write().daemon(), workplace.daemon() as second:
        wait_for(lambda: second.said().count("The daemon is ready") == 2, 60, "the second node")
        # Given requests under way when the clock is set ahead by an hour, so that their claims seem to be over
        for name in "ab":
            workplace.drop(f"{name}.pdf", pdf(name))
        wait_for(lambda: endpoint.under_way == 2, 60, "the requests")
        clock.set(timedelta(hours=1))
        told = "The database's clock was set ahead"
        wait_for(lambda: second.said().count(told) >= 2, 60, "both to see it")
        # When more comes
        workplace.drop("c.pdf", pdf("c"))
        workplace.wait_for_submissions(3)
        endpoint.release()
        submissions = workplace.closed(3)

    assert [document["outcome"] for each in submissions for document in each["documents"]] == ["done"] * 3
    assert len(endpoint.requests) == 3


def test_what_was_in_flight_when_the_daemon_was_killed_waits_until_it_cannot_be_under_way(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    # A busy machine may take seconds to start the next run, which has to come within the time of the request.
    workplace.config["recognition"]["timeout"] = "60s"
    workplace.write()
    endpoint.behave(silent="after", times=1)
    with workplace.daemon() as daemon:
        workplace.drop("flies.pdf", pdf("flies"))
        assert endpoint.wait_until(lambda each: len(each.requests) == 1)
        workplace.drop("waits.pdf", pdf("waits"))
        wait_for((workplace.done / ZHANG / "waits.pdf").exists, 60, "the other file")
        daemon.process.kill()
        daemon.process.wait()

    ended = workplace.command("run", "--once")

    assert ended.returncode == 3
    assert [request.biz_id for request in endpoint.requests if request.overlapped] == []
    assert len(endpoint.requests) == 2
    assert (workplace.inbox / ZHANG / "flies.pdf").exists()
    (waiting,) = [each for submission in workplace.submissions("--state", "open") for each in submission["documents"]]
    begun = datetime.fromtimestamp(endpoint.requests[0].received_at).astimezone()
    assert datetime.fromisoformat(waiting["due_at"]) - begun > timedelta(seconds=61)


def test_a_daemon_that_is_killed_again_and_again_loses_and_doubles_no_file(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    # Longer than the test: on a busy machine what was in flight at the first kill would rightly be asked again.
    workplace.config["recognition"]["timeout"] = "5m"
    workplace.write()
    names = [f"{number}.pdf" for number in range(20)]
    for start in range(0, 20, 4):
        with workplace.daemon() as daemon:
            for name in names[start : start + 4]:
                workplace.drop(name, pdf(name))
            endpoint.wait_until(partial(has_had, start + 2), 2)
            daemon.process.kill()
            daemon.process.wait()

    ended = workplace.command("run", "--once")

    done = [path.name for path in (workplace.done / ZHANG).glob("*.pdf")]
    waiting = [path.name for path in workplace.inbox.rglob("*.pdf")]
    assert sorted(done + waiting) == sorted(names)
    in_flight = [each for submission in workplace.submissions("--state", "open") for each in submission["documents"]]
    assert sorted(document["name"] for document in in_flight) == sorted(waiting)
    assert len(in_flight) <= 2 * 5  # two workers, killed five times
    assert ended.returncode == (3 if waiting else 0)
    assert not any(request.overlapped for request in endpoint.requests)
    assert len({request.biz_id for request in endpoint.requests}) == len(endpoint.requests)
