"""The commands as contract.md has them: names, JSON, exit status."""

from __future__ import annotations

import json
import re
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.support.waiting import wait_for
from tests.support.workplace import COMMAND, ZHANG, Workplace, pdf
from watcher.model import SubmissionState
from watcher.sandbox.endpoint import Endpoint

SUBMISSION = "id source kind sender subject path user_code received_at state reason answered_at documents".split()
DOCUMENT = (
    "id name booking media_type size sha256 attachment_url biz_id user_code state outcome code message attempts "
    "due_at settled_at duplicate_of invoices"
).split()
INVOICE = (
    "number code type name amount tax_amount currency date seller_name seller_tax_code buyer_name buyer_tax_code "
    "verified expense_id expense_status message message_code"
).split()


@pytest.fixture
def workplace(tmp_path: Path, endpoint: Endpoint) -> Workplace:
    return Workplace(tmp_path, endpoint).with_folder().write()


GOOD = "十月差旅的打车电子发票和酒店住宿发票.pdf"


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """A place to read in: `bad.pdf` was refused, and then GOOD was booked."""
    with Endpoint() as endpoint:
        endpoint.behave(res_code=300042, res_msg="识别失败", times=1)
        place = Workplace(tmp_path_factory.mktemp("answered") / "work", endpoint).with_folder().write()
        for name in ("bad.pdf", GOOD):
            place.drop(name, pdf(name))
            place.command("run", "--once")
        yield place


def test_the_json_of_a_submission_has_the_contracts_keys_and_no_others(answered: Workplace) -> None:
    submission, _ = answered.submissions()
    assert list(submission) == SUBMISSION
    (document,) = submission["documents"]
    assert list(document) == DOCUMENT
    (invoice,) = document["invoices"]
    assert list(invoice) == INVOICE
    assert (submission["kind"], submission["state"], document["state"]) == ("file", "closed", "settled")
    assert submission["received_at"].endswith("+08:00")
    assert isinstance(invoice["amount"], str)


def test_show_takes_a_prefix_and_says_when_it_fits_none_or_several(answered: Workplace) -> None:
    first, second = answered.submissions()
    shown = answered.command("show", first["id"][:-2], "--json")
    assert json.loads(shown.stdout) == first
    assert answered.command("show", "no-such-id").returncode == 2
    assert answered.command("show", "").returncode == 2
    assert second["id"] != first["id"]


def test_help_names_what_an_option_takes_and_a_flag_takes_nothing(workplace: Workplace) -> None:
    said = workplace.command("list", "--help").stdout
    assert "--sender A " in said
    assert "--json   " in said


def test_list_filters_by_outcome_source_search_and_time(answered: Workplace) -> None:
    good, bad = answered.submissions()
    assert answered.submissions("--outcome", "error") == [bad]
    assert answered.submissions("--search", "打车") == [good]
    assert answered.submissions("--source", "nowhere") == []
    assert answered.submissions("--since", "1h") == [good, bad]
    assert answered.submissions("--since", "2090-01-01") == []
    assert answered.submissions("--limit", "1") == [good]
    assert answered.submissions("--search", good["documents"][0]["invoices"][0]["expense_id"]) == [good]


def test_a_list_says_when_it_may_lack_something(answered: Workplace) -> None:
    """Where the limit cut it off, or a source is misspelt; on standard error, lest a program takes it for a row."""
    whole = answered.command("list")
    cut, wrong = answered.command("list", "--limit", "1"), answered.command("list", "--source", "shraed")
    as_json = answered.command("list", "--limit", "1", "--json")

    assert (whole.stderr, as_json.stderr) == ("", "")
    assert cut.stderr == "These are the newest 1; there may be more: --limit N.\n"
    assert wrong.stderr == "The configuration has no source of this name; it has: shared.\n"
    assert (wrong.stdout, wrong.returncode) == ("No submissions.\n", 0)


def test_a_date_without_a_zone_is_one_of_the_configured_zone(workplace: Workplace) -> None:
    workplace.drop("a.pdf", pdf("a"))
    workplace.command("run", "--once")
    (submission,) = workplace.submissions()
    received = datetime.fromisoformat(submission["received_at"])
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):  # a whole day apart
        workplace.config["timezone"] = zone
        workplace.write()
        there = received.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert len(workplace.submissions("--since", (there - timedelta(minutes=5)).isoformat())) == 1
        assert workplace.submissions("--since", (there + timedelta(minutes=5)).isoformat()) == []


