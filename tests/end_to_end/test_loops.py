"""Two of our own daemons, and automatic responders, that write to each other through a mail server: it ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, Self

import pytest

from tests.hostile.case import letter
from tests.support.mails import crlf
from tests.support.servers.dovecot import PASSWORD, Account, Dovecot
from tests.support.servers.relay import Change, Passed, Relay, Responder
from tests.support.waiting import wait_for
from tests.support.workplace import PATIENCE_SECONDS, Workplace
from watcher.sandbox.endpoint import Endpoint

ONE, OTHER = "fapiao@one.example", "fapiao@other.example"
PERSON, AWAY = "zhang@one.example", "away@one.example"
EMPLOYEES = f"email,user_code\n{ONE},1\n{OTHER},2\n{PERSON},3\n{AWAY},4\n"
LIMIT = 5  # submissions of one sender in an hour


class Companies:
    """Two companies with a mailbox each, and a daemon that believes everybody and knows the other one as an employee.

    `settings` are of both mailboxes.
    """

    def __init__(self, root: Path, relay: Relay, endpoint: Endpoint, **settings: Any) -> None:
        self._relay = relay
        self._running = ExitStack()
        self._places: dict[str, Workplace] = {}
        for address, account in relay.mailboxes.items():
            place = Workplace(root / address, endpoint).with_smtp(relay.host, relay.port)
            place.with_mailbox(
                account.server.host, account.server.port, account.username, account.password, poll="1s", **settings
            )
            place.config["smtp"]["from"] = f"Invoices <{address}>"
            (place.root / "employees.csv").write_text(EMPLOYEES, encoding="utf-8")
            self._places[address] = place.write()

    def __enter__(self) -> Self:
        for place in self._places.values():
            self._running.enter_context(place.daemon())
        return self

    def __exit__(self, *error: object) -> None:
        self._running.close()

    def wait_for_the_end(self) -> None:
        """Until every mail that was delivered has got all that it will get.

        A reply is delivered before its mail counts as answered, so that nothing can follow then.
        """

        def ended() -> bool:
            before = self._delivered()
            return {address: place.dealt_with() for address, place in self._places.items()} == before and (
                self._delivered() == before
            )

        wait_for(ended, PATIENCE_SECONDS, "the mails to end", every=0.1)

    def _delivered(self) -> dict[str, int]:
        return {address: len(self._relay.passed(address)) for address in self._places}


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    """Of its own: the addresses are fixed."""
    with Dovecot() as dovecot:
        yield dovecot


def _mailboxes(server: Dovecot, suffix: str = "") -> dict[str, Account]:
    """By address."""
    return {
        address: Account(server=server, username=f"{address}{suffix}", password=PASSWORD) for address in (ONE, OTHER)
    }


def _seed(subject: str, sender: str, recipient: str, *, document: bool) -> Passed:
    head = (f"From: {sender}", f"To: {recipient}", f"Subject: {subject}")
    return Passed(sender=sender, recipient=recipient, raw=letter(subject, *head, parts=None if document else []))


# ------------------------------------------------------------------------------------ what is on the way


def _without(*names: str) -> Change:
    """A gateway that takes off the headers whose names begin so."""
    pattern = re.compile(rb"(?im)^(?:" + "|".join(names).encode() + rb")[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*")

    def change(mail: Passed) -> Passed:
        head, empty, body = mail.raw.partition(b"\r\n\r\n")
        return replace(mail, raw=pattern.sub(b"", head + b"\r\n").removesuffix(b"\r\n") + empty + body)

    return change


def _with_the_envelope_as_author(mail: Passed) -> Passed:
    """A gateway that takes the marks off, and writes the envelope sender into From."""
    bare = _without("X-", "Auto-Submitted")(mail).raw
    return replace(mail, raw=re.sub(rb"(?m)^From:[^\r\n]*", b"From: <" + mail.sender.encode() + b">", bare, count=1))


def _as_from_a_person(mail: Passed) -> Passed:
    """A gateway that takes every mark off, and sends it on in the name of whoever wrote it."""
    author = message_from_bytes(mail.raw, policy=policy.default)["From"].addresses[0].addr_spec
    return replace(_without("X-", "Auto-Submitted")(mail), sender=author)


def _away(envelope_sender: str) -> Responder:
    """Tells whoever writes that its owner is away, and bears no mark."""

    def respond(mail: Passed) -> Passed:
        got = message_from_bytes(mail.raw, policy=policy.default)
        head = f"From: {AWAY}\nTo: {ONE}\nSubject: Re: {mail.subject}\nMessage-ID: <re-{got['Message-ID'][1:-1]}>\n"
        thread = f"In-Reply-To: {got['Message-ID']}\nReferences: {got['Message-ID']}\n\nI am away.\n"
        return Passed(sender=envelope_sender, recipient=ONE, raw=crlf(head + thread))

    return respond


# ---------------------------------------------------------------------------------- what bears a mark

GATEWAYS: dict[str, Change] = {
    "changes nothing": lambda mail: mail,
    "takes off what begins with X-": _without("X-"),
    "takes off all marks but the empty envelope sender": _without("X-", "Auto-Submitted"),
    "writes the empty envelope sender into From": _with_the_envelope_as_author,
}


def _by_subject(mail: Passed) -> Passed:
    """Through the gateway that the first mail of the thread names."""
    (gateway,) = (change for name, change in GATEWAYS.items() if name in mail.subject)
    return gateway(mail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What there was when nothing more could come: mails in their order, and the employee of each request."""

    passed: list[Passed]
    posted: list[str]

    def to(self, recipient: str, subject: str) -> int:
        return sum(mail.recipient == recipient and subject in mail.subject for mail in self.passed)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory, server: Dovecot) -> Ended:
    root = tmp_path_factory.mktemp("loops")
    with (
        Endpoint() as endpoint,
        Relay(_mailboxes(server), change=_by_subject, responders={AWAY: _away("")}) as relay,
        Companies(root, relay, endpoint) as companies,
    ):
        for gateway in GATEWAYS:
            relay.deliver(_seed(f"nothing, behind what {gateway}", ONE, OTHER, document=False))
            relay.deliver(_seed(f"an invoice, behind what {gateway}", ONE, OTHER, document=True))
            relay.deliver(_seed(f"an invoice back, behind what {gateway}", OTHER, ONE, document=True))
        relay.deliver(_seed("an invoice of who is away, which changes nothing", AWAY, ONE, document=True))
        companies.wait_for_the_end()
        return Ended(passed=relay.passed(), posted=[str(request.user_code) for request in endpoint.requests])


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_two_daemons_that_know_each_other_end_behind_a_gateway_that(ended: Ended, gateway: str) -> None:
    for about in ("nothing", "an invoice", "an invoice back"):
        subject = f"{about}, behind what {gateway}"
        assert (ended.to(OTHER, subject), ended.to(ONE, subject)) == (1, 1)  # the mail itself, and its answer


