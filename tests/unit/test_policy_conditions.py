"""What the journal shows, as conditions and in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from watcher.model import Alert, Backlog, BookedTwice, ClockStep, Gate, Language, Signs, SourceHealth
from watcher.policy.alarm import AlarmRules, Condition, Decision, decide
from watcher.policy.conditions import Own, conditions, held_too_long, own_conditions
from watcher.policy.news import News, news_of, subject_of, text_of
from watcher.policy.pauses import REFUSED_SAID

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AFTER = timedelta(minutes=10)
ENDPOINT = "https://endpoint.example/ocr"
RULES = AlarmRules(
    after=AFTER,
    held_after={"fapiao": 2 * HOUR, "shared": DAY},
    endpoint=ENDPOINT,
    language="zh",
    moment=lambda moment: moment.strftime("%m-%d %H:%M"),
)
CLOSED = Gate(open=False, reason="resCode 400000 配置错误", since=NOW - HOUR)


def found(**signs: object) -> dict[str, Condition]:
    return {each.key: each for each in conditions(Signs(now=NOW, **signs), RULES)}  # type: ignore[arg-type]


def backlog(age: timedelta, count: int = 3) -> dict[str, Backlog]:
    return {"fapiao": Backlog(count=count, oldest=NOW - age)}


def down(name: str = "fapiao", message: str | None = "no route to host") -> SourceHealth:
    return SourceHealth(name=name, up=False, since=NOW - HOUR, message=message)


def test_nothing_is_wrong_where_all_is_well() -> None:
    well = [SourceHealth(name="fapiao", up=True), SourceHealth(name="shared", up=None)]
    assert found(sources=tuple(well), gates={ENDPOINT: Gate(open=True)}, overdue={}, held=backlog(HOUR)) == {}


def test_a_source_that_is_down_says_since_when_why_and_what_to_do() -> None:
    condition = found(sources=(down(),))["source fapiao"]
    assert condition.wait == AFTER
    for part in ("fapiao", "11-26 08:00", "no route to host", "invoice-watcher check"):
        assert part in condition.said


REFUSED = f"the server refuses the login: 535 wrong; {REFUSED_SAID}"


def test_a_refused_login_is_told_at_once_with_what_to_do_and_not_as_a_source_that_is_down() -> None:
    there = found(sources=(down(message=REFUSED),))
    login = there["login fapiao"]
    assert (login.wait, login.explained) == (timedelta(0), False)
    assert there["source fapiao"].explained
    for part in ("fapiao", "11-26 08:00", "535 wrong", "授权码", "systemctl restart"):
        assert part in login.said
    assert REFUSED_SAID not in login.said


def test_a_mailbox_that_goes_from_down_to_refused_or_back_is_not_told_to_be_better() -> None:
    for message in (REFUSED, "no route to host"):
        remembered = [Alert(key=f"{kind} fapiao", since=NOW, said="…", told_at=NOW) for kind in ("source", "login")]
        decision = decide(list(found(sources=(down(message=message),)).values()), remembered, RULES, NOW + DAY / 2)
        assert (decision.over, decision.keep, decision.forget) == ((), (), ())


def test_a_refused_smtp_login_is_told_at_once_and_forgotten_by_who_has_not_tried_it_himself() -> None:
    (refused,) = conditions(Signs(now=NOW), RULES, Own(mailer_refused="535 wrong"))
    assert (refused.key, refused.wait, refused.explained) == ("mailer", timedelta(0), False)
    assert "535 wrong" in refused.said
    (unknown,) = conditions(Signs(now=NOW), RULES, Own(knows_mailer=False))
    assert unknown.explained
    assert conditions(Signs(now=NOW), RULES, Own()) == []


def test_a_page_that_cannot_be_served_waits_and_a_worker_that_hangs_does_not() -> None:
    web, worker = own_conditions(Own(web="Address already in use", late=("look-fapiao",)), RULES)
    assert (web.key, web.wait) == ("web", AFTER)
    assert "Address already in use" in web.said
    assert (worker.key, worker.wait) == ("worker look-fapiao", timedelta(0))
    assert "look-fapiao" in worker.said


def test_a_clock_that_was_set_is_told_at_once_with_what_it_showed_before() -> None:
    (clock,) = own_conditions(Own(clock=ClockStep(was=NOW, now=NOW + 30 * DAY)), RULES)
    assert (clock.key, clock.wait) == ("clock", timedelta(0))
    for part in ("11-26 09:00", "12-26 09:00", "timedatectl"):
        assert part in clock.said


def test_a_source_of_which_something_cannot_be_taken_in_is_no_better() -> None:
    waiting = SourceHealth(name="fapiao", up=True, since=NOW, message="the store default is down")
    assert "the store default is down" in found(sources=(waiting,))["source fapiao"].said


def test_what_is_left_of_a_source_that_nobody_has_is_told_once_by_whoever_sees_it_and_so_is_its_end() -> None:
    strays = {"old": Backlog(count=3, oldest=NOW - HOUR)}
    condition = found(strays=strays)["stray old"]
    assert condition.wait == AFTER
    for part in ("old", "3", "11-26 08:00", "invoice-watcher status"):
        assert part in condition.said

    told = Alert(key="stray old", since=NOW, said=condition.said, told_at=NOW)
    still = decide([condition], [told], RULES, NOW + HOUR)
    over = decide([], [replace(told, gone_at=NOW)], RULES, NOW + HOUR)

    assert (still.tell, still.keep) == ((), ())
    assert [alert.key for alert in over.over] == ["stray old"]
    assert "old" in text_of(news_of(over, "en"), "en")


def test_the_sources_and_endpoints_of_others_are_theirs() -> None:
    assert found(sources=(down("elsewhere"),), gates={"https://other.example": CLOSED}) == {}


def test_a_closed_gate_says_why() -> None:
    condition = found(gates={ENDPOINT: CLOSED})[f"gate {ENDPOINT}"]
    assert condition.wait == AFTER
    assert "配置错误" in condition.said


@pytest.mark.parametrize(("age", "told"), [(2 * HOUR, True), (2 * HOUR - timedelta(seconds=1), False)])
def test_a_hold_alerts_when_it_is_older_than_its_mailbox_allows(age: timedelta, told: bool) -> None:
    assert ("held fapiao" in found(held=backlog(age))) is told


def test_a_hold_that_is_too_old_is_told_at_once_with_how_many_and_what_to_do() -> None:
    condition = found(held=backlog(3 * HOUR, count=7))["held fapiao"]
    assert condition.wait == timedelta(0)
    for part in ("7", "11-26 06:00", "invoice-watcher list --state held"):
        assert part in condition.said
    assert held_too_long(Signs(now=NOW, held=backlog(3 * HOUR)), {"fapiao": 3 * HOUR, "shared": DAY}) == ["fapiao"]


def test_what_is_overdue_is_told_unless_the_gate_explains_it() -> None:
    assert not found(overdue=backlog(HOUR))["overdue fapiao"].explained
    assert found(overdue=backlog(HOUR), gates={ENDPOINT: CLOSED})["overdue fapiao"].explained


def test_answers_that_cannot_be_given_for_an_hour_are_told_unless_the_source_explains_it() -> None:
    assert found(unanswered=backlog(HOUR / 2)) == {}
    assert not found(unanswered=backlog(HOUR))["answers fapiao"].explained
    assert found(unanswered=backlog(HOUR), sources=(down(),))["answers fapiao"].explained


def test_a_double_booking_is_grave_told_at_once_and_names_the_submission() -> None:
    twice = BookedTwice(booking=7, at=NOW, submission="abc234")
    known, deleted = found(booked_twice=(twice, replace(twice, booking=8, submission=None))).values()
    assert (known.grave, known.recurs, known.wait) == (True, False, timedelta(0))
    assert "invoice-watcher show abc234" in known.said
    assert "8" in deleted.said


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_condition_has_its_sentences_in_both_languages(language: Language) -> None:
    signs = Signs(
        now=NOW,
        sources=(down(), SourceHealth(name="shared", up=True, message="waits")),
        gates={ENDPOINT: CLOSED},
        held=backlog(DAY),
        overdue=backlog(DAY),
        unanswered=backlog(DAY),
        booked_twice=(BookedTwice(booking=7, at=NOW, submission=None),),
    )
    rules = replace(RULES, language=language)
    step = ClockStep(was=NOW, now=NOW + DAY)
    own = Own(mailer_refused="535 wrong", journal="the disk is full", web="taken", clock=step, late=("claim",))
    present = [*conditions(signs, rules, own), *own_conditions(own, rules)]
    assert len(present) == 13
    over = [each.key for each in present if each.recurs]
    news = News(wrong=tuple(each.said for each in present)).then(_over(over, language))
    assert len(news.over) == len(over)
    is_chinese = [any("\u4e00" <= character <= "\u9fff" for character in each) for each in (*news.wrong, *news.over)]
    assert is_chinese.count(True) == (len(is_chinese) if language == "zh" else 1)  # the endpoint's own words


def _over(keys: list[str], language: Language) -> News:
    return news_of(Decision(over=tuple(Alert(key=key, since=NOW, said="") for key in keys)), language)


HOSTILE = '\u202e<at user_id="all">x</at> <@all> @everyone <!channel>\n- forged line\x1b[31m ' + "y" * 5000


def test_what_a_server_says_is_one_short_line_that_mentions_nobody() -> None:
    condition = found(sources=(down(message=HOSTILE),))["source fapiao"]
    assert not set(condition.said) & set("<>@\n\x1b\u202e")
    assert len(condition.said) < 300


def test_a_message_fits_into_a_chat_and_counts_what_does_not() -> None:
    news = News(wrong=tuple(f"{number} " + "错" * 150 for number in range(40)))
    text = text_of(news, "zh")
    assert len((subject_of(news, "zh") + "\n" + text).encode()) <= 2048
    shown = text.count("错错") > 0 and len(text.splitlines()) - 1
    assert f"另有 {40 - int(shown)} 项" in text.splitlines()[-1]


def test_the_subject_says_whether_something_is_wrong_or_all_of_it_is_over() -> None:
    assert subject_of(News(wrong=("a",), over=("b", "c")), "en") == "invoice-watcher: 1 to look at"
    assert subject_of(News(over=("b", "c")), "en") == "invoice-watcher: 2 over"


def test_of_much_that_was_missed_the_latest_is_kept() -> None:
    missed = News()
    for number in range(200):
        missed = missed.then(News(wrong=(str(number),)))
    assert missed.wrong == tuple(str(number) for number in range(150, 200))
