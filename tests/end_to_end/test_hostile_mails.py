"""The hostile-mail corpus: each mail is a test, named by what it attempts, and all of them share one daemon."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hostile import automatic, results, senders, texts
from tests.hostile.case import Case
from tests.hostile.run import Company, Report
from tests.support.servers.dovecot import Dovecot
from tests.support.servers.smtp import SmtpSink
from watcher.sandbox.endpoint import Endpoint

CASES = (*senders.CASES, *results.CASES, *automatic.CASES, *texts.CASES)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    with Dovecot() as dovecot, SmtpSink() as smtp, Endpoint() as endpoint:
        yield Company(tmp_path_factory.mktemp("hostile"), dovecot, smtp, endpoint).run(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_hostile_mail_gets_what_it_should(report: Report, case: Case) -> None:
    became, expected = report.became[case.name], case.expected
    submission = became.submission
    assert (submission["state"] if submission else None, became.place) == (expected.state, expected.place)
    if submission:
        assert submission["reason"] == expected.reason
    assert became.posted == [*expected.posted]
    assert [each.recipients for each in became.replies] == ([[expected.replied]] if expected.replied else [])
    assert expected.why in " ".join(became.shown.split())
