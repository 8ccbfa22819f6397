"""A real folder, real writers in processes of their own: what is found, when, and how often."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent, WatchDescriptor

from tests.support.folders import PDF, TODAY, Memory, folder_source, next_arrival, rounds, submission_of
from tests.support.waiting import wait_for
from watcher.errors import SourceUnavailable, Vanished
from watcher.model import SubmissionState
from watcher.mounts import Mounted
from watcher.ports import Arrival
from watcher.sources.folder import FolderSource
from watcher.sources.folder.drive import LastFolder
from watcher.sources.folder.events import Observer
from watcher.sources.folder.hints import Hinted, Hints

WRITER = """
import sys
path, = sys.argv[1:]
with open(path, "ab", buffering=0) as file:
    print("open", flush=True)
    for line in sys.stdin.buffer:
        file.write(bytes.fromhex(line.decode()))
        print("written", flush=True)
print("closed", flush=True)
"""


class SlowWriter:
    """A program that has a file open and writes to it whenever it is told to."""

    def __init__(self, path: Path) -> None:
        self._program = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._expect(b"open")

    def write(self, content: bytes) -> None:
        assert self._program.stdin is not None
        self._program.stdin.write(content.hex().encode() + b"\n")
        self._program.stdin.flush()
        self._expect(b"written")

    def close(self) -> None:
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.close()
        self._expect(b"closed")
        self._program.stdout.close()
        self._program.wait(10)

    def _expect(self, word: bytes) -> None:
        assert self._program.stdout is not None
        assert self._program.stdout.readline().strip() == word


class Watched:
    """A source and what it watches."""

    def __init__(self, root: Path, **settings: Any) -> None:
        self.root = root
        self.inbox = root / "inbox"
        self.source: FolderSource = folder_source(root, **settings)
        self.memory = Memory()

    def look(self) -> list[Arrival]:
        """One round over everything, recorded."""
        return [self._recorded(arrival) for arrival in self.source.arrivals(self.memory)]

    def _recorded(self, arrival: Arrival) -> Arrival:
        self.memory.put(arrival)
        return arrival

    def paths(self) -> list[str | None]:
        return sorted((arrival.path for arrival in self.look()), key=str)

    def next(self) -> Arrival:
        return next_arrival(self.source, self.memory)

    def drop(self, path: str, content: bytes = PDF) -> Path:
        target = self.inbox / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return target


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path)
    yield watched
    watched.source.close()


@pytest.fixture
def distrustful(tmp_path: Path) -> Iterator[Watched]:
    """A folder whose events are not believed, as on a network drive."""
    watched = Watched(tmp_path, network=True, poll="100ms")
    yield watched
    watched.source.close()


# ------------------------------------------------------------------------------------------ finished


def test_a_file_is_taken_when_its_writer_closes_it_and_not_before(watched: Watched) -> None:
    assert watched.look() == []
    writer = SlowWriter(watched.inbox / "a.pdf")
    writer.write(PDF)  # it is whole, and stands still for longer than `settle`

    assert list(rounds(watched.source, watched.memory, 0.8)) == []
    writer.close()

    assert watched.next().path == "a.pdf"


def test_a_file_that_is_being_written_when_the_program_starts_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    writer = SlowWriter(tmp_path / "inbox" / "a.pdf")
    writer.write(PDF)
    watched = Watched(tmp_path)

    assert list(rounds(watched.source, watched.memory, 0.8)) == []
    assert watched.source.unfinished == 1
    writer.close()

    assert watched.next().path == "a.pdf"
    watched.source.close()


def test_a_finished_file_is_taken_at_the_first_look_and_need_not_settle(tmp_path: Path) -> None:
    watched = Watched(tmp_path, settle="1h")
    watched.drop("a.pdf")

    assert watched.paths() == ["a.pdf"]
    watched.source.close()


def test_a_file_renamed_into_place_is_taken_at_once(watched: Watched) -> None:
    watched.drop("a.pdf.part")
    assert watched.look() == []

    (watched.inbox / "a.pdf.part").rename(watched.inbox / "a.pdf")

    assert watched.next().path == "a.pdf"


@pytest.mark.parametrize("folder", ["903851/2025.bak", "发票~"])
def test_a_folder_may_be_called_as_editors_call_what_they_keep(watched: Watched, folder: str) -> None:
    watched.drop(f"{folder}/a.pdf")
    watched.drop(f"{folder}/a.pdf.bak")

    assert watched.paths() == [f"{folder}/a.pdf"]

    watched.drop(f"{folder}/b.pdf")
    assert watched.next().path == f"{folder}/b.pdf"


def test_asking_the_kernel_disturbs_no_writer(watched: Watched) -> None:
    """The file is opened for writing again and again while leases are taken and given back on it."""
    path = watched.drop("a.pdf")
    done = threading.Event()

    def look_all_the_time() -> None:
        while not done.is_set():
            list(watched.source.arrivals(lambda keys: {}))

    looker = threading.Thread(target=look_all_the_time)
    looker.start()
    opener = "import sys\nfor _ in range(3000):\n    open(sys.argv[1], 'ab').close()\n"
    finished = subprocess.run([sys.executable, "-c", opener, str(path)], timeout=60, check=False)
    done.set()
    looker.join()

    assert finished.returncode == 0


def test_without_events_a_file_must_stand_still_and_be_whole(distrustful: Watched) -> None:
    path = distrustful.drop("a.pdf", PDF[:-7])  # no trailer yet

    assert list(rounds(distrustful.source, distrustful.memory, 0.8)) == []
    with path.open("ab") as file:
        file.write(PDF[-7:])

    assert distrustful.next().path == "a.pdf"


def test_without_events_a_file_that_grows_is_not_taken(distrustful: Watched) -> None:
    path = distrustful.drop("a.pdf")
    end = time.monotonic() + 1.0

    def grow() -> None:
        while time.monotonic() < end:
            with path.open("ab") as file:
                file.write(b"%%EOF\n")
            time.sleep(0.02)

    writer = threading.Thread(target=grow)
    writer.start()
    found = [(time.monotonic(), arrival) for arrival in rounds(distrustful.source, distrustful.memory, 2.0)]
    writer.join()

    assert [arrival.path for _, arrival in found] == ["a.pdf"]
    assert found[0][0] >= end


def test_a_damaged_file_is_taken_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.sources.folder.ready.LEAST_PATIENCE_SECONDS", 0.5)
    watched = Watched(tmp_path, network=True, settle="20ms", poll="100ms")
    watched.drop("a.pdf", b"%PDF-1.4 and no more")
    began = time.monotonic()

    assert watched.next().path == "a.pdf"
    assert time.monotonic() - began >= 0.5
    watched.source.close()


def test_an_empty_file_is_given_time_to_be_filled(watched: Watched) -> None:
    watched.drop("a.pdf", b"")
    began = time.monotonic()

    assert watched.next().path == "a.pdf"
    assert time.monotonic() - began >= 1.5  # ten times `settle`, less what a loaded machine takes


# --------------------------------------------------------------------------------------- what is seen


def test_3000_files_within_a_second_are_each_found_once(watched: Watched) -> None:
    watched.look()
    wanted = {f"d{number % 7}/f{number}.pdf" for number in range(3000)}

    def write() -> None:
        for path in sorted(wanted):
            watched.drop(path)

    writer = threading.Thread(target=write)
    writer.start()
    found: list[str | None] = []
    for arrival in rounds(watched.source, watched.memory, 60):
        found.append(arrival.path)
        if len(found) == len(wanted):
            break
    writer.join()
    found += [arrival.path for arrival in rounds(watched.source, watched.memory, 0.3)]
    found += watched.paths()

    assert len(found) == len(wanted)
    assert set(found) == wanted


def test_a_drop_right_after_our_own_move_is_seen_at_once(watched: Watched) -> None:
    """watchdog holds everything back for half a second after a file left its tree."""
    taken = []
    for number in range(3):  # the least of them is ours, the others may be what a busy machine takes
        watched.drop(f"{number} before.pdf")
        submission = submission_of(watched.next(), watched.source)
        watched.source.wait(0.1)

        watched.source.move(submission, watched.source.plan(submission, booked=True), None)
        began = time.monotonic()
        watched.drop(f"{number} after.pdf")

        assert watched.next().path == f"{number} after.pdf"
        taken.append(time.monotonic() - began)
    assert min(taken) < 0.3


def test_files_in_folders_that_are_new_themselves_are_found_without_a_poll(watched: Watched) -> None:
    watched.look()
    for number in range(20):
        watched.drop(f"new{number}/deep/er/a.pdf")

    found = []
    for arrival in rounds(watched.source, watched.memory, 20):
        found.append(arrival.path)
        if len(found) == 20:
            break
    found += [arrival.path for arrival in rounds(watched.source, watched.memory, 0.3)]

    assert sorted(found, key=str) == sorted(f"new{number}/deep/er/a.pdf" for number in range(20))


def test_a_file_in_folders_within_a_new_folder_is_found_once_a_round(watched: Watched) -> None:
    """Each of the folders has an event of its own."""
    watched.look()
    watched.drop("new/deep/er/still/a.pdf")
    found: list[str | None] = []

    def look() -> bool:
        watched.source.wait(1)
        found.extend(arrival.path for arrival in watched.source.arrivals(lambda keys: {}))
        return bool(found)

    wait_for(look, what="the file in the new folders")

    assert found == ["new/deep/er/still/a.pdf"]


def test_a_file_that_grows_for_long_is_looked_at_less_and_less_often(watched: Watched) -> None:
    watched.look()
    with (watched.inbox / "a.pdf").open("wb", buffering=0) as file:
        watched.look()
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            file.write(PDF)
            watched.source.wait(0.05)
            list(watched.source.arrivals(watched.memory))

    assert len(watched.memory.asked) < 60
    assert watched.next().path == "a.pdf"


def test_a_file_that_is_kept_open_for_long_is_told_of_once(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("watcher.sources.folder.ready.LONG_SECONDS", 0.0)
    writer = SlowWriter(watched.inbox / "a.pdf")
    writer.write(PDF)

    assert [watched.paths() for _ in range(3)] == [[], [], []]
    writer.close()

    assert watched.next().path == "a.pdf"
    told = [record.__dict__["detail"] for record in caplog.records if "keeps it open" in record.message]
    assert told == [f"{watched.inbox}/a.pdf"]


def test_a_folder_that_is_moved_in_is_found_with_its_files(watched: Watched) -> None:
    watched.look()
    outside = watched.root / "prepared"
    outside.mkdir()
    (outside / "a.pdf").write_bytes(PDF)

    outside.rename(watched.inbox / "903851")

    assert watched.next().path == "903851/a.pdf"


def test_events_during_a_round_are_not_lost(watched: Watched) -> None:
    watched.drop("a.pdf")
    round_ = watched.source.arrivals(watched.memory)
    first = next(round_)
    watched.memory.put(first)

    watched.drop("b.pdf")
    rest = [arrival.path for arrival in round_]

    assert [*rest, *(arrival.path for arrival in [watched.next()])] == ["b.pdf"]


def test_a_round_that_is_broken_off_is_made_again(watched: Watched) -> None:
    watched.drop("a.pdf")
    watched.drop("b.pdf")
    round_ = watched.source.arrivals(watched.memory)
    watched.memory.put(next(round_))
    round_.close()  # type: ignore[attr-defined]  # a generator, in this implementation

    assert watched.paths() == ["b.pdf"]


def test_what_is_not_accepted_stays_by_content_and_is_counted(watched: Watched) -> None:
    watched.drop("letter.docx", b"no invoice at all")
    watched.drop("looks.pdf", b"no invoice either")
    watched.drop("without-a-suffix")
    watched.drop("archive.bin", b"PK\x03\x04" + b"\0" * 40 + b"PK\x05\x06" + b"\0" * 18)

    assert watched.paths() == ["archive.bin", "without-a-suffix"]
    assert watched.source.left_alone == 2


def test_a_file_that_is_left_alone_is_looked_at_again_when_it_changes(watched: Watched) -> None:
    watched.drop("a.pdf", b"not yet")
    assert watched.look() == []

    watched.drop("a.pdf")

    assert watched.next().path == "a.pdf"
    assert watched.paths() == []
    assert watched.source.left_alone == 0


def test_hidden_files_and_links_and_pipes_are_left_alone(watched: Watched) -> None:
    secret = watched.root / "secret.pdf"
    secret.write_bytes(PDF)
    for name in (".hidden.pdf", "~$a.pdf", "a.tmp", ".git/a.pdf", "@eaDir/a.pdf"):
        watched.drop(name)
    (watched.inbox / "link.pdf").symlink_to(secret)
    (watched.inbox / "folder").symlink_to(watched.root)
    os.mkfifo(watched.inbox / "pipe.pdf")

    assert watched.paths() == []
    assert watched.source.left_alone == 0


def test_a_folder_that_becomes_a_link_is_not_followed(watched: Watched) -> None:
    watched.drop("903851/a.pdf")
    (arrival,) = watched.look()
    elsewhere = watched.root / "elsewhere"
    (watched.inbox / "903851").rename(elsewhere)
    (watched.inbox / "903851").symlink_to(elsewhere)

    with pytest.raises(Vanished), watched.source.open(arrival) as parcel:
        list(parcel.leaves())
    submission = submission_of(arrival, watched.source)
    target = watched.source.plan(submission, booked=True)
    with pytest.raises(Vanished):
        watched.source.move(submission, target, None)


def test_done_and_error_below_the_folder_are_not_scanned(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    watched = Watched(tmp_path, done=str(inbox / "done" / "{yyyy}"), error="error")
    for path in ("done/2020/a.pdf", "error/b.pdf", "903851/done/c.pdf"):
        watched.drop(path)

    assert watched.paths() == ["903851/done/c.pdf"]
    watched.source.close()


def test_without_recursion_only_the_folder_itself_is_looked_at(tmp_path: Path) -> None:
    watched = Watched(tmp_path, recursive=False)
    watched.look()
    watched.drop("sub/a.pdf")
    watched.drop("b.pdf")

    assert watched.next().path == "b.pdf"
    assert watched.paths() == []
    watched.source.close()


def test_a_name_that_is_no_text_is_taken_read_and_moved(watched: Watched) -> None:
    raw = os.fsencode(watched.inbox) + b"/\xb7\xa2\xc6\xb1 100%.pdf"  # GB18030
    Path(os.fsdecode(raw)).write_bytes(PDF)

    (arrival,) = watched.look()
    submission = submission_of(arrival, watched.source)
    target = watched.source.plan(submission, booked=True)
    assert target is not None
    for text in (arrival.place, arrival.path, target):
        assert text is not None
        assert text.encode("utf-8")
    with watched.source.open(arrival) as parcel:
        (leaf,) = parcel.leaves()
        spooled = leaf.fetch()
        assert spooled.read() == PDF
        spooled.close()
    watched.source.move(submission, target, None)

    assert [os.fsencode(path.name) for path in (watched.root / "done" / "2026-12").iterdir()] == [
        b"\xb7\xa2\xc6\xb1 100%.pdf"
    ]


# ------------------------------------------------------------------------------------ what is known


def test_a_standing_file_is_not_asked_about_at_every_scan(watched: Watched) -> None:
    watched.drop("a.pdf")
    watched.look()
    watched.look()
    asked = len(watched.memory.asked)

    watched.look()

    assert len(watched.memory.asked) == asked


def test_a_file_that_changed_is_a_new_arrival(watched: Watched) -> None:
    path = watched.drop("a.pdf")
    (first,) = watched.look()
    watched.look()

    path.write_bytes(PDF + b"% more\n")
    second = watched.next()

    assert second.key != first.key
    with pytest.raises(Vanished), watched.source.open(first) as parcel:
        list(parcel.leaves())


def test_a_file_put_back_from_error_is_a_new_arrival_at_once(watched: Watched) -> None:
    path = watched.drop("a.pdf")
    (first,) = watched.look()
    submission = submission_of(first, watched.source)
    watched.memory.put(first, SubmissionState.SETTLED)
    assert watched.look() == []
    watched.source.move(submission, watched.source.plan(submission, booked=False), "what to do")

    (watched.root / "error" / "a.pdf").rename(path)  # before the answer is recorded as given
    assert list(rounds(watched.source, watched.memory, 0.1)) == []
    watched.memory.put(first, SubmissionState.CLOSED)

    again = watched.next()
    assert again.key == first.key
    assert again.known is not None


def test_a_file_put_back_between_two_polls_is_seen_without_events(distrustful: Watched) -> None:
    path = distrustful.drop("a.pdf")
    first = distrustful.next()
    distrustful.memory.put(first, SubmissionState.CLOSED)
    submission = submission_of(first, distrustful.source)
    distrustful.source.move(submission, distrustful.source.plan(submission, booked=False), None)
    (distrustful.root / "error" / "a.pdf").rename(path)

    assert distrustful.next().key == first.key


# ------------------------------------------------------------------------------------ what is lost


def test_a_folder_that_is_gone_is_reported_and_found_again_with_its_events(watched: Watched) -> None:
    watched.look()
    away = watched.root / "away"
    watched.inbox.rename(away)
    with pytest.raises(SourceUnavailable, match="is not there"):
        watched.look()

    watched.inbox.mkdir()
    assert watched.look() == []
    watched.drop("a.pdf")

    assert watched.next().path == "a.pdf"  # polls are a minute apart: an event told of it


def test_a_folder_that_was_removed_and_made_again_is_watched_again(watched: Watched) -> None:
    watched.look()
    watched.inbox.rmdir()
    watched.inbox.mkdir()  # it may well get the number of the old one

    def is_seen() -> bool:
        watched.drop("a.pdf")
        return any(arrival.path == "a.pdf" for arrival in watched.look())

    wait_for(is_seen, what="the file in the new folder")
    wait_for(lambda: watched.look() == [], what="an end of changes")
    watched.drop("b.pdf")

    assert watched.next().path == "b.pdf"


def test_a_share_without_its_marker_counts_as_not_mounted(tmp_path: Path) -> None:
    watched = Watched(tmp_path, marker=".mounted")
    watched.drop("a.pdf")
    with pytest.raises(SourceUnavailable, match="not mounted"):
        watched.look()
    (finding,) = watched.source.check()
    assert not finding.ok
    assert finding.mend == f"mount the share at {watched.inbox}; if it is mounted, put a file .mounted into it, once"

    (watched.inbox / ".mounted").touch()

    assert watched.paths() == ["a.pdf"]
    watched.source.close()


def test_a_file_in_the_place_of_the_folder_is_told_as_one(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.inbox.rmdir()
    watched.inbox.write_bytes(PDF)

    (finding,) = watched.source.check()

    assert (finding.ok, finding.mend) == (False, "name the folder that it lies in, in `path`")
    watched.source.close()


def test_a_network_drive_that_is_unmounted_is_not_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = "nfs4"
    monkeypatch.setattr("watcher.mounts.MountTable.mount_of", lambda _table, _path, _device: Mounted("/mnt", kind))
    watched = Watched(tmp_path)
    watched.look()
    kind = "ext4"  # what lies below the mount point

    with pytest.raises(SourceUnavailable, match="not mounted"):
        watched.look()

    kind = "nfs4"
    assert watched.look() == []
    watched.source.close()


def test_while_the_folder_is_gone_a_wait_is_a_wait(watched: Watched) -> None:
    watched.drop("a.pdf", b"")  # its time to be looked at comes
    watched.look()
    watched.inbox.rename(watched.root / "away")
    with pytest.raises(SourceUnavailable):
        watched.look()
    began = time.monotonic()

    watched.source.wait(2.5)

    assert time.monotonic() - began >= 2.4


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_subfolder_that_may_not_be_read_does_not_hold_up_the_rest(watched: Watched) -> None:
    watched.drop("private/a.pdf")
    watched.drop("b.pdf")
    (watched.inbox / "private").chmod(0)
    assert watched.paths() == ["b.pdf"]
    assert watched.source.left_alone == 1
    assert any("private" in finding.message for finding in watched.source.check() if not finding.ok)
    (watched.inbox / "private").chmod(0o700)


@pytest.fixture
def observed(tmp_path: Path) -> Iterator[tuple[Path, Hints]]:
    """A folder whose events become hints, without anybody who looks."""
    root, hints = tmp_path / "observed", Hints()
    root.mkdir()
    observer = Observer(str(root), hints, recursive=True, leave_out=lambda folder: folder == "done")
    observer.start()
    yield root, hints
    observer.stop()
    observer.join()


def hints_until(hints: Hints, file: str) -> Hinted:
    """All that was hinted at until this file was."""
    heard = Hinted()
    while file not in heard.files:
        assert hints.wait_until(time.monotonic() + 10), f"nothing was heard of {file}"
        taken = hints.take()
        heard = Hinted(
            files=heard.files | taken.files,
            folders=heard.folders | taken.folders,
            everything=heard.everything or taken.everything,
        )
    return heard


def test_lost_events_make_the_next_round_look_at_everything(tmp_path: Path) -> None:
    hints = Hints()
    observer = Observer(str(tmp_path), hints, recursive=True, leave_out=lambda _folder: False)
    observer.start()

    observer.handle_event(InotifyEvent(WatchDescriptor(-1), InotifyConstants.IN_Q_OVERFLOW, 0, b""))
    observer.stop()
    observer.join()

    assert hints.take().everything


def test_of_files_that_only_begin_or_are_left_alone_or_went_away_nothing_is_said(
    observed: tuple[Path, Hints], tmp_path: Path
) -> None:
    root, hints = observed
    for name in ("went.pdf", "to-be-hidden.pdf"):
        (tmp_path / name).write_bytes(PDF)
        (tmp_path / name).rename(root / name)
    hints_until(hints, "to-be-hidden.pdf")

    with (root / "begins.pdf").open("wb"):
        (root / "went.pdf").rename(tmp_path / "went.pdf")
        (root / "to-be-hidden.pdf").rename(root / ".invoice-watcher-0123456789abcdef-a.pdf")
        (root / "download.part").write_bytes(PDF)
        (root / "done").mkdir()
        (root / "done" / "a.pdf").write_bytes(PDF)
        (root / "closed.pdf").write_bytes(PDF)

        assert hints_until(hints, "closed.pdf") == Hinted(files={"closed.pdf"})


def test_a_folder_that_moves_has_events_where_it_is_and_none_where_it_was(
    observed: tuple[Path, Hints], tmp_path: Path
) -> None:
    root, hints = observed
    (root / "a" / "inner").mkdir(parents=True)
    (root / "a" / "x.pdf").write_bytes(PDF)

    (root / "a").rename(root / "b")
    (root / "first.pdf").write_bytes(PDF)
    hints_until(hints, "first.pdf")
    (root / "b" / "inner" / "here.pdf").write_bytes(PDF)
    hints_until(hints, "b/inner/here.pdf")

    (root / "b").rename(tmp_path / "elsewhere")
    (root / "second.pdf").write_bytes(PDF)
    hints_until(hints, "second.pdf")
    (tmp_path / "elsewhere" / "inner" / "there.pdf").write_bytes(PDF)
    (root / "third.pdf").write_bytes(PDF)
    assert hints_until(hints, "third.pdf") == Hinted(files={"third.pdf"})

    (tmp_path / "elsewhere").rename(root / "c")
    (root / "fourth.pdf").write_bytes(PDF)
    hints_until(hints, "fourth.pdf")
    (root / "c" / "inner" / "again.pdf").write_bytes(PDF)
    hints_until(hints, "c/inner/again.pdf")


def test_a_folder_that_cannot_be_watched_leaves_no_file_open(tmp_path: Path) -> None:
    before = sorted(Path("/proc/self/fd").iterdir())
    observer = Observer(str(tmp_path / "missing"), Hints(), recursive=True, leave_out=lambda _folder: False)

    with pytest.raises(FileNotFoundError):
        observer.start()
    observer.stop()

    assert sorted(Path("/proc/self/fd").iterdir()) == before


def test_a_file_with_a_time_beyond_all_calendars_is_taken(watched: Watched) -> None:
    path = watched.drop("a.pdf")
    os.utime(path, (2**40, 2**40))

    assert watched.paths() == ["a.pdf"]


@pytest.mark.parametrize("fault", [errno.EACCES, errno.EIO])
def test_a_file_that_cannot_be_read_holds_up_no_other(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, fault: int
) -> None:
    opened = LastFolder.opened

    def refused(folders: LastFolder, path: str) -> tuple[int, os.stat_result]:
        if path == "a.pdf":
            raise OSError(fault, os.strerror(fault))
        return opened(folders, path)

    monkeypatch.setattr(LastFolder, "opened", refused)
    watched.drop("a.pdf")
    watched.drop("b.pdf")
    expected = pytest.raises(SourceUnavailable, match=r"inbox/a\.pdf") if fault == errno.EIO else nullcontext()
    found = []
    with expected:  # a drive that fails is reported; a file that is somebody's own is not our drive's fault
        for arrival in watched.source.arrivals(watched.memory):
            found.append(arrival.path)  # noqa: PERF401 - what came before the error counts

    assert found == ["b.pdf"]
    assert watched.source.left_alone == (1 if fault == errno.EACCES else 0)
    watched.source.wait(0.1)
    began = time.monotonic()
    watched.source.wait(0.5)
    assert time.monotonic() - began >= 0.4  # it is not looked at again and again


def test_a_file_is_received_when_it_comes_however_old_it_says_it_is_and_the_oldest_comes_first(tmp_path: Path) -> None:
    # Given files that say of themselves that they are months old, or of a year beyond most calendars
    source = folder_source(tmp_path, settle="1ms")
    times = {"copied.pdf": 10**18, "older.pdf": 10**17, "odd.pdf": 253402300799 * 10**9}
    try:
        for name, mtime_ns in times.items():
            path = tmp_path / "inbox" / name
            path.write_bytes(PDF + name.encode())
            os.utime(path, ns=(mtime_ns, mtime_ns))
        wait_for(lambda: len(list(source.arrivals(lambda keys: {}))) == 3)
        found = list(source.arrivals(lambda keys: {}))
    finally:
        source.close()
    # Then they came now, the oldest first
    assert {arrival.received_at for arrival in found} == {TODAY}
    assert [arrival.path for arrival in found] == ["older.pdf", "copied.pdf", "odd.pdf"]
