"""`check` says what it found at a mailbox and how to mend it, and changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.test_mailbox_connection import refuse
from tests.support.imap_script import ScriptedImap
from tests.support.mailboxes import mailbox, scripted, settings
from tests.support.mails import PDF, mail, part
from tests.support.servers.dovecot import Account, Dovecot
from watcher.model import Finding
from watcher.sources.mailbox.login import login_hint


@pytest.fixture
def account(dovecot: Dovecot) -> Account:
    return dovecot.account()


def checked(account: Account, **changes: Any) -> list[Finding]:
    with mailbox(account, **changes) as source:
        return source.check()


def told(findings: list[Finding]) -> str:
    return "\n".join(finding.message for finding in findings)


def test_a_mailbox_in_order_has_nothing_to_mend_and_is_left_as_it_was(account: Account) -> None:
    account.append(mail(part(PDF)))
    server = account.server
    findings = checked(
        account, tls="implicit", port=server.tls_port, ca_file=server.ca_file, done="发票/已处理", error="INBOX"
    )

    assert [finding for finding in findings if not finding.ok or finding.warning or finding.mend] == []
    assert "IDLE, MOVE, UIDPLUS" in told(findings)
    assert "发票/已处理 is not there yet" in told(findings)
    assert account.folders() == ["INBOX"]
    assert [message.flags for message in account.messages()] == [frozenset()]


def test_it_says_how_many_mails_would_be_looked_at(account: Account) -> None:
    for day in (1, 20):
        account.append(mail(), received_at=datetime(2026, 11, day, tzinfo=UTC))

    assert "2 mails lie in INBOX; 1 of them" in told(checked(account, since="2026-11-10"))
    assert "2 mails lie in INBOX; all of them" in told(checked(account))


def test_many_old_mails_are_worth_a_warning() -> None:
    many = b"* SEARCH " + b" ".join(b"%d" % uid for uid in range(1, 500))
    script: dict[str, Any] = {"UID SEARCH": lambda command: [many if "UNDELETED" in command else b"* SEARCH"]}
    with ScriptedImap(script) as server, scripted(server) as source:
        warnings = [finding for finding in source.check() if finding.warning]

    assert any("499 mails" in finding.message and "since" in (finding.mend or "") for finding in warnings)


def test_a_refused_login_is_told_with_what_helps(account: Account) -> None:
    [finding] = checked(account, password="a wrong one")

    assert not finding.ok
    assert "refused" in finding.message
    assert finding.mend
    assert finding.mend not in finding.message


def test_a_missing_folder_is_told_with_those_that_are_there(account: Account) -> None:
    account.create("发票")

    finding = checked(account, folder="fapiao")[-1]

    assert not finding.ok
    assert "发票" in (finding.mend or "")


def test_a_server_that_is_not_there_is_told(account: Account) -> None:
    [finding] = checked(account, port=1)

    assert not finding.ok
    assert "port" in (finding.mend or "")


def test_plain_connections_and_lacking_abilities_are_warned_of() -> None:
    with ScriptedImap(capabilities="IMAP4rev1") as server, scripted(server) as source:
        findings = source.check()

    assert all(finding.ok for finding in findings)
    assert "unencrypted" in told(findings)
    for name in ("IDLE", "MOVE", "UIDPLUS"):
        assert f"no {name}:" in told(findings)


def test_a_folder_that_the_server_will_not_open_is_told() -> None:
    script: dict[str, Any] = {"EXAMINE": refuse("NO [NOPERM] no")}
    with ScriptedImap(script) as server, scripted(server) as source:
        assert any(not finding.ok and "NOPERM" in finding.message for finding in source.check())


@pytest.mark.parametrize(
    ("host", "hint"),
    [
        ("imap.qq.com", "授权码"),
        ("imap.163.com", "授权码"),
        ("imap.exmail.qq.com", "客户端专用密码"),
        ("imap.qiye.aliyun.com", "客户端专用密码"),
        ("imap.example.com", "IMAP is switched on"),
    ],
)
def test_a_refused_login_at_a_chinese_provider_names_its_kind_of_password(
    account: Account, host: str, hint: str
) -> None:
    assert hint in login_hint(settings(account, host=host))
