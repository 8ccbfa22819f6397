"""Who is taken in, and what each part of the program is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from watcher.admission import Admission, MailboxAdmission
from watcher.errors import DirectoryUnavailable
from watcher.headers import MailHeader, read_header
from watcher.model import Finding, Person, Reason
from watcher.policy.who import Accepted, MailboxRules, Turned
from watcher.ports import Leaf, MailText, Proof

LI = Person(user_code="903851", name="李镕", language="zh")
AMY = Person(user_code="100001", name="Amy")
BY_AMY = Accepted(person=LI, counts_as="100001", delegate=AMY)


@dataclass(slots=True)
class Staff:
    """A directory of two people, one of them with two addresses and one of them a delegate."""

    people: dict[str, Person] = field(
        default_factory=lambda: {"li@corp.example": LI, "li.rong@other.example": LI, "amy@corp.example": AMY}
    )
    delegates: tuple[str, ...] = ("amy@corp.example", "temp@corp.example")
    down: bool = False

    def by_address(self, address: str) -> Person | None:
        if self.down:
            raise DirectoryUnavailable("down")
        return self.people.get(address.lower())

    def by_code(self, user_code: str) -> Person | None:
        return next((person for person in self.people.values() if person.user_code == user_code), None)

    def by_login(self, login: str) -> Person | None:
        return self.by_address(f"{login}@corp.example")

    def may_submit_for_others(self, address: str) -> bool:
        return address.lower() in self.delegates

    def check(self) -> list[Finding]:
        return []


@dataclass(slots=True)
class Verdict:
    """Verifies every mail in one way, and counts how often it was asked."""

    proof: Proof
    asked: list[str | None] = field(default_factory=list)  # the forwarders

    def verify(self, header: MailHeader, whole: Callable[[], bytes], *, forwarder: str | None = None) -> Proof:
        self.asked.append(forwarder)
        return self.proof


class Opened:
    """A mail of which only the header is looked at."""

    user_code = None
    owner = None
    size = None

    def __init__(self, block: bytes) -> None:
        self.header = read_header(block)
        self._block = block

    def leaves(self) -> list[Leaf]:
        return []

    def texts(self) -> list[MailText]:
        return []

    def pages(self) -> list[MailText]:
        return []

    def whole(self) -> bytes:
        return self._block


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An admission, and what stands behind it."""

    admission: Admission
    staff: Staff
    verdict: Verdict

    def of(self, *lines: str) -> Accepted | Turned:
        header, parcel = _mail(*lines)
        return self.admission.of_mail(header, parcel)

    def released(self, *lines: str, code: str | None = None) -> Accepted | Turned:
        return self.admission.of_released(_mail(*lines)[0], code)

    def counts_as(self, *lines: str) -> str | None:
        return self.admission.counts_as(_mail(*lines)[0])


def _mail(*lines: str) -> tuple[MailHeader, Opened]:
    block = "\r\n".join([*lines, "", ""]).encode()
    return read_header(block), Opened(block)


def _mailbox(
    *, proven: bool = True, fixed_code: str | None = None, hold: bool = True, forwarded_for: bool = False
) -> Mailbox:
    staff, verdict = Staff(), Verdict(Proof(proven=proven, how="dmarc"))
    rules = MailboxRules(fixed_code=fixed_code, hold_unknown=hold, hold_unverified=hold)
    mailbox = MailboxAdmission(
        rules=rules,
        address="fapiao@corp.example",
        answer_unknown=False,
        forwarded_for=forwarded_for,
        own_addresses={"fapiao@corp.example"},
    )
    return Mailbox(Admission(directory=staff, verification=verdict, mailbox=mailbox), staff, verdict)


FROM_LI, FROM_AMY = "From: Li <Li@corp.example>", "From: amy@corp.example"
STRANGER, TWO = "From: who@else.example", "From: li@corp.example, amy@corp.example"


# ------------------------------------------------------------------------- in whose allowance it counts


