"""What the operators hear of what is wrong, from the installed command."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.support.raw_server import RawServer, answer
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.servers.fault_proxy import FaultProxy
from tests.support.servers.postgres import Postgres
from tests.support.servers.process import Process, free_port
from tests.support.servers.smtp import SmtpSink
from tests.support.waiting import wait_for
from tests.support.workplace import COMMAND, PATIENCE_SECONDS, Workplace, environment, pdf
from watcher.model import SubmissionState
from watcher.sandbox.endpoint import Endpoint

SECRET = "c4n4ryk3yofrobot"
OPERATOR = "ops@corp.example"


class Robot(RawServer):
    """A chat robot that takes everything."""

    def __init__(self) -> None:
        super().__init__(_thank)

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self.port}/{SECRET}"

    def messages(self) -> list[str]:
        return [json.loads(request.partition(b"\r\n\r\n")[2])["message"] for request in list(self.requests)]

    def wait_for(self, count: int) -> list[str]:
        wait_for(lambda: len(self.messages()) >= count, PATIENCE_SECONDS, f"{count} alerts")
        return self.messages()


def _thank(connection: socket.socket, server: RawServer) -> None:
    if server.read_request(connection):
        connection.sendall(answer(b"{}"))


@pytest.fixture
def robot() -> Iterator[Robot]:
    with Robot() as made:
        yield made


@pytest.fixture
def account(dovecot: Dovecot) -> Account:
    return dovecot.account()


@pytest.fixture
def workplace(tmp_path: Path, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink, robot: Robot) -> Workplace:
    made = Workplace(tmp_path, endpoint).with_smtp(smtp_sink.host, smtp_sink.port)
    made.with_mailbox(
        account.server.host, account.server.port, account.username, account.password,
        unknown="hold", held_after="1s", poll="1s",
    )  # fmt: skip
    (tmp_path / "robot").write_text(robot.address)
    made.config["alerts"] = {"urls": [{"file": str(tmp_path / "robot")}], "operators": [OPERATOR], "after": "0s"}
    return made.write()


def strangers_mail() -> bytes:
    message = EmailMessage()
    message["From"] = "stranger@elsewhere.example"
    message["To"] = "fapiao@corp.example"
    message["Subject"] = "<@all> @所有人"
    message["Message-ID"] = "<one@elsewhere.example>"
    message.add_attachment(pdf("a"), maintype="application", subtype="pdf", filename="a.pdf")
    return message.as_bytes()


def test_a_mail_that_is_held_for_too_long_is_told_once_and_once_when_it_is_decided_whatever_is_restarted(
    workplace: Workplace, account: Account, robot: Robot, smtp_sink: SmtpSink
) -> None:
    account.append(strangers_mail())
    with workplace.daemon():
        (held,) = robot.wait_for(1)
        (mail,) = smtp_sink.wait_for(1, to=OPERATOR)
    assert "来源 fapiao 有 1 件等待人工决定" in held
    assert "所有人" not in held
    assert mail.message.get_content().strip().splitlines() == [held]
    assert "fapiao: held for too long, the oldest since" in workplace.status()

    with workplace.daemon() as daemon:
        (submission,) = workplace.submissions("--state", "held")
        assert workplace.command("refuse", submission["id"]).returncode == 0
        workplace.wait_for_submissions(1, SubmissionState.CLOSED)
        assert robot.wait_for(2)[1:] == ["- 已处理：来源 fapiao 没有超时等待决定的了"]
        smtp_sink.wait_for(2, to=OPERATOR)
        assert daemon.said().count("Something needs a person.") == 1
        assert SECRET not in daemon.said()
    assert len(robot.messages()) == 2
    assert "held for too long" not in workplace.status()
    assert len(smtp_sink.received) == 2


def test_runs_one_after_the_other_tell_as_a_daemon_does(
    workplace: Workplace, account: Account, robot: Robot, smtp_sink: SmtpSink
) -> None:
    account.append(strangers_mail())

    def run() -> list[str]:
        assert workplace.command("run", "--once").returncode == 0
        return robot.messages()

    wait_for(run, PATIENCE_SECONDS, "a run that finds it held for too long")
    assert len(run()) == 1
    assert len(smtp_sink.received) == 1


def test_a_mailbox_that_is_down_is_told_and_that_it_is_back(
    workplace: Workplace, dovecot: Dovecot, robot: Robot, smtp_sink: SmtpSink
) -> None:
    with workplace.daemon() as daemon:
        workplace.wait_for_status("fapiao up")
        dovecot.stop()
        try:
            (down,) = robot.wait_for(1)
        finally:
            dovecot.start()
        back = robot.wait_for(2)[1]
        assert daemon.stop() == 0
    assert "来源 fapiao 自" in down
    assert "invoice-watcher check" in down
    assert back == "- 已恢复：来源 fapiao 可以使用"
    assert len(robot.messages()) == 2
    assert len(smtp_sink.wait_for(2, to=OPERATOR)) == 2


def test_what_was_told_of_a_wrong_endpoint_and_of_a_source_is_over_once_the_configuration_has_neither(
    tmp_path: Path, endpoint: Endpoint, robot: Robot
) -> None:
    place = Workplace(tmp_path, endpoint).with_folder()
    place.config["alerts"] = {"urls": [robot.address], "after": "0s"}
    right = place.config["recognition"]["url"]
    place.config["recognition"]["url"] = f"{right}/wrong"
    place.config["folders"].append({"name": "gone", "path": str(tmp_path / "gone")})
    place.drop("a.pdf", pdf("a"))
    with place.write().daemon() as daemon:
        wait_for(lambda: len(_lines(robot)) >= 2, PATIENCE_SECONDS, "both are told")

        place.config["recognition"]["url"] = right
        del place.config["folders"][-1]
        place.write()
        daemon.signal(signal.SIGHUP)

        wait_for(lambda: len(_lines(robot)) >= 4, PATIENCE_SECONDS, "both are told to be over")
    assert sorted(line.partition("：")[0] for line in _lines(robot)[2:]) == ["- 已恢复", "- 已恢复"]


def _lines(robot: Robot) -> list[str]:
    return [line for message in robot.messages() for line in message.splitlines()]


def test_a_journal_that_is_away_at_the_start_is_told_and_that_it_is_back(
    tmp_path: Path, endpoint: Endpoint, robot: Robot, postgres: Postgres
) -> None:
    url = postgres.database()
    with FaultProxy(postgres.port) as proxy:
        proxy.refuse()
        place = Workplace(tmp_path, endpoint).with_folder()
        place.config["journal"] = url.replace(f":{postgres.port}/", f":{proxy.port}/")
        place.config["alerts"] = {"urls": [robot.address], "after": "1s"}
        daemon = _waiting(place)
        try:
            (away,) = robot.wait_for(1)
            proxy.listen()
            _, back = robot.wait_for(2)
        finally:
            daemon.stop()
    assert away.startswith("- 台账数据库无法使用")
    assert back == "- 已恢复：台账数据库可以使用"
    assert daemon.log.read_text().count("Something needs a person.") == 1


def test_a_robot_that_never_answers_does_not_delay_the_end_of_who_waits_for_the_journal(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    with RawServer(_swallow) as hole:
        place = Workplace(tmp_path, endpoint).with_folder()
        place.config["journal"] = f"postgresql://u@127.0.0.1:{free_port()}/db"
        place.config["alerts"] = {"urls": [f"json://127.0.0.1:{hole.port}/{SECRET}"], "after": "0s"}
        daemon = _waiting(place)
        wait_for(lambda: hole.requests, PATIENCE_SECONDS, "the one that never answers to be asked")
        began = time.monotonic()
        daemon.stop(timeout=60)
        assert time.monotonic() - began < 15


def _waiting(place: Workplace) -> Process:
    """The daemon, from which nothing is expected before it has a journal."""
    command = [str(COMMAND), "--config", str(place.write().config_file), "run"]
    return Process(command, log=place.root / "waiting.log", environment=environment())


def _swallow(connection: socket.socket, server: RawServer) -> None:
    server.read_request(connection)
    server.ended.wait(60)


def test_check_says_which_address_is_none_and_sends_nothing(
    workplace: Workplace, robot: Robot, smtp_sink: SmtpSink
) -> None:
    (workplace.root / "wrong").write_text(f"bogus://{SECRET}")
    workplace.config["alerts"]["urls"].append({"file": str(workplace.root / "wrong")})
    workplace.write()

    answered = workplace.command("check")

    said = answered.stdout + answered.stderr
    assert answered.returncode == 1
    assert "ok    alerts.urls[0]:" in said
    assert "FAIL  alerts.urls[1]: apprise does not know such an address" in said
    assert "no effect" not in said
    assert SECRET not in said
    assert (robot.messages(), smtp_sink.received) == ([], [])


def test_a_robot_that_never_answers_delays_neither_the_other_channels_nor_the_end(
    workplace: Workplace, account: Account, robot: Robot, smtp_sink: SmtpSink
) -> None:
    account.append(strangers_mail())
    with RawServer(_swallow) as hole:
        workplace.config["alerts"]["urls"].insert(0, f"json://127.0.0.1:{hole.port}/{SECRET}")
        workplace.write()
        with workplace.daemon() as daemon:
            robot.wait_for(1)
            smtp_sink.wait_for(1, to=OPERATOR)
            wait_for(lambda: hole.requests, PATIENCE_SECONDS, "the one that never answers to be asked")
            assert daemon.stop(timeout=15) == 0
            assert SECRET not in daemon.said()
