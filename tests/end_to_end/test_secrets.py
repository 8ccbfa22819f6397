"""No secret of the configuration, and none that a server issues, is in anything that the program says or leaves."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.canaries import every_form, planted_fields, secret_fields
from tests.support.imap_script import Refusal, ScriptedImap
from tests.support.mails import mail, part
from tests.support.raw_server import RawServer
from tests.support.secretive_company import Company, company, issuing
from tests.support.servers.dovecot import Dovecot
from tests.support.servers.echoing import refused_by_s3, repeating
from tests.support.servers.slapd import Slapd
from tests.support.servers.smtp import SmtpSink
from tests.support.workplace import pdf
from watcher.config.load import load
from watcher.config.sections import Configuration

BOOKED = (Path(__file__).parents[1] / "unit" / "vectors" / "response_booked.json").read_text(encoding="utf-8")
SENDER = "zhang@corp.example"


def _assert_nothing_is_told(made: Company) -> None:
    left = made.left_behind()
    signatures = {match for body in made.world.posted for match in re.findall(r"Signature=(\w+)", body)}
    assert not made.canaries.found_in(left)
    assert not {where for signature in signatures for where, text in left.items() if signature.encode() in text}


def test_a_canary_is_planted_in_every_secret_that_the_configuration_knows(tmp_path: Path, monkeypatch: Any) -> None:
    planted = set()
    for turn, smtp_by in enumerate(("password", "token")):
        with company(tmp_path / smtp_by, {}, turn=turn, smtp_by=smtp_by) as made:
            made.workplace.write()
            for name, value in made.canaries.environment.items():
                monkeypatch.setenv(name, value)
            planted |= set(planted_fields(load(made.workplace.config_file)))

    assert planted == secret_fields(Configuration)


def test_where_all_is_well_no_secret_is_told(tmp_path: Path) -> None:
    answers: dict[str, Any] = {}
    with company(tmp_path / "c", answers, turn=0) as made:
        canaries = made.canaries
        answers |= issuing(canaries, ocr=lambda said: (200, {**_booked(), "resMsg": said}))
        people = [("zhang", SENDER, "903851", "en")]
        sink = SmtpSink(username="us", password=canaries.value("smtp"))
        imap = Dovecot(oauth2=True, password=canaries.value("imap"))
        with sink, imap, Slapd(people, password=canaries.value("ldap")) as ldap:
            by_password, by_token = imap.account(), imap.account()
            imap.grant(by_token.username, canaries.to_be_issued("access token"))
            config = made.workplace.config
            config["directory"]["ldap"]["url"] = ldap.url
            config["smtp"]["port"] = sink.port
            for section, account in zip(config["mailboxes"], (by_password, by_token), strict=True):
                section |= {"port": imap.port, "username": account.username}
                two = (
                    part(pdf(f"{section['name']} {each}"), name=f"{each}.pdf") for each in "ab"
                )  # which are looked into
                account.append(mail(*two, sender=SENDER))
            made.workplace.write()
            made.command("check")
            made.run_until(lambda log: log.count("A reply was handed") >= 2 and len(made.files("done")) >= 2)
            made.said |= {f"reply {number}": each.raw for number, each in enumerate(sink.received)}
        assert made.world.posted
        assert any(name.startswith("environ of") for name in made.said)
        _assert_nothing_is_told(made)


def test_where_every_login_is_refused_no_secret_is_told(tmp_path: Path) -> None:
    answers: dict[str, Any] = {
        "token": lambda said: repeating(said, 400),
        "bucket": refused_by_s3,
    }
    with company(tmp_path / "c", answers, turn=1, smtp_by="password") as made:
        canaries = made.canaries
        answers["oauth"] = issuing(canaries)["oauth"]
        everything = every_form(canaries.values.values())

        def refuse(command: str) -> list[bytes]:
            raise Refusal(f"NO [AUTHENTICATIONFAILED] {command} {everything}")

        script = {"LOGIN": refuse, "AUTHENTICATE": refuse}
        imap = ScriptedImap(script, capabilities="IMAP4rev1 AUTH=XOAUTH2")
        with (
            imap,
            RawServer(_smtp_that_repeats) as smtp,
            Slapd([("a", SENDER, "1", "en")]) as ldap,
            Dovecot() as dovecot,
        ):
            config = made.workplace.config
            config["directory"]["ldap"]["url"] = ldap.url
            config["smtp"]["port"] = smtp.port
            config["mailboxes"][0]["port"] = dovecot.port
            config["mailboxes"][1]["port"] = imap.port
            config["mailboxes"].append(
                {**config["mailboxes"][0], "name": "scripted", "port": imap.port, "host": "localhost"}
            )
            made.workplace.write()
            made.command("check", "--json")
            made.run_until(lambda log: log.count("A source cannot be used") >= 3 and "A store failed" in log)
            assert any(b"AUTH" in each for each in smtp.requests)
        _assert_nothing_is_told(made)


def test_where_every_service_fails_no_secret_is_told(tmp_path: Path) -> None:
    answers: dict[str, Any] = {}
    with company(tmp_path / "c", answers, turn=2, smtp_by="token") as made:
        canaries = made.canaries
        failing = {"ocr": repeating, "upload": repeating, "oauth": lambda said: repeating(said, 400)}
        answers |= issuing(canaries, **failing)
        del answers["hr"]
        with Dovecot(password=canaries.value("imap")) as imap, RawServer(_imap_that_babbles) as babbling:
            account = imap.account()
            account.append(mail(part(pdf("by mail")), sender=SENDER))
            config = made.workplace.config
            config["mailboxes"][0] |= {"port": imap.port, "username": account.username}
            config["mailboxes"].append(
                {**config["mailboxes"][0], "name": "babbling", "username": "us", "port": babbling.port}
            )
            made.workplace.write()
            made.command("check")
            made.run_until(lambda log: log.count("A source cannot be used") >= 2 and len(made.files("error")) >= 2)
        _assert_nothing_is_told(made)


def test_where_nothing_can_be_reached_no_secret_is_told(tmp_path: Path) -> None:
    with company(tmp_path / "c", {}, turn=3) as made:
        made.workplace.config["recognition"]["auth"]["token_url"] = made.world.url("/token").replace("http:", "https:")
        made.workplace.config["directory"]["http"]["url"] = "https://127.0.0.1:9/{address}"
        made.workplace.write()
        for arguments in (("check", "--json"), ("check", "--offline"), ("schema",)):
            made.command(*arguments)
        made.command("run", "--once")
        _assert_nothing_is_told(made)


@pytest.mark.parametrize("url", ["postgresql://us:{}@127.0.0.1:9/db", "postgresql://us@127.0.0.1:9/db?password={}"])
def test_a_password_in_the_address_of_the_journal_is_not_told(tmp_path: Path, url: str) -> None:
    with company(tmp_path / "c", {}, turn=3) as made:
        made.workplace.config["journal"] = url.format(made.canaries.core("journal"))
        made.canaries.value("journal")
        made.workplace.write()
        for arguments in (("check",), ("run", "--once")):
            made.command(*arguments)
        _assert_nothing_is_told(made)


_FAULT = """
import sys
import watcher.{module} as module
def stumble(*arguments, **keys):
    try:
        raise ValueError({said!r})
    except ValueError as error:
        raise RuntimeError("GET /token?client_secret=" + {said!r}) from error
