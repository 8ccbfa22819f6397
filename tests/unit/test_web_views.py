"""What the page makes of values: no journal, no request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from tests.support import submissions
from watcher.decisions import Release, failed, may_be_refused, releasing
from watcher.model import (
    Activity,
    Document,
    DocumentState,
    Invoice,
    Outcome,
    Reason,
    Submission,
    SubmissionPage,
    SubmissionState,
    Try,
)
from watcher.web.chart import HEIGHT, WIDTH, chart_of
from watcher.web.deciding import possible, stand
from watcher.web.listing import badges_of, only_one_meant, read_asked, row_of
from watcher.web.remembered import Remembered
from watcher.web.speech import Speech
from watcher.web.visit import local_path
from watcher.web.whole import whole_of

ZONE = ZoneInfo("Asia/Shanghai")
ENGLISH = Speech(language="en", zone=ZONE, accept=("pdf", "ofd"))
AT = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)


def document(number: int = 1, outcome: Outcome | None = Outcome.DONE, **changes: object) -> Document:
    """Without invoices, unless they are given."""
    state = DocumentState.PENDING if outcome is None else DocumentState.SETTLED
    values = {"name": f"{number}.pdf", "invoices": (), "state": state, "outcome": outcome, "settled_at": None}
    return submissions.document(number, **{**values, **changes})


def submission(*documents: Document, **changes: object) -> Submission:
    """Closed and answered."""
    values = {
        "id": "abcdefghijklmnop",
        "sender": "zhang@corp.example",
        "subject": "Invoices",
        "received_at": AT,
        "state": SubmissionState.CLOSED,
        "answered_at": AT,
        "answer_number": 1,
    }
    return submissions.submission(*documents, **{**values, **changes})


HELD = submission(document(outcome=None), state=SubmissionState.HELD, reason=Reason.UNKNOWN_SENDER.value)
DOUBTFUL = replace(HELD, reason=Reason.IN_DOUBT.value)


# ------------------------------------------------------------------------------------- the drawing


def test_what_waits_is_what_came_and_did_not_go() -> None:
    activity = Activity(before=2, recorded=(3, 0), settled=({Outcome.DONE: 1, Outcome.ERROR: 1}, {Outcome.DONE: 3}))
    assert activity.waiting == (3, 0)


def test_the_drawing_stays_within_its_panel_and_the_numbers_say_the_same() -> None:
    activity = Activity(
        before=1, recorded=(4, 0, 9), settled=({Outcome.DONE: 4}, {}, {Outcome.DONE: 7, Outcome.ERROR: 1})
    )
    chart = chart_of(activity, AT, timedelta(hours=1), lambda at: at.strftime("%H:%M"))
    assert [(row.begins, row.settled, row.failed, row.waiting) for row in chart.rows] == [
        ("04:30", 4, 0, 1),
        ("05:30", 0, 0, 1),
        ("06:30", 8, 1, 2),
    ]
    assert (chart.settled, chart.failed, chart.most_settled, chart.most_waiting) == (12, 1, 8, 2)
    assert [bar.height for bar in chart.bars] == [HEIGHT / 2, HEIGHT]
    assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH for bar in chart.bars)
    points = [tuple(map(float, point.split(","))) for point in chart.line.split()]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)


def test_nothing_at_all_is_drawn_as_nothing() -> None:
    empty = Activity(before=0, recorded=(0, 0), settled=({}, {}))
    chart = chart_of(empty, AT, timedelta(hours=1), str)
    assert chart.bars == ()
    assert (chart.settled, chart.most_waiting) == (0, 0)


# ---------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize("path", ["/", "/submissions?q=a&below=3", "/submissions/abc", "/submissions?q=%E5%8F%91"])
def test_a_path_of_ours_is_gone_back_to(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path", [None, "", "//evil.example", "https://evil.example", "evil", "\r\n/x", "javascript:alert(1)"]
)
def test_nothing_leads_elsewhere(path: str | None) -> None:
    assert local_path(path) == "/"


def test_a_backslash_that_browsers_take_for_a_slash_is_none() -> None:
    assert local_path("/\\evil.example") == "/%5Cevil.example"


def test_what_is_no_value_of_a_filter_is_passed_over_and_a_wrong_date_is_told() -> None:
    asked = read_asked(
        {"q": " a\x00b ", "state": "x", "outcome": "done", "since": "yesterday", "below": "-1", "source": ""}, ZONE
    )
    assert (asked.filter.state, asked.filter.outcome, asked.filter.source) == (None, Outcome.DONE, None)
    assert "\x00" not in (asked.filter.search or "")
    assert (asked.wrong_since, asked.below) == ("yesterday", None)


def test_a_date_is_one_of_the_configured_zone() -> None:
    asked = read_asked({"since": "2026-11-20", "below": "17"}, ZONE)
    assert asked.filter.since == datetime(2026, 11, 20, tzinfo=ZONE)
    assert asked.below == 17


# -------------------------------------------------------------------------------------------- rows


def test_a_whole_number_means_the_one_submission_that_has_it_and_a_part_of_one_does_not() -> None:
    found = submission(document(invoices=(Invoice(number="26312000", expense_id="E-1"),)))
    page = SubmissionPage(submissions=(found,), below=None)
    assert only_one_meant(page, " 26312000 ") is found
    assert only_one_meant(page, "E-1") is found
    assert only_one_meant(page, found.id.upper()) is found
    assert only_one_meant(page, "2631") is None
    assert only_one_meant(page, None) is None
    assert only_one_meant(SubmissionPage(submissions=(found, found), below=None), "26312000") is None


def test_a_row_has_each_invoice_once_and_says_how_many_more_there_are() -> None:
    invoices = tuple(Invoice(number=f"{n}", amount="1.5", currency="CNY", seller_name="S") for n in range(4))
    row = row_of(submission(document(1, invoices=invoices), document(2, Outcome.DUPLICATE, invoices=invoices)), ENGLISH)
    assert [each.amount for each in row.invoices] == ["¥1.50", "¥1.50"]
    assert row.more == 2
    assert row.received == "2026-11-20 12:30"


def test_a_held_submission_is_not_said_to_be_in_progress() -> None:
    assert [badge.kind for badge in badges_of(HELD, ENGLISH)] == ["held"]
    (card,) = whole_of(HELD, ENGLISH, lambda _: None).documents
    assert (card.outcome, card.what) == ("held", None)


def test_each_document_is_told_of_however_many_there_are() -> None:
    many = submission(*(document(n, Outcome.DONE if n % 2 else Outcome.ERROR) for n in range(1, 101)))
    whole = whole_of(many, ENGLISH, lambda _: None)
    assert [card.outcome for card in whole.documents] == ["error"] * 50 + ["done"] * 50
    assert sorted(card.name for card in whole.documents) == sorted(f"{n}.pdf" for n in range(1, 101))


def test_what_happened_is_told_in_its_order() -> None:
    at = AT + timedelta(minutes=1)
    told = whole_of(
        submission(document(settled_at=at), answered_at=at + timedelta(minutes=1), moved_to="done/1.pdf"),
        ENGLISH,
        lambda _: None,
    )
    assert [event.text for event in told.events] == ["Received", "1.pdf: Done", "Answered"]
    assert told.events[-1].detail == "moved to done/1.pdf"


def test_how_a_try_ended_is_told_in_words_and_as_it_stands_where_another_version_wrote_it() -> None:
    tries = [
        Try(number=n, biz_id="b", started_at=AT, ended_at=AT, result=result, in_doubt=False, code="1", message="why")
        for n, result in enumerate(("refused", "long ago", None), 1)
    ]
    told = whole_of(submission(document(tries=tuple(tries))), ENGLISH, lambda _: None)
    details = [event.detail for event in told.events if event.text.startswith("Try")]
    assert details == ["refused · 1 · why", "long ago · 1 · why", "under way, or cut off"]


# ---------------------------------------------------------------------------------------- decisions


@pytest.mark.parametrize(
    ("what", "deeds", "release"),
    [
        (submission(document()), (), None),
        (submission(document(outcome=Outcome.ERROR)), ("retry",), None),
        (submission(document(outcome=Outcome.SKIPPED)), ("release",), Release.SKIPPED),
        (submission(document(outcome=Outcome.ATTENTION, code="IN_DOUBT")), ("retry",), None),
        (submission(document(outcome=Outcome.ATTENTION)), (), None),
        (submission(document(outcome=None), state=SubmissionState.OPEN), (), None),
        (HELD, ("release", "refuse"), Release.SENDER),
        (DOUBTFUL, ("release", "refuse"), Release.DOUBT),
        (replace(HELD, state=SubmissionState.SETTLED, released=True), ("refuse",), None),
    ],
)
def test_what_can_be_decided_follows_from_how_it_stands(
    what: Submission, deeds: tuple[str, ...], release: Release | None
) -> None:
    assert possible(what) == deeds
    assert releasing(what) is release
    assert may_be_refused(what) is ("refuse" in deeds)
    assert bool(failed(what)) is ("retry" in deeds)


def test_what_never_was_posted_is_not_tried_again() -> None:
    assert possible(submission(document(outcome=Outcome.ERROR, booking=None))) == ()


def test_another_stand_is_another_thing_to_confirm() -> None:
    before = submission(document(outcome=Outcome.ERROR))
    stands = {
        stand(before),
        stand(replace(before, state=SubmissionState.OPEN)),
        stand(replace(before, answer_number=2)),
        stand(replace(before, documents=(document(outcome=None),))),
    }
    assert len(stands) == 4
    assert stand(before) == stand(replace(before, remark="another"))


# ---------------------------------------------------------------------------------------- remembered


def test_an_answer_is_good_for_a_while() -> None:
    now, asked = [0.0], []
    remembered = Remembered(lambda: now[0], 5.0)

    def read() -> int:
        asked.append(now[0])
        return len(asked)

    assert [remembered.get("a", read), remembered.get("a", read), remembered.get("b", read)] == [1, 1, 2]
    now[0] = 5.0
    assert remembered.get("a", read) == 3
