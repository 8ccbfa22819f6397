"""The page, asked as a browser asks it: what is shown, to whom, and what is done."""

from __future__ import annotations

import io
import logging
import re
import shutil
import threading
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, cast

import pytest
import requests
from flask import Blueprint
from flask.testing import FlaskClient
from openpyxl import load_workbook
from werkzeug.test import TestResponse

from tests.support.accounts import EVIL, Accounts, configuration, fill, fronted, opened
from tests.support.journals import close_gate, mail
from tests.support.page_site import served
from tests.support.waiting import wait_for
from watcher.errors import JournalUnavailable
from watcher.journal.journal import SqlJournal
from watcher.journal.opening import open_journal
from watcher.model import SubmissionState
from watcher.web import health, metrics
from watcher.web import visit as web_visit
from watcher.web.app import build_app
from watcher.web.front import Front
from watcher.web.listing import SIZE
from watcher.web.server import THREADS

HERE = "http://127.0.0.1:8750"
PASSWORD = "open sesame 芝麻"
_FORM = re.compile(r'name="csrf" value="(\w+)"')
_STAND = re.compile(r'name="stand" value="(\w+)"')


@dataclass
class Visitor:
    """A browser: it keeps cookies, sends forms with what stood in them, and says where it comes from."""

    client: FlaskClient
    base: str = HERE
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, base_url=self.base, headers={**self.headers, **headers})

    def text(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.headers.get("Location"))
        return answer.text

    def post(self, path: str, form: str, *, origin: str | None = None, **values: str) -> TestResponse:
        headers = {**self.headers, "Origin": origin or self.base}
        return self.client.post(path, base_url=self.base, headers=headers, data={"csrf": form, **values})

    def form(self, path: str = "/nothing") -> str:
        """The token of the forms on a page."""
        return str(_FORM.findall(self.get(path).text)[0])

    def log_in(self, password: str = PASSWORD, **values: str) -> TestResponse:
        return self.post("/login", self.form("/login"), password=password, **values)

    def confirm(self, path: str, **values: str) -> TestResponse:
        """Look at the page that asks, and send its form."""
        asked = self.text(path)
        return self.post(path, _FORM.findall(asked)[0], stand=_STAND.findall(asked)[0], **values)

    def follow(self, answer: TestResponse) -> str:
        assert answer.status_code == 303, answer.status_code
        return self.text(answer.headers["Location"])


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Accounts]:
    """A journal that is made once, and copied for who writes to it."""
    directory = tmp_path_factory.mktemp("journal")
    journal = opened(configuration(directory))
    accounts = fill(journal)
    journal.close()
    return directory / "journal.db", accounts


@pytest.fixture(scope="module")
def read_only(filled: tuple[Path, Accounts]) -> Iterator[tuple[SqlJournal, Accounts]]:
    journal = open_journal(f"sqlite:///{filled[0]}", exclusive=False)
    yield journal, filled[1]
    journal.close()


@pytest.fixture
def accounts(read_only: tuple[SqlJournal, Accounts]) -> Accounts:
    return read_only[1]


@pytest.fixture
def visitor(read_only: tuple[SqlJournal, Accounts], tmp_path: Path) -> Visitor:
    """Somebody at a page that is open, in English."""
    configured = configuration(tmp_path, language="en")
    return Visitor(build_app(fronted(configured, read_only[0]), remember_seconds=0).test_client())


@pytest.fixture
def stranger(read_only: tuple[SqlJournal, Accounts], tmp_path: Path) -> Visitor:
    """Somebody at a page that has a password."""
    configured = configuration(tmp_path, language="en", web=f"{{password: {PASSWORD}}}")
    return Visitor(build_app(fronted(configured, read_only[0]), remember_seconds=0).test_client())


@dataclass(frozen=True)
class Desk:
    """A page and a journal of one's own."""

    journal: SqlJournal
    accounts: Accounts
    visitor: Visitor


@pytest.fixture
def desk(filled: tuple[Path, Accounts], tmp_path: Path) -> Iterator[Desk]:
    shutil.copy(filled[0], tmp_path)
    configured = configuration(tmp_path, language="en")
    journal = open_journal(configured.journal, exclusive=False)
    visitor = Visitor(build_app(fronted(configured, journal), remember_seconds=0).test_client())
    yield Desk(journal, filled[1], visitor)
    journal.close()