@pytest.mark.parametrize(
    ("sender", "counts_as"),
    [
        (FROM_LI, "903851"),
        ("From: li.rong@other.example", "903851"),
        (FROM_AMY, "100001"),
        ("From: Temp@corp.example", "temp@corp.example"),
    ],
)
def test_a_mail_counts_as_its_sender_s_whatever_alias_it_came_from_and_whoever_is_named(
    sender: str, counts_as: str
) -> None:
    mailbox, mail = _mailbox(), (sender, "Subject: #903851")

    decision = mailbox.of(*mail)

    assert isinstance(decision, Accepted)
    assert (decision.person, decision.counts_as) == (LI, counts_as)
    assert mailbox.counts_as(*mail) == counts_as


def test_in_a_mailbox_with_a_fixed_number_mails_count_as_their_senders_and_not_as_that_number() -> None:
    mailbox = _mailbox(fixed_code="777")

    assert mailbox.of(FROM_LI) == Accepted(
        person=Person(user_code="777", name="李镕", language="zh"), counts_as="903851"
    )
    assert mailbox.of(STRANGER) == Accepted(person=Person(user_code="777"), counts_as="who@else.example")
    assert mailbox.counts_as(STRANGER) == "who@else.example"


def test_in_whose_allowance_a_mail_would_count_is_told_without_any_proof() -> None:
    mailbox = _mailbox(proven=False)

    assert mailbox.counts_as(FROM_LI) == "903851"
    assert mailbox.counts_as(STRANGER) is None
    assert mailbox.counts_as(TWO) is None
    assert mailbox.verdict.asked == []


def test_a_directory_that_cannot_be_asked_leaves_it_open() -> None:
    mailbox = _mailbox()
    mailbox.staff.down = True

    for ask in (mailbox.of, mailbox.released, mailbox.counts_as):
        with pytest.raises(DirectoryUnavailable):
            ask(FROM_LI)


# ------------------------------------------------------------------------------- for whom delegates submit


@pytest.mark.parametrize(
    "named",
    [
        "Subject: Fwd: Order #12345678 … #903851",
        "Subject: =?utf-8?B?77yD77yZ77yQ77yT77yY77yV77yR?=",
        "To: fapiao+903851@corp.example",
        "Delivered-To: fapiao+903851@corp.example",
        "Cc: Li <li@corp.example>, Invoices <Fapiao+903851@Corp.example>",
    ],
)
def test_a_delegate_submits_for_whom_they_name_and_nobody_else_does(named: str) -> None:
    mailbox = _mailbox()

    assert mailbox.of(FROM_AMY, named) == BY_AMY
    assert mailbox.of("From: Temp@corp.example", named) == Accepted(
        person=LI, counts_as="temp@corp.example", delegate=Person(user_code="temp@corp.example")
    )
    mailbox.staff.people["wang@corp.example"] = Person(user_code="42")
    assert mailbox.of("From: wang@corp.example", named) == Accepted(person=Person(user_code="42"), counts_as="42")


@pytest.mark.parametrize(
    "unnamed",
    [
        "To: #903851 <fapiao@corp.example>",
        "To: fapiao+903851@elsewhere.example",
        'To: "fapiao+903851@corp.example" <fapiao@corp.example>',
        "From: #903851 <amy@corp.example>",
        "X-Subject: #903851",
    ],
)
def test_a_delegate_who_names_nobody_submits_for_themself(unnamed: str) -> None:
    sender = [] if unnamed.startswith("From:") else [FROM_AMY]

    assert _mailbox().of(*sender, unnamed, "Subject: invoices") == Accepted(person=AMY, counts_as="100001")


def test_a_delegate_whom_the_directory_lacks_and_who_names_nobody_is_unknown() -> None:
    turned = _mailbox().of("From: temp@corp.example", "Subject: invoices")

    assert isinstance(turned, Turned)
    assert turned.reason is Reason.UNKNOWN_SENDER


