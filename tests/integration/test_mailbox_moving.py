"""Answered mails are moved or marked, whatever the server can do and whenever it was interrupted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.support.imap_script import Refusal, ScriptedImap
from tests.support.mailboxes import WITHOUT, arrivals, mailbox, renumber, scripted, taken_in
from tests.support.mails import PDF, mail, part
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.servers.fault_proxy import Fault, FaultProxy, Kind, Way
from tests.support.submissions import submission
from watcher.errors import SourceUnavailable, TargetTaken, Vanished
from watcher.model import Known, Submission, SubmissionState, Thread
from watcher.sources.mailbox import MailboxSource

DONE, ERROR = "发票/已处理", "发票/失败"


@pytest.fixture(scope="module", params=list(WITHOUT.values()), ids=list(WITHOUT))
def server(request: pytest.FixtureRequest) -> Iterator[Dovecot]:
    with Dovecot(without=request.param) as started:
        yield started


@pytest.fixture
def account(server: Dovecot) -> Account:
    return server.account()


@pytest.fixture
def source(account: Account) -> Iterator[MailboxSource]:
    with mailbox(account, done=DONE, error=ERROR) as opened:
        yield opened


def the_one(source: MailboxSource) -> Submission:
    """The one mail that is there."""
    [arrival] = arrivals(source)
    return taken_in(source, arrival)


def raws(account: Account, folder: str = "INBOX") -> list[bytes]:
    """What is in a folder for whoever looks: what is marked as deleted is not."""
    return [message.raw for message in account.messages(folder) if r"\Deleted" not in message.flags]


def test_a_move_is_no_sign_of_life_of_the_thread_that_looks(account: Account) -> None:
    account.append(mail(part(PDF)))
    beats: list[int] = []
    with mailbox(account, beat=lambda: beats.append(1), done=DONE) as source:
        submission = the_one(source)
        assert beats
        beats.clear()
        source.move(submission, DONE, None)
        assert beats == []


def test_a_mail_moves_to_its_folder_which_is_made_with_those_above_it(account: Account, source: MailboxSource) -> None:
    raw = mail(part(PDF))
    account.append(raw)
    answered = the_one(source)
    target = source.plan(answered, booked=True)

    source.move(answered, target, "a note that mails do not have")

    assert target == DONE
    assert raws(account) == []
    assert raws(account, DONE) == [raw]
    assert account.messages(DONE)[0].flags == {r"\Seen"}
    assert account.folders() == ["INBOX", "发票", DONE]
    assert arrivals(source) == []


def test_what_was_not_booked_goes_to_the_other_folder(account: Account, source: MailboxSource) -> None:
    account.append(mail(part(PDF)))
    answered = the_one(source)

    source.move(answered, source.plan(answered, booked=False), None)

    assert len(raws(account, ERROR)) == 1


def test_moving_twice_is_moving_once(account: Account, source: MailboxSource) -> None:
    account.append(mail(part(PDF)))
    answered = the_one(source)

    source.move(answered, DONE, None)
    source.move(answered, DONE, None)

    assert (len(raws(account)), len(raws(account, DONE))) == (0, 1)


def test_another_clients_deleted_mail_is_not_expunged(account: Account, source: MailboxSource) -> None:
    account.append(mail(part(PDF)))
    answered = the_one(source)
    theirs = account.append(mail(), flags=[r"\Deleted"])

    source.move(answered, DONE, None)

    assert theirs in [message.uid for message in account.messages()]


def test_a_copy_that_a_crash_left_behind_is_not_made_again(account: Account, source: MailboxSource) -> None:
    raw = mail(part(PDF))
    account.append(raw)
    answered = the_one(source)
    account.append(raw, folder=DONE)

    source.move(answered, DONE, None)

    assert raws(account) == []
    if "MOVE" in account.server._without:  # MOVE leaves no copy behind, so that none is looked for
        assert raws(account, DONE) == [raw]


def test_a_crash_before_the_expunge_is_made_good(account: Account, source: MailboxSource) -> None:
    raw = mail(part(PDF))
    uid = account.append(raw)
    answered = the_one(source)
    account.append(raw, folder=DONE)
    account.flag(uid, r"\Deleted")

    source.move(answered, DONE, None)

    assert raws(account, DONE) == [raw]
    if "UIDPLUS" not in account.server._without:
        assert account.messages() == []


def test_a_mail_without_message_id_is_copied_once(account: Account, source: MailboxSource) -> None:
    raw = b"From: a@corp.example\r\nSubject: no id\r\n\r\ntext\r\n"
    account.append(raw)
    answered = the_one(source)
    source.move(answered, DONE, None)
    source.move(answered, DONE, None)

    assert (raws(account), raws(account, DONE)) == ([], [raw])


def test_a_mail_is_found_again_in_a_folder_that_was_numbered_anew(account: Account) -> None:
    first, second = mail(part(PDF)), mail(part(PDF), subject="second")
    account.append(first)
    with mailbox(account) as source:
        answered = the_one(source)
    account.append(second)
    renumber(account)

    with mailbox(account, done=DONE) as source:
        source.move(answered, DONE, None)

    assert (raws(account), raws(account, DONE)) == ([second], [first])


def test_a_mail_without_message_id_is_found_again_too(account: Account) -> None:
    raw = b"From: a@corp.example\r\nSubject: no id\r\n\r\ntext\r\n"
    account.append(raw)
    with mailbox(account) as source:
        answered = the_one(source)
    renumber(account)

    with mailbox(account, done=DONE) as source:
        source.move(answered, DONE, None)

    assert raws(account, DONE) == [raw]


def test_a_mail_that_was_moved_away_and_back_is_found(account: Account, source: MailboxSource) -> None:
    uid = account.append(mail(part(PDF)))
    answered = the_one(source)
    account.create("elsewhere")
    account.move(uid, "INBOX", "elsewhere")
    account.move(account.messages("elsewhere")[0].uid, "elsewhere", "INBOX")

    source.move(answered, DONE, None)

    assert len(raws(account, DONE)) == 1


@pytest.mark.parametrize(("first", "then"), [(ERROR, DONE), (DONE, ERROR)], ids=["booked at last", "failed at last"])
def test_an_answer_that_is_given_again_moves_the_mail_on(
    account: Account, source: MailboxSource, first: str, then: str
) -> None:
    account.append(mail(part(PDF)))
    answered = the_one(source)
    source.move(answered, first, None)

    source.move(answered, then, None)

    assert (raws(account), len(raws(account, first)), len(raws(account, then))) == ([], 0, 1)


def test_an_answer_that_is_given_again_marks_the_mail_where_the_first_one_moved_it(account: Account) -> None:
    # Given that only what is booked has a folder
    account.append(mail(part(PDF)))
    with mailbox(account, done=DONE) as source:
        answered = the_one(source)
        source.move(answered, source.plan(answered, booked=True), None)
        # When its next answer leaves it where it is
        source.move(answered, source.plan(answered, booked=False), None)
    # Then it is no mail that is gone
    assert raws(account) == []
    assert [each.flags for each in account.messages(DONE)] == [{r"\Seen", "$InvoiceDone"}]


@pytest.mark.parametrize("target", [DONE, None])
def test_a_mail_that_is_nowhere_has_vanished(account: Account, source: MailboxSource, target: str | None) -> None:
    uid = account.append(mail(part(PDF)))
    answered = the_one(source)
    account.delete(uid)
    account.append(mail(part(PDF)))

    with pytest.raises(Vanished):
        source.move(answered, target, None)
    assert len(raws(account)) == 1


def test_another_mail_under_the_same_place_is_not_moved(account: Account, source: MailboxSource) -> None:
    account.append(mail(part(PDF)))
    answered = the_one(source)
    other = submission(place=answered.place, fingerprint="0" * 64)

    with pytest.raises(Vanished):
        source.move(other, DONE, None)
    assert len(raws(account)) == 1


def test_without_a_folder_the_mail_stays_and_is_marked(account: Account) -> None:
    account.append(mail(part(PDF)))
    other = account.append(mail(part(PDF)), flags=[r"\Deleted"])
    with mailbox(account) as source:
        answered = the_one(source)
        target = source.plan(answered, booked=True)
        source.move(answered, target, None)

        assert target is None
        assert arrivals(source) == []
    assert [message.flags for message in account.messages()] == [{r"\Seen", "$InvoiceDone"}, {r"\Deleted"}]
    assert account.messages()[1].uid == other


def test_a_folder_that_cannot_be_made_is_told_and_nothing_is_lost(account: Account) -> None:
    account.append(mail(part(PDF)))
    with mailbox(account, done="a/../../b") as source:
        answered = the_one(source)

        with pytest.raises(SourceUnavailable, match="cannot be made"):
            source.move(answered, "a/../../b", None)
    assert len(raws(account)) == 1


def test_what_was_to_go_to_a_folder_of_an_older_configuration_is_planned_anew_unless_it_is_there(
    account: Account, source: MailboxSource
) -> None:
    for number in (1, 2):
        account.append(mail(part(PDF), subject=str(number)))
    first, second = (taken_in(source, arrival) for arrival in arrivals(source))
    source.move(first, DONE, None)

    with mailbox(account, done="other", error=ERROR) as later:
        later.move(first, DONE, None)
        with pytest.raises(TargetTaken, match="no folder of the present configuration"):
            later.move(second, DONE, None)
        later.move(second, later.plan(second, booked=True), None)

    assert [len(raws(account, folder)) for folder in ("INBOX", DONE, "other")] == [0, 1, 1]


def test_the_servers_own_delimiter_is_put_in() -> None:
    with Dovecot(separator=".") as server:
        account = server.account()
        account.append(mail(part(PDF)))
        with mailbox(account, done=DONE) as source:
            source.move(the_one(source), DONE, None)

        assert account.folders() == ["INBOX", "发票", "发票.已处理"]
        assert len(account.messages("发票.已处理")) == 1


def test_a_folder_that_is_full_is_named_and_the_mail_stays_until_there_is_room() -> None:
    full = [True]

    def move(_: str) -> list[bytes] | None:
        if full.pop():
            full.append(False)
            raise Refusal("NO [OVERQUOTA] Quota exceeded (mailbox for user is full)")
        return []

    with (
        ScriptedImap({"UID MOVE": move}, capabilities="IMAP4rev1 MOVE") as server,
        scripted(server, done=DONE) as source,
    ):
        answered = the_one(source)
        with pytest.raises(SourceUnavailable, match="Quota exceeded") as told:
            source.move(answered, DONE, None)
        assert not told.value.altogether
        source.move(answered, DONE, None)
        assert [name for name in server.names() if name in ("UID MOVE", "UID EXPUNGE")] == ["UID MOVE"] * 2
        assert server.connections == 2


def test_a_mail_that_the_server_only_says_it_has_copied_stays() -> None:
    selected = [""]

    def select(command: str) -> list[bytes]:
        selected[0] = command
        return [b"* 1 EXISTS", b"* OK [UIDVALIDITY 5] ok"]

    def search(command: str) -> list[bytes]:
        return [b"* SEARCH 7" if "UNDELETED" in command and "INBOX" in selected[0] else b"* SEARCH"]

    script = {"SELECT": select, "EXAMINE": select, "UID SEARCH": search}
    with ScriptedImap(script, capabilities="IMAP4rev1 UIDPLUS") as server, scripted(server, done=DONE) as source:
        answered = the_one(source)
        with pytest.raises(SourceUnavailable, match="has not copied the mail"):
            source.move(answered, DONE, None)

        assert "UID COPY" in server.names()
        assert not any("Deleted" in command or "EXPUNGE" in command for command in server.said)


def test_a_move_like_the_one_before_takes_four_commands() -> None:
    moved = [b"* OK [COPYUID 5 7 1] moved"]
    with (
        ScriptedImap({"UID MOVE": lambda _: moved}, capabilities="IMAP4rev1 MOVE UIDPLUS") as server,
        scripted(server, done=DONE) as source,
    ):
        answered = the_one(source)
        source.move(answered, DONE, None)
        before = len(server.said)

        source.move(answered, DONE, None)

        assert server.names()[before:] == ["NOOP", "UID FETCH", "UID STORE", "UID MOVE"]


def test_connections_that_are_cut_at_any_byte_lose_no_mail_and_double_none(account: Account) -> None:
    for number in range(12):
        account.append(mail(part(PDF), subject=str(number)))
    with FaultProxy(account.server.port) as proxy, mailbox(account, port=proxy.port, done=DONE, error=ERROR) as source:
        waiting: dict[str, Submission] = {}
        until_done(proxy, lambda: take_in(source, waiting))
        for answered in waiting.values():
            until_done(proxy, lambda answered=answered: source.move(answered, DONE, None))  # type: ignore[misc]

    assert raws(account) == []
    assert len(raws(account, DONE)) == len(set(raws(account, DONE))) == 12


def take_in(source: MailboxSource, waiting: dict[str, Submission]) -> None:
    """All that is there and not in `waiting` yet; raises until every mail is."""
    recorded = {key: Known(submission="", state=SubmissionState.OPEN, stays=False) for key in waiting}
    for arrival in arrivals(source, recorded):
        with source.open(arrival) as parcel:
            [leaf, *_texts] = parcel.leaves()
            leaf.fetch().close()
            assert parcel.header is not None
            thread = Thread(message_id=parcel.header.message_id)
        waiting[arrival.key] = submission(place=arrival.place, fingerprint=arrival.fingerprint, thread=thread)
    if len(waiting) < 12:
        raise SourceUnavailable("some mails rest")


def until_done(proxy: FaultProxy, work: Callable[[], None]) -> None:
    """What the service does, without its pauses; each time connections break somewhere else."""
    for at in range(200, 200_000, 457):
        proxy.meet(Fault(kind=Kind.RESET, of=Way.DOWN, at=at, times=None))
        with contextlib.suppress(SourceUnavailable):
            return work()
    raise AssertionError("it never works")
