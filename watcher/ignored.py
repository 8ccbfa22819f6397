"""Which names in a watched folder are never looked at."""

from __future__ import annotations

import re

_IGNORED = re.compile(
    r"""\.|~\$
    |(?:thumbs\.db|@eadir|desktop\.ini|lost\+found)\Z
    # what was deleted and what was saved, as file servers keep it in the share itself: Synology, QNAP, NetApp, Windows
    |(?:\#recycle|@recycle|\$recycle\.bin|\#snapshot|@recently-snapshot|~snapshot|system\ volume\ information)\Z
    # filepart: WinSCP; partial: OneDrive, rclone; download: Safari; opdownload: Opera; xltd: Thunder; the last: Baidu
    |.*\.(?:part|partial|filepart|tmp|crdownload|download|opdownload|xltd|downloading)\Z
    |.*\.sb-[0-9a-f]{8}-\w{6}\Z  # what macOS writes before it replaces a file""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)


# What an editor keeps of an earlier state: posted, it would be another content. Folders are called so by people.
_EARLIER_STATE = re.compile(r".*(?:~|\.bak)\Z", re.IGNORECASE | re.DOTALL)


def is_ignored(name: str) -> bool:
    """Whether a file of this name is never looked at: a hidden one, or what programs leave lying about."""
    return is_ignored_folder(name) or _EARLIER_STATE.match(name) is not None


def is_ignored_folder(name: str) -> bool:
    """Whether a folder of this name is never looked at, with all that is in it."""
    return _IGNORED.match(name) is not None