module.{name} = stumble
from watcher.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("module", "name", "command"),
    [
        ("intake", "Intake.round", ["run", "--once"]),
        ("service.service", "Service.run_once", ["run", "--once"]),
        ("bootstrap.checks", "check_journal", ["check"]),
        ("journal.reading", "ReadingPart.counts", ["status"]),
    ],
)
def test_an_error_of_our_own_shows_where_it_happened_without_the_secrets(
    tmp_path: Path, module: str, name: str, command: list[str]
) -> None:
    with company(tmp_path / "c", {}, turn=0) as made:
        made.workplace.write()
        said = every_form(made.canaries.values.values())
        code = _FAULT.format(module=module, name=name, said=said)
        if command == ["status"]:
            made.command("migrate")
        done = subprocess.run(
            [sys.executable, "-c", code, "--config", str(made.workplace.config_file), *command],
            env=made.environment(), capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        made.said["with a fault"] = done.stdout + done.stderr

        assert b"in stumble" in done.stderr
        assert b"RuntimeError: GET /token?client_secret=***" in done.stderr
        _assert_nothing_is_told(made)


# --------------------------------------------------------------------------------------- the servers


def _booked() -> dict[str, Any]:
    import json

    booked: dict[str, Any] = json.loads(BOOKED)
    return booked


def _smtp_that_repeats(connection: Any, server: RawServer) -> None:
    import base64

    connection.sendall(b"220 hello\r\n")
    while command := connection.recv(4000):
        server.requests.append(command)
        word, _, rest = command.strip().partition(b" ")
        if word.upper() == b"AUTH":
            plain = base64.b64decode(rest.split()[-1] + b"==", validate=False).replace(b"\0", b" ")
            connection.sendall(b"535 5.7.8 wrong: " + command.strip() + b" which is " + plain + b"\r\n")
        else:
            connection.sendall(b"250-hello\r\n250 AUTH PLAIN\r\n" if word.upper() == b"EHLO" else b"250 ok\r\n")


def _imap_that_babbles(connection: Any, server: RawServer) -> None:
    """It answers LOGIN with what is no answer, so that the library quotes it."""
    connection.sendall(b"* OK [CAPABILITY IMAP4rev1] hello\r\n")
    while command := connection.recv(4000):
        server.requests.append(command)
        tag, word = command.split()[:2]
        if word == b"LOGIN":
            connection.sendall(b"what is " + command)
            return
        connection.sendall(b"* CAPABILITY IMAP4rev1\r\n" + tag + b" OK done\r\n")
