"""Who may submit a mail, and for whom."""

from __future__ import annotations

import pytest

from watcher.model import Person, Reason
from watcher.policy.who import (
    Accepted,
    MailboxRules,
    NamedCode,
    Sender,
    Turned,
    covered,
    expected,
    named_codes,
    named_persons,
    person_for,
    proven,
)
from watcher.ports import Proof

PROVEN = Proof(proven=True, how="DKIM of corp.example")
FORGED = Proof(proven=False, how="dmarc=fail")
ZHANG = Person(user_code="903851", name="张三", language="zh")
LENIENT = MailboxRules(fixed_code=None, hold_unknown=True, hold_unverified=True)
STRICT = MailboxRules(fixed_code=None, hold_unknown=False, hold_unverified=False)


def _proven(decision: Accepted | Turned, proof: Proof, rules: MailboxRules) -> Accepted | Turned:
    return proven(decision, proof, rules, by_covered=decision)


def _codes(*codes: str, field: str = "subject") -> list[NamedCode]:
    return [NamedCode(code=code, field=field) for code in codes]


KNOWN = Sender(address="Zhang@corp.example", known=ZHANG)
STRANGER = Sender(address="Zhang@corp.example", known=None)


def test_a_known_and_proven_sender_is_accepted() -> None:
    decision = expected(KNOWN, (), STRICT)

    assert _proven(decision, PROVEN, STRICT) == Accepted(person=ZHANG, counts_as="903851")


@pytest.mark.parametrize(("rules", "hold"), [(LENIENT, True), (STRICT, False)])
def test_a_forged_sender_is_held_or_refused_as_configured_and_it_is_told_for_whom_it_was(
    rules: MailboxRules, hold: bool
) -> None:
    turned = _proven(expected(KNOWN, (), rules), FORGED, rules)

    assert turned == Turned(reason=Reason.UNVERIFIED_SENDER, detail="dmarc=fail", hold=hold, person=ZHANG)


@pytest.mark.parametrize(("rules", "hold"), [(LENIENT, True), (STRICT, False)])
def test_an_unknown_sender_is_held_or_refused_as_configured(rules: MailboxRules, hold: bool) -> None:
    turned = expected(STRANGER, (), rules)

    assert isinstance(turned, Turned)
    assert (turned.reason, turned.hold, turned.person) == (Reason.UNKNOWN_SENDER, hold, None)


def test_a_mail_counts_in_the_allowance_of_its_sender_whomever_it_is_for() -> None:
    wang = Person(user_code="42")

    assert expected(KNOWN, [wang], STRICT) == Accepted(person=wang, counts_as="903851", delegate=ZHANG)
    assert expected(STRANGER, [wang], STRICT) == Accepted(
        person=wang, counts_as="zhang@corp.example", delegate=Person(user_code="zhang@corp.example")
    )
    assert expected(KNOWN, [ZHANG], STRICT) == Accepted(person=ZHANG, counts_as="903851")


def test_a_fixed_code_is_booked_with_the_senders_name_and_language() -> None:
    rules = MailboxRules(fixed_code="100001", hold_unknown=False, hold_unverified=False)
    assert person_for(ZHANG, None, rules) == Person(user_code="100001", name="张三", language="zh")
    assert person_for(None, None, rules) == Person(user_code="100001")


def test_the_person_that_a_delegate_names_comes_first() -> None:
    assert person_for(ZHANG, Person(user_code="42"), STRICT) == Person(user_code="42")


@pytest.mark.parametrize(
    ("subject", "recipients", "codes"),
    [
        ("#903851 打车发票", [], ["903851"]),
        ("Fwd: 发票 #A-17", [], ["A-17"]),
        ("＃９０３８５１打车发票", [], ["903851"]),
        ("发票＃Ａ－１７", [], ["A-17"]),
        ("发票 #\u200b9038\u200b51\u202c", [], ["903851"]),
        ("Fwd: Order #12345678 … #903851 #903851", [], ["12345678", "903851"]),
        ("发票", ["Fapiao+903851@corp.example"], ["903851"]),
        ("发票", ["fapiao@corp.example", "FAPIAO+903851@CORP.example", "fapiao+903851@corp.example"], ["903851"]),
        ("#1", ["fapiao+2@corp.example", "fapiao+3@corp.example"], ["1", "2", "3"]),
        ("发票", ["fapiao+903851@elsewhere.example", "other+1@corp.example", "xfapiao+1@corp.example"], []),
        ("发票", ["fapiao+1@corp.example.evil.example", "fapiao@corp.example", "fapiao+@corp.example"], []),
        ("发票", ["fapiao+903851+x@corp.example"], []),
        ("发票 # 903851", ["fapiao@corp.example"], []),
        ("&#20013;&#22269;", [], []),
        ("#" + "9" * 65, [], []),
        (None, [], []),
    ],
)
def test_a_delegate_names_the_codes_in_the_subject_or_the_address(
    subject: str | None, recipients: list[str], codes: list[str]
) -> None:
    found = named_codes(subject, [("to", each) for each in recipients], {"svc@corp.example", "fapiao@corp.example"})

    assert list(dict.fromkeys(each.code for each in found)) == codes


