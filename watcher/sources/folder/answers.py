"""Where an answered file lies, where it goes, and the folders on the way there."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import datetime
from zoneinfo import ZoneInfo

from watcher.config.sections import Folder
from watcher.errors import SourceUnavailable, TargetTaken, Vanished
from watcher.model import Submission
from watcher.sources.folder.arriving import Arriving
from watcher.sources.folder.drive import Mount, is_gone, open_below, unavailable
from watcher.sources.folder.free import free_in
from watcher.sources.folder.identity import Fingerprint
from watcher.sources.folder.likeness import Likeness
from watcher.sources.folder.making import made, made_below
from watcher.sources.folder.marks import Marks
from watcher.sources.folder.move import Move
from watcher.sources.folder.names import for_display, from_text, to_text
from watcher.sources.folder.note import drop_note
from watcher.sources.folder.noted import Noted, NotedFiles, drop_note_beside_nothing
from watcher.sources.folder.opened import OpenFolders
from watcher.sources.folder.own_links import open_own
from watcher.sources.folder.permitted import permitted_in
from watcher.sources.folder.spot import Spot
from watcher.sources.folder.target import Template, template_of
from watcher.sources.folder.whereabouts import answer_in_place, has_gone, require_there


class Answers:
    """Plans and carries out the moves of one folder. `place` and `target` are texts of `names.to_text`.

    A place is relative to the folder, or absolute where the file was moved before and is answered again.
    Several threads may move at once.
    """

    def __init__(
        self,
        folder: Folder,
        mount: Mount,
        *,
        timezone: ZoneInfo,
        now: Callable[[], datetime],
        arriving: Arriving,
        likeness: Likeness,
    ) -> None:
        self._mount = mount
        self._timezone = timezone
        self._now = now
        self._done = template_of(mount.path, folder.done)
        self._error = template_of(mount.path, folder.error)
        self._arriving = arriving
        self._likeness = likeness
        self._noted = NotedFiles()
        self._marks = Marks(mount.path)
        self.is_near = True  # whether the last move stayed on one drive of this machine

    @property
    def templates(self) -> tuple[Template, ...]:
        return tuple(template for template in (self._done, self._error) if template is not None)

    def look_at_drives(self) -> None:
        """See what the folders of answers lie on, to know one that is unmounted later; and mark them, where need be."""
        for template in self.templates:
            with suppress(OSError, SourceUnavailable), ExitStack() as files:  # as an answer will say
                if (folder := self._open_fixed(template)) is not None:
                    files.callback(os.close, folder)
                    self._marks.put_in_all(template, folder)

    def plan(self, submission: Submission, *, booked: bool) -> str | None:
        """The target as text; None where such files stay."""
        template = self._done if booked else self._error
        if template is None:
            return None
        place = from_text(submission.place)
        if place.startswith("/") and template.below(place) == self._relative(place):
            return submission.place  # it was moved there before, and that is still right
        relative = self._relative(place)
        subfolders, _, name = permitted_in(template.fixed, relative).rpartition("/")
        folder = template.on(self._now().astimezone(self._timezone)).rstrip("/")
        if subfolders:
            folder = f"{folder}/{subfolders}"
        return to_text(f"{folder}/{free_in(folder, name, self._arriving)}")

    def move(
        self, submission: Submission, target: str | None, note: str | None, folders: OpenFolders, *, first: bool
    ) -> None:
        """As the port has it, but that it is durable once `folders` are closed."""
        goal = from_text(target) if target is not None and target != submission.place else None
        try:
            self._answer(submission, goal, note, folders, first=first)
        except OSError as error:
            folders.close()
            raise unavailable(error, from_text(target) if target else self._named(submission)) from error
        except BaseException:
            folders.close()
            raise

    def _answer(
        self, submission: Submission, target: str | None, note: str | None, folders: OpenFolders, *, first: bool
    ) -> None:
        """Without a target it stays."""
        root, drive = folders.begin()
        place, expected = from_text(submission.place), Fingerprint.parse(submission.fingerprint)
        source = self._source(root, place, folders)
        now = self._likeness.loosened(source, submission) if place.startswith("/") else expected
        if has_gone(source, expected, now) and (moved := self._where_it_may_lie(root, submission, folders)) is not None:
            source, now = moved
        if target is None:
            answer_in_place(source, place, now, note)
            return
        with self._arriving.at(target):
            if not self._is_ours(target):
                require_there(target, source, now)
                return
            goal = self._target(root, place, target, folders)
            if not first:
                now = self._likeness.or_brought(now, source, goal, submission)
            self.is_near = goal.device == drive.device and not drive.is_network
            _bring(source, goal, note, folders, now=now, recorded=expected, first=first)
        self._drop_note_left_behind(root, place, expected, folders)
        if note is not None:
            self._noted.put(expected, Noted(target, note))

    def _drop_note_left_behind(self, root: int, place: str, file: Fingerprint, folders: OpenFolders) -> None:
        """Who has put the file back by hand has left the note of its earlier answer, which is not true any more."""
        noted = self._noted.take(place, file)
        if noted is not None and noted.path != place:
            with suppress(OSError, Vanished, SourceUnavailable, TargetTaken), self._arriving.at(noted.path):
                drop_note_beside_nothing(self._source(root, noted.path, folders), noted)

    def _where_it_may_lie(
        self, root: int, submission: Submission, folders: OpenFolders
    ) -> tuple[Spot, Fingerprint] | None:
        """Where a move may have brought it of which it was never noted that it was made, and what it is there."""
        if submission.moved_to is None or submission.moved_to == submission.place:
            return None
        spot = self._source(root, from_text(submission.moved_to), folders)
        now = self._likeness.loosened(spot, submission)
        if spot is None or has_gone(spot, Fingerprint.parse(submission.fingerprint), now):
            return None
        return spot, now

    def _named(self, submission: Submission) -> str:
        return f"{self._mount.path}/{from_text(submission.place)}"

    def _is_ours(self, path: str) -> bool:
        return any(path.startswith(template.fixed.rstrip("/") + "/") for template in self.templates)

    def put_back(self, submission: Submission) -> Fingerprint:
        """From where it was moved to where it was taken in, without its note; what it is there."""
        place, expected = from_text(submission.place), Fingerprint.parse(submission.fingerprint)
        if submission.moved_to is None or place.startswith("/"):
            raise Vanished("it is not known where the file lay when it was taken in")
        parent, _, name = place.rpartition("/")
        with OpenFolders(self._mount) as folders:
            root, drive = folders.begin()
            try:
                source = self._source(root, from_text(submission.moved_to), folders)
                home = _spot(folders, parent, name, lambda: _home(root, parent))
                now = self._likeness.or_brought(self._likeness.loosened(source, submission), source, home, submission)
                _bring(source, home, None, folders, now=now, recorded=expected, first=False)
                status = os.stat(name, dir_fd=home.folder, follow_symlinks=False)
            except OSError as error:
                raise unavailable(error, self._named(submission)) from error
            return Fingerprint.of(status, stable_inodes=drive.stable_inodes)

    def _target(self, root: int, place: str, target: str, folders: OpenFolders) -> Spot:
        folder, _, name = target.rpartition("/")
        return _spot(folders, folder, name, lambda: self._target_folder(root, place, folder))

    def _source(self, root: int, place: str, folders: OpenFolders) -> Spot | None:
        """The name that the file had, or None where not even its folder is there."""
        parent, _, name = place.rpartition("/")

        def opened() -> int:
            return self._open_answered(place, parent) if place.startswith("/") else open_below(root, parent)

        try:
            return _spot(folders, parent, name, opened)
        except OSError as error:
            if is_gone(error):
                return None
            raise

    def _open_answered(self, place: str, parent: str) -> int:
        template = self._template_of(place)
        base = self._open_fixed(template)
        if base is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), template.fixed)
        try:
            return open_below(base, parent.removeprefix(template.fixed).strip("/"))
        finally:
            os.close(base)

    def _open_fixed(self, template: Template) -> int | None:
        """The folder that its folders are in; None where it is not there."""
        return self._mount.open_other(template.fixed, lambda: open_own(self._mount.path, template.fixed))

    def _template_of(self, path: str) -> Template:
        """The template that a path was made by. Nothing is moved out of or into any other place.

        Raises Vanished where the configuration has none such any more.
        """
        found = [template for template in self.templates if path.startswith(template.fixed.rstrip("/") + "/")]
        if not found:
            lies = f"{for_display(path)} lies neither in done nor in error of {self._mount.path}, and stays there"
            raise Vanished(lies)
        return max(found, key=lambda template: len(template.fixed))  # the inner one, where one lies in the other

    def _relative(self, place: str) -> str:
        """The rest of the path in the watched folder, or in the innermost of the folders of answers that it lies in."""
        if not place.startswith("/"):
            return place
        within = [path for template in self.templates if (path := template.below(place)) is not None]
        return min(within, key=len, default=place.rpartition("/")[2])

    def _target_folder(self, root: int, place: str, target: str) -> int:
        """The target's folder, open; what is missing is made after the watched folder and its subfolders."""
        template = self._template_of(target + "/")
        base = self._open_fixed(template)
        if base is None:
            base = made(template.fixed, os.fstat(root))
        subfolders = self._relative(place).split("/")[:-1]
        names = [part for part in target.removeprefix(template.fixed).split("/") if part]
        try:
            folder = made_below(os.dup(base), names, root, subfolders)
            self._marks.put(template, base, names[0] if names else "")
            return folder
        finally:
            os.close(base)


def _spot(folders: OpenFolders, folder: str, name: str, open_it: Callable[[], int]) -> Spot:
    opened = folders.get(folder, open_it)
    return Spot(folder=opened.file, device=opened.device, name=name)


def _bring(
    source: Spot | None,
    target: Spot,
    note: str | None,
    folders: OpenFolders,
    *,
    now: Fingerprint,
    recorded: Fingerprint,
    first: bool,
) -> None:
    """Move it; the note of an earlier answer, where it lay until now, is not true any more."""
    Move(source, target, now, note, came=folders.came, named_after=recorded, first=first).carry_out()
    if source is not None:
        drop_note(source)


def _home(root: int, folder: str) -> int:
    """A folder below the watched one, open; made anew where it was taken away meanwhile."""
    try:
        return open_below(root, folder)
    except FileNotFoundError:
        return made_below(os.dup(root), folder.split("/"), root, [])
