"""Answered mails are moved many at once, and one that cannot be does not hold the others."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.support.imap_script import Refusal, Reply, ScriptedImap
from tests.support.mailboxes import WITHOUT, arrivals, mailbox, scripted, taken_in
from tests.support.mails import PDF, mail, part
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.servers.fault_proxy import Fault, FaultProxy, Kind, Way
from tests.support.submissions import submission
from watcher.errors import SourceUnavailable, Vanished
from watcher.headers import read_header
from watcher.model import Submission
from watcher.sources.mailbox import MailboxSource
from watcher.sources.mailbox.uids import among

DONE, ERROR = "done", "error"


@pytest.fixture(scope="module", params=list(WITHOUT.values()), ids=list(WITHOUT))
def server(request: pytest.FixtureRequest) -> Iterator[Dovecot]:
    with Dovecot(without=request.param) as started:
        yield started


@pytest.fixture
def account(server: Dovecot) -> Account:
    return server.account()


def all_taken_in(source: MailboxSource) -> list[Submission]:
    """All that are there, in their order."""
    return [taken_in(source, arrival, id=arrival.key) for arrival in arrivals(source)]


def carry(source: MailboxSource, planned: Mapping[str, tuple[Submission, str | None]]) -> dict[str, Exception]:
    """What was wrong with those that were not moved."""
    wrong: dict[str, Exception] = {}
    with source.together(list(planned.values())) as move:
        for name, (one, target) in planned.items():
            try:
                move(one, target, None)
            except (SourceUnavailable, Vanished) as error:
                wrong[name] = error
    return wrong


def subjects(account: Account, folder: str = "INBOX") -> list[str | None]:
    """Of what is there for whoever looks."""
    return [read_header(each.raw).subject for each in account.messages(folder) if r"\Deleted" not in each.flags]


def test_mails_go_to_their_folders_together_whatever_has_become_of_one(account: Account) -> None:
    # Given six answered mails, of which one was moved before a crash, and one is gone
    uids = [account.append(mail(part(PDF), subject=str(number))) for number in range(6)]
    theirs = account.append(mail(subject="theirs"), flags=[r"\Deleted"])
    with mailbox(account, done=DONE, error=ERROR) as source:
        answered = all_taken_in(source)
        source.move(answered[4], DONE, None)
        account.delete(uids[5])
        # When they are moved together
        targets = [DONE, ERROR, DONE, None, DONE, DONE]
        wrong = carry(source, {str(at): each for at, each in enumerate(zip(answered, targets, strict=True))})
    # Then each lies where it belongs, once, and what is gone is told
    assert sorted(map(str, subjects(account, DONE))) == ["0", "2", "4"]
    assert subjects(account, ERROR) == ["1"]
    assert subjects(account) == ["3"]
    assert {name: type(error) for name, error in wrong.items()} == {"5": Vanished}
    # And is marked as seen, and what others have deleted is theirs to expunge
    assert all(r"\Seen" in each.flags for each in account.messages(DONE))
    assert theirs in [each.uid for each in account.messages()]


def test_connections_that_are_cut_at_any_byte_of_a_set_lose_no_mail_and_double_none(account: Account) -> None:
    for number in range(3):
        account.append(mail(part(PDF), subject=str(number)))
    with FaultProxy(account.server.port) as proxy, mailbox(account, port=proxy.port, done=DONE, error=ERROR) as source:
        answered = all_taken_in(source)
        waiting = {each.id: (each, DONE if at % 2 else ERROR) for at, each in enumerate(answered)}
        for at in range(900, 200_000, 613):
            proxy.meet(Fault(kind=Kind.RESET, of=Way.DOWN, at=at, times=None))
            waiting = {name: waiting[name] for name in carry(source, waiting)}
            if not waiting:
                break
        else:
            raise AssertionError("it never works")

    assert (subjects(account), sorted(map(str, subjects(account, DONE)))) == ([], ["1"])
    assert sorted(map(str, subjects(account, ERROR))) == ["0", "2"]


# ------------------------------------------------------------------------------------- scripted


def header(uid: int) -> bytes:
    return b"From: a@corp.example\r\nMessage-ID: <%d@corp.example>\r\n\r\n" % uid


class Folder:
    """Three mails, and what is done to them; a script for ScriptedImap."""

    def __init__(self, move: Callable[[list[int]], list[bytes] | None]) -> None:
        self.present = [7, 8, 9]
        self._move = move

    def script(self) -> dict[str, Reply]:
        return {"UID SEARCH": self.search, "UID FETCH": self.fetch, "UID MOVE": self.move}

    def search(self, command: str) -> list[bytes]:
        words = command.split()
        if words[2] == "UID":
            return [b"* SEARCH " + b" ".join(b"%d" % uid for uid in self.asked(words[3]))]
        wanted = re.search(r"<(\d+)@", command)
        found = [uid for uid in self.present if wanted is None or uid == int(wanted[1])]
        return [b"* SEARCH " + b" ".join(b"%d" % uid for uid in found)] if "UNDELETED" in command else [b"* SEARCH"]

    def fetch(self, command: str) -> list[bytes]:
        lines = []
        for uid in self.asked(command.split()[2]):
            size = len(header(uid))
            lines += [
                b'* 1 FETCH (UID %d FLAGS () RFC822.SIZE %d INTERNALDATE "01-Nov-2026 00:00:00 +0800" BODY[HEADER] {%d}'
                % (uid, size, size),
                header(uid) + b' BODYSTRUCTURE ("text" "plain" NIL NIL NIL "7bit" 0 0))',
            ]
        return lines

    def move(self, command: str) -> list[bytes] | None:
        return self._move(self.asked(command.split()[2]))

    def asked(self, uids: str) -> list[int]:
        """Those of the set that lie there."""
        numbers = [range(int(a), int(b or a) + 1) for a, b in re.findall(r"(\d+)(?::(\d+))?", uids)]
        return [uid for each in numbers for uid in each if uid in self.present]


def all_done(source: MailboxSource, answered: list[Submission]) -> list[str]:
    return list(carry(source, {each.place: (each, DONE) for each in answered}))


def test_three_mails_are_moved_by_as_many_commands_as_one() -> None:
    folder = Folder(lambda _: [b"* OK [COPYUID 1 7:9 1:3] moved"])
    with (
        ScriptedImap(folder.script(), capabilities="IMAP4rev1 MOVE UIDPLUS") as server,
        scripted(server, done=DONE) as source,
    ):
        answered = all_taken_in(source)
        assert all_done(source, answered) == []
        before = len(server.said)

        assert all_done(source, answered) == []

        assert server.names()[before:] == ["NOOP", "UID FETCH", "UID STORE", "UID MOVE"]
        assert server.said[-1].startswith("UID MOVE 7:9 ")


def test_a_mail_that_the_server_does_not_say_it_has_moved_is_looked_for_by_itself() -> None:
    def move(uids: list[int]) -> list[bytes]:
        gone = [uid for uid in uids if uid != 8 or len(uids) == 1]
        folder.present = [uid for uid in folder.present if uid not in gone]
        return [b"* OK [COPYUID 1 %s 1:9] moved" % b",".join(b"%d" % uid for uid in gone)]

    folder = Folder(move)
    with (
        ScriptedImap(folder.script(), capabilities="IMAP4rev1 MOVE UIDPLUS") as server,
        scripted(server, done=DONE) as source,
    ):
        assert all_done(source, all_taken_in(source)) == []

        moves = [each.split()[2] for each in server.said if each.startswith("UID MOVE")]
        assert (moves, folder.present) == (["7:9", "8"], [])


def test_of_a_set_that_the_server_tells_nothing_of_only_those_are_moved_that_are_gone() -> None:
    # Given a server that says OK to every move, and leaves one mail where it is
    def move(uids: list[int]) -> list[bytes]:
        folder.present = [uid for uid in folder.present if uid not in uids or uid == 8]
        return []

    folder = Folder(move)
    with (
        ScriptedImap(folder.script(), capabilities="IMAP4rev1 MOVE") as server,
        scripted(server, done=DONE) as source,
    ):
        # When they are moved together
        answered = all_taken_in(source)
        wrong = all_done(source, answered)
        # Then that one alone has to wait, and was tried by itself; whether they are gone was asked of all at once
        assert wrong == [answered[1].place]
        assert [each.split()[2] for each in server.said if each.startswith("UID MOVE")] == ["7:9", "8"]
        assert [each.split()[3] for each in server.said if each.startswith("UID SEARCH UID")] == ["7:9", "8"]


@pytest.mark.parametrize("told", [[], [b"* OK [COPYUID 1 9 1] moved"]], ids=["tells nothing", "tells of another"])
@pytest.mark.parametrize("vanishes", [False, True], ids=["stays", "vanishes"])
def test_a_mail_that_the_server_only_says_it_has_moved_waits_and_is_tried_again(
    told: list[bytes], vanishes: bool
) -> None:
    # Given a server that says OK to the first move and makes none
    def move(uids: list[int]) -> list[bytes]:
        if len([each for each in server.said if each.startswith("UID MOVE")]) == 1:
            return told
        folder.present.remove(uids[0])
        return [b"* OK [COPYUID 1 %d 1] moved" % uids[0]]

    folder = Folder(move)
    with (
        ScriptedImap(folder.script(), capabilities="IMAP4rev1 MOVE") as server,
        scripted(server, done=DONE) as source,
    ):
        answered = all_taken_in(source)[0]
        # When it is moved, then it has to wait, and no other has
        with pytest.raises(SourceUnavailable, match="not moved") as waits:
            source.move(answered, DONE, None)
        assert (waits.value.altogether, waits.value.broke) == (False, False)
        # And the next try moves it, or finds that somebody else did
        if vanishes:
            folder.present = []
        with pytest.raises(Vanished) if vanishes else contextlib.nullcontext():
            source.move(answered, DONE, None)
        assert 7 not in folder.present


@pytest.mark.parametrize("hangs_up", [False, True], ids=["refuses it", "hangs up"])
def test_a_mail_that_the_server_will_not_move_does_not_hold_the_others(hangs_up: bool) -> None:
    # Given a server that will not have one mail moved, by itself or among others
    def move(uids: list[int]) -> list[bytes] | None:
        if 8 in uids and not hangs_up:
            raise Refusal("NO not that one")
        if 8 in uids:
            return None
        folder.present = [uid for uid in folder.present if uid not in uids]
        return []

    folder = Folder(move)
    with (
        ScriptedImap(folder.script(), capabilities="IMAP4rev1 MOVE") as server,
        scripted(server, done=DONE) as source,
    ):
        # When they are moved together
        answered = all_taken_in(source)
        assert all_done(source, answered) == [answered[1].place]
        # Then the others are moved; and it is tried in no set again
        assert folder.present == [8]
        before = len(server.said)
        assert all_done(source, answered[1:2] * 2) == [answered[1].place]
        assert not [each for each in server.said[before:] if each.startswith("UID MOVE 8:") or "," in each]


def test_where_nobody_gets_in_the_first_says_so_after_one_try() -> None:
    def log_in(_: str) -> list[bytes]:
        if imap.connections > 1:
            raise Refusal("NO go away")
        return []

    imap = ScriptedImap({"LOGIN": log_in}, capabilities="IMAP4rev1 MOVE")
    with imap, scripted(imap, done=DONE) as source:
        [answered] = all_taken_in(source)
        planned = [(answered, DONE), (submission(id="other"), DONE)]
        with source.together(planned) as move, pytest.raises(SourceUnavailable) as told:
            move(answered, DONE, None)

        assert told.value.altogether
        assert imap.connections == 2


@pytest.mark.parametrize(
    ("told", "moved"),
    [([b"1 7:9 1:3"], [7, 8, 9]), ([b"1 9:8 1:2"], [8, 9]), ([b"1 7 1", b"1 9 2"], [7, 9]), ([b"1 x 1"], [])],
)  # fmt: skip
def test_what_copyuid_has_as_sources_was_moved(told: list[bytes], moved: list[int]) -> None:
    assert among([7, 8, 9], told) == moved
