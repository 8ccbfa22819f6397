"""Mails are read ahead together, and nobody can tell by what comes of it."""

from __future__ import annotations

import base64
import contextlib
import imaplib
import itertools
import random
import re
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.files import open_spools
from tests.support.imap_script import ScriptedImap
from tests.support.mailboxes import mailbox, scripted
from tests.support.mails import PDF, crlf, mail, part
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.servers.fault_proxy import Fault, FaultProxy, Kind, Way
from watcher.errors import SourceUnavailable, Vanished
from watcher.mime.part import SAID
from watcher.ports import Arrival
from watcher.sources.mailbox import MailboxSource, ahead

MAILS = 12


@pytest.fixture
def account(dovecot: Dovecot) -> Account:
    return dovecot.account()


@pytest.fixture
def source(account: Account) -> Iterator[MailboxSource]:
    with mailbox(account) as opened:
        yield opened


def going_through(source: MailboxSource, before: Callable[[int], object] = lambda _: None) -> list[list[bytes]]:
    """The files of each mail that is there, each opened when its turn comes; `before` is told its number."""
    found = []
    for number, arrival in enumerate(source.arrivals(lambda _: {})):
        before(number)
        found.append(files(source, arrival))
    return found


def files(source: MailboxSource, arrival: Arrival) -> list[bytes]:
    contents = []
    with source.open(arrival) as parcel:
        for leaf in parcel.leaves():
            if leaf.declared_type == SAID:
                continue
            fetched = leaf.fetch()
            contents.append(fetched.read())
            fetched.close()
    return contents


@pytest.mark.parametrize("without", [(), ("BINARY",)], ids=["BINARY", "no BINARY"])
def test_mails_of_all_shapes_come_with_their_own_bytes(without: tuple[str, ...]) -> None:
    contents = random.Random(7)
    shapes: list[Callable[[], list[bytes]]] = [
        lambda: [contents.randbytes(3000)],
        lambda: [contents.randbytes(20), contents.randbytes(2)],
        list,
        lambda: [contents.randbytes(700_000)],
        lambda: [contents.randbytes(400_000)],
        lambda: [contents.randbytes(1) for _ in range(12)],
    ]
    put = [shapes[number % len(shapes)]() for number in range(30)]
    with Dovecot(without=without) as server:
        account = server.account()
        for each in put:
            account.append(mail(*(part(content) for content in each)))
        with mailbox(account) as source:
            assert going_through(source) == put


def test_a_forwarded_message_in_base64_is_handed_over_whole(account: Account, source: MailboxSource) -> None:
    inner = [mail(part(PDF + bytes([number]))) for number in range(MAILS)]
    for each in inner:
        account.append(mail(part(each, kind="message/rfc822", name="forwarded.eml")))

    assert going_through(source) == [[each] for each in inner]


def test_mails_that_the_server_cannot_decode_do_not_cost_the_others(account: Account, source: MailboxSource) -> None:
    """Dovecot hangs up at base64 that ends in the middle, when it is asked to decode it."""
    broken = range(3, MAILS, 4)
    for number in range(MAILS):
        whole = part(PDF + b"%03d" % number)
        account.append(mail(whole.rstrip(b"\r\n=")[:-1] + b"\r\n" if number in broken else whole))

    found = going_through(source)

    assert [content for number, content in enumerate(found) if number not in broken] == [
        [PDF + b"%03d" % number] for number in range(MAILS) if number not in broken
    ]
    assert [content[: len(PDF)] for number in broken for content in found[number]] == [PDF] * len(broken)


