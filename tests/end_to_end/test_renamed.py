"""Sources that get another name in the configuration, or are taken out of it, while they have work pending."""

from __future__ import annotations

from pathlib import Path

from tests.support.mails import mail, part
from tests.support.servers.dovecot import Dovecot
from tests.support.servers.smtp import SmtpSink
from tests.support.workplace import ZHANG, Workplace, pdf
from watcher.sandbox.endpoint import Endpoint

LEFT = "is no source of this node's configuration"


def test_whoever_takes_a_source_with_pending_work_out_of_the_configuration_is_told_wherever_they_look(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    workplace = Workplace(tmp_path / "company", endpoint, retry={"first": "1h", "longest": "1h"}).with_folder().write()
    endpoint.behave(status=500)
    workplace.drop("a.pdf", pdf("a"))
    assert workplace.command("run", "--once").returncode == 3
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    workplace.config["folders"][0] |= {"name": "team", "path": str(elsewhere)}
    workplace.write()

    once = workplace.command("run", "--once")
    with workplace.daemon() as daemon:
        at_start = daemon.said().count(LEFT)
        status = workplace.status()
    check = workplace.command("check")

    assert once.returncode == 3, once
    assert f"1 not finished of shared, which {LEFT}" in once.stdout
    assert at_start == 1
    assert f"shared {LEFT}, and no node looks after it: 1 not finished" in status
    assert f"shared {LEFT}, and no node looks after it: 1 not finished" in check.stdout

    workplace.config["folders"][0] |= {"name": "shared", "path": str(workplace.inbox)}
    workplace.write()
    assert LEFT not in workplace.status() + workplace.command("check").stdout


def test_a_mailbox_of_another_name_goes_on_with_what_is_pending_and_to_be_answered(
    endpoint: Endpoint, tmp_path: Path, dovecot: Dovecot, smtp_sink: SmtpSink
) -> None:
    account = dovecot.account()
    workplace = Workplace(tmp_path, endpoint, retry={"first": "1s", "longest": "1s"})
    workplace.with_smtp(smtp_sink.host, smtp_sink.port)
    workplace.with_mailbox(account.server.host, account.server.port, account.username, account.password).write()
    account.append(mail(part(pdf("a"), name="a.pdf"), subject="a"))
    endpoint.behave(status=500)
    assert workplace.command("run", "--once").returncode == 3
    endpoint.reset()
    workplace.config["mailboxes"][0]["name"] = "invoices"
    workplace.write()

    with workplace.daemon():
        (submission,) = workplace.closed(1)
        status = workplace.status()

    assert submission["source"] == "invoices"
    assert [document["outcome"] for document in submission["documents"]] == ["done"]
    assert account.messages("INBOX") == []
    assert len(smtp_sink.received) == 1
    assert LEFT not in status


def test_a_folder_of_another_name_goes_on_with_its_files_and_calls_none_a_duplicate(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    workplace = Workplace(tmp_path, endpoint, retry={"first": "1s", "longest": "1s"}).with_folder().write()
    endpoint.behave(status=500)
    workplace.drop("a.pdf", pdf("a"))
    assert workplace.command("run", "--once").returncode == 3
    endpoint.reset()
    workplace.config["folders"][0]["name"] = "team"
    workplace.write()

    assert workplace.command("run", "--once", "--wait", "20s").returncode == 0

    (submission,) = workplace.submissions()
    assert (submission["source"], submission["state"]) == ("team", "closed")
    assert [document["outcome"] for document in submission["documents"]] == ["done"]
    assert [path.name for path in workplace.done.rglob("*") if path.is_file()] == ["a.pdf"]


def test_a_file_is_booked_although_the_source_is_gone_that_had_the_same_one_last(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    workplace = Workplace(tmp_path, endpoint, retry={"first": "1s", "longest": "1s"}).with_folder()
    gone = tmp_path / "gone" / ZHANG
    gone.mkdir(parents=True)
    workplace.with_folder(name="gone", path=str(gone.parent)).write()
    endpoint.behave(status=500)
    workplace.drop("a.pdf", pdf("a"))
    assert workplace.command("run", "--once").returncode == 3
    (gone / "a.pdf").write_bytes(pdf("a"))
    assert workplace.command("run", "--once").returncode == 3
    endpoint.reset()
    workplace.config["folders"].pop()
    workplace.write()

    once = workplace.command("run", "--once", "--wait", "20s")

    (submission,) = workplace.submissions("--source", "shared")
    assert [document["outcome"] for document in submission["documents"]] == ["done"]
    assert [path.name for path in workplace.done.rglob("*") if path.is_file()] == ["a.pdf"]
    assert f"1 not finished of gone, which {LEFT}" in once.stdout
    assert once.returncode == 1  # what was in the other folder has its outcome now, and nobody to answer it


def test_whoever_has_something_tried_again_of_a_source_that_is_configured_no_more_is_told_that_nobody_does_it(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    workplace = Workplace(tmp_path, endpoint).with_folder().write()
    endpoint.behave(res_code=400001, res_msg="查验失败", times=1)
    workplace.drop("a.pdf", pdf("a"))
    assert workplace.command("run", "--once").returncode == 1
    workplace.config["folders"][0]["name"] = "team"
    workplace.write()
    (submission,) = workplace.submissions()

    retried = workplace.command("retry", submission["id"])

    assert f"but shared {LEFT}: give it back its name" in retried.stdout
    assert workplace.command("run", "--once").returncode == 3