# ------------------------------------------------------------------------------------- what is shown


def test_the_overview_says_first_whether_all_is_well_and_then_what_waits(desk: Desk) -> None:
    assert "All is well." in desk.visitor.text("/")
    desk.journal.report_source("shared", up=False, message="the share is not mounted")
    close_gate(desk.journal, "https://recognition.test/ocr", "the account is suspended", timedelta(minutes=5))
    said = desk.visitor.text("/?span=fortnight")
    assert "Something needs you." in said
    assert "shared cannot be reached: the share is not mounted" in said
    assert "the account is suspended" in said
    assert "3 submissions are held for your decision" in said
    assert "1 document is waiting to be recognised" in said
    assert "DOWN" in said


def test_the_overview_names_what_is_left_of_a_source_that_is_configured_no_more(desk: Desk) -> None:
    desk.journal.record(mail(source="old"))
    assert "old is no source of the configuration any more: 1 submission of it" in desk.visitor.text("/")


def test_a_whole_number_leads_to_the_submission_at_once(visitor: Visitor, accounts: Accounts) -> None:
    for term in ("26312000009876543210", "FY76543210", accounts.attention):
        answer = visitor.get(f"/submissions?q={term}")
        assert answer.headers["Location"].startswith(f"/submissions/{accounts.attention}")
    assert "Found by 26312000009876543210." in visitor.follow(visitor.get("/submissions?q=26312000009876543210"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=26312000001234567890", {"done", "duplicate"}),  # both have it
        ("q=杭州示例酒店", {"attention"}),
        ("q=餐饮发票.pdf", {"failed"}),
        ("q=VENDOR.example", {"unknown"}),
        ("state=held", {"doubtful", "unverified", "unknown"}),
        ("outcome=skipped", {"skipped"}),
        ("outcome=error", {"failed", "behind_link", "evil"}),
        ("source=shared", {"duplicate", "evil"}),
        ("sender=smith@corp.example", {"attention"}),
        ("q=发票&outcome=error&source=fapiao", {"failed", "behind_link"}),
        ("since=2999-01-01", set[str]()),
        ("q=%25", set[str]()),
    ],
)
def test_submissions_are_found_by_what_people_know_of_them(
    visitor: Visitor, accounts: Accounts, query: str, found: set[str]
) -> None:
    said = visitor.text(f"/submissions?{query}")
    assert set(re.findall(r'href="/submissions/(\w{16})"', said)) == {getattr(accounts, name) for name in found}


def test_pages_follow_one_another_without_gap_or_repetition(desk: Desk) -> None:
    for _ in range(2 * SIZE):
        desk.journal.record(mail())
    seen: list[str] = []
    path: str | None = "/submissions"
    while path:
        said = desk.visitor.text(path)
        seen += re.findall(r'href="/submissions/(\w{16})"', said)
        further = re.search(r'rel="next" class="next" href="([^"]+)"', said)
        path = further[1] if further else None
    assert len(seen) == len(set(seen)) == 2 * SIZE + 11


def test_one_submission_is_told_whole(visitor: Visitor, accounts: Accounts) -> None:
    said = visitor.text(f"/submissions/{accounts.failed}")
    for words in ("1 file not processed", "餐饮发票.pdf", "zhang@corp.example", "张三 903851", "Try 1 of 餐饮发票.pdf"):
        assert words in said
    assert "refused · 400001 · 发票查验失败：发票代码或号码不存在" in said
    assert "What to do" in said
    assert f"/submissions/{accounts.failed}/retry" in said


def test_a_duplicate_leads_to_what_it_is_one_of(visitor: Visitor, accounts: Accounts) -> None:
    assert f'href="/submissions/{accounts.done}"' in visitor.text(f"/submissions/{accounts.duplicate}")


def test_an_id_may_be_cut_short_and_a_wrong_one_is_none(visitor: Visitor, accounts: Accounts) -> None:
    assert visitor.get(f"/submissions/{accounts.done[:10]}").headers["Location"].endswith(accounts.done)
    for wrong in ("zzzzzzzzzzzzzzzz", "ABC-1", "%F0%9F%92%A9", "a" * 300):
        assert visitor.get(f"/submissions/{wrong}").status_code == 404