def test_the_texts_for_people_name_what_happened(answered: Workplace) -> None:
    submission, _ = answered.submissions()
    listed = answered.command("list").stdout
    assert submission["id"] in listed  # whole, so that it can be copied, on a narrow terminal too
    assert "1 done" in listed
    shown = answered.command("show", submission["id"]).stdout
    assert GOOD in shown
    assert submission["documents"][0]["biz_id"] in shown
    status = answered.command("status").stdout
    assert "gate: open" in status
    assert "shared" in status


def test_a_wrong_configuration_is_told_whole_with_lines_and_status_78(workplace: Workplace) -> None:
    workplace.config["recognition"]["concurency"] = 3
    workplace.config["language"] = "klingon"
    workplace.write()
    answer = workplace.command("run", "--once")
    assert answer.returncode == 78
    lines = answer.stderr.strip().splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"{workplace.config_file}:") for line in lines)
    assert "recognition.concurency" in answer.stderr
    assert "concurrency" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("arguments", [["migrate"], ["status"], ["check"], ["run", "--once"]], ids=" ".join)
@pytest.mark.parametrize("name", ["a\0b.db", "a%00b.db"], ids=["byte", "percent"])
def test_a_journal_that_no_name_can_be_is_told_with_its_line_and_status_78(
    workplace: Workplace, name: str, arguments: list[str]
) -> None:
    workplace.config["journal"] = f"sqlite:///{workplace.root}/{name}"
    workplace.write()
    answer = workplace.command(*arguments)
    assert (answer.returncode, answer.stdout) == (78, "")
    assert re.fullmatch(rf"{re.escape(str(workplace.config_file))}:\d+: journal: has .+: take it out\n", answer.stderr)


@pytest.mark.parametrize(
    "name",
    [f"{'x' * 300}.db", f"{'x' * 300}/journal.db", f"{'x' * 250}.db", f"{'发' * 79}{'x' * 10}.db"],
    ids=["file", "folder", "what stands beside it", "what stands beside it, by its bytes"],
)
def test_a_journal_whose_name_is_too_long_is_told_by_every_command_without_a_traceback(
    workplace: Workplace, name: str
) -> None:
    workplace.config["journal"] = f"sqlite:///{workplace.root}/{name}"
    workplace.write()
    for arguments in (["migrate"], ["status"], ["run", "--once"]):
        answer = workplace.command(*arguments)
        assert (answer.returncode, "File name too long" in answer.stderr) == (1, True), arguments
        assert "Traceback" not in answer.stderr
    answer = workplace.command("check", "--json")
    found = [json.loads(line) for line in answer.stdout.splitlines()]
    assert (answer.returncode, answer.stderr) == (1, "")
    (journal,) = [each for each in found if each["subject"] == "journal"]
    assert "File name too long" in journal["message"]


