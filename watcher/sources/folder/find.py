"""Finds the files that are ready to be taken in: looks, waits until they are finished, asks what is known."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import NamedTuple

from watcher.config.sections import Folder
from watcher.errors import SourceUnavailable
from watcher.model import Kind, Known, SubmissionState
from watcher.policy.arrival import Treatment, treatment
from watcher.sources.folder.drive import Drive, LastFolder, unavailable
from watcher.sources.folder.finished import Finished
from watcher.sources.folder.hints import Hinted
from watcher.sources.folder.identity import Candidate, Fingerprint, oldest_first
from watcher.sources.folder.leftovers import Leftovers
from watcher.sources.folder.names import for_display
from watcher.sources.folder.offered import Offered
from watcher.sources.folder.ready import Waiting
from watcher.sources.folder.scan import Scan, Sight
from watcher.sources.folder.target import LeftOut, Template
from watcher.sources.folder.verdicts import Verdict, Verdicts

log = logging.getLogger(__name__)

Ask = Callable[[Sequence[str]], Mapping[str, Known]]

KEYS_PER_QUESTION = 500
ASK_ANEW_AFTER_SECONDS = 600.0  # of standing files: another node may have moved some, and people put them back
_PUT_BACK_PAUSE_SECONDS = 1.0  # a file may be put back before its answer is recorded as given


class Found(NamedTuple):
    """A file that is ready to be taken in."""

    candidate: Candidate
    fingerprint: Fingerprint
    key: str
    known: Known | None  # what the journal says of it
    file: int  # open, until the next one is asked for
    status: os.stat_result  # when it was opened: it matched


class Finder:
    """Looks at a folder round by round, for one thread; `moved` is for any."""

    def __init__(self, folder: Folder, templates: Sequence[Template], wanted: Callable[[bytes], bool]) -> None:
        self.left_alone = 0  # files outside `accept`, at the last scan of everything
        self.complete = False  # whether the last round came to its end
        self._folder = folder
        settle = folder.settle.total_seconds()
        self._templates = templates
        self._verdicts = Verdicts()
        self._waiting = Waiting(settle)
        self._finished = Finished(self._waiting, self._verdicts, wanted, settle=settle)
        self._leftovers = Leftovers()
        self._offered = Offered()
        self._problems: list[str] = []
        self._barred: set[str] = set()
        self._told_renamed: set[str] = set()
        self._turn = 0
        self._left_out: tuple[str, LeftOut] | None = None  # below which folder, and what
        self._scanned_at = self._asked_at = float("-inf")

    @property
    def unfinished(self) -> int:
        """How many files wait for their writers."""
        return len(self._waiting)

    def next_look(self) -> float:
        """When a look is due without any event, in monotonic seconds."""
        scan_at = self._scanned_at + self._folder.poll.total_seconds()
        look_at = self._waiting.next_look()
        return scan_at if look_at is None else min(scan_at, look_at)

    def moved(self, path: str) -> None:
        """The file was moved away by us: if one of that name comes, it is asked about anew."""
        self._verdicts.forget_later(path)
        self._offered.moved(path)

    def find(self, root: int, drive: Drive, hinted: Hinted, ask: Ask, *, trusted: bool) -> Iterator[Found]:
        """What is new and finished, oldest first; `trusted`: this kernel sees everyone who writes.

        What we may not read is logged once and left alone. Raises SourceUnavailable, in the end, where the
        drive failed in parts.
        """
        self.complete = False
        with closing(LastFolder(root)) as folders:
            sight = self._look(folders, drive, hinted)
            for batch in oldest_first(sight.candidates, KEYS_PER_QUESTION):
                for candidate, fingerprint, key, known in self._unknown(batch, drive, hinted, ask):
                    closed = candidate.path in hinted.files
                    try:
                        opened = self._finished.opened(folders, candidate, fingerprint, closed=closed, trusted=trusted)
                    except OSError as error:
                        self._waiting.forget(candidate.path)
                        sight.note(error, f"{self._folder.path}/{candidate.path}")
                        continue
                    if opened is None:
                        continue
                    file, status = opened
                    try:
                        self._offered.add(candidate.path, time.monotonic())
                        yield Found(candidate, fingerprint, key, known, file, status)
                    finally:
                        os.close(file)
        self._conclude(sight, saw_everything=hinted.everything)

    def _conclude(self, sight: Sight, *, saw_everything: bool) -> None:
        self.complete = True
        for sentence in sight.barred:
            if sentence not in self._barred:
                log.warning("Something in a folder may not be read and stays.", extra={"detail": sentence})
        self._barred.update(sight.barred)
        if saw_everything:
            self._waiting.have_seen_all()
            self._tell_of_long_ones()
            self._barred.intersection_update(sight.barred)
            self.left_alone = self._verdicts.count(Verdict.LEFT_ALONE) + len(self._barred)
            self._problems = sight.problems
            self._tell_of_renamed()
        problems = self._problems or sight.problems
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise SourceUnavailable(problems[0] + more)

    def _tell_of_long_ones(self) -> None:
        """Each once: it may be a program that never closes what it has written."""
        for path in self._waiting.long(time.monotonic()):
            log.warning(
                "A file is not taken in, because somebody keeps it open or still writes to it.",
                extra={"detail": f"{self._folder.path}/{for_display(path)}"},
            )

    def _tell_of_renamed(self) -> None:
        renamed = self._left_out[1].renamed if self._left_out is not None else set()
        for path in sorted(renamed - self._told_renamed):
            log.warning(
                "A folder of answered files has another name, and is left alone as before.",
                extra={"detail": f"{self._folder.path}/{for_display(path)}"},
            )
        self._told_renamed = set(renamed)

    # ------------------------------------------------------------------------------- what is there

    def _look(self, folders: LastFolder, drive: Drive, hinted: Hinted) -> Sight:
        now = time.monotonic()
        self._verdicts.forget_now()
        if now - self._scanned_at >= self._folder.poll.total_seconds():
            hinted.everything = True
        scan = self._scan(folders, drive, everything=hinted.everything)
        try:
            if hinted.everything:
                return self._everything(folders.root, scan, hinted, now)
            return self._part(scan, hinted, now)
        except OSError as error:
            raise unavailable(error, drive.real_path) from error

    def _everything(self, root: int, scan: Scan, hinted: Hinted, now: float) -> Sight:
        self._turn += 1
        if now - self._asked_at >= ASK_ANEW_AFTER_SECONDS:
            self._verdicts.ask_anew()
            self._asked_at = now
        for path in hinted.files:
            self._verdicts.drop(path)
        self._offered.clear()
        sight = scan.everything()
        self._scanned_at = now
        self._verdicts.keep_folders(sight.folders)
        if self._waiting:
            self._waiting.keep_only({candidate.path for candidate in sight.candidates})
        self._leftovers.put_back(root, sight.leftovers, now)
        return sight

    def _part(self, scan: Scan, hinted: Hinted, now: float) -> Sight:
        for folder in sorted(hinted.folders):  # outer ones first: they bring what is in them
            if folder not in scan.seen.folders and scan.is_inside(folder):
                scan.folder(folder)
        seen = {candidate.path for candidate in scan.seen.candidates}
        asked = {*hinted.files, *self._waiting.due(now), *self._offered.due(now)}
        for path in asked - seen:
            if not scan.file(path):
                self._waiting.forget(path)
        return scan.seen

    def _scan(self, folders: LastFolder, drive: Drive, *, everything: bool) -> Scan:
        if everything or self._left_out is None or self._left_out[0] != drive.real_path:
            renamed = self._left_out[1].renamed if self._left_out is not None else ()
            self._left_out = (drive.real_path, LeftOut(self._templates, drive.real_path, renamed))
        else:
            self._left_out[1].look_again()
        return Scan(
            folders,
            drive,
            self._verdicts,
            recursive=self._folder.recursive,
            leave_out=self._left_out[1],
            marker=self._folder.marker,
            turn=self._turn,
        )

    # -------------------------------------------------------------------------- what is to be done

    def _unknown(
        self, batch: list[Candidate], drive: Drive, hinted: Hinted, ask: Ask
    ) -> Iterator[tuple[Candidate, Fingerprint, str, Known | None]]:
        """Those that the journal does not have."""
        stable = drive.stable_inodes
        fingerprints = [one.fingerprint(stable_inodes=stable) for one in batch]
        keys = [state.key(self._folder.name, one.path) for one, state in zip(batch, fingerprints, strict=True)]
        known = ask(keys)
        for candidate, fingerprint, key in zip(batch, fingerprints, keys, strict=True):
            word = known.get(key)
            if word is not None and treatment(Kind.FILE, word) is Treatment.SKIP:
                self._skip(candidate, word, closed=candidate.path in hinted.files)
            else:
                yield candidate, fingerprint, key, word

    def _skip(self, candidate: Candidate, known: Known, *, closed: bool) -> None:
        """The journal has it, so it need not be asked at each scan, unless it is about to be moved."""
        self._waiting.forget(candidate.path)
        if known.state is not SubmissionState.SETTLED:
            self._verdicts.put(candidate, Verdict.KNOWN)
        elif closed:
            self._waiting.look_again(candidate, time.monotonic(), pause=_PUT_BACK_PAUSE_SECONDS)
