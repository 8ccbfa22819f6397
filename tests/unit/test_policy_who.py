"""Who may submit a mail, and for whom."""

from __future__ import annotations

import pytest

from watcher.model import Person, Reason
from watcher.policy.who import (
    Accepted,
    MailboxRules,
    Sender,
    Turned,
    expected,
    named_code,
    person_for,
    proven,
)
from watcher.ports import Proof

PROVEN = Proof(proven=True, how="DKIM of corp.example")
FORGED = Proof(proven=False, how="dmarc=fail")
ZHANG = Person(user_code="903851", name="张三", language="zh")
LENIENT = MailboxRules(fixed_code=None, hold_unknown=True, hold_unverified=True)
STRICT = MailboxRules(fixed_code=None, hold_unknown=False, hold_unverified=False)


KNOWN = Sender(address="Zhang@corp.example", known=ZHANG)
STRANGER = Sender(address="Zhang@corp.example", known=None)


def test_a_known_and_proven_sender_is_accepted() -> None:
    decision = expected(KNOWN, None, STRICT)

    assert proven(decision, PROVEN, STRICT) == Accepted(person=ZHANG, counts_as="903851")


@pytest.mark.parametrize(("rules", "hold"), [(LENIENT, True), (STRICT, False)])
def test_a_forged_sender_is_held_or_refused_as_configured_and_it_is_told_for_whom_it_was(
    rules: MailboxRules, hold: bool
) -> None:
    turned = proven(expected(KNOWN, None, rules), FORGED, rules)

    assert turned == Turned(reason=Reason.UNVERIFIED_SENDER, detail="dmarc=fail", hold=hold, person=ZHANG)


@pytest.mark.parametrize(("rules", "hold"), [(LENIENT, True), (STRICT, False)])
def test_an_unknown_sender_is_held_or_refused_as_configured(rules: MailboxRules, hold: bool) -> None:
    turned = expected(STRANGER, None, rules)

    assert isinstance(turned, Turned)
    assert (turned.reason, turned.hold, turned.person) == (Reason.UNKNOWN_SENDER, hold, None)


def test_a_mail_counts_in_the_allowance_of_its_sender_whomever_it_is_for() -> None:
    wang = Person(user_code="42")

    assert expected(KNOWN, wang, STRICT) == Accepted(person=wang, counts_as="903851")
    assert expected(STRANGER, wang, STRICT) == Accepted(person=wang, counts_as="zhang@corp.example")


def test_a_fixed_code_is_booked_with_the_senders_name_and_language() -> None:
    rules = MailboxRules(fixed_code="100001", hold_unknown=False, hold_unverified=False)
    assert person_for(ZHANG, None, rules) == Person(user_code="100001", name="张三", language="zh")
    assert person_for(None, None, rules) == Person(user_code="100001")


def test_the_person_that_a_delegate_names_comes_first() -> None:
    assert person_for(ZHANG, Person(user_code="42"), STRICT) == Person(user_code="42")


@pytest.mark.parametrize(
    ("subject", "recipients", "code"),
    [
        ("#903851 打车发票", [], "903851"),
        ("Fwd: 发票 #A-17", [], "A-17"),
        ("发票", ["Fapiao+903851@corp.example"], "903851"),
        ("发票", ["fapiao+903851@elsewhere.example", "other+1@corp.example"], None),
        ("发票 # 903851", ["fapiao@corp.example"], None),
        (None, [], None),
    ],
)
def test_a_delegate_names_the_code_in_the_subject_or_the_address(
    subject: str | None, recipients: list[str], code: str | None
) -> None:
    assert named_code(subject, recipients, "fapiao@corp.example") == code