def test_a_responder_that_bears_no_mark_but_an_empty_envelope_sender_is_not_answered(ended: Ended) -> None:
    assert ended.to(AWAY, "who is away") == 1
    assert ended.to(ONE, "who is away") == 2


def test_of_two_daemons_that_write_to_each_other_each_books_what_it_was_sent_once(ended: Ended) -> None:
    assert sorted(ended.posted) == sorted(["1", "2"] * len(GATEWAYS) + ["4"])


# --------------------------------------------------------------------------- what nothing tells from a person


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounded:
    """How many mails went to whoever answers everything, and how many there were at each ordinary mail's answer."""

    answers: dict[str, int]
    counts: list[int]


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory, server: Dovecot) -> Bounded:
    root = tmp_path_factory.mktemp("bounded")
    limits = {"submissions": LIMIT, "bytes": "10MB"}
    with (
        Endpoint() as endpoint,
        Relay(_mailboxes(server, "-bounded"), change=_as_from_a_person, responders={AWAY: _away(AWAY)}) as relay,
        Companies(root, relay, endpoint, per_sender=limits),
    ):
        relay.deliver(_seed("from who is away", AWAY, ONE, document=False))
        relay.deliver(_seed("from the other", OTHER, ONE, document=False))
        wait_for(
            lambda: all(len(relay.passed(address)) >= LIMIT for address in (AWAY, OTHER)),
            PATIENCE_SECONDS, "as many answers as there may be",
        )  # fmt: skip
        counts = [_after_an_ordinary_mail(relay, number) for number in range(LIMIT)]
        return Bounded(answers={address: len(relay.passed(address)) for address in (AWAY, OTHER)}, counts=counts)


def _after_an_ordinary_mail(relay: Relay, number: int) -> int:
    """How many mails others had got when a person's was answered: the daemon has looked at all before it."""
    relay.deliver(_seed(f"ordinary {number}", PERSON, ONE, document=True))
    wait_for(lambda: len(relay.passed(PERSON)) > number, PATIENCE_SECONDS, "an ordinary mail to be answered")
    return len(relay.passed(AWAY)) + len(relay.passed(OTHER))


@pytest.mark.parametrize("address", [AWAY, OTHER], ids=["a responder without marks", "a daemon without marks"])
def test_what_nothing_tells_from_a_person_gets_as_many_answers_as_a_person_may(bounded: Bounded, address: str) -> None:
    assert bounded.answers[address] <= LIMIT + 1  # that the rest has to wait is told once
    assert bounded.counts[-2] == bounded.counts[-1]
