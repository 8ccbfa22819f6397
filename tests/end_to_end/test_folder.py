"""A file dropped into the folder, by the installed command."""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path

import pytest

from tests.support.waiting import wait_for
from tests.support.workplace import ZHANG, Workplace, pdf
from watcher.sandbox.endpoint import Endpoint


@pytest.fixture
def workplace(tmp_path: Path, endpoint: Endpoint) -> Workplace:
    return Workplace(tmp_path, endpoint).with_folder().write()


def test_a_dropped_file_is_posted_once_for_its_subfolders_employee_and_ends_in_done(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    workplace.drop("打车.pdf", pdf("taxi"))

    answer = workplace.command("run", "--once")

    assert answer.returncode == 0, answer.stderr
    assert (workplace.done / ZHANG / "打车.pdf").read_bytes() == pdf("taxi")
    assert list(workplace.done.rglob("*.txt")) == []
    assert not (workplace.inbox / ZHANG / "打车.pdf").exists()
    (request,) = endpoint.requests
    assert (request.user_code, request.outcome) == (ZHANG, "booked")


def test_the_request_is_the_documented_one_to_the_key(workplace: Workplace, endpoint: Endpoint) -> None:
    workplace.drop("a.pdf", pdf("a"))
    workplace.command("run", "--once")
    (request,) = endpoint.requests
    assert request.biz_id is not None
    assert str(uuid.UUID(request.biz_id)) == request.biz_id
    body = request.body.decode()
    pattern = (
        r'\{"data": ?\{"attachment_url": ?"invoices/[0-9a-f]{64}\.pdf", ?"purchase_invoice": ?"N", ?'
        r'"create_expense": ?"Y", ?"user_code": ?"903851"\}, ?"bizId": ?"[0-9a-f-]{36}", ?"timestamp": ?\d{13}\}'
    )
    assert re.fullmatch(pattern, body), body


def test_the_same_content_twice_is_booked_once_and_the_second_says_so(workplace: Workplace, endpoint: Endpoint) -> None:
    workplace.drop("first.pdf", pdf("same"))
    assert workplace.command("run", "--once").returncode == 0
    workplace.drop("second.pdf", pdf("same"))
    assert workplace.command("run", "--once").returncode == 0

    assert len(endpoint.requests) == 1
    assert (workplace.done / ZHANG / "second.pdf").exists()
    note = (workplace.done / ZHANG / "second.pdf.txt").read_text(encoding="utf-8-sig")
    assert str(endpoint.requests[0].expense_ids[0]) in note
    second, first = workplace.submissions()
    assert second["documents"][0]["outcome"] == "duplicate"
    assert second["documents"][0]["duplicate_of"] == first["documents"][0]["id"]


def test_a_subfolder_in_full_width_digits_is_the_same_employees(workplace: Workplace, endpoint: Endpoint) -> None:
    workplace.drop("first.pdf", pdf("same"))
    workplace.drop("second.pdf", pdf("same"), "９０３８５１")

    assert workplace.command("run", "--once").returncode == 0

    (request,) = endpoint.requests
    assert request.user_code == ZHANG
    assert {each["documents"][0]["outcome"] for each in workplace.submissions()} == {"done", "duplicate"}


def test_what_the_endpoint_refuses_ends_in_error_with_a_note_and_status_1(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    endpoint.behave(res_code=300042, res_msg="识别失败")
    workplace.drop("bad.pdf", pdf("bad"))

    answer = workplace.command("run", "--once")

    assert answer.returncode == 1, answer.stderr
    note = (workplace.error / ZHANG / "bad.pdf.txt").read_text(encoding="utf-8-sig")
    assert "识别失败" in note
    assert (workplace.error / ZHANG / "bad.pdf").exists()


def test_a_file_put_back_from_error_is_a_new_submission_under_a_new_biz_id(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    endpoint.behave(res_code=300042, res_msg="识别失败", times=1)
    workplace.drop("again.pdf", pdf("again"))
    workplace.command("run", "--once")
    (workplace.error / ZHANG / "again.pdf").rename(workplace.inbox / ZHANG / "again.pdf")

    assert workplace.command("run", "--once").returncode == 0

    refused, booked = endpoint.requests
    assert refused.biz_id != booked.biz_id
    assert (workplace.done / ZHANG / "again.pdf").exists()
    assert len(workplace.submissions()) == 2


def test_a_file_without_an_employee_number_is_not_posted(workplace: Workplace, endpoint: Endpoint) -> None:
    (workplace.inbox / "lost.pdf").write_bytes(pdf("lost"))
    assert workplace.command("run", "--once").returncode == 1
    assert endpoint.requests == ()
    assert (workplace.error / "lost.pdf").exists()
    (submission,) = workplace.submissions()
    assert submission["documents"][0]["code"] == "NO_USER"


def test_a_file_that_is_only_to_be_read_needs_no_employee_number(workplace: Workplace, endpoint: Endpoint) -> None:
    workplace.config["recognition"]["create_expense"] = False
    workplace.write()
    (workplace.inbox / "anybody.pdf").write_bytes(pdf("anybody's"))

    assert workplace.command("run", "--once").returncode == 0

    (request,) = endpoint.requests
    assert (request.user_code, request.outcome) == (None, "recognised")
    assert (workplace.done / "anybody.pdf").exists()


def test_a_file_that_is_no_document_stays_and_is_counted(workplace: Workplace, endpoint: Endpoint) -> None:
    stays = workplace.drop("notes.docx.txt", b"just words")
    assert workplace.command("run", "--once").returncode == 0
    assert stays.exists()
    assert endpoint.requests == ()
    assert " 1 " in workplace.command("status").stdout


def test_nothing_moved_ever_overwrites_another_file(workplace: Workplace) -> None:
    (workplace.done / ZHANG).mkdir(parents=True)
    (workplace.done / ZHANG / "a.pdf").write_bytes(b"somebody else's")
    workplace.drop("a.pdf", pdf("a"))
    workplace.command("run", "--once")
    assert (workplace.done / ZHANG / "a.pdf").read_bytes() == b"somebody else's"
    assert (workplace.done / ZHANG / "a (2).pdf").read_bytes() == pdf("a")


def test_the_daemon_takes_a_file_up_when_it_is_closed(workplace: Workplace, endpoint: Endpoint) -> None:
    workplace.config["folders"][0]["poll"] = "1h"
    workplace.write()
    with workplace.daemon():
        workplace.drop("quick.pdf", pdf("quick"))
        wait_for((workplace.done / ZHANG / "quick.pdf").exists, 60, "the file in done/")
    assert len(endpoint.requests) == 1


def test_several_invoices_and_messages_end_in_attention_with_a_note_in_done(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    endpoint.behave(invoices=2, invoice_message="抬头不符", invoice_message_code="T01")
    workplace.drop("two.pdf", pdf("two"))
    assert workplace.command("run", "--once").returncode == 0
    note = (workplace.done / ZHANG / "two.pdf.txt").read_text(encoding="utf-8-sig")
    assert "抬头不符" in note
    (submission,) = workplace.submissions()
    assert submission["documents"][0]["outcome"] == "attention"
    assert len(submission["documents"][0]["invoices"]) == 2


def test_a_file_that_changes_while_it_is_recognised_stays_for_a_submission_of_its_own(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    endpoint.behave(held=True, times=1)
    with workplace.daemon():
        path = workplace.drop("a.pdf", pdf("as it was"))
        assert endpoint.wait_until(lambda it: it.under_way == 1)
        path.with_name(".a").write_bytes(pdf("as it is"))
        path.with_name(".a").rename(path)
        endpoint.release()
        workplace.closed(2)
        wait_for((workplace.done / ZHANG / "a.pdf").exists, 60, "the new file in done/")

    assert sorted(path.name for path in (workplace.done / ZHANG).iterdir()) == ["a.pdf"]
    assert (workplace.done / ZHANG / "a.pdf").read_bytes() == pdf("as it is")
    assert len({request.biz_id for request in endpoint.requests}) == 2
    assert [submission["documents"][0]["outcome"] for submission in workplace.submissions()] == ["done", "done"]


def test_files_of_two_folders_that_share_error_keep_a_note_each(tmp_path: Path, endpoint: Endpoint) -> None:
    workplace = Workplace(tmp_path, endpoint).with_folder(name="one")
    other = tmp_path / "other"
    (other / ZHANG).mkdir(parents=True)
    workplace.with_folder(name="other", path=str(other)).write()
    endpoint.behave(res_code=300042, res_msg="识别失败")
    for number in range(20):
        workplace.drop(f"{number}.pdf", pdf(f"one {number}"))
        (other / ZHANG / f"{number}.pdf").write_bytes(pdf(f"other {number}"))

    assert workplace.command("run", "--once").returncode == 1

    files = sorted(path.name for path in (workplace.error / ZHANG).glob("*.pdf"))
    assert len(files) == 40
    assert sorted(path.name for path in (workplace.error / ZHANG).glob("*.txt")) == [f"{name}.txt" for name in files]


def test_an_employees_folder_is_not_taken_for_the_folder_of_a_day_and_check_says_where_it_could_be(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    # Given answers that lie beside the folders of employees, whose numbers have as many digits as a month
    workplace = Workplace(tmp_path, endpoint)
    workplace.with_folder(done=f"{workplace.inbox}/{{yyyy}}{{mm}}", error=f"{workplace.inbox}/error").write()
    workplace.drop("a.pdf", pdf("a"))

    for _ in range(2):
        assert workplace.command("run", "--once").returncode == 0

    # Then they are taken in, the answers are not, and check tells of numbers that might be a month
    (request,) = endpoint.requests
    assert request.user_code == ZHANG
    (moved,) = workplace.inbox.rglob("a.pdf")
    assert re.fullmatch(rf"20\d{{4}}/{ZHANG}/a\.pdf", str(moved.relative_to(workplace.inbox)))
    said = workplace.command("check").stdout
    assert "left out, where its number can be {yyyy}{mm}" in said


@pytest.mark.parametrize(("done", "error"), [("answers", "answers/error"), ("answers/{yyyy}", "answers")])
def test_a_file_that_is_tried_again_goes_from_error_to_done_where_one_lies_in_the_other(
    tmp_path: Path, endpoint: Endpoint, done: str, error: str
) -> None:
    workplace = (
        Workplace(tmp_path, endpoint).with_folder(done=f"{tmp_path}/{done}", error=f"{tmp_path}/{error}").write()
    )
    endpoint.behave(res_code=300042, res_msg="识别失败", times=1)
    workplace.drop("a.pdf", pdf("a"))
    assert workplace.command("run", "--once").returncode == 1
    assert (tmp_path / error / ZHANG / "a.pdf").exists()
    (submission,) = workplace.submissions()

    workplace.command("retry", submission["id"])
    assert workplace.command("run", "--once").returncode == 0

    (moved,) = (tmp_path / "answers").rglob("*.*")
    year = re.compile(re.escape(f"{tmp_path}/{done}/{ZHANG}/a.pdf").replace(r"\{yyyy\}", r"20\d\d"))
    assert year.fullmatch(str(moved))


def test_what_a_file_server_keeps_of_deleted_files_is_not_booked(tmp_path: Path, endpoint: Endpoint) -> None:
    workplace = Workplace(tmp_path, endpoint).with_folder(user_code={"fixed": ZHANG}).write()
    for folder in ("#recycle", "@Recycle", "$RECYCLE.BIN", "#snapshot"):
        workplace.drop("deleted.pdf", pdf(folder), folder)

    assert workplace.command("run", "--once").returncode == 0

    assert endpoint.requests == ()
    assert len(list(workplace.inbox.rglob("deleted.pdf"))) == 4


@pytest.mark.parametrize("ending", ["filepart", "partial"])
def test_an_upload_that_gets_its_name_when_it_is_whole_is_no_duplicate_of_itself(
    workplace: Workplace, endpoint: Endpoint, ending: str
) -> None:
    # Given a file as WinSCP, or OneDrive's client, brings it: closed, and then renamed
    with workplace.daemon():
        unnamed = workplace.drop(f"a.pdf.{ending}", pdf("a"))
        workplace.drop("b.pdf", pdf("b"))
        workplace.closed(1)
        unnamed.rename(unnamed.with_name("a.pdf"))
        workplace.closed(2)

    assert sorted(path.name for path in workplace.done.rglob("*.*")) == ["a.pdf", "b.pdf"]
    assert [request.outcome for request in endpoint.requests] == ["booked", "booked"]


def test_the_state_of_a_file_before_it_was_edited_is_not_booked_beside_it(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    workplace.drop("a.pdf", pdf("as it is"))
    kept = [workplace.drop(name, pdf(name)) for name in ("a.pdf~", "a.pdf.bak")]

    assert workplace.command("run", "--once").returncode == 0

    assert len(endpoint.requests) == 1
    assert all(path.exists() for path in kept)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes what belongs to another")
def test_nothing_is_moved_through_a_link_that_an_employee_has_put_in_the_place_of_done(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    # Given a done below the watched folder, and whoever may write there
    workplace = Workplace(tmp_path, endpoint)
    workplace.with_folder(done=f"{workplace.inbox}/answers/done").write()
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "done").mkdir(parents=True)
    link = workplace.inbox / "answers"
    link.symlink_to(elsewhere)
    os.chown(link, 1234, 1234, follow_symlinks=False)
    dropped = workplace.drop("a.pdf", pdf("a"))

    workplace.command("run", "--once")
    # Then the file waits, and it is told why
    assert dropped.exists()
    assert list((elsewhere / "done").iterdir()) == []
    assert "reached through a link that user 1234 has made" in workplace.status()
    checked = workplace.command("check").stdout
    assert "reached through a link that user 1234 has made" in checked
    assert "name the folder that it leads to" in " ".join(checked.split())
    # and what the administrator links is followed
    os.chown(link, 0, 0, follow_symlinks=False)
    with workplace.daemon():
        workplace.closed(1)
    assert (elsewhere / "done" / ZHANG / "a.pdf").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes what belongs to another")
def test_no_link_is_followed_either_where_done_is_written_by_another_path_to_the_watched_folder(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    # Given a watched folder that a link leads to, and a done in it that is named without that link
    workplace = Workplace(tmp_path, endpoint)
    alias = tmp_path / "alias"
    alias.symlink_to(workplace.inbox)
    workplace.with_folder(path=str(alias), done=f"{workplace.inbox}/done").write()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = workplace.inbox / "done"
    link.symlink_to(elsewhere)
    os.chown(link, 1234, 1234, follow_symlinks=False)
    dropped = workplace.drop("a.pdf", pdf("a"))

    workplace.command("run", "--once")
    # Then the file waits, and it is told why
    assert dropped.exists()
    assert list(elsewhere.iterdir()) == []
    assert "reached through a link that user 1234 has made" in workplace.status()