def test_a_link_of_a_mail_is_a_key_and_not_shown(visitor: Visitor, accounts: Accounts) -> None:
    said = visitor.text(f"/submissions/{accounts.behind_link}")
    assert "SECRETKEY" not in said
    assert f"invoice-watcher show {accounts.behind_link}" in said


def test_nothing_from_outside_is_markup_on_any_page(visitor: Visitor, accounts: Accounts) -> None:
    pages = ["/submissions", f"/submissions/{accounts.evil}", f"/submissions/{accounts.evil}/retry"]
    pages += [f"/submissions?{name}={EVIL}" for name in ("q", "sender", "source", "since", "state")]
    pages += [f"/submissions/{accounts.done}?q={EVIL}"]
    for path in pages:
        assert EVIL not in visitor.text(path)
    assert EVIL not in visitor.get(f"/export/invoices.csv?since={EVIL}").text
    assert EVIL.replace("<", "&lt;").replace(">", "&gt;") in visitor.text(f"/submissions/{accounts.evil}")


def test_language_and_look_are_chosen_and_kept(visitor: Visitor) -> None:
    answer = visitor.post("/choose", visitor.form("/"), language="zh", theme="dark", back="/submissions?outcome=done")
    assert answer.headers["Location"] == "/submissions?outcome=done"
    said = visitor.text("/")
    assert '<html lang="zh-CN" data-theme="dark">' in said
    assert "一切正常。" in said
    visitor.post("/choose", visitor.form("/"), language="xx", theme="pink")
    assert '<html lang="zh-CN" data-theme="dark">' in visitor.text("/")


def test_times_are_those_of_the_configured_zone(visitor: Visitor, read_only: tuple[SqlJournal, Accounts]) -> None:
    journal, accounts = read_only
    received = journal.submission(accounts.done).received_at + timedelta(hours=8)
    assert received.strftime("%Y-%m-%d %H:%M:%S") in visitor.text(f"/submissions/{accounts.done}")


# ------------------------------------------------------------------------------------- who is let in


def test_without_the_password_nothing_is_shown(stranger: Visitor, accounts: Accounts) -> None:
    for path in ("/", "/submissions", f"/submissions/{accounts.done}", "/export", "/export/invoices.csv"):
        answer = stranger.get(path)
        assert answer.headers["Location"].startswith("/login?next=")
        assert "发票" not in answer.text
    form = stranger.form("/login")
    assert stranger.post(f"/submissions/{accounts.failed}/retry", form).headers["Location"].startswith("/login")


def test_who_logs_in_gets_where_they_wanted_to_and_who_logs_out_is_out(stranger: Visitor, accounts: Accounts) -> None:
    wanted = stranger.get(f"/submissions/{accounts.done}").headers["Location"]
    answer = stranger.post("/login", stranger.form(wanted), password=PASSWORD, next=f"/submissions/{accounts.done}")
    assert answer.headers["Location"] == f"/submissions/{accounts.done}"
    cookie = answer.headers["Set-Cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict"))
    assert "Secure" not in cookie, "this browser speaks http"
    assert "转发：十一月差旅发票" in stranger.follow(answer)
    stolen = stranger.client.get_cookie("invoice_watcher_8750", domain="127.0.0.1")
    stranger.post("/logout", stranger.form("/"))
    assert stranger.get("/").status_code == 303
    assert stolen is not None
    stranger.client.set_cookie("invoice_watcher_8750", stolen.value, domain="127.0.0.1")
    assert stranger.get("/").status_code == 303, "what was a session is none"


