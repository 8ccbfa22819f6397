"""The scan of a folder: which files are there that nothing is known of. It is the truth about what to take in."""

from __future__ import annotations

import os
import stat

from msgspec import Struct, field

from watcher.ignored import is_ignored, is_ignored_folder
from watcher.sources.folder.drive import Drive, LastFolder, folder_below, is_gone, unavailable
from watcher.sources.folder.identity import Candidate
from watcher.sources.folder.names import MARK, OWN_PREFIX, for_display
from watcher.sources.folder.target import LeftOut
from watcher.sources.folder.verdicts import STATS_PER_SCAN, FolderVerdicts, Verdicts

DEEPEST = 100  # folders within folders; each costs a descriptor while it is read


class Sight(Struct, kw_only=True):
    """What a scan saw."""

    candidates: list[Candidate] = field(default_factory=list)
    folders: set[str] = field(default_factory=set)
    leftovers: list[str] = field(default_factory=list)  # files under our temporary names
    barred: list[str] = field(default_factory=list)  # sentences about what we may not look at: it stays
    problems: list[str] = field(default_factory=list)  # sentences about what could not be seen: the drive fails

    def note(self, error: OSError, path: str) -> None:
        """Keep what hindered us at one path."""
        if is_gone(error):
            return
        sentences = self.barred if isinstance(error, PermissionError) else self.problems
        sentences.append(str(unavailable(error, path)))


class Scan:
    """One pass over the root of `folders` or a part of it."""

    def __init__(
        self,
        folders: LastFolder,
        drive: Drive,
        verdicts: Verdicts,
        *,
        recursive: bool,
        leave_out: LeftOut,
        marker: str | None,
        turn: int = 0,
    ) -> None:
        self.seen = Sight()
        self._folders = folders
        self._inside: str | None = None  # the folder that was last seen to be scanned
        self._drive = drive
        self._stable_inodes = drive.stable_inodes
        self._verdicts = verdicts
        self._recursive = recursive
        self._leave_out = leave_out
        self._marker = marker
        self._stride = 1 + len(verdicts) // STATS_PER_SCAN
        self._turn = turn

    def everything(self) -> Sight:
        """All files below the root; raises OSError where the root itself cannot be read."""
        self.folder("")
        return self.seen

    def folder(self, path: str) -> None:
        """The files of one folder and of those in it; raises OSError only for the root."""
        try:
            with folder_below(self._folders.root, path) as here:
                if not path or not self._leave_out.has(path, here):
                    self._walk(here, path)
        except OSError as error:
            self._not_seen(error, path)

    def file(self, path: str) -> bool:
        """One file, whatever was known of it; whether it is there. Raises OSError only where the root fails."""
        self._verdicts.drop(path)
        parent, _, name = path.rpartition("/")
        if is_ignored(name) or path == self._marker or not self._is_scanned(parent):
            return False
        try:
            status = os.stat(name, dir_fd=self._folders.at(parent), follow_symlinks=False)
        except OSError as error:
            self._not_seen(error, parent)
            return False
        if stat.S_ISREG(status.st_mode):
            self._add(path, status)
        return stat.S_ISREG(status.st_mode)

    def _is_scanned(self, folder: str) -> bool:
        if folder and folder != self._inside:
            if not self.is_inside(folder):
                return False
            self._inside = folder
        return True

    def is_inside(self, folder: str) -> bool:
        """Whether a folder is one that is scanned."""
        parts = folder.split("/")
        if not self._recursive or any(is_ignored_folder(part) for part in parts):
            return False
        return not any(self._leave_out("/".join(parts[: end + 1])) for end in range(len(parts)))

    def _walk(self, here: int, path: str) -> None:
        self.seen.folders.add(path)
        subfolders = self._read(here, path)
        for name in subfolders:
            below = f"{path}/{name}" if path else name
            if self._leave_out(below):
                continue
            if below.count("/") >= DEEPEST:
                self.seen.barred.append(f"{for_display(below)[:200]} lies too deep and is not looked into")
                continue
            try:
                with folder_below(here, name) as there:
                    if not self._leave_out.has(below, there):
                        self._walk(there, below)
            except OSError as error:
                self._not_seen(error, below)

    def _read(self, here: int, path: str) -> list[str]:
        """Note the files of an open folder; the names of the folders in it."""
        verdicts = self._verdicts.of(path)
        # Of a hundred thousand files that stand nothing but this line is run.
        stands, stride, turn = (
            verdicts.stand_by_inode if self._stable_inodes else verdicts.stand,
            self._stride,
            self._turn,
        )
        subfolders: list[str] = []
        standing, before = 0, len(self.seen.candidates)
        with os.scandir(here) as entries:
            for entry in entries:
                if stands(entry) and ((standing + turn) % stride or self._is_unchanged(entry, verdicts)):
                    standing += 1
                elif entry.is_dir(follow_symlinks=False):
                    if self._recursive and not is_ignored_folder(entry.name):
                        subfolders.append(entry.name)
                elif entry.is_file(follow_symlinks=False):
                    self._note(entry, f"{path}/{entry.name}" if path else entry.name)
        if path in self._leave_out.renamed:
            del self.seen.candidates[before:]
            return []
        if standing < len(verdicts):
            verdicts.drop_absent(os.listdir(here))
        return subfolders

    def _is_unchanged(self, entry: os.DirEntry[str], verdicts: FolderVerdicts) -> bool:
        """Whether a file that stands is also as large and as old as it was. With many only some are asked each time."""
        try:
            if verdicts.is_unchanged(entry.name, entry.stat(follow_symlinks=False)):
                return True
        except OSError:
            pass  # it is leaving just now
        verdicts.drop(entry.name)
        return False

    def _note(self, entry: os.DirEntry[str], path: str) -> None:
        if is_ignored(entry.name) or path == self._marker:
            if entry.name == MARK and "/" in path:  # the watched folder itself may have been one of answers once
                self._leave_out.is_renamed(path.rpartition("/")[0])
            elif entry.name.startswith(OWN_PREFIX):
                self.seen.leftovers.append(path)
            return
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as error:
            self._not_seen(error, path)
            return
        self._add(path, status)

    def _add(self, path: str, status: os.stat_result) -> None:
        self.seen.candidates.append(Candidate(status.st_mtime_ns, path, status.st_size, status.st_ino))

    def _not_seen(self, error: OSError, path: str) -> None:
        if not path and not is_gone(error):
            raise error
        self.seen.note(error, f"{self._drive.real_path}/{path}")
