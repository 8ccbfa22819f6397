"""The mark of a folder of answered files, by which a scan knows it under whatever name it has by then.

Who renames `done` to `done-2025` within the watched folder would have all in it taken in again, and booked for an
employee of that name where the first folder is the employee's number. The mark is an extended attribute, which no
listing shows; on a drive without such it is a hidden file.
"""

from __future__ import annotations

import os

from watcher.sources.folder.atomic import status_of
from watcher.sources.folder.drive import NEW_FILE
from watcher.sources.folder.names import MARK

_ATTRIBUTE = "user.invoice-watcher.answered"
_SAID = """\
这个文件夹里的文件 invoice-watcher 已经处理过；文件夹改名后，其中的文件也不会再被处理。
要再次处理某个文件，请把它移回原来的文件夹。

invoice-watcher has answered the files in this folder, and leaves them alone whatever it is called.
To have one taken in again, move it back to the folder that it came from.
"""


def mark(folder: int) -> None:
    """Give it to an open folder that has none. Raises OSError."""
    if has_attribute(folder) or status_of(folder, MARK) is not None:
        return
    try:
        os.setxattr(folder, _ATTRIBUTE, b"1")
    except OSError:
        with open(os.open(MARK, NEW_FILE, 0o644, dir_fd=folder), "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor has no path
            file.write(_SAID)


def has_attribute(folder: int) -> bool:
    """Whether an open folder has the mark that no listing shows."""
    try:
        return bool(os.getxattr(folder, _ATTRIBUTE))
    except OSError:  # it has none, or its drive has none
        return False