def test_two_daemons_on_one_host_do_not_log_each_other_out(
    read_only: tuple[SqlJournal, Accounts], tmp_path: Path
) -> None:
    def daemon(port: int) -> str:
        web = f"{{listen: '127.0.0.1:{port}', password: {PASSWORD}}}"
        return stack.enter_context(served(configuration(tmp_path, language="en", web=web), read_only[0]))

    def send(address: str, path: str, form_at: str, **values: str) -> None:
        form = _FORM.findall(browser.get(address + form_at).text)[0]
        browser.post(address + path, data={"csrf": form, **values}, headers={"Origin": address}, allow_redirects=False)

    with ExitStack() as stack, requests.Session() as browser:
        both = [daemon(8750), daemon(8751)]
        for address in both:
            send(address, "/login", "/login", password=PASSWORD)
        assert [browser.get(address, allow_redirects=False).status_code for address in both] == [200, 200]
        for address in both:
            send(address, "/logout", "/")
        assert ["You are logged out." in browser.get(f"{address}/login").text for address in both] == [True, True]


def test_behind_https_the_cookie_is_for_https_alone(stranger: Visitor) -> None:
    form = stranger.form("/login")
    stranger.headers["Sec-Fetch-Site"] = "same-origin"
    answer = stranger.post("/login", form, origin="https://invoices.corp.example", password=PASSWORD)
    assert "Secure" in answer.headers["Set-Cookie"]


def test_a_wrong_password_is_told_logged_and_soon_no_more_looked_at(
    stranger: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "watcher")
    for _ in range(5):
        answer = stranger.log_in("wrong")
        assert answer.status_code == 403
        assert "That is not the password." in answer.text
    late = stranger.log_in(PASSWORD)
    assert late.status_code == 429
    assert late.headers["Retry-After"] == "1"
    told = [record for record in caplog.records if "wrong password" in record.getMessage()]
    assert [record.__dict__["address"] for record in told] == ["127.0.0.1"] * 5
    assert PASSWORD not in caplog.text


def well() -> Blueprint:
    """The health of a daemon that is well."""
    return health.blueprint(late=list, missing=list)


def test_another_password_ends_every_session(read_only: tuple[SqlJournal, Accounts], tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD)
    configured = configuration(tmp_path, web=f"{{password: {{file: {tmp_path}/password}}}}")
    visitor = Visitor(build_app(fronted(configured, read_only[0])).test_client())
    visitor.log_in()
    assert visitor.get("/").status_code == 200
    (tmp_path / "password").write_text("another")
    assert visitor.get("/").status_code == 303
    (tmp_path / "password").unlink()
    assert visitor.get("/").status_code == 503, "nobody is let in by a password that cannot be read"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8750"])
def test_without_a_password_no_other_name_leads_to_the_page(visitor: Visitor, host: str) -> None:
    answer = visitor.get("/", Host=host)
    assert answer.status_code == 421
    assert "All is well" not in answer.text


def test_with_a_password_any_name_leads_to_the_login(stranger: Visitor) -> None:
    assert stranger.get("/login", Host="invoices.corp.example").status_code == 200


def test_health_needs_no_password(read_only: tuple[SqlJournal, Accounts], tmp_path: Path) -> None:
    configured = configuration(tmp_path, web=f"{{password: {PASSWORD}}}")
    stranger = Visitor(build_app(fronted(configured, read_only[0]), supervision=[well()]).test_client())
    assert [stranger.get(path).status_code for path in ("/livez", "/readyz", "/login")] == [200, 200, 200]
    assert stranger.get("/").status_code == 303


# ------------------------------------------------------------------------------------- what is done


def test_a_retry_says_what_will_happen_and_then_does_it(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "watcher")
    path = f"/submissions/{desk.accounts.failed}/retry"
    assert "1 document that failed is posted again, for employee 903851" in desk.visitor.text(path)
    said = desk.visitor.follow(desk.visitor.confirm(path))
    assert "1 document is posted again; then it is answered again." in said
    assert desk.journal.submission(desk.accounts.failed).state is SubmissionState.OPEN
    (record,) = [record for record in caplog.records if "decided on the page" in record.getMessage()]
    assert {"submission": desk.accounts.failed, "decision": "retry", "address": "127.0.0.1"}.items() <= vars(
        record
    ).items()
    assert "posted again" not in desk.visitor.text(f"/submissions/{desk.accounts.failed}"), "it is told once"


