"""Moving an answered file, so that nothing is overwritten, lost or mistaken, whenever the program dies.

The file is first renamed to a hidden name beside it, where no writer that comes anew finds it, and
compared with what was taken in; only then it gets its new name. The hidden name follows from the file's
state alone, so that whoever repeats the move finds what an interrupted one has left. The note comes
first: a file in error/ has it from its first moment, and a note without its file is written again.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import ExitStack, suppress

from watcher.clock import boot_seconds
from watcher.errors import TargetTaken, Vanished
from watcher.sources.folder.atomic import (
    copy_of,
    is_empty_file,
    remove,
    rename_aside,
    rename_new,
    same_content,
    sync_folder,
)
from watcher.sources.folder.copies import new_copy_name, remove_copies
from watcher.sources.folder.drive import open_file
from watcher.sources.folder.hidden import hidden_spot
from watcher.sources.folder.identity import Fingerprint, are_one_file
from watcher.sources.folder.names import for_display
from watcher.sources.folder.note import has_note, keep_note, take_back_note
from watcher.sources.folder.spot import Spot

LATE_SECONDS = 30.0  # of a move's begin: another node may have begun it as well before it ends


class Move:
    """One move of the file at `source`, which is `expected` to be there, to `target`.

    `named_after` is what it was when it was taken in, as it is recorded. Names on the way follow from that: what it is
    expected to be now may be told anew each time. `first`: no try was made before, so that what lies at the target is
    another file, even if it is equal.
    """

    def __init__(
        self,
        source: Spot | None,
        target: Spot,
        expected: Fingerprint,
        note: str | None,
        *,
        came: Callable[[int], None],
        named_after: Fingerprint,
        first: bool,
    ) -> None:
        """`came` is told of the folder that the file was renamed into, to have that on the disk, now or later."""
        self._source = source
        self._named_after = named_after
        self._hidden = hidden_spot(source, named_after) if source else None
        self._target = target
        self._expected = expected
        self._note = note
        self._came = came
        self._first = first
        self._note_before: bytes | None = None  # that ours was written over
        self._over_empty = False
        self._is_copied = False  # it had to be, though both ends seem to be on one drive
        self._began = boot_seconds()

    def carry_out(self) -> None:
        """Raises TargetTaken, Vanished, OSError; may be repeated whatever came of it before."""
        try:
            self._carry_out()
        except (TargetTaken, Vanished):
            self._remove_others_copies()
            raise
        self._remove_others_copies()

    def _carry_out(self) -> None:
        here = self._find()
        there = self._target.status
        if here is None:
            self._be_sure_it_is_there(there)
        elif there is not None and not self._may_be_only_taken(here, there):
            self._finish(here, there)
        else:
            self._bring_with_note(here, over_empty=there is not None)

    def _may_be_only_taken(self, here: tuple[Spot, os.stat_result], there: os.stat_result) -> bool:
        """Whether the name may be taken by a move that died before it could fill it: it had hidden the file by then."""
        spot, status = here
        return not self._first and spot is self._hidden and is_empty_file(there) and not is_empty_file(status)

    def _bring_with_note(self, here: tuple[Spot, os.stat_result], *, over_empty: bool) -> None:
        self._over_empty = over_empty
        self._keep_note(here[1])
        try:
            self._bring(here[0])
        except BaseException as error:
            if isinstance(error, Vanished) and self._was_brought():
                return
            self._take_note_back(here[1])
            if isinstance(error, FileExistsError):
                raise TargetTaken(f"another file took the name {for_display(self._target.name)}") from error
            raise

    def _was_brought(self) -> bool:
        """Whether another node has done it meanwhile: it took so long that it was claimed once more."""
        there = self._target.status
        return self._find() is None and there is not None and self._expected.resembles(there)

    def _find(self) -> tuple[Spot, os.stat_result] | None:
        """Where the file is, if it has not arrived. A hidden one may just be put back, so that is asked twice."""
        for spot in (self._hidden, self._source, self._hidden):
            status = spot.status if spot else None
            if spot is not None and status is not None and (spot is self._hidden or self._expected.matches(status)):
                return spot, status
        return None

    def _be_sure_it_is_there(self, there: os.stat_result | None) -> None:
        if there is None or not self._may_be_ours(there):
            if self._source is not None and self._source.status is not None:
                raise Vanished(f"{for_display(self._source.name)} has changed since it was taken in")
            raise Vanished(f"{for_display(self._target.name)} is neither where it was nor where it was to go")
        self._keep_note(there)
        self._came(self._target.folder)

    def _finish(self, here: tuple[Spot, os.stat_result], there: os.stat_result) -> None:
        """Both are there: an interrupted move, or another file with that name."""
        spot, status = here
        if not are_one_file(status, there) and not self._is_our_copy(spot, there):
            raise TargetTaken(f"{for_display(self._target.name)} is there already")
        self._keep_note(status)
        sync_folder(self._target.folder)
        if self._is_other_name(spot, status, there):
            remove(spot.folder, spot.name)
            sync_folder(spot.folder)

    def _may_be_ours(self, there: os.stat_result) -> bool:
        return not self._first and self._expected.resembles(there)

    def _is_our_copy(self, spot: Spot, there: os.stat_result) -> bool:
        """Its time says nothing: some drives do not let us set it. Its note came before it, as ours does."""
        may_be = not self._first and there.st_size == self._expected.size
        return may_be and has_note(self._target, self._note) and self._is_copy(spot)

    def _is_other_name(self, spot: Spot, status: os.stat_result, there: os.stat_result) -> bool:
        """Whether the file has two names, so that one can go: a folder may be seen under two paths."""
        if not are_one_file(status, there):
            return True  # it was copied
        return there.st_nlink > 1 and not os.path.samestat(os.fstat(spot.folder), os.fstat(self._target.folder))

    def _is_copy(self, spot: Spot) -> bool:
        with ExitStack() as files:
            one, _ = open_file(spot.folder, spot.name)
            files.callback(os.close, one)
            other, _ = open_file(self._target.folder, self._target.name)
            files.callback(os.close, other)
            return same_content(one, other)

    def _bring(self, spot: Spot) -> None:
        if spot.device == self._target.device:
            hidden = self._hide(spot)
            try:
                self._give_name(hidden, hidden)
            except OSError as error:
                if error.errno != errno.EXDEV:  # two mounts of one drive
                    raise
            else:
                self._came(self._target.folder)
                return
        self._copy(self._shown(spot))

    def _hide(self, spot: Spot) -> Spot:
        """Give it its hidden name, and put it back if it is not what was taken in."""
        hidden = self._hidden or spot
        try:
            if spot is not hidden:
                rename_aside(spot.folder, spot.name, hidden.name)
        except FileNotFoundError as error:
            if hidden.status is None:  # else the drive did rename it, and its answer was lost on the way
                raise Vanished(f"{for_display(spot.name)} was taken away before its move") from error
        status = hidden.status
        if status is None:
            raise Vanished(f"{for_display(hidden.name)} was taken away during its move")
        if not self._expected.matches(status):
            self._put_back(hidden)
            raise Vanished(f"{for_display(hidden.name)} has changed since it was taken in")
        return hidden

    def _put_back(self, hidden: Spot) -> None:
        """Where its name was taken meanwhile, the next scans find it and give it another."""
        if self._source is not None and hidden is self._hidden:
            with suppress(FileExistsError):
                rename_new(hidden.folder, hidden.name, self._source.folder, self._source.name)

    def _shown(self, spot: Spot) -> Spot:
        """The file under its own name while it is copied, for scans put back what stays hidden for long."""
        if self._hidden is None or self._hidden.status is None:
            return spot
        self._put_back(self._hidden)
        return self._source if self._hidden.status is None and self._source else self._hidden

    def _give_name(self, named: Spot, hidden: Spot) -> None:
        try:
            target = self._target
            rename_new(named.folder, named.name, target.folder, target.name, over_empty=self._over_empty)
        except OSError:
            self._put_back(hidden)
            raise

    def _copy(self, spot: Spot) -> None:
        """To another drive: copied, compared, named, and only then removed here."""
        self._is_copied = True
        temporary = self._target.beside(new_copy_name(self._target.name, self._named_after))
        try:
            self._write_copy(spot, temporary)
            hidden = self._hide(spot)
            self._give_name(temporary, hidden)
        except BaseException:
            remove(temporary.folder, temporary.name)
            raise
        sync_folder(self._target.folder)
        remove(hidden.folder, hidden.name)
        sync_folder(hidden.folder)

    def _write_copy(self, spot: Spot, temporary: Spot) -> None:
        file, _ = open_file(spot.folder, spot.name)
        try:
            copy_of(file, temporary.folder, temporary.name)
            if not self._expected.matches(os.fstat(file)):
                raise Vanished(f"{for_display(spot.name)} changed while it was copied")
        finally:
            os.close(file)

    def _remove_others_copies(self) -> None:
        """Where this was begun more than once, it is over for all: who still copies finds his copy gone."""
        may_be_others = not self._first or boot_seconds() - self._began >= LATE_SECONDS
        is_copied = self._is_copied or self._source is None or self._source.device != self._target.device
        if may_be_others and is_copied:
            with suppress(OSError):
                remove_copies(self._target.folder, self._target.name, self._named_after)

    def _take_note_back(self, like: os.stat_result) -> None:
        """A note must not stand beside a file that did not come, or another's."""
        if self._note is not None:
            with suppress(OSError, TargetTaken):
                take_back_note(self._target, self._note, self._note_before, like)

    def _keep_note(self, like: os.stat_result) -> None:
        if self._note is not None:
            self._note_before = keep_note(self._target, self._note, like)
