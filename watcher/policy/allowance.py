"""How much one sender may submit in an hour."""

from __future__ import annotations

from datetime import timedelta

from watcher.config.sections import PerSender
from watcher.model import Spent

WINDOW = timedelta(hours=1)
MOST_REPLIES = 60  # to one address in that time: two machines that write to each other are not many mails a minute
# An address that was sent so many in that time is sent no acknowledgement: its answers must not have to wait for those.
MOST_BEFORE_ACKNOWLEDGEMENTS = MOST_REPLIES // 2


def is_used_up(spent: Spent, size: int, limit: PerSender) -> bool:
    """Whether a further mail of `size` bytes has to wait.

    One that is larger than all that is allowed may come by itself: it would wait for ever.
    """
    return spent.count >= limit.submissions or (spent.count > 0 and spent.bytes + size > limit.bytes)