def test_a_second_click_does_nothing_twice(desk: Desk) -> None:
    path = f"/submissions/{desk.accounts.failed}/retry"
    asked = desk.visitor.text(path)
    values = {"stand": _STAND.findall(asked)[0]}
    said = [desk.visitor.follow(desk.visitor.post(path, _FORM.findall(asked)[0], **values)) for _ in range(2)]
    assert "posted again" in said[0]
    assert "Nothing was done: meanwhile something happened to it." in said[1]


def test_an_unproven_mail_is_released_for_whom_it_says_or_for_another(desk: Desk) -> None:
    path = f"/submissions/{desk.accounts.unverified}/release"
    asked = desk.visitor.text(path)
    assert "no signature of corp.example holds" in asked
    assert 'value="903851"' in asked
    said = desk.visitor.follow(desk.visitor.confirm(path, user_code="903852"))
    assert "It is taken in from the mailbox, for employee 903852" in said
    assert desk.journal.submission(desk.accounts.unverified).user_code == "903852"


@pytest.mark.parametrize(
    ("code", "told"), [("", "Nobody knows whose invoice this is"), ("a b", "That is no employee number")]
)
def test_where_nobody_knows_whose_it_is_a_number_is_asked_for(desk: Desk, code: str, told: str) -> None:
    answer = desk.visitor.confirm(f"/submissions/{desk.accounts.unknown}/release", user_code=code)
    assert answer.status_code == 422
    assert told in answer.text
    assert desk.journal.submission(desk.accounts.unknown).state is SubmissionState.HELD


@pytest.mark.parametrize(
    ("name", "deed", "told"),
    [
        ("doubtful", "release", "1 document is posted again"),
        ("doubtful", "refuse", "It is refused."),
        ("unknown", "refuse", "It is refused."),
        ("skipped", "release", "1 document is posted again"),
    ],
)
def test_what_waits_for_a_person_is_decided(desk: Desk, name: str, deed: str, told: str) -> None:
    identifier = getattr(desk.accounts, name)
    assert told in desk.visitor.follow(desk.visitor.confirm(f"/submissions/{identifier}/{deed}"))
    assert desk.journal.submission(identifier).state is not SubmissionState.HELD


def test_what_is_in_doubt_may_be_tried_under_a_new_number_after_a_warning(desk: Desk) -> None:
    desk.visitor.confirm(f"/submissions/{desk.accounts.doubtful}/refuse")
    old = desk.journal.submission(desk.accounts.doubtful).documents[0].biz_id
    path = f"/submissions/{desk.accounts.doubtful}/retry"
    assert "may be booked a second time" in desk.visitor.text(path)
    desk.visitor.confirm(path, new="1")
    assert desk.journal.submission(desk.accounts.doubtful).documents[0].biz_id != old


def test_what_cannot_be_decided_is_not_asked_for(desk: Desk) -> None:
    for deed in ("retry", "release", "refuse"):
        said = desk.visitor.follow(desk.visitor.get(f"/submissions/{desk.accounts.done}/{deed}"))
        assert "Nothing was done: this cannot be decided any more." in said
    assert desk.visitor.get(f"/submissions/{desk.accounts.done}/delete").status_code == 404


Tamper = Callable[[Visitor, str, str, str], TestResponse]


@pytest.mark.parametrize(
    ("tampered", "status"),
    [
        (lambda v, path, form, stand: v.post(path, "", stand=stand), 403),
        (lambda v, path, form, stand: v.post(path, "0" * 64, stand=stand), 403),
        (lambda v, path, form, stand: v.post(path, form, origin="http://evil.example", stand=stand), 403),
        (lambda v, path, form, stand: v.post(path, form, origin="null", stand=stand), 403),
        (lambda v, path, form, stand: v.post(path, form, stand="0" * 64), 303),
        (lambda v, path, form, stand: v.get(path), 200),
    ],
    ids=["no token", "a made-up token", "another site", "an opaque origin", "an unconfirmed stand", "a mere look"],
)
def test_nothing_is_done_but_by_our_own_form(desk: Desk, tampered: Tamper, status: int) -> None:
    path = f"/submissions/{desk.accounts.failed}/retry"
    asked = desk.visitor.text(path)
    before = desk.journal.submission(desk.accounts.failed)
    assert tampered(desk.visitor, path, _FORM.findall(asked)[0], _STAND.findall(asked)[0]).status_code == status
    assert desk.journal.submission(desk.accounts.failed) == before