def test_a_delegate_who_names_several_employees_is_held_and_so_is_what_is_released_without_a_choice() -> None:
    mailbox = _mailbox(hold=False)
    mail = (FROM_AMY, "Subject: #903851", "To: fapiao+100001@corp.example")

    for turned in (mailbox.of(*mail), mailbox.released(*mail)):
        assert isinstance(turned, Turned)
        assert (turned.reason, turned.hold) == (Reason.UNCLEAR_USER, True)
        assert "903851, 100001" in turned.detail
    assert mailbox.counts_as(*mail) == "100001"
    assert mailbox.released(*mail, code="903851") == BY_AMY


COPY, IN_SUBJECT = "Cc: fapiao+903851@corp.example", "Subject: #903851"
SIGNED = Proof(proven=True, how="DKIM", covers=frozenset({"from", "to", "subject"}))


def test_a_name_that_stands_where_the_proof_does_not_reach_makes_a_delegate_s_mail_unproven() -> None:
    mailbox = _mailbox()
    mailbox.verdict.proof = SIGNED

    for sender in (FROM_AMY, "From: temp@corp.example"):
        turned = mailbox.of(sender, COPY)
        assert isinstance(turned, Turned)
        assert (turned.reason, turned.hold, turned.person) == (Reason.UNVERIFIED_SENDER, True, LI)
        assert "does not cover" in turned.detail
    two = mailbox.of(FROM_AMY, IN_SUBJECT, "Cc: fapiao+100001@corp.example")
    assert isinstance(two, Turned)
    assert (two.reason, two.person) == (Reason.UNVERIFIED_SENDER, None)


def test_a_name_that_stands_where_the_proof_reaches_too_counts_and_so_does_any_of_who_is_no_delegate() -> None:
    mailbox = _mailbox()
    mailbox.verdict.proof = SIGNED

    assert mailbox.of(FROM_AMY, IN_SUBJECT) == BY_AMY
    assert mailbox.of(FROM_AMY, IN_SUBJECT, COPY) == BY_AMY
    assert mailbox.of(FROM_AMY, IN_SUBJECT, "Cc: fapiao+12345@corp.example") == BY_AMY
    assert mailbox.of(FROM_LI, "Cc: fapiao+100001@corp.example") == Accepted(person=LI, counts_as="903851")


# ------------------------------------------------------------------------ mail that somebody forwards by a rule

FROM_VENDOR = "From: Taxi <noreply@vendor.example>"


def test_mail_that_is_forwarded_by_a_rule_is_of_whoever_forwards_it_and_proven_by_either() -> None:
    mailbox = _mailbox(forwarded_for=True)
    mail = (FROM_VENDOR, "X-Forwarded-For: li.rong@other.example fapiao@corp.example")

    assert mailbox.of(*mail) == Accepted(person=LI, counts_as="903851")
    assert mailbox.verdict.asked == ["li.rong@other.example"]
    assert mailbox.counts_as(*mail) == "903851"
    assert mailbox.admission.submitter_of(_mail(*mail)[0]) == "li.rong@other.example"


def test_a_mail_that_nobody_forwarded_is_of_its_author_there_too() -> None:
    mailbox = _mailbox(forwarded_for=True)

    assert mailbox.of(FROM_LI) == Accepted(person=LI, counts_as="903851")
    assert mailbox.verdict.asked == [None]


def test_headers_of_forwarding_say_nothing_where_the_mailbox_does_not_believe_them() -> None:
    mailbox = _mailbox()
    forwarded = ("Resent-From: li@corp.example", "X-Forwarded-For: li@corp.example fapiao@corp.example")

    stranger = mailbox.of(FROM_VENDOR, *forwarded)
    amy = mailbox.of(FROM_AMY, *forwarded)

    assert isinstance(stranger, Turned)
    assert stranger.reason is Reason.UNKNOWN_SENDER
    assert amy == Accepted(person=AMY, counts_as="100001")
    assert mailbox.verdict.asked == [None]