def test_wherever_the_connection_is_cut_every_mail_comes_with_its_own_bytes(account: Account) -> None:
    contents = [random.Random(number).randbytes(20_000) for number in range(MAILS)]
    for content in contents:
        account.append(mail(part(content)))
    with FaultProxy(account.server.port) as proxy:
        with mailbox(account, port=proxy.port) as source:
            going_through(source)
        total = proxy.down
        for step, kind in zip(range(1, 10), itertools.cycle([Kind.RESET, Kind.CUT, Kind.TRUNCATE])):
            armed = proxy.meet(Fault(kind=kind, of=Way.DOWN, at=total * step // 10, across=True))
            with mailbox(account, port=proxy.port, timeout_seconds=2.0) as source:
                assert until_all_are_there(source) == contents
            assert armed.fired


def until_all_are_there(source: MailboxSource) -> list[bytes]:
    """By as many looks as it takes, but for few."""
    found: dict[str, list[bytes]] = {}
    for _ in range(4):
        with contextlib.suppress(SourceUnavailable):
            for arrival in source.arrivals(lambda _: {}):
                found[arrival.place] = files(source, arrival)
            break
    return [content for contents in found.values() for content in contents]


def test_a_mail_that_goes_before_its_turn_has_vanished_and_no_other(account: Account, source: MailboxSource) -> None:
    uids = [account.append(mail(part(PDF + b"%d" % number))) for number in range(MAILS)]
    gone: list[int] = []

    found = []
    for number, arrival in enumerate(source.arrivals(lambda _: {})):
        if number == 0:  # nothing is read ahead of the first, because nobody has wanted anything yet
            account.delete(uids[5])
        try:
            found += files(source, arrival)
        except Vanished:
            gone.append(number)

    assert gone == [5]
    assert found == [PDF + b"%d" % number for number in range(MAILS) if number != 5]


def test_what_was_read_ahead_long_ago_is_read_again(
    account: Account, source: MailboxSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    uids = [account.append(mail(part(PDF))) for _ in range(MAILS)]
    monkeypatch.setattr(ahead, "_FRESH_SECONDS", -1.0)

    for number, arrival in enumerate(source.arrivals(lambda _: {})):
        account.delete(uids[number])
        with pytest.raises(Vanished), source.open(arrival):
            pass


def test_nothing_stays_open_of_what_was_read_ahead_and_not_used(account: Account, source: MailboxSource) -> None:
    for _ in range(MAILS):
        account.append(mail(part(PDF)))
    before = open_spools()
    arrivals = source.arrivals(lambda _: {})
    for _ in range(3):
        files(source, next(arrivals))
    with source.open(next(arrivals)):
        assert open_spools() - before

    arrivals.close()  # type: ignore[attr-defined]

    assert open_spools() <= before


def test_many_mails_of_some_size_are_never_in_memory_together(account: Account, source: MailboxSource) -> None:
    for number in range(40):
        account.append(mail(part(random.Random(number).randbytes(300_000))))

    tracemalloc.start()
    try:
        sizes = [len(content) for arrival in source.arrivals(lambda _: {}) for content in files(source, arrival)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert sizes == [300_000] * 40
    assert peak < 8_000_000


def test_a_mail_of_which_too_much_is_told_costs_the_others_one_look_at_most(
    account: Account, source: MailboxSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imaplib, "_MAXLINE", 50_000)
    name = b"\r\n ".join([b"n" * 76] * 20)
    nested = crlf("Content-Type: message/rfc822\n\nFrom: ") + name + crlf(" <a@b.example>\nSubject: x\n\nhello\n")
    put = [mail(part(PDF + bytes([number]))) for number in range(8)]
    for each in (*put[:4], mail(*[nested] * 40), *put[4:]):
        account.append(each)

    taken: dict[str, list[bytes]] = {}
    for _ in range(4):
        with contextlib.suppress(SourceUnavailable):
            for arrival in source.arrivals(lambda _: {}):
                if arrival.key not in taken:
                    taken[arrival.key] = files(source, arrival)

    found = [*taken.values()]
    assert len(found) == 9
    assert [[PDF + bytes([number])] for number in range(8)] == [each for each in found if len(each) == 1]


def test_mails_of_which_much_may_be_told_are_not_looked_at_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "_MOST_LOOKED_AT", 300)  # a mail has some 90 octets
    with ScriptedImap(crowded(60), capabilities="IMAP4rev1") as server, scripted(server) as source:
        assert len(going_through(source)) == 60

        looks = [command for command in server.said if "BODYSTRUCTURE" in command]
        assert max(len([*uids_in(command)]) for command in looks) == 3


def test_a_file_that_is_longer_than_the_server_says_is_never_taken_for_whole_where_it_was_cut() -> None:
    whole = base64.encodebytes(bytes(range(256)) * 1500).replace(b"\n", b"\r\n")
    told = whole.count(b"\r\n")  # as if a line had one octet for its end
    header = b"From: a@corp.example\r\nContent-Type: application/pdf\r\nMessage-ID: <%d@x>\r\n\r\n"

    def fetch(command: str) -> list[bytes]:
        lines = []
        for uid in uids_in(command):
            if "HEADER" in command:
                mine, octets = header % uid, len(whole) - told
                structure = b' BODYSTRUCTURE ("application" "pdf" NIL NIL NIL "base64" %d)' % octets
                size = b"RFC822.SIZE %d" % (len(mine) + octets)
                lines.append(b"* %d FETCH (UID %d %s%s BODY[HEADER] {%d}" % (uid, uid, size, structure, len(mine)))
                lines.append(mine + b")")
            else:
                offset, length = map(int, re.findall(r"<(\d+)\.(\d+)>", command)[0])
                piece = whole[offset : offset + length]
                lines.append(b"* %d FETCH (UID %d BODY[1]<%d> {%d}" % (uid, uid, offset, len(piece)))
                lines.append(piece + b")")
        return lines

    assert len(whole) - told < ahead._LARGEST_FILE < len(whole)
    script = crowded(4) | {"UID FETCH": fetch}
    with ScriptedImap(script, capabilities="IMAP4rev1") as server, scripted(server) as source:
        assert going_through(source) == [[bytes(range(256)) * 1500]] * 4


# --------------------------------------------------------------------------- what is asked of the server


def crowded(count: int) -> dict[str, Any]:
    """A script: so many mails, each of which is a PDF of its own."""

    def fetch(command: str) -> list[bytes]:
        lines = []
        for uid in uids_in(command):
            header = b"Message-ID: <%d@x>\r\nFrom: a@corp.example\r\nContent-Type: application/pdf\r\n\r\n" % uid
            content = b"%%PDF-%03d" % uid
            structure = b' BODYSTRUCTURE ("application" "pdf" NIL NIL NIL "7bit" %d)' % len(content)
            size = b'RFC822.SIZE %d INTERNALDATE "01-Nov-2026 00:00:00 +0800"' % (len(header) + len(content))
            if "HEADER" in command:
                lines.append(b"* %d FETCH (UID %d %s%s BODY[HEADER] {%d}" % (uid, uid, size, structure, len(header)))
                lines.append(header + b")")
            elif "BODYSTRUCTURE" in command:
                lines.append(b"* %d FETCH (UID %d %s%s)" % (uid, uid, size, structure))
            else:
                lines.append(b"* %d FETCH (UID %d BODY[1]<0> {%d}" % (uid, uid, len(content)))
                lines.append(content + b")")
        return lines

    everything = b"* SEARCH " + b" ".join(b"%d" % uid for uid in range(1, count + 1))
    return {"UID FETCH": fetch, "UID SEARCH": lambda command: [b"* SEARCH" if "KEYWORD" in command else everything]}


def uids_in(command: str) -> Iterator[int]:
    for first, last in re.findall(r"(\d+)(?::(\d+))?", command.split()[2]):
        yield from range(int(first), int(last or first) + 1)


def test_a_hundred_mails_take_far_fewer_commands_than_there_are_mails() -> None:
    with ScriptedImap(crowded(100), capabilities="IMAP4rev1") as server, scripted(server) as source:
        assert going_through(source) == [[b"%%PDF-%03d" % uid] for uid in range(1, 101)]

        assert server.names().count("UID FETCH") < 25


def test_the_headers_of_mails_that_are_taken_in_together_are_read_once() -> None:
    with ScriptedImap(crowded(100), capabilities="IMAP4rev1") as server, scripted(server) as source:
        assert len(going_through(source)) == 100

        read = [uid for command in server.said if "BODY.PEEK[HEADER]" in command for uid in uids_in(command)]
        assert sorted(read) == [1, *range(1, 101)]  # the first is opened before it is known that its files are wanted


def test_on_another_connection_a_mail_is_the_same_only_if_its_header_is() -> None:
    """What a server says of UIDs it says to one session; the folder may have been made anew meanwhile."""
    script, lost = crowded(8), False

    def fetch(command: str) -> list[bytes] | None:
        nonlocal lost
        if "BODY.PEEK[1]" in command and not lost:
            lost = True
            return None
        lines: list[bytes] = script["UID FETCH"](command)
        return [line.replace(b"@x>", b"@y>") for line in lines] if lost else lines

    gone = []
    with ScriptedImap(script | {"UID FETCH": fetch}, capabilities="IMAP4rev1") as server, scripted(server) as source:
        for arrival in source.arrivals(lambda _: {}):
            with pytest.raises(SourceUnavailable if arrival.place.endswith(":1") else Vanished) as caught:
                files(source, arrival)
            gone.append(caught.type)

    assert gone == [SourceUnavailable] + 7 * [Vanished]


def test_files_that_nobody_wants_are_not_fetched() -> None:
    with ScriptedImap(crowded(100), capabilities="IMAP4rev1") as server, scripted(server) as source:
        for arrival in source.arrivals(lambda _: {}):
            with source.open(arrival) as parcel:
                assert parcel.header

        assert not [command for command in server.said if "BODY.PEEK[1]" in command]


def test_after_a_mail_that_was_not_wanted_nothing_is_read_ahead_until_one_is_again() -> None:
    with ScriptedImap(crowded(40), capabilities="IMAP4rev1") as server, scripted(server) as source:
        for number, arrival in enumerate(source.arrivals(lambda _: {})):
            with source.open(arrival) as parcel:
                if number < 10:
                    for leaf in parcel.leaves():
                        leaf.fetch().close()

        asked = {uid for command in server.said if "BODY.PEEK[1]" in command for uid in uids_in(command)}
    assert asked >= set(range(1, 11))
    assert max(asked) <= 30


def test_a_server_that_refuses_to_read_ahead_is_asked_mail_by_mail() -> None:
    def fetch(command: str) -> list[bytes]:
        if "BODY.PEEK[1]" in command and len([*uids_in(command)]) > 1:
            return [b"* 1 FETCH (UID 1 FLAGS ())"]
        answer: list[bytes] = crowded(30)["UID FETCH"](command)
        return answer

    script = crowded(30) | {"UID FETCH": fetch}
    with ScriptedImap(script, capabilities="IMAP4rev1") as server, scripted(server) as source:
        assert going_through(source) == [[b"%%PDF-%03d" % uid] for uid in range(1, 31)]


def told_otherwise_of_the_fourth(old: bytes, new: bytes) -> dict[str, Any]:
    """A crowd, of whose fourth mail the server tells something else from the second time on."""
    script, seen = crowded(10), 0

    def fetch(command: str) -> list[bytes]:
        nonlocal seen
        lines: list[bytes] = script["UID FETCH"](command)
        seen += "RFC822.SIZE" in command and 4 in uids_in(command)
        return [line.replace(old, new) if b"(UID 4 " in line and seen > 1 else line for line in lines]

    return script | {"UID FETCH": fetch}


def test_a_mail_of_another_size_is_another_one_and_not_taken_from_ahead() -> None:
    """To one session a UID is one mail's for ever; a server that does not keep to that gives itself away."""
    script = told_otherwise_of_the_fourth(b"RFC822.SIZE ", b"RFC822.SIZE 1")
    gone, found = [], []
    with ScriptedImap(script, capabilities="IMAP4rev1") as server, scripted(server) as source:
        for number, arrival in enumerate(source.arrivals(lambda _: {}), 1):
            try:
                found += files(source, arrival)
            except Vanished:
                gone.append(number)

    assert gone == [4]
    assert len(found) == 9


def test_the_header_of_a_mail_that_came_at_another_time_is_read_again() -> None:
    script = told_otherwise_of_the_fourth(b"01-Nov-2026", b"02-Nov-2026")
    with ScriptedImap(script, capabilities="IMAP4rev1") as server, scripted(server) as source:
        assert going_through(source) == [[b"%%PDF-%03d" % uid] for uid in range(1, 11)]

        read = [uid for command in server.said if "BODY.PEEK[HEADER]" in command for uid in uids_in(command)]
    assert sorted(read) == sorted([1, 4, *range(1, 11)])


def test_a_page_that_is_no_file_is_not_fetched(account: Account, source: MailboxSource) -> None:
    for _ in range(MAILS):
        account.append(mail(crlf("Content-Type: text/html\n\n<p>x</p>\n")))

    assert going_through(source) == [[] for _ in range(MAILS)]
