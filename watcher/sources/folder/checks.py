"""What `check` finds out about a folder, leaving nothing behind."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from watcher.config.sections import Folder
from watcher.errors import SourceUnavailable, Vanished
from watcher.model import Finding
from watcher.sources.folder.atomic import remove
from watcher.sources.folder.drive import Drive, Mount, folder_below, is_gone, open_file, unavailable
from watcher.sources.folder.names import OWN_PREFIX
from watcher.sources.folder.scan import Scan, Sight
from watcher.sources.folder.target import Template
from watcher.sources.folder.verdicts import Verdicts

LEAST_FREE_BYTES = 1_000_000_000
MOST_HEADS_READ = 10_000
_HEAD_BYTES = 4096


def findings(
    folder: Folder, mount: Mount, templates: Sequence[Template], wanted: Callable[[bytes], bool]
) -> list[Finding]:
    """One finding for each thing that was looked at; the first ones decide whether the rest makes sense."""
    checks = _Checks(folder, mount, templates, wanted)
    try:
        with mount.opened() as (root, drive):
            return [*checks.all(root, drive)]
    except SourceUnavailable as error:
        mend = f"mount the share or make the folder {mount.path}, and let this program read and write it"
        return [Finding(subject=checks.subject, ok=False, message=str(error), mend=mend)]


class _Checks:
    def __init__(
        self, folder: Folder, mount: Mount, templates: Sequence[Template], wanted: Callable[[bytes], bool]
    ) -> None:
        self.subject = f"folder {folder.name}"
        self._folder = folder
        self._mount = mount
        self._templates = templates
        self._wanted = wanted
        self._unreadable: list[str] = []

    def all(self, root: int, drive: Drive) -> Iterator[Finding]:
        yield from self._contents(root, drive)
        yield self._events(drive)
        yield from self._answers(root)

    def _ok(self, message: str, *, warning: bool = False, mend: str | None = None) -> Finding:
        return Finding(subject=self.subject, ok=True, message=message, warning=warning, mend=mend)

    def _bad(self, message: str, mend: str) -> Finding:
        return Finding(subject=self.subject, ok=False, message=message, mend=mend)

    # ------------------------------------------------------------------------------- what is there

    def _contents(self, root: int, drive: Drive) -> Iterator[Finding]:
        ours = [template.leaves_out(drive.real_path) for template in self._templates]
        try:
            sight = Scan(
                root,
                drive,
                Verdicts(),
                recursive=self._folder.recursive,
                leave_out=lambda path: any(is_ours(path) for is_ours in ours),
                marker=self._folder.marker,
            ).everything()
        except OSError as error:
            yield self._bad(str(unavailable(error, self._mount.path)), "let this program read the folder")
            return
        yield self._ok(f"{self._mount.path} can be read; {self._counted(root, sight)}")
        for problem in (sight.problems + sight.barred + self._unreadable)[:5]:
            yield self._bad(problem, "let this program read it, or take it out of the folder")
        yield from self._watches(len(sight.folders))

    def _counted(self, root: int, sight: Sight) -> str:
        files = sight.candidates
        left_alone = sum(not self._is_wanted(root, one.path, one.size) for one in files[:MOST_HEADS_READ])
        if len(files) > MOST_HEADS_READ:
            return (
                f"{len(files)} files are there; of the first {MOST_HEADS_READ}, {left_alone} are none that is accepted"
            )
        return f"{len(files) - left_alone} files wait or stay, {left_alone} are left alone"

    def _is_wanted(self, root: int, path: str, size: int) -> bool:
        parent, _, name = path.rpartition("/")
        try:
            with folder_below(root, parent) as folder:
                file = open_file(folder, name)
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

    # ------------------------------------------------------------------------------- how it is seen

    def _events(self, drive: Drive) -> Finding:
        kind = drive.file_system or "unknown"
        seconds = self._folder.poll.total_seconds()
        if self._folder.network is True or (self._folder.network == "auto" and drive.is_network):
            return self._ok(f"files are looked for every {seconds:g} s (a network drive: {kind})")
        if self._folder.network is False and drive.is_network:
            message = f"file events are believed on a network drive ({kind}), which has them only for this machine"
            return self._ok(message, warning=True, mend="set network: auto")
        return self._ok(f"new files are seen at once (a local drive: {kind})")

    def _watches(self, folders: int) -> Iterator[Finding]:
        if self._folder.network is True:
            return
        with contextlib.suppress(OSError, ValueError):
            most = int(Path("/proc/sys/fs/inotify/max_user_watches").read_text(encoding="ascii"))
            if folders > most * 0.8:
                message = (
                    f"{folders} folders are to be watched, and the machine allows {most}: the rest is found by polling"
                )
                yield self._ok(message, warning=True, mend="raise fs.inotify.max_user_watches with sysctl")

    # ----------------------------------------------------------------------------------- where it goes

    def _answers(self, root: int) -> Iterator[Finding]:
        for setting, text in (("done", self._folder.done), ("error", self._folder.error)):
            if text is None:
                yield self._ok(f"files stay where they are ({setting}: null)")
                continue
            template = Template.of(self._mount.path, text)
            if template.text == self._mount.path:
                yield self._bad(
                    f"{setting} is the watched folder itself, so files stay", f"name another folder as {setting}"
                )
                continue
            yield from self._target(setting, template, root)
        if None not in (self._folder.done, self._folder.error):
            yield self._writable(self._mount.path, "files can be moved away")

    def _target(self, setting: str, template: Template, root: int) -> Iterator[Finding]:
        there = _nearest(template.fixed)
        finding = self._writable(there, f"{setting} can be written")
        yield finding
        if not finding.ok:
            return
        if Path(there).stat().st_dev != os.fstat(root).st_dev:
            yield self._ok(f"{setting} lies on another drive: files are copied there, then removed", warning=True)
        free = shutil.disk_usage(there).free
        if free < LEAST_FREE_BYTES:
            yield self._ok(f"{setting} has only {free // 1_000_000} MB left", warning=True, mend="make room there")

    def _writable(self, path: str, message: str) -> Finding:
        probe = f"{OWN_PREFIX}probe-{os.getpid()}.tmp"
        try:
            here = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=here))
                remove(here, probe)
            finally:
                os.close(here)
        except OSError as error:
            return self._bad(str(unavailable(error, path)), f"let this program write in {path}")
        return self._ok(f"{message} ({path})")


def _nearest(path: str) -> str:
    """The folder itself, or where it is missing the one that it will be made in."""
    while path != "/" and not os.path.lexists(path):
        path = path.rpartition("/")[0] or "/"
    return path
