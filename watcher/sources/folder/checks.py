"""What `check` finds out about a folder, leaving nothing behind."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from watcher.config.sections import FixedCode, Folder, FromPlace
from watcher.errors import SourceUnavailable, Vanished
from watcher.findings import About, some
from watcher.headers import clean
from watcher.model import Finding
from watcher.sources.folder.drive import Drive, LastFolder, Mount, folder_below, is_gone, open_file, unavailable
from watcher.sources.folder.scan import Scan, Sight
from watcher.sources.folder.target import LeftOut, Template
from watcher.sources.folder.trying import answers
from watcher.sources.folder.usercode import code_of
from watcher.sources.folder.verdicts import Verdicts

MOST_HEADS_READ = 10_000
_HEAD_BYTES = 4096
_NEARLY_ALL = 0.8


def findings(
    folder: Folder, mount: Mount, templates: Sequence[Template], wanted: Callable[[bytes], bool]
) -> list[Finding]:
    """One finding for each thing that was looked at; the first ones decide whether the rest makes sense."""
    checks = _Checks(folder, mount, templates, wanted)
    try:
        with mount.opened() as (root, drive):
            return [*checks.all(root, drive)]
    except SourceUnavailable as error:
        return [checks.about.wrong(str(error), _mend(folder, mount.path))]


def _mend(folder: Folder, path: str) -> str:
    """How the place itself comes to be one that can be watched."""
    if os.path.isfile(path):  # noqa: PTH113 - a path as it is watched
        return "name the folder that it lies in, in `path`"
    if folder.marker is not None and os.path.isdir(path):  # noqa: PTH112
        return f"mount the share at {path}; if it is mounted, put a file {folder.marker} into it, once"
    return f"mount the share or make the folder {path}, and let this program read and write it"


class _Checks:
    def __init__(
        self, folder: Folder, mount: Mount, templates: Sequence[Template], wanted: Callable[[bytes], bool]
    ) -> None:
        self.about = About(f"folder {folder.name}")
        self._folder = folder
        self._mount = mount
        self._templates = templates
        self._wanted = wanted
        self._unreadable: list[str] = []

    def all(self, root: int, drive: Drive) -> Iterator[Finding]:
        yield from self._contents(root, drive)
        yield self._events(drive)
        if drive.is_network and self._folder.marker is None:
            message = "the share has no marker: while it is not mounted, it may look like a folder without any files"
            yield self.about.note(message, "put a file into it once, such as .mounted, and name it in `marker`")
        yield from answers(self._folder, self._mount.path, root, self.about)

    # ------------------------------------------------------------------------------- what is there

    def _contents(self, root: int, drive: Drive) -> Iterator[Finding]:
        try:
            left_out = LeftOut(self._templates, drive.real_path)
            sight = Scan(
                LastFolder(root),
                drive,
                Verdicts(),
                recursive=self._folder.recursive,
                leave_out=left_out,
                marker=self._folder.marker,
            ).everything()
        except OSError as error:
            yield self.about.wrong(str(unavailable(error, self._mount.path)), "let this program read the folder")
            return
        counted, wanted = self._counted(root, sight)
        yield self.about.well(f"{self._mount.path} can be read; {counted}")
        for problem in (sight.problems + sight.barred + self._unreadable)[:5]:
            yield self.about.wrong(problem, "let this program read it, or take it out of the folder")
        if left_out.renamed:
            message = f"left alone, because their files were answered: {some(map(clean, sorted(left_out.renamed)))}"
            yield self.about.note(
                message, "nothing need be done; what is to be taken in again goes back to where it was"
            )
        yield from self._shut(root, sight)
        yield from self._ownerless(wanted)
        yield from self._mistakable(drive)
        yield from self._watches(drive, len(sight.folders))

    def _counted(self, root: int, sight: Sight) -> tuple[str, list[str]]:
        """In words, and the paths of those that would be taken in, as far as they were looked at."""
        files = sight.candidates
        looked_at = files[:MOST_HEADS_READ]
        wanted = [one.path for one in looked_at if self._is_wanted(root, one.path, one.size)]
        left_alone = len(looked_at) - len(wanted)
        if len(files) > MOST_HEADS_READ:
            told = f"of the first {MOST_HEADS_READ}, {left_alone} are none that is accepted"
            return f"{len(files)} files are there; {told}", wanted
        return f"{len(wanted)} files wait or stay, {left_alone} are left alone", wanted

    def _is_wanted(self, root: int, path: str, size: int) -> bool:
        parent, _, name = path.rpartition("/")
        try:
            with folder_below(root, parent) as folder:
                file, _ = open_file(folder, name)
        except OSError as error:
            if not is_gone(error):
                self._unreadable.append(str(unavailable(error, f"{self._mount.path}/{path}")))
            return True
        except Vanished:
            return True
        try:
            return size == 0 or self._wanted(os.pread(file, _HEAD_BYTES, 0))
        except OSError:
            return True
        finally:
            os.close(file)

    def _shut(self, root: int, sight: Sight) -> Iterator[Finding]:
        """Subfolders that files cannot be moved out of. The folder itself is tried for real."""
        if self._folder.done is None and self._folder.error is None:
            return
        below = sorted(sight.folders - {""})[:MOST_HEADS_READ]
        shut = [path for path in below if not os.access(path, os.W_OK | os.X_OK, dir_fd=root, effective_ids=True)]
        if shut:
            message = f"files cannot be moved out of {some(map(clean, shut))}: this program may not write there"
            yield self.about.wrong(message, "let this program write in every folder below, new ones too (setgid)")

    def _ownerless(self, paths: Sequence[str]) -> Iterator[Finding]:
        """Files whose employee is to be read off their path, and cannot be."""
        rule = self._folder.user_code
        if isinstance(rule, FixedCode) or (isinstance(rule, FromPlace) and rule.source == "owner"):
            return
        nobodys = [path for path in paths if code_of(rule, path) is None]
        if nobodys:
            where = "below a folder of the employee's number" if isinstance(rule, FromPlace) else "with such a name"
            message = f"{len(nobodys)} files have no employee number and end in error: {some(map(clean, nobodys))}"
            yield self.about.note(message, f"put them {where}, or see user_code")

    def _mistakable(self, drive: Drive) -> Iterator[Finding]:
        """Folders of answers beside those of employees, whose numbers may look like their dates."""
        rule = self._folder.user_code
        if not isinstance(rule, FromPlace) or rule.source != "subfolder":
            return
        beside = {one.first_dated for one in self._templates if os.path.realpath(one.fixed) == drive.real_path}
        for name in sorted(beside - {""}):
            message = f"a subfolder is taken for one of answers, and left out, where its number can be {name}"
            yield self.about.note(message, f"have these folders in one of their own, such as done/{name}")

    # ------------------------------------------------------------------------------- how it is seen

    def _events(self, drive: Drive) -> Finding:
        kind = drive.file_system or "unknown"
        seconds = self._folder.poll.total_seconds()
        if self._folder.network is True:
            return self.about.well(f"files are looked for every {seconds:g} s, because of `network: true` (on {kind})")
        if self._folder.network == "auto" and drive.is_network:
            return self.about.well(f"files are looked for every {seconds:g} s (a network drive: {kind})")
        if drive.is_network:
            message = f"file events are believed on a network drive ({kind}), which has them only for this machine"
            return self.about.note(message, "set network: auto")
        return self.about.well(f"new files are seen at once (a local drive: {kind})")

    def _watches(self, drive: Drive, folders: int) -> Iterator[Finding]:
        if self._folder.network is True or (self._folder.network == "auto" and drive.is_network):
            return
        with contextlib.suppress(OSError, ValueError):
            most = int(Path("/proc/sys/fs/inotify/max_user_watches").read_text(encoding="ascii"))
            if folders > most * _NEARLY_ALL:
                message = (
                    f"{folders} folders are to be watched, and the machine allows {most}: the rest is found by polling"
                )
                mend = f"sysctl fs.inotify.max_user_watches={2 * folders}, and the same in /etc/sysctl.d"
                yield self.about.note(message, mend)
