"""Rules that let in anybody, and rules that fit nobody."""

from __future__ import annotations

import pytest

from watcher.config.sections import Rule
from watcher.people.rules import rule_findings


@pytest.mark.parametrize(
    ("match", "said"),
    [
        (r"(\d+)@.*", "any company"),
        (r".*", "any company"),
        (r"(\d{6})@Corp\.example", "capital letters"),
        (r"(\d{6})@corp\.example", None),
        (r"(?P<Code>\S+)@corp\.example", None),
        (r"(?i)(\d{6})@Corp\.example", None),
    ],
)
def test_a_rule_that_cannot_be_meant_so_is_told(match: str, said: str | None) -> None:
    findings = rule_findings([Rule.model_validate({"match": match, "user_code": "x"})])

    assert len(findings) == (0 if said is None else 1)
    assert all(finding.warning and str(said) in finding.message and finding.mend for finding in findings)
