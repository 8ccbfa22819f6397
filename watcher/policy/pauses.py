"""Pauses that grow from failure to failure. Pure: randomness is handed in."""

from __future__ import annotations

# What the journal says of a source that refuses us, after the server's own words; alerts know it by this.
REFUSED_SAID = "tried again only every few minutes, lest the account be blocked, or at once after a restart"


def growing(failures: int, *, first: float, longest: float, fraction: float) -> float:
    """Seconds to wait after that many failures in a row (1 for the first).

    Each bound is twice the one before; the pause is at least half of it, and all of it where `fraction`, in
    [0, 1], is 1, so that what failed together does not come back together.
    """
    # 64 doublings are beyond any `longest`; more would overflow a float.
    bound = min(first * 2.0 ** min(failures - 1, 64), longest)
    return bound * (0.5 + fraction / 2)