def test_a_code_is_told_with_each_field_that_it_stands_in() -> None:
    plus = "fapiao+1@corp.example"

    found = named_codes("#1 #2 #1", [("to", plus), ("cc", plus), ("cc", plus)], {"fapiao@corp.example"})

    assert [(each.code, each.field) for each in found] == [
        ("1", "subject"), ("2", "subject"), ("1", "to"), ("1", "cc")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("codes", "persons"),
    [
        (["12345678", "903851"], ["903851"]),
        (["903851", "42"], ["903851", "42"]),
        (["12345678"], ["12345678"]),
        (["12345678", "87654321"], ["12345678", "87654321"]),
        (["a17", "A17"], ["a17"]),
        (["x9", "X9", "903851"], ["903851"]),
        (["903851-taxi"], ["903851"]),
        (["903851_", "903851"], ["903851"]),
        (["903851-2", "903851-taxi-2"], ["903851-2", "903851-taxi-2"]),
        (["12345678_"], ["12345678"]),
        (["1-a", "1-A"], ["1-a"]),
        (["--"], ["--"]),
        ([], []),
    ],
)
def test_of_the_codes_those_count_that_the_directory_knows(codes: list[str], persons: list[str]) -> None:
    known = {"903851": ZHANG, "42": Person(user_code="42")}

    assert [person.user_code for person in named_persons(_codes(*codes), known.get)] == persons


def test_of_a_number_that_stands_there_in_two_cases_the_one_is_meant_that_the_directory_has() -> None:
    known = {"A17": Person(user_code="A17")}

    assert [person.user_code for person in named_persons(_codes("a17", "A17"), known.get)] == ["A17"]


# ----------------------------------------------------------------------------------- what a proof covers


@pytest.mark.parametrize(
    ("covers", "fields"),
    [
        (None, ["subject", "cc"]),
        (frozenset({"from", "subject"}), ["subject"]),
        (frozenset({"cc", "subject"}), ["subject", "cc"]),
        (frozenset(), []),
    ],
)
def test_the_codes_count_that_stand_in_fields_which_the_proof_covers(
    covers: frozenset[str] | None, fields: list[str]
) -> None:
    proof = Proof(proven=True, how="DKIM", covers=covers)

    assert [each.field for each in covered([*_codes("1"), *_codes("2", field="cc")], proof)] == fields


@pytest.mark.parametrize(("rules", "hold"), [(LENIENT, True), (STRICT, False)])
def test_a_mail_that_names_an_employee_where_the_proof_does_not_reach_is_unproven_and_says_whom(
    rules: MailboxRules, hold: bool
) -> None:
    wang = Person(user_code="42")

    turned = proven(expected(KNOWN, [wang], rules), PROVEN, rules, by_covered=expected(KNOWN, (), rules))

    assert isinstance(turned, Turned)
    assert (turned.reason, turned.hold, turned.person) == (Reason.UNVERIFIED_SENDER, hold, wang)
    assert turned.detail == "the signature does not cover the address that names the employee"


def test_a_name_that_stands_where_the_proof_reaches_as_well_counts() -> None:
    wang = Person(user_code="42")
    decision = expected(KNOWN, [wang], STRICT)

    assert proven(decision, PROVEN, STRICT, by_covered=expected(KNOWN, [wang], STRICT)) == decision


@pytest.mark.parametrize("rules", [LENIENT, STRICT])
def test_several_employees_are_never_chosen_from(rules: MailboxRules) -> None:
    named = [Person(user_code=f"{number}") for number in range(1, 10)]

    turned = _proven(expected(KNOWN, named, rules), PROVEN, rules)

    assert isinstance(turned, Turned)
    assert (turned.reason, turned.hold, turned.person) == (Reason.UNCLEAR_USER, True, None)
    assert turned.detail.endswith(": 1, 2, 3, 4, 5, …")


def test_a_mail_that_names_several_employees_is_not_proven_by_that() -> None:
    named = [Person(user_code="1"), Person(user_code="2")]

    turned = _proven(expected(KNOWN, named, STRICT), FORGED, STRICT)

    assert turned == Turned(reason=Reason.UNVERIFIED_SENDER, detail="dmarc=fail", hold=False)


@pytest.mark.parametrize(
    ("domain", "shown"),
    [
        ("xn--crp-sna.example", "cörp.example"),
        ("mail.XN--CRP-SNA.example", "mail.cörp.example"),
        ("xn--l-7sbq6ba.example", "\u0430\u0440\u0440l\u0435.example"),
        ("xn--.example", "xn--.example"),
        ("xn--99999999999.example", "xn--99999999999.example"),
        ("xn--" + "a" * 50 + ".example", ".example"),  # controls, which are not shown
        ("xn--corp-yd7a.example", "corp.example"),  # an override of the direction of writing
    ],
)
@pytest.mark.parametrize(("rules", "hold"), [(LENIENT, True), (STRICT, False)])
def test_a_stranger_whose_domain_is_written_in_foreign_letters_may_be_a_look_alike(
    domain: str, shown: str, rules: MailboxRules, hold: bool
) -> None:
    turned = expected(Sender(address=f"zhang@{domain}", known=None), (), rules)

    assert isinstance(turned, Turned)
    assert (turned.reason, turned.hold) == (Reason.UNVERIFIED_SENDER, hold)
    assert turned.detail.endswith(f" of another: {shown}")


def test_a_domain_in_foreign_letters_that_the_directory_has_is_as_any_other() -> None:
    sender = Sender(address="zhang@xn--crp-sna.example", known=ZHANG)

    assert expected(sender, (), STRICT) == Accepted(person=ZHANG, counts_as="903851")
