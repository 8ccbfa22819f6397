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
    |.*(?:~|\.bak)\Z  # what an editor keeps of an earlier state: posted, it would be another content
    |.*\.sb-[0-9a-f]{8}-\w{6}\Z  # what macOS writes before it replaces a file""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)


def is_ignored(name: str) -> bool:
    """Whether a file or folder of this name is never looked at: hidden ones, and what programs leave lying about."""
    return _IGNORED.match(name) is not None