def test_no_configuration_at_all_is_told_without_a_traceback(tmp_path: Path) -> None:
    answer = subprocess.run([COMMAND, "status"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 78
    assert "--config" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("arguments", [["nonsense"], ["run", "--nonsense"], ["list", "--state", "asleep"]])
def test_a_wrong_command_line_is_status_2(workplace: Workplace, arguments: list[str]) -> None:
    assert workplace.command(*arguments).returncode == 2


def test_documents_that_are_left_pending_are_status_3(workplace: Workplace, endpoint: Endpoint) -> None:
    endpoint.behave(status=500)
    workplace.drop("a.pdf", pdf("a"))
    answer = workplace.command("run", "--once")
    assert answer.returncode == 3, answer.stderr
    assert "pending" in answer.stdout
    assert (workplace.inbox / ZHANG / "a.pdf").exists()


def test_waiting_long_enough_sees_the_second_try_under_the_same_biz_id(tmp_path: Path, endpoint: Endpoint) -> None:
    workplace = Workplace(tmp_path, endpoint, retry={"first": "1s"}).with_folder().write()
    endpoint.behave(status=500, times=1)
    workplace.drop("a.pdf", pdf("a"))
    assert workplace.command("run", "--once", "--wait", "20s").returncode == 0
    first, second = endpoint.requests
    assert first.biz_id == second.biz_id
    assert first.timestamp != second.timestamp


def test_a_missing_key_closes_the_gate_and_the_file_waits(workplace: Workplace, endpoint: Endpoint) -> None:
    endpoint.behave(no_key=True)
    workplace.drop("a.pdf", pdf("a"))
    assert workplace.command("run", "--once").returncode == 3
    assert len(endpoint.requests) == 1
    status = workplace.command("status").stdout
    assert "CLOSED" in status
    assert "秘钥" in status
    (submission,) = workplace.submissions()
    assert submission["documents"][0]["attempts"] == 0
    assert (workplace.inbox / ZHANG / "a.pdf").exists()


def fail_and_retry(workplace: Workplace, endpoint: Endpoint) -> None:
    """Drop a file that the endpoint refuses, and have it tried again by whoever runs next."""
    endpoint.behave(res_code=300042, times=1)
    workplace.drop("a.pdf", pdf("a"))
    workplace.command("run", "--once")
    (submission,) = workplace.submissions()
    assert workplace.command("retry", submission["id"]).returncode == 0


def test_retry_posts_a_failed_document_again_and_brings_its_file_to_done(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    fail_and_retry(workplace, endpoint)
    assert workplace.command("run", "--once").returncode == 0
    assert (workplace.done / ZHANG / "a.pdf").exists()
    assert not (workplace.error / ZHANG / "a.pdf").exists()


@pytest.fixture
def in_place(tmp_path: Path, endpoint: Endpoint) -> Workplace:
    """A folder whose files have their URL by where they lie."""
    quick = {"connect_timeout": "1s", "timeout": "2s", "retry": {"first": "1s", "longest": "1s"}}
    workplace = Workplace(tmp_path / "in-place", endpoint, **quick)
    workplace.config["stores"]["default"] = {"type": "resolve", "base_url": "https://files.example/"}
    return workplace.with_folder().write()


def test_a_retry_puts_a_file_back_first_where_its_url_leads_to_where_it_lies(
    in_place: Workplace, endpoint: Endpoint
) -> None:
    endpoint.behave(res_code=300042, times=1)
    dropped = in_place.drop("a 1.pdf", pdf("a"))
    in_place.command("run", "--once")
    (submission,) = in_place.submissions()
    assert (in_place.error / ZHANG / "a 1.pdf").exists()
    assert in_place.command("retry", submission["id"]).returncode == 0
    endpoint.behave(silent="after", times=1)
    with in_place.daemon():
        assert endpoint.wait_until(lambda each: len(each.requests) == 2)
        assert dropped.read_bytes() == pdf("a")
        assert not list(in_place.error.rglob("*.*"))
        endpoint.reset()
        wait_for((in_place.done / ZHANG / "a 1.pdf").exists, 60, "the file to be done")
        (submission,) = in_place.submissions()
    first, second, *_ = endpoint.requests
    assert first.attachment_url == second.attachment_url == f"https://files.example/{ZHANG}/a%201.pdf"
    assert first.biz_id != second.biz_id


def test_a_file_that_is_to_be_put_back_is_although_its_folder_has_another_store_by_now(
    in_place: Workplace, endpoint: Endpoint
) -> None:
    # Given a file that failed, and is to be tried again
    fail_and_retry(in_place, endpoint)
    # When its folder gets another store before the daemon has put it back
    in_place.config["stores"]["default"] = {"type": "http", "url": f"{endpoint.url}/nowhere"}
    in_place.write()
    # Then it is put back and posted all the same
    assert in_place.command("run", "--once", "--wait", "20s").returncode == 0
    assert (in_place.done / ZHANG / "a.pdf").exists()
    assert [request.attachment_url for request in endpoint.requests] == 2 * [f"https://files.example/{ZHANG}/a.pdf"]


def test_a_retry_makes_the_folder_anew_that_somebody_has_removed_since_it_was_empty(
    in_place: Workplace, endpoint: Endpoint
) -> None:
    endpoint.behave(res_code=300042, times=1)
    dropped = in_place.drop("a.pdf", pdf("a"))
    in_place.command("run", "--once")
    dropped.parent.rmdir()
    (submission,) = in_place.submissions()
    assert in_place.command("retry", submission["id"]).returncode == 0

    assert in_place.command("run", "--once").returncode == 0

    first, second = endpoint.requests
    assert first.attachment_url == second.attachment_url
    assert (in_place.done / ZHANG / "a.pdf").read_bytes() == pdf("a")


def test_a_file_that_was_replaced_before_it_could_be_posted_is_not_booked_in_the_place_of_the_first(
    in_place: Workplace, endpoint: Endpoint
) -> None:
    # Given a scanner that writes the same file again while the endpoint takes nothing, and surely books nothing
    endpoint.behave(status=429)
    scan = in_place.drop("scan.pdf", pdf("first"))
    with in_place.daemon():
        assert endpoint.wait_until(lambda each: len(each.requests) >= 1, 60)
        scan.write_bytes(pdf("second"))
        assert endpoint.wait_until(lambda each: len({request.biz_id for request in each.requests}) == 2, 60)
        # When it takes them again
        endpoint.reset()
        wait_for((in_place.done / ZHANG / "scan.pdf").exists, 60, "the second file to be done")
    # Then the second is booked once, and the first, which is no more, not at all
    assert (in_place.done / ZHANG / "scan.pdf").read_bytes() == pdf("second")
    first = endpoint.requests[0].biz_id
    (booked,) = [request.biz_id for request in endpoint.requests if request.outcome == "booked"]
    assert booked != first
    states = {submission["documents"][0]["outcome"] for submission in in_place.submissions()}
    assert states == {"done", None}


@pytest.mark.parametrize("at_once", [True, False])
def test_a_file_that_is_replaced_while_it_is_posted_is_not_told_as_booked_and_the_new_one_is_not_booked_twice(
    in_place: Workplace, endpoint: Endpoint, at_once: bool
) -> None:
    # Given an endpoint that takes its time, and a file that is replaced before it fetches what lies at the address
    in_place.config["recognition"]["timeout"] = "20s"
    if not at_once:  # nobody looks at the folder meanwhile
        in_place.config["folders"][0] |= {"network": True, "poll": "6s", "settle": "1s"}
    in_place.write()
    endpoint.behave(held=True, times=1)
    scan = in_place.drop("scan.pdf", pdf("first"))
    with in_place.daemon():
        assert endpoint.wait_until(lambda each: each.under_way == 1, 60)
        new = in_place.root / "new.pdf"
        new.write_bytes(pdf("second"))
        new.replace(scan)
        # When the answer has come
        endpoint.release()
        in_place.wait_for_submissions(1, SubmissionState.CLOSED)
        in_place.wait_for_submissions(1, SubmissionState.HELD)
    # Then of the first one nobody says that it is booked, and the second waits for a person, where it was
    assert len(endpoint.requests) == 1
    (old,) = in_place.submissions("--state", "closed")
    (document,) = old["documents"]
    assert (document["outcome"], document["code"]) == ("attention", "IN_DOUBT")
    assert "replaced" in document["message"]
    assert [invoice["expense_id"] for invoice in document["invoices"]] != [None]
    (held,) = in_place.submissions("--state", "held")
    assert held["reason"] == "IN_DOUBT"
    assert "in the place of another document" in in_place.command("show", held["id"]).stdout
    assert scan.read_bytes() == pdf("second")
    # And it is booked under its own number when somebody has found that it was not
    assert in_place.command("release", held["id"]).returncode == 0
    assert in_place.command("run", "--once", "--wait", "20s").returncode == 0
    assert len({request.biz_id for request in endpoint.requests}) == 2
    assert (in_place.done / ZHANG / "scan.pdf").read_bytes() == pdf("second")


def test_what_came_in_the_place_of_a_file_that_was_posted_when_the_daemon_was_killed_is_not_booked_twice(
    in_place: Workplace, endpoint: Endpoint
) -> None:
    # Given a daemon that is killed while it posts a file, and what came in its place until the next start
    in_place.config["recognition"]["timeout"] = "20s"
    in_place.write()
    endpoint.behave(held=True, times=1)
    scan = in_place.drop("scan.pdf", pdf("first"))
    with in_place.daemon() as daemon:
        assert endpoint.wait_until(lambda each: each.under_way == 1, 60)
        daemon.process.kill()
        daemon.process.wait()
    endpoint.release()
    scan.unlink()
    in_place.drop("scan.pdf", pdf("second"))
    # When its request cannot be under way any more
    with closing(sqlite3.connect(in_place.root / "journal.db")) as journal, journal:
        assert journal.execute("UPDATE bookings SET due_at = 0 WHERE claimed").rowcount == 1
    with in_place.daemon():
        in_place.wait_for_submissions(1, SubmissionState.HELD)
    # Then the new one waits for a person, because it may have been booked as the first one
    assert len(endpoint.requests) == 1
    (held,) = in_place.submissions("--state", "held")
    assert held["reason"] == "IN_DOUBT"
    assert "in the place of another document" in in_place.command("show", held["id"]).stdout
    assert scan.read_bytes() == pdf("second")


def test_a_retry_waits_while_another_file_lies_where_it_was(in_place: Workplace, endpoint: Endpoint) -> None:
    endpoint.behave(res_code=300042, times=1)
    in_place.drop("a.pdf", pdf("a"))
    in_place.command("run", "--once")
    (submission,) = in_place.submissions()
    in_place.config["accept"] = ["ofd"]  # so that the other file stays
    in_place.write().drop("a.pdf", pdf("another"))

    in_place.command("retry", submission["id"])

    assert in_place.command("run", "--once").returncode == 3
    assert "is there already" in in_place.command("show", submission["id"]).stdout
    assert len(endpoint.requests) == 1
    assert (in_place.error / ZHANG / "a.pdf").read_bytes() == pdf("a")


def test_a_retry_of_a_file_that_is_not_in_error_any_more_says_so(in_place: Workplace, endpoint: Endpoint) -> None:
    endpoint.behave(res_code=300042, times=1)
    in_place.drop("a.pdf", pdf("a"))
    in_place.command("run", "--once")
    (submission,) = in_place.submissions()
    (in_place.error / ZHANG / "a.pdf").unlink()

    in_place.command("retry", submission["id"])

    assert in_place.command("run", "--once").returncode == 1
    ((document,),) = [submission["documents"] for submission in in_place.submissions()]
    assert (document["outcome"], document["code"], len(endpoint.requests)) == ("error", "NO_URL", 1)


def test_schema_is_json_that_names_every_section(workplace: Workplace) -> None:
    schema = json.loads(workplace.command("schema").stdout)
    assert {"journal", "recognition", "stores", "mailboxes", "folders"} <= set(schema["properties"])


def test_check_says_of_each_thing_what_it_found_and_posts_nothing(workplace: Workplace, endpoint: Endpoint) -> None:
    answer = workplace.command("check", "--json")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    subjects = " ".join(json.loads(line)["subject"] for line in answer.stdout.splitlines())
    for thing in ("configuration", "journal", "folder shared", "store default", "recognition", "directory"):
        assert thing in subjects
    assert endpoint.requests == ()


def test_check_of_something_broken_is_status_1_and_says_how_to_mend_it(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    workplace.config["folders"][0]["path"] = str(workplace.root / "missing")
    workplace.write()
    answer = workplace.command("check")
    assert answer.returncode == 1
    assert "FAIL" in answer.stdout
    assert "→" in answer.stdout


def test_check_offline_asks_nobody(tmp_path: Path, endpoint: Endpoint) -> None:
    workplace = Workplace(tmp_path, endpoint).with_folder(path="/nowhere/at/all").write()
    assert workplace.command("check", "--offline").returncode == 0


def test_check_warns_of_a_value_that_yaml_may_have_cut(tmp_path: Path, endpoint: Endpoint) -> None:
    workplace = Workplace(tmp_path, endpoint).with_folder().write()
    file = next(tmp_path.rglob("config.yaml"))
    file.write_text(f"timezone: Asia/Shanghai #x\n{file.read_text()}")

    answer = workplace.command("check", "--offline")

    assert answer.returncode == 0
    assert f"warn  configuration: {file}:1: the value ends before the # here" in answer.stdout


def test_a_second_daemon_on_the_same_journal_leaves_with_a_clear_message(workplace: Workplace) -> None:
    with workplace.daemon() as daemon:
        answer = workplace.command("run", "--once")
        assert answer.returncode == 1
        assert str(daemon.process.pid) in answer.stderr
        assert "journal.db" in answer.stderr
        assert "Traceback" not in answer.stderr


def test_sigterm_lets_what_is_under_way_end_and_answers_it(workplace: Workplace, endpoint: Endpoint) -> None:
    endpoint.behave(held=True)
    with workplace.daemon() as daemon:
        workplace.drop("a.pdf", pdf("a"))
        assert endpoint.wait_until(lambda e: e.under_way == 1)
        daemon.signal(signal.SIGTERM)
        wait_for(lambda: "The daemon stops" in daemon.said(), 60, "the daemon to be about to stop")
        endpoint.release()
        assert daemon.stop() == 0
    assert (workplace.done / ZHANG / "a.pdf").exists()
    assert [request.outcome for request in endpoint.requests] == ["booked"]


def test_sighup_takes_a_new_configuration_and_keeps_the_old_one_when_it_is_wrong(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    with workplace.daemon() as daemon:
        workplace.config_file.write_text("journal: 3\n", encoding="utf-8")
        daemon.signal(signal.SIGHUP)
        wait_for(lambda: "the old one stays" in daemon.said(), 60, "the report")
        other = workplace.root / "done-elsewhere"
        workplace.config["folders"][0]["done"] = str(other)
        workplace.write()
        daemon.signal(signal.SIGHUP)
        wait_for(lambda: daemon.said().count("The daemon is ready") == 2, 60, "the second start")
        workplace.drop("a.pdf", pdf("a"))
        wait_for((other / ZHANG / "a.pdf").exists, 60, "the file in the new place")


def test_the_start_and_a_reload_tell_of_a_value_that_yaml_may_have_cut(workplace: Workplace) -> None:
    text = workplace.config_file.read_text(encoding="utf-8")
    workplace.config_file.write_text(f"web: #x\n{text}", encoding="utf-8")
    with workplace.daemon() as daemon:
        assert f"{workplace.config_file}:1: nothing is left of the value" in daemon.said()
        workplace.config_file.write_text(f"timezone: Asia/Shanghai #x\n{text}", encoding="utf-8")
        daemon.signal(signal.SIGHUP)
        wait_for(lambda: daemon.said().count("The daemon is ready") == 2, 60, "the second start")
        assert f"{workplace.config_file}:1: the value ends before the #" in daemon.said()


def test_sighup_with_what_cannot_be_built_keeps_the_old_configuration(workplace: Workplace, tmp_path: Path) -> None:
    # Given a configuration that reads well, and wants a library that is not there
    shadow = tmp_path / "shadow" / "ldap3"
    shadow.mkdir(parents=True)
    (shadow / "__init__.py").write_text('raise ImportError("no such library")\n', encoding="utf-8")
    with workplace.daemon("env", f"PYTHONPATH={shadow.parent}") as daemon:
        workplace.config["directory"] = {"ldap": {"url": "ldaps://ldap.corp.example", "base": "dc=corp"}}
        workplace.write()
        # When it is to be used
        daemon.signal(signal.SIGHUP)
        # Then the old one goes on working
        wait_for(lambda: "the old one stays" in daemon.said(), 60, "the report")
        workplace.drop("a.pdf", pdf("a"))
        wait_for((workplace.done / ZHANG / "a.pdf").exists, 60, "the file to be done")


def test_sighup_with_a_journal_that_cannot_be_used_keeps_the_old_configuration(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    with workplace.daemon() as daemon:
        workplace.config["journal"] = f"sqlite:///{workplace.root}/no-such-directory/journal.db"
        workplace.write()
        daemon.signal(signal.SIGHUP)
        wait_for(lambda: "the old one stays" in daemon.said(), 60, "the report")
        assert "no-such-directory does not exist" in daemon.said()
        workplace.drop("a.pdf", pdf("a"))
        wait_for((workplace.done / ZHANG / "a.pdf").exists, 60, "the file in done/")
    assert len(endpoint.requests) == 1


def test_sighup_with_another_spelling_of_the_same_journal_takes_the_new_configuration(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    with workplace.daemon() as daemon:
        (workplace.root / "link").symlink_to(workplace.root)
        file = Path(workplace.config["journal"].removeprefix("sqlite:///")).name
        workplace.config["journal"] = f"sqlite:///{workplace.root}/link/{file}"
        workplace.write()
        daemon.signal(signal.SIGHUP)
        wait_for(lambda: daemon.said().count("The daemon is ready") == 2, 60, "the second start")
        assert "the old one stays" not in daemon.said()
        workplace.drop("a.pdf", pdf("a"))
        wait_for((workplace.done / ZHANG / "a.pdf").exists, 60, "the file in done/")
    assert len(endpoint.requests) == 1


def test_a_server_that_says_nothing_does_not_hold_up_the_stop(tmp_path: Path, endpoint: Endpoint) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()
        workplace = Workplace(tmp_path, endpoint, connect_timeout="1s", timeout="1s")
        workplace.with_mailbox(host, port, "fapiao@corp.example", "secret").write()
        with workplace.daemon() as daemon:
            silent.settimeout(20)
            connection, _ = silent.accept()
            with connection:
                assert daemon.stop(timeout=20) == 0, daemon.said()
