"""`check` says what it found at a mailbox and how to mend it, and changes nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
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


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_certificate_that_ends_soon_is_told(account: Account, tls: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.tls._RENEWAL", timedelta(days=60))  # this one has thirty
    server = account.server
    port = server.tls_port if tls == "implicit" else server.port

    (told_of,) = [each for each in checked(account, tls=tls, port=port, ca_file=server.ca_file) if each.warning]

    assert re.search(r"certificate is valid for (29|30) days more", told_of.message)
    assert "renewed" in (told_of.mend or "")


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


def test_idle_and_keywords_are_tried_for_real_and_nothing_is_left_of_it(account: Account) -> None:
    account.append(mail())

    findings = checked(account)

    assert "IDLE is accepted" in told(findings)
    assert r"flagged \Seen and $InvoiceDone" in told(findings)
    assert all(finding.ok for finding in findings)
    assert [message.flags for message in account.messages()] == [frozenset()]


def opens(*lines: bytes) -> Any:
    return lambda _: [b"* 1 EXISTS", b"* OK [UIDVALIDITY 5] ok", *lines]


def lists(flags: bytes) -> Any:
    return lambda command: [b'* LIST (%s) "/" %s' % (flags, command.split()[-1].encode())]


CAPABLE = "IMAP4rev1 ID IDLE MOVE UIDPLUS ACL QUOTA"
MAY_ALL: dict[str, Any] = {
    "MYRIGHTS": lambda command: [f"* MYRIGHTS {command.split()[-1]} lrswipkxte".encode()],
    "GETQUOTAROOT": lambda _: [b"* QUOTAROOT INBOX u", b"* QUOTA u (STORAGE 100 512000 MESSAGE 2 10)"],
}


@pytest.mark.parametrize(
    ("script", "changes", "ok", "said"),
    [
        ({"IDLE": refuse("NO not today")}, {}, True, "says that it has IDLE, and refuses it"),
        ({"IDLE": lambda _: None}, {}, True, "says that it has IDLE, and does not take it"),
        (
            {"GETQUOTAROOT": lambda _: [b"* QUOTA u (STORAGE 470000 512000)"]},
            {},
            True,
            "nearly full (481 MB of 524 MB)",
        ),
        ({"GETQUOTAROOT": lambda _: [b"* QUOTA u (MESSAGE 10 10)"]}, {}, False, "is full (10 of 10 messages)"),
        ({"SELECT": opens(b"* OK [READ-ONLY] no")}, {}, False, "may only be read"),
        ({"SELECT": opens(b"* OK [PERMANENTFLAGS (\\Seen)] x")}, {}, True, "keeps no keywords"),
        (
            {"MYRIGHTS": lambda _: [b"* MYRIGHTS INBOX lrs"]},
            {"done": "X"},
            False,
            "no right to move mails out of INBOX",
        ),
        (
            {"MYRIGHTS": lambda _: [b"* MYRIGHTS X lrste"]},
            {"done": "X"},
            False,
            "no right to put mails into the folder X",
        ),
        ({"LIST": lists(b"\\Noselect")}, {"done": "X"}, False, "X holds other folders only"),
        (
            {"LIST": lambda command: [] if "done" in command else lists(b"\\NoInferiors")(command)},
            {"done": "X/done"},
            False,
            "cannot be made below X",
        ),
        ({"EXAMINE": refuse("NO SELECT Unsafe Login. Please contact kefu@188.com")}, {}, False, "Unsafe Login"),
    ],
)
def test_what_would_go_wrong_at_work_is_found_before(
    script: dict[str, Any], changes: dict[str, Any], ok: bool, said: str
) -> None:
    # `error` as `done`, lest what is said of the other folder gets mixed in
    given = {"error": changes["done"], **changes} if changes else {}
    with ScriptedImap(MAY_ALL | script, capabilities=CAPABLE) as server, scripted(server, **given) as source:
        findings = source.check()

    (about,) = [finding for finding in findings if said in finding.message]
    assert (about.ok, about.warning) == (ok, ok)
    assert about.mend
    assert not any("STORE" in command or "CREATE" in command for command in server.said)


RESULTS = "Authentication-Results: {}; dmarc=pass header.from=corp.example\n"
OURS = {"verify_sender": {"results_from": "mx.corp.example"}}


def results_told(account: Account, **changes: Any) -> Finding:
    (found,) = [finding for finding in checked(account, **changes) if "Authentication-Results" in finding.message]
    return found


def test_it_says_how_many_of_the_newest_mails_have_the_results_that_are_believed(account: Account) -> None:
    for _ in range(4):
        account.append(mail(more=RESULTS.format("mx.corp.example")))
    for _ in range(17):
        account.append(mail(more=RESULTS.format("evil.example") + RESULTS.format("mx.corp.example")))
    account.append(mail(more=RESULTS.format("evil.example")))
    account.append(mail())

    finding = results_told(account, **OURS)

    assert finding.message == "18 of the newest 20 mails have Authentication-Results of mx.corp.example"
    assert (finding.ok, finding.warning) == (True, False)
    assert {message.flags for message in account.messages()} == {frozenset()}


@pytest.mark.parametrize(
    ("more", "check", "mend"),
    [
        (RESULTS.format("mail.corp.example"), {"results_from": "mx.corp.example"}, "mail.corp.example"),
        (RESULTS.format("\x1b[31mred"), {"results_from": "mx.corp.example"}, "[31mred"),
        ("Authentication-Results: spf=pass smtp.mailfrom=corp.example\n", {"results_from": "mx"}, "topmost"),
        ("", {"results_from": "mx.corp.example"}, "set results_from to null"),
        ("", {"results_from": "topmost", "dkim": False}, "set dkim to true"),
        ("Authentication-Results: (\n", {"results_from": "topmost"}, "set results_from to null"),
    ],
)
def test_where_none_of_several_mails_has_them_it_is_told_what_to_do(
    account: Account, more: str, check: dict[str, Any], mend: str
) -> None:
    for _ in range(3):
        account.append(mail(more=more))

    finding = results_told(account, verify_sender=check)

    assert (finding.ok, finding.warning) == (True, True)
    assert mend in (finding.mend or "")
    assert (finding.mend or "").isprintable()


def test_a_mailbox_with_hardly_a_mail_needs_no_results_and_neither_does_one_that_believes_nobody(
    account: Account,
) -> None:
    assert not [finding for finding in checked(account, **OURS) if "Authentication-Results" in finding.message]
    account.append(mail())

    assert not results_told(account, **OURS).warning
    assert not [finding for finding in checked(account) if "Authentication-Results" in finding.message]


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
