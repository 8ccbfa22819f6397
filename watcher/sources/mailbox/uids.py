"""Sets of UIDs, as IMAP writes them."""

from __future__ import annotations

from collections.abc import Sequence


def uid_set(uids: Sequence[int]) -> str:
    """``1:3,7``: as short as it can be, because servers limit the length of a command."""
    ranges: list[list[int]] = []
    for uid in sorted(uids):
        if ranges and uid == ranges[-1][1] + 1:
            ranges[-1][1] = uid
        else:
            ranges.append([uid, uid])
    return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in ranges)


def among(uids: Sequence[int], told: Sequence[bytes]) -> list[int]:
    """Those of the UIDs that are the sources of a COPYUID, ``1511 304,319:320 3956:3958``."""
    sources = [words[1] for words in (line.split() for line in told) if len(words) > 1]
    ranges = [_range(each) for source in sources for each in source.split(b",")]
    return [uid for uid in uids if any(first <= uid <= last for first, last in ranges)]


def _range(written: bytes) -> tuple[int, int]:
    ends = [int(end) for end in written.split(b":") if end.isdigit()] or [0]
    return min(ends), max(ends)