def test_a_form_of_one_visitor_is_none_of_another(visitor: Visitor, accounts: Accounts) -> None:
    other = Visitor(visitor.client.application.test_client())
    assert other.post("/choose", visitor.form("/"), language="zh").status_code == 403


# --------------------------------------------------------------------------------------- the export


def test_the_table_is_downloaded_as_csv_and_as_a_workbook(visitor: Visitor) -> None:
    csv = visitor.get("/export/invoices.csv")
    assert csv.headers["Content-Disposition"] == 'attachment; filename="invoices.csv"'
    lines = csv.data.decode("utf-8-sig").splitlines()
    assert len(lines) == 1 + 5
    csv.close()
    with visitor.get("/export/invoices.xlsx") as xlsx:
        sheet = load_workbook(io.BytesIO(xlsx.data)).active
        assert sheet is not None
        assert sheet.max_row == len(lines)
    with visitor.get("/export/invoices.csv?since=2999-01-01") as none:
        assert len(none.data.splitlines()) == 1


class Halting:
    """A journal whose invoices are read once they may be."""

    def __init__(self, journal: SqlJournal) -> None:
        self._journal = journal
        self.begun, self.may_go_on = threading.Event(), threading.Event()

    def ledger(self, day: Any) -> Any:
        self.begun.set()
        assert self.may_go_on.wait(30)
        return self._journal.ledger(day)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)


def test_one_export_at_a_time(read_only: tuple[SqlJournal, Accounts], tmp_path: Path) -> None:
    journal = Halting(read_only[0])
    app = build_app(fronted(configuration(tmp_path, language="en"), cast("SqlJournal", journal)), remember_seconds=0)
    visitor, earlier = Visitor(app.test_client()), Visitor(app.test_client())
    with ThreadPoolExecutor() as other:
        writing = other.submit(earlier.get, "/export/invoices.csv")
        assert journal.begun.wait(30)
        second = visitor.get("/export/invoices.csv")
        journal.may_go_on.set()
        first = writing.result()
    assert second.status_code == 503
    assert "Another export is being written." in second.text
    assert first.status_code == 200
    first.close()
    with visitor.get("/export/invoices.csv") as third:
        assert third.status_code == 200


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_download_that_stalls_keeps_nobody_from_exporting(visitor: Visitor, form: str) -> None:
    with visitor.get(f"/export/invoices.{form}") as stalled, visitor.get(f"/export/invoices.{form}") as other:
        assert (stalled.status_code, other.status_code) == (200, 200)
        assert len(other.data) == other.content_length
        assert len(stalled.data) == stalled.content_length


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_server_is_given_the_file_so_that_a_slow_download_holds_no_thread(visitor: Visitor, form: str) -> None:
    given: list[IO[bytes]] = []

    def wrapper(file: IO[bytes], size: int) -> Iterator[bytes]:
        given.append(file)
        return iter(lambda: file.read(size), b"")

    path = f"/export/invoices.{form}"
    whole = visitor.client.get(path, base_url=HERE, environ_overrides={"wsgi.file_wrapper": wrapper}).data
    (file,) = given
    assert whole.startswith(b"PK" if form == "xlsx" else BOM_UTF8)
    assert file.seek(0) == 0
    assert file.read() == whole
    file.close()


def test_a_date_that_is_none_exports_nothing(visitor: Visitor) -> None:
    answer = visitor.get("/export/invoices.csv?since=soon")
    assert answer.status_code == 400
    assert "“soon” is no date" in answer.text


# -------------------------------------------------------------------------------------- in between


def test_while_there_is_no_journal_people_are_asked_to_wait_and_the_page_looks_again(tmp_path: Path) -> None:
    visitor = Visitor(build_app(Front(configuration(tmp_path, language="en"))).test_client())
    for path in ("/", "/submissions", "/export/invoices.csv"):
        answer = visitor.get(path)
        assert answer.status_code == 503
        assert "One moment" in answer.text
        assert 'http-equiv="refresh"' in answer.text


