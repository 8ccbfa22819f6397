"""Which names in a watched folder are never looked at."""

from __future__ import annotations

import re

_IGNORED = re.compile(
    r"\.|~\$|(?:thumbs\.db|@eadir|desktop\.ini|lost\+found)\Z|.*\.(?:part|tmp|crdownload)\Z", re.IGNORECASE | re.DOTALL
)


def is_ignored(name: str) -> bool:
    """Whether a file or folder of this name is never looked at: hidden ones, and what programs leave lying about."""
    return _IGNORED.match(name) is not None
