"""A mail that the server cannot read is read in another way, or left, and holds up no other for ever."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from tests.support.imap_script import MAIL_HEADER, Refusal, ScriptedImap
from tests.support.mailboxes import arrivals, leaves, scripted
from watcher.errors import SourceUnavailable
from watcher.ports import Arrival
from watcher.sources.mailbox import MailboxSource

HEADER = b"From: a@corp.example\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\n"
STRUCTURE = b'("application" "pdf" ("name" "a.pdf") NIL NIL "7bit" 5)'


def with_a_pdf(
    *, refuses: tuple[str, ...] = (), hangs_up: tuple[str, ...] = (), empties: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A script: one mail that is a PDF, and what of it cannot be read."""

    def fetch(command: str) -> list[bytes] | None:
        if any(word in command for word in hangs_up):
            return None
        if any(word in command for word in refuses):
            raise Refusal("NO [SERVERBUG] internal error")
        if "HEADER" in command:
            return [
                b"* 1 FETCH (UID 7 RFC822.SIZE %d BODYSTRUCTURE " % (len(HEADER) + 5)
                + STRUCTURE
                + b" BODY[HEADER] {%d}" % len(HEADER),
                HEADER + b")",
            ]
        content = HEADER + b"%PDF-" if "[]" in command else b"%PDF-"
        if any(word in command for word in empties):
            content = b""
        name = b"BODY[]" if "[]" in command else b"BODY[1]"
        return [b"* 1 FETCH (UID 7 " + name + b"<0> {%d}" % len(content), content + b")"]

    return {"UID FETCH": fetch, "UID SEARCH": lambda command: [b"* SEARCH" + (b"" if "KEYWORD" in command else b" 7")]}


def looked(source: MailboxSource) -> list[Arrival]:
    with contextlib.suppress(SourceUnavailable):
        return arrivals(source)
    return []


@pytest.mark.parametrize("how", ["refuses", "hangs_up", "empties"])
def test_a_part_that_cannot_be_read_is_found_in_the_whole_mail(how: str) -> None:
    script = with_a_pdf(**{how: ("BODY.PEEK[1]",)})
    with ScriptedImap(script, capabilities="IMAP4rev1") as server, scripted(server) as source:
        with pytest.raises(SourceUnavailable):
            leaves(source)

        assert leaves(source) == [("a.pdf", "application/pdf", b"%PDF-")]


def test_a_mail_that_cannot_be_read_at_all_rests_after_every_way_was_tried_twice() -> None:
    script = with_a_pdf(refuses=("BODY.PEEK[1]", "BODY.PEEK[]"))
    failures = 0
    with ScriptedImap(script, capabilities="IMAP4rev1") as server, scripted(server) as source:
        while arrivals(source):
            with pytest.raises(SourceUnavailable):
                leaves(source)
            failures += 1
            assert failures < 10

        assert arrivals(source) == []
        assert failures == 4


def test_a_structure_that_cannot_be_read_does_not_hold_up_the_mail_for_ever() -> None:
    def fetch(command: str) -> list[bytes] | None:
        if "BODYSTRUCTURE" in command:
            return [b'* 1 FETCH (UID 7 BODYSTRUCTURE ("a', b'b"))']
        return server._defaults()["UID FETCH"](command)

    with ScriptedImap({"UID FETCH": fetch}) as server, scripted(server) as source:
        [arrival] = arrivals(source)
        with pytest.raises(SourceUnavailable), source.open(arrival):
            pass
        [arrival] = arrivals(source)
        with source.open(arrival) as parcel:
            assert parcel.header is not None


def test_a_mail_that_the_server_hangs_up_at_does_not_hide_the_others() -> None:
    def fetch(command: str) -> list[bytes] | None:
        if "7" in uids_of(command):
            return None
        header = MAIL_HEADER.replace(b"<1@", b"<2@")
        return [
            b"* 2 FETCH (UID 8 RFC822.SIZE 99 BODY[HEADER] {%d}" % len(header),
            header + b' INTERNALDATE "01-Nov-2026 00:00:00 +0800")',
        ]

    def uids_of(command: str) -> list[str]:
        return command.split()[2].replace(":", ",").split(",")

    script: dict[str, Any] = {"UID SEARCH": lambda _: [b"* SEARCH 7 8"], "UID FETCH": fetch}
    with ScriptedImap(script, capabilities="IMAP4rev1") as server, scripted(server, done="d", error="e") as source:
        failures = 0
        while not (found := looked(source)):
            failures += 1
            assert failures < 10

    assert [arrival.place for arrival in found] == ["5:8"]
    assert source.left_alone == 1
