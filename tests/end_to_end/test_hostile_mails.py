"""The hostile-mail corpus: each mail is a test, named by what it attempts, and all of them share one daemon."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest

from tests.hostile import automatic, claims, delegates, results, senders, signatures, structures, texts
from tests.hostile.case import Case, Expected
from tests.hostile.marks import FORGED_LINE
from tests.hostile.network import run_inside
from tests.hostile.run import Company, Reply, Report
from tests.hostile.signed import SignedCase
from tests.support.servers.dovecot import Dovecot
from tests.support.servers.smtp import SmtpSink
from watcher.sandbox.endpoint import Endpoint

CASES = (*senders.CASES, *claims.CASES, *results.CASES, *automatic.CASES, *texts.CASES, *structures.CASES)
NETWORK_CASES: tuple[Case | SignedCase, ...] = (*signatures.CASES, *delegates.CASES, *structures.LINKS)
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00 (?:INFO|WARNING) [A-Z][^\[]*\.(?: \[[a-z_]+=.*\])?")
OWN_FILES = re.compile(
    r"config\.yaml|employees\.csv|daemon\.log|journal\.db[a-z.-]*|store/invoices/[0-9a-f]{64}\.[a-z]{3}"
)
REPLY_HEADERS = {
    *("from", "to", "subject", "date", "message-id", "in-reply-to", "references", "auto-submitted"),
    *("x-auto-response-suppress", "x-invoice-watcher", "mime-version", "content-type"),
}
REPLY_TAGS = {"html", "head", "meta", "title", "body", "table", "tr", "td", "th", "div", "span", "br", "b"}
REPLY_ATTRIBUTES = {
    *("align", "bgcolor", "border", "cellpadding", "cellspacing", "charset", "colspan", "content", "http-equiv"),
    *("dir", "lang", "name", "role", "scope", "style", "valign", "width"),
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    with Dovecot() as dovecot, SmtpSink() as smtp, Endpoint() as endpoint:
        yield Company(tmp_path_factory.mktemp("hostile"), dovecot, smtp, endpoint).run(CASES)


@pytest.fixture(scope="module")
def network() -> tuple[Report, int]:
    """With name servers, and how often somebody went where no link may lead."""
    return run_inside()


def test_the_corpus_has_eighty_mails_and_more_and_each_attempts_something_else() -> None:
    assert len(CASES) > 80
    assert len({each.name for each in (*CASES, *NETWORK_CASES)}) == len(CASES) + len(NETWORK_CASES)
    assert len({each.raw for each in CASES}) == len(CASES)


def _named(case: Case | SignedCase) -> object:
    return pytest.param(case.name, case.expected, id=case.name)


@pytest.mark.parametrize(("name", "expected"), [_named(each) for each in CASES])
def test_a_mail_that(report: Report, name: str, expected: Expected) -> None:
    _assert_became(report, name, expected)


@pytest.mark.parametrize(("name", "expected"), [_named(each) for each in NETWORK_CASES])
def test_a_mail_in_a_network_that(network: tuple[Report, int], name: str, expected: Expected) -> None:
    _assert_became(network[0], name, expected)


def _assert_became(report: Report, name: str, expected: Expected) -> None:
    """What was posted, moved, replied and logged."""
    became = report.became[name]
    submission = became.submission
    assert (submission["state"] if submission else None, became.place) == (expected.state, expected.place)
    if submission:
        assert submission["reason"] == expected.reason
        if expected.code:
            assert [each["code"] for each in submission["documents"]] == [expected.code]
    assert became.posted == [*expected.posted]
    assert [each.recipients for each in became.replies] == ([[expected.replied]] if expected.replied else [])
    if expected.why:
        assert expected.why in " ".join(became.shown.split())
        told = f"submission={submission['id']} " if submission else "[source="
        told_why = [line for line in report.log.splitlines() if f"reason={expected.reason} " in line and told in line]
        assert any(expected.why in line for line in told_why)


def test_no_link_leads_to_this_machine_or_where_nobody_allows(network: tuple[Report, int]) -> None:
    report, visits = network
    assert visits == 0
    assert (report.status, "Traceback" in report.log) == (0, False)


@pytest.mark.parametrize("when", ["before", "among", "after", "at last"])
def test_an_ordinary_mail_is_booked_and_answered_whatever_lies_around_it(report: Report, when: str) -> None:
    goods = [became for name, became in report.became.items() if name.startswith(f"good {when}, ")]
    assert goods
    for each in goods:
        assert (len(each.posted), each.place) == (1, "done")
        assert [reply.recipients for reply in each.replies] == [["zhang@corp.example"]]


def test_the_daemon_has_stumbled_over_nothing_and_ends_well(report: Report) -> None:
    assert report.status == 0
    assert "Traceback" not in report.log
    assert "An arrival could not be taken in" not in report.log


def test_nothing_is_posted_or_answered_that_belongs_to_none_of_the_mails(report: Report) -> None:
    archive = report.became["sends a thousand files in an archive"].submission or {}
    more = len(archive["documents"]) - 2  # of them, as many as may be; the one is told to be too many
    assert len(report.posted) == sum(len(became.posted) for became in report.became.values()) + more
    assert report.replies == sum(len(became.replies) for became in report.became.values())


def test_no_line_of_the_log_is_forged_and_none_steers_a_terminal(report: Report) -> None:
    lines = report.log.splitlines()
    assert [line for line in report.log.split("\n")[:-1] if not line.isprintable()] == []
    assert [line for line in lines if not LOG_LINE.fullmatch(line)] == []
    assert [line for line in lines if line.startswith(FORGED_LINE[:25])] == []


def test_what_is_shown_and_listed_has_no_line_and_no_character_that_hides_or_steers(report: Report) -> None:
    shown = [line for became in report.became.values() for line in became.shown.split("\n")]
    told = [str(text) for became in report.became.values() if became.submission for text in _texts(became.submission)]
    assert [line for line in (*shown, *told, *report.listed.split("\n")) if not line.isprintable()] == []
    assert [line for line in shown if line.startswith(FORGED_LINE[:25])] == []
    assert max(map(len, told)) <= 2000


def test_a_reply_has_the_headers_that_we_write_and_no_other(report: Report) -> None:
    for reply in _replies(report):
        message = _read(reply)
        names = [name.lower() for name in message]
        assert REPLY_HEADERS.issuperset(names)
        assert len(set(names)) == len(names)
        assert all(str(value).isprintable() for value in message.values())
        assert message["To"] == reply.recipients[0]
        assert (reply.sender, len(reply.recipients)) == ("", 1)
        assert max(map(len, reply.raw.splitlines())) <= 998
        assert "victim" not in str(message["References"]) + str(message["In-Reply-To"])


def test_a_reply_s_page_has_the_elements_that_we_write_and_no_other(report: Report) -> None:
    for reply in _replies(report):
        page = _Page(_body(reply, "html"))
        assert REPLY_TAGS.issuperset(page.tags)
        assert REPLY_ATTRIBUTES.issuperset(page.attributes)
        assert [text for text in page.texts if not text.replace("\n", "").isprintable()] == []


def test_a_reply_s_text_repeats_what_came_as_text_alone(report: Report) -> None:
    for reply in _replies(report):
        lines = _body(reply, "plain").split("\n")
        assert [line for line in lines if not line.isprintable()] == []
        assert [line for line in lines if line.startswith(FORGED_LINE[:25])] == []
    (told,) = report.became["puts a template into the file's name"].replies
    assert "{{7*7}}" in _body(told, "plain")
    assert "{{7*7}}" in "".join(_Page(_body(told, "html")).texts)


def test_no_file_is_written_but_ours(report: Report) -> None:
    assert [name for name in report.files if not OWN_FILES.fullmatch(name)] == []
    assert report.escaped == []


def _texts(value: object) -> Iterator[object]:
    """Every text in what JSON holds."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


def _replies(report: Report) -> list[Reply]:
    found = [reply for became in report.became.values() for reply in became.replies]
    assert len(found) == report.replies
    return found


def _read(reply: Reply) -> EmailMessage:
    return message_from_bytes(reply.raw.encode("latin-1"), policy=policy.default)


def _body(reply: Reply, kind: str) -> str:
    part = _read(reply).get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


class _Page(HTMLParser):
    """The elements of a page, and what is text in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
