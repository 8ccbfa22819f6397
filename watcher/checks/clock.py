"""Whether this machine's clock is right, by what the servers tell of theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from watcher.findings import About, some
from watcher.model import Finding

# HTTP tells whole seconds. Beyond a minute tokens, signatures of mails and signed addresses begin to be refused: the
# strictest services that are known allow so much, object stores a quarter of an hour.
NOTED_SECONDS, WRONG_SECONDS = 5.0, 60.0

_SET = "let this machine's clock be set by NTP: timedatectl set-ntp true (systemd-timesyncd or chrony)"
_ABOUT = About("clock")


def clock_findings(ahead: Mapping[str, float]) -> Iterator[Finding]:
    """By how many seconds each server's clock is ahead of ours (negative: behind), by its name.

    Ours is taken to be wrong only where it agrees with nobody's.
    """
    if not ahead:
        yield _ABOUT.well("no server that was asked tells the time")
        return
    least = min(ahead.values(), key=abs)
    if abs(least) > NOTED_SECONDS:
        yield _ours(ahead, -least)
        return
    agreeing = [name for name, seconds in ahead.items() if abs(seconds) <= NOTED_SECONDS]
    yield _ABOUT.well(f"agrees within {NOTED_SECONDS:g} s with {some(agreeing)}")
    for name, seconds in ahead.items():
        if abs(seconds) > WRONG_SECONDS:
            message = f"the clock of {name} is {_told(seconds)} ours, which agrees with others"
            yield _ABOUT.note(message, "have whoever runs that server set its clock: signed addresses depend on it")


def _ours(ahead: Mapping[str, float], seconds: float) -> Finding:
    whose = f"this machine's clock is {_told(seconds)} {'that' if len(ahead) == 1 else 'those'} of {some(ahead)}"
    if abs(seconds) <= WRONG_SECONDS:
        return _ABOUT.note(whose, _SET)
    return _ABOUT.wrong(f"{whose}: tokens, signed addresses and the proof of senders fail", _SET)


def _told(seconds: float) -> str:
    rounded = round(abs(seconds))
    size = f"{rounded} s" if rounded < 600 else f"{rounded // 60} min"  # noqa: PLR2004 - ten minutes
    return f"{size} {'ahead of' if seconds > 0 else 'behind'}"
