"""The watched folder as `watcher.ports.Source`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from watcher.config.sections import Folder
from watcher.errors import Vanished
from watcher.model import Finding, Kind, Submission
from watcher.ports import Arrival, Move, Parcel, PlannedMoves, Returned
from watcher.sources.folder.answers import Answers
from watcher.sources.folder.arriving import Arriving
from watcher.sources.folder.checks import findings
from watcher.sources.folder.drive import Mount, is_gone, open_file_below, unavailable
from watcher.sources.folder.find import Ask, Finder, Found
from watcher.sources.folder.hints import Hinted, Hints
from watcher.sources.folder.identity import Fingerprint
from watcher.sources.folder.likeness import Likeness
from watcher.sources.folder.names import for_display, from_text, to_text
from watcher.sources.folder.opened import OpenFolders
from watcher.sources.folder.parcel import FileLeaf, FileParcel
from watcher.sources.folder.usercode import code_of, owner_of
from watcher.sources.folder.watch import Watch


class FolderSource:
    """Watches one folder.

    `wanted` says of the first 4096 bytes of a file whether it may hold documents; `now` is the clock by
    which files are received and the folders of answers are named; folders that may share one `done` or `error` share
    `arriving`; `likeness` knows moved files again.
    """

    def __init__(
        self,
        folder: Folder,
        *,
        wanted: Callable[[bytes], bool],
        timezone: ZoneInfo,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        arriving: Arriving | None = None,
        likeness: Likeness | None = None,
    ) -> None:
        self._folder = folder
        self._wanted = wanted
        self._mount = Mount(os.path.abspath(folder.path), folder.marker)  # noqa: PTH100 - nothing is looked up
        self._now = now
        self._answers = Answers(
            folder,
            self._mount,
            timezone=timezone,
            now=now,
            arriving=arriving or Arriving(),
            likeness=likeness or Likeness(),
        )
        self._finder = Finder(folder, self._answers.templates, wanted)
        self._hints = Hints()
        self._watch = Watch(
            self._hints, recursive=folder.recursive, network=folder.network, templates=self._answers.templates
        )
        # The arrival that was given last, and its file, open until the next one is asked for.
        self._in_hand: tuple[Arrival, Found] | None = None
        self._part: Hinted | None = None  # what the next round looks at; None: everything

    @property
    def name(self) -> str:
        return self._folder.name

    @property
    def kind(self) -> Kind:
        return Kind.FILE

    @property
    def left_alone(self) -> int:
        return self._finder.left_alone

    @property
    def unfinished(self) -> int:
        """How many files that were seen still wait for their writers, or for `settle`."""
        return self._finder.unfinished

    def arrivals(self, known: Ask) -> Iterator[Arrival]:
        """As the port has it. After a `wait` that was ended by events only these are looked at, else everything.

        Where the drive fails in parts, SourceUnavailable says so after all the rest.
        """
        part, self._part = self._part, None
        hinted = part if part is not None else self._merged_with_all()
        self._finder.complete = False
        with self._mount.opened() as (root, drive):
            if self._watch.follow(drive):
                hinted.everything = True  # it is another folder, or its events begin only now
                self._answers.look_at_drives()
            try:
                for found in self._finder.find(root, drive, hinted, known, trusted=self._watch.trusted):
                    arrival = _arrival(found, self._now())
                    self._in_hand = (arrival, found)
                    yield arrival
            finally:
                self._in_hand = None

    def _merged_with_all(self) -> Hinted:
        hinted = self._hints.take()
        hinted.everything = True
        return hinted

    @contextmanager
    def open(self, arrival: Arrival) -> Iterator[Parcel]:
        """The file as it is; its bytes are read when its leaf is fetched."""
        if self._in_hand is not None and self._in_hand[0] is arrival:
            found = self._in_hand[1]  # it matched when it was opened; the leaf asks again once it is read
            yield self._parcel(found.candidate.path, found.file, found.fingerprint, found.status)
            return
        path, fingerprint = from_text(arrival.place), Fingerprint.parse(arrival.fingerprint)
        file = self._opened(path)
        try:
            status = os.fstat(file)
            if not fingerprint.matches(status):
                raise Vanished(f"{for_display(path)} has changed since it was found")
            yield self._parcel(path, file, fingerprint, status)
        finally:
            os.close(file)

    def _parcel(self, path: str, file: int, fingerprint: Fingerprint, status: os.stat_result) -> FileParcel:
        return FileParcel(
            leaf=FileLeaf(file=file, path=path, place=f"{self._mount.path}/{path}", fingerprint=fingerprint),
            user_code=code_of(self._folder.user_code, path),
            owner=owner_of(self._folder.user_code, status),
        )

    def _opened(self, path: str) -> int:
        with self._mount.opened() as (root, _):
            try:
                return open_file_below(root, path)[0]
            except OSError as error:
                if is_gone(error):
                    raise Vanished(f"{for_display(path)} is not there any more") from error
                raise unavailable(error, f"{self._mount.path}/{path}") from error

    def plan(self, submission: Submission, *, booked: bool) -> str | None:
        return self._answers.plan(submission, booked=booked)

    def move(self, submission: Submission, target: str | None, note: str | None, *, first: bool = False) -> None:
        with self.together() as move:
            move(submission, target, note, first=first)

    @property
    def is_near(self) -> bool:
        return self._answers.is_near

    @contextmanager
    def together(self, planned: PlannedMoves = ()) -> Iterator[Move]:  # noqa: ARG002 - a name is moved as soon as it is asked for
        """As Carrier has it: each folder is opened once, and synced once."""
        with OpenFolders(self._mount) as folders:

            def move(submission: Submission, target: str | None, note: str | None, *, first: bool = False) -> None:
                self._answers.move(submission, target, note, folders, first=first)
                self._finder.moved(from_text(submission.place))

            yield move

    def put_back(self, submission: Submission) -> Returned:
        """As Shelf has it."""
        fingerprint = self._answers.put_back(submission)
        path = from_text(submission.place)
        self._finder.moved(path)
        return Returned(key=fingerprint.key(self.name, path), fingerprint=str(fingerprint))

    def wait(self, seconds: float) -> None:
        """Return at an event, when a file's time to settle is over, when a scan is due, when woken, or in the end."""
        deadline = time.monotonic() + seconds
        if not self._finder.complete:  # what stopped the last round will not mend itself sooner
            self._hints.wait_until(deadline)
            return
        self._hints.wait_until(min(deadline, self._finder.next_look()))
        self._part = self._hints.take()

    def wake(self) -> None:
        self._hints.add_doubt()

    def check(self) -> list[Finding]:
        return findings(self._folder, self._mount, self._answers.templates, self._wanted)

    def close(self) -> None:
        self._watch.close()
        self._mount.close()
        self._hints.add_doubt()


def _arrival(found: Found, received_at: datetime) -> Arrival:
    """Its own time tells when it was written: copied from elsewhere, that may be months before it came."""
    candidate = found.candidate
    return Arrival(
        key=found.key,
        place=to_text(candidate.path),
        fingerprint=str(found.fingerprint),
        received_at=received_at,
        path=for_display(candidate.path),
        known=found.known,
    )