class Broken:
    """A journal of which nothing can be read."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        raise self._error


@pytest.mark.parametrize(("error", "status"), [(JournalUnavailable("the disk is full"), 503), (KeyError("x"), 500)])
def test_a_page_that_cannot_be_shown_says_so_and_the_log_says_why(
    tmp_path: Path, error: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    front = fronted(configuration(tmp_path, language="en"), cast("Any", Broken(error)))
    answer = Visitor(build_app(front).test_client()).get("/")
    assert answer.status_code == status
    assert "That did not work" in answer.text
    assert "disk" not in answer.text
    assert any("page" in record.getMessage() for record in caplog.records)


def test_a_journal_that_hangs_keeps_nobody_from_asking_whether_the_daemon_is_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_visit, "_PLACE_SECONDS", 0.05)
    hangs, asked = threading.Event(), threading.Semaphore(0)

    class Hanging:
        def now(self) -> None:
            asked.release()
            hangs.wait(30)
            raise JournalUnavailable("it came back too late")

    app = build_app(fronted(configuration(tmp_path), cast("Any", Hanging())), supervision=[well()], remember_seconds=0)
    waiting = [threading.Thread(target=Visitor(app.test_client()).get, args=("/",)) for _ in range(THREADS)]
    for each in waiting:
        each.start()
    try:
        assert asked.acquire(timeout=30)
        visitor = Visitor(app.test_client())
        wait_for(lambda: visitor.get("/").status_code == 503, 30, "all places to be taken")
        assert visitor.get("/livez").status_code == 200
    finally:
        hangs.set()
        for each in waiting:
            each.join(30)


def test_every_page_may_only_load_what_is_ours_and_is_not_kept(visitor: Visitor, accounts: Accounts) -> None:
    for path in ("/", "/submissions", f"/submissions/{accounts.done}", "/nothing", "/login"):
        answer = visitor.get(path)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
        loaded = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
        assert [each for each in loaded if not each.startswith(("/", "#"))] == []
        assert not re.search(r"<[^>]+ (?:style|on\w+)=|<style|<script>", answer.text)


def test_our_own_files_are_kept_by_browsers_under_a_name_of_their_content(visitor: Visitor) -> None:
    for path in set(re.findall(r'"(/static/[^"]+)"', visitor.text("/"))):
        answer = visitor.get(path)
        assert answer.status_code == 200
        assert "max-age" in answer.headers["Cache-Control"]
        assert re.search(r"\?v=\w{12}$", path)
    assert visitor.get("/static/..%2fapp.py").status_code == 404


def test_a_program_shows_the_password_as_its_basic_authentication(
    read_only: tuple[SqlJournal, Accounts], tmp_path: Path
) -> None:
    front = fronted(configuration(tmp_path, web=f"{{password: {PASSWORD}}}"), read_only[0])
    measured = metrics.blueprint(lambda: b"documents 1\n", "text/plain")
    client = build_app(front, programs=[measured]).test_client()

    def asked(password: str | None) -> int:
        return client.get("/metrics", base_url=HERE, auth=("any", password) if password else None).status_code

    assert [asked(None), asked("wrong"), asked(PASSWORD)] == [401, 401, 200]
    assert [asked("wrong") for _ in range(6)][-1] == 429
    # Nor does that lock anybody out who comes from there, as all do behind a proxy.
    person = Visitor(client)
    assert person.log_in(PASSWORD).status_code == 303


@pytest.mark.parametrize("header", ["Basic \xff", "Basic \xe4=", "Basic !", "Basic /w==", "Bearer x", "Digest a=b"])
def test_an_authorization_that_cannot_be_read_is_asked_for_again(
    read_only: tuple[SqlJournal, Accounts], tmp_path: Path, caplog: pytest.LogCaptureFixture, header: str
) -> None:
    front = fronted(configuration(tmp_path, web=f"{{password: {PASSWORD}}}"), read_only[0])
    client = build_app(front, programs=[metrics.blueprint(lambda: b"", "text/plain")]).test_client()

    answer = client.get("/metrics", base_url=HERE, environ_overrides={"HTTP_AUTHORIZATION": header})

    assert answer.status_code == 401
    assert "Basic" in answer.headers["WWW-Authenticate"]
    assert not caplog.records