def test_a_forwarded_mail_that_nothing_proves_is_turned_whoever_forwards_it() -> None:
    turned = _mailbox(forwarded_for=True, proven=False).of(FROM_VENDOR, "Resent-From: li@corp.example")

    assert turned == Turned(reason=Reason.UNVERIFIED_SENDER, detail="dmarc", hold=True, person=LI)


def test_a_mail_that_two_people_seem_to_have_forwarded_is_nobody_s() -> None:
    mailbox = _mailbox(forwarded_for=True)

    turned = mailbox.of(FROM_VENDOR, "Resent-From: li@corp.example", "X-Forwarded-For: amy@corp.example")

    assert isinstance(turned, Turned)
    assert (turned.reason, turned.person, mailbox.verdict.asked) == (Reason.UNVERIFIED_SENDER, None, [])


def test_a_delegate_who_forwards_by_a_rule_submits_for_themself_whatever_the_vendor_s_subject_says() -> None:
    mailbox = _mailbox(forwarded_for=True)
    mail = (FROM_VENDOR, "Resent-From: amy@corp.example", "Subject: Order #903851", "To: fapiao+903851@corp.example")

    assert mailbox.of(*mail) == Accepted(person=AMY, counts_as="100001")


# -------------------------------------------------------------------------------------- what is turned


def test_of_a_mail_that_is_not_proven_it_is_told_for_whom_it_would_have_been() -> None:
    mailbox = _mailbox(proven=False)

    for sender, person in ((FROM_LI, LI), (FROM_AMY, AMY)):
        turned = mailbox.of(sender)
        assert turned == Turned(reason=Reason.UNVERIFIED_SENDER, detail="dmarc", hold=True, person=person)


@pytest.mark.parametrize(
    ("sender", "reason"),
    [
        (STRANGER, Reason.UNKNOWN_SENDER),
        (TWO, Reason.UNVERIFIED_SENDER),
        ("From: li@xn--crp-sna.example", Reason.UNVERIFIED_SENDER),
    ],
)
def test_nothing_is_proven_for_the_sake_of_somebody_whom_nobody_knows(sender: str, reason: Reason) -> None:
    mailbox = _mailbox()

    turned = mailbox.of(sender)

    assert isinstance(turned, Turned)
    assert (turned.reason, turned.person, mailbox.verdict.asked) == (reason, None, [])


# ------------------------------------------------------------------------------------ what is released


def test_what_an_administrator_releases_is_booked_for_whom_it_would_have_been_without_any_proof() -> None:
    mailbox = _mailbox(proven=False)

    assert mailbox.released(FROM_LI) == Accepted(person=LI, counts_as="903851")
    assert mailbox.released(FROM_AMY, "Subject: #903851") == BY_AMY
    assert mailbox.verdict.asked == []


def test_what_is_released_with_a_number_is_booked_for_that_employee_and_counts_as_its_sender_s() -> None:
    mailbox = _mailbox(proven=False)

    assert mailbox.released(STRANGER, code="903851") == Accepted(person=LI, counts_as="who@else.example")
    assert mailbox.released(FROM_AMY, code="5") == Accepted(
        person=Person(user_code="5"), counts_as="100001", delegate=AMY
    )
    assert mailbox.released(FROM_AMY, code="100001") == Accepted(person=AMY, counts_as="100001")
    assert mailbox.released(TWO, code="903851") == Accepted(person=LI, counts_as="903851")


@pytest.mark.parametrize("sender", [STRANGER, TWO, "From: li@xn--crp-sna.example", "Subject: no sender"])
def test_what_is_released_without_a_number_is_held_again_where_nobody_is_known(sender: str) -> None:
    turned = _mailbox(hold=False).released(sender)

    assert isinstance(turned, Turned)
    assert (turned.reason, turned.hold) == (Reason.UNKNOWN_SENDER, True)
    assert "--user-code" in turned.detail
