"""What is wrong, of which of it the operators are told, and when it is told to be over.

The rules, in the order in which they are applied:

- A condition is told when it has lasted for its `wait` since it was first seen, `alerts.after` for what may mend
  itself; what has a patience of its own (`held_after`) or cannot mend itself (a double booking) is told at once.
- While it lasts it is told again once a day.
- It is told to be over when it has stayed away for as long as `alerts.after`, and only if it was told. Until then it
  may come and go unnoticed.
- Each time it comes back within a day after that, its next recovery has to last longer: 5 minutes, 10, 20, 40, then an
  hour. So what comes and goes for ever is told of twice an hour at most.
- What was not told, and is seen to stay away for a minute and a half, is forgotten and begins anew when it returns.
- What other nodes see is left to them for as long as one tells it again each day. What none has told for two days is
  over: its source was taken out, or its endpoint has another address. Where there are no other nodes, it is so at
  once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from watcher.model import Alert, Language

_AGAIN_AFTER = timedelta(days=1)
_FORGOTTEN_AFTER = timedelta(seconds=90)  # longer than from one look to the next
_STEADY_AFTER = timedelta(days=1)
_NOBODYS_AFTER = timedelta(days=2)  # longer than from one telling to the next
_FIRST_CALM, _LONGEST_CALM = timedelta(minutes=5), timedelta(hours=1)
_LONGEST_SPACING = timedelta(minutes=1)

Moment = Callable[[datetime], str]


class AlarmRules(Struct, frozen=True, kw_only=True):
    """What the configuration says of it."""

    after: timedelta
    held_after: Mapping[str, timedelta]  # of each source of this node
    endpoint: str
    language: Language
    moment: Moment  # how times are written
    is_alone: bool = False  # no other node has this journal

    @property
    def sources(self) -> Collection[str]:
        return self.held_after.keys()

    @property
    def spacing(self) -> timedelta:
        """The least time between two messages."""
        return min(self.after, _LONGEST_SPACING)


class Condition(Struct, frozen=True, kw_only=True):
    """Something that is wrong now; `key` is the same as long as it lasts."""

    key: str
    said: str
    wait: timedelta  # how long it must have lasted to be told
    recurs: bool = True  # it may end, and is told again while it lasts; else it has happened, and is told once
    grave: bool = False  # somebody's money
    explained: bool = False  # something else that is told is why: not told of itself, and not over either


class Decision(Struct, frozen=True, kw_only=True):
    """What to tell now, and what to remember."""

    tell: tuple[Condition, ...] = ()  # new, or still there after a day
    over: tuple[Alert, ...] = ()  # what was told and is over
    keep: tuple[Alert, ...] = ()  # to be written whatever comes of telling; only what is new
    forget: tuple[str, ...] = ()  # keys to be deleted
    told: tuple[Alert, ...] = ()  # to be written once somebody has been told

    @property
    def changes(self) -> bool:
        """Whether there is anything to do at all."""
        return bool(self.tell or self.over or self.keep or self.forget)


def decide(present: Sequence[Condition], remembered: Sequence[Alert], rules: AlarmRules, now: datetime) -> Decision:
    """See the rules above. What other nodes remember of their own sources is left alone."""
    there = {condition.key for condition in present}
    known = {alert.key: alert for alert in remembered if _is_ours(alert.key, rules) or _is_nobodys(alert, now)}
    parts = [_lasting(condition, known.get(condition.key), now) for condition in present]
    parts += [_leaving(alert, rules, now) for alert in known.values() if alert.key not in there]
    return Decision(
        tell=tuple(condition for part in parts for condition in part.tell),
        over=tuple(alert for part in parts for alert in part.over),
        keep=tuple(alert for part in parts for alert in part.keep),
        forget=tuple(key for part in parts for key in part.forget),
        told=tuple(alert for part in parts for alert in part.told),
    )


def _lasting(condition: Condition, alert: Alert | None, now: datetime) -> Decision:
    """It is there."""
    if condition.explained:
        return _explained(alert, now)
    seen = _seen(condition, alert, now)
    keep = (seen,) if seen != alert else ()
    told_at = seen.told_at
    if told_at is None:
        is_due = now - seen.since >= condition.wait
    else:
        is_due = condition.recurs and now - told_at >= _AGAIN_AFTER
    if not is_due:
        return Decision(keep=keep)
    return Decision(tell=(condition,), keep=keep, told=(replace(seen, said=condition.said, told_at=now),))


def _explained(alert: Alert | None, now: datetime) -> Decision:
    """Nothing is told of it. It counts as told again each day, so that no other node takes it for nobody's."""
    if alert is None:
        return Decision()
    if alert.told_at is None:
        return Decision(forget=(alert.key,))
    return Decision(keep=(replace(alert, told_at=now),) if now - alert.told_at >= _AGAIN_AFTER else ())


def _seen(condition: Condition, alert: Alert | None, now: datetime) -> Alert:
    """As it is remembered once it has been seen now. What was away for a moment goes on."""
    if alert is None:
        return Alert(key=condition.key, since=now, said=condition.said)
    alert = _not_ahead(alert, now)
    if alert.gone_at is None:
        return alert
    goes_on = alert.told_at is not None or now - alert.gone_at < _FORGOTTEN_AFTER
    return replace(alert, gone_at=None, since=alert.since if goes_on else now)


def _not_ahead(alert: Alert, now: datetime) -> Alert:
    """With no time that is still to come: after the clock was set back it would be waited for that."""
    told_at = None if alert.told_at is None else min(alert.told_at, now)
    return replace(alert, since=min(alert.since, now), told_at=told_at)


def _leaving(alert: Alert, rules: AlarmRules, now: datetime) -> Decision:
    """It is not there any more."""
    if alert.gone_at is None or alert.gone_at > now:
        alert = replace(alert, gone_at=now)
        keep: tuple[Alert, ...] = (alert,)
    else:
        keep = ()
    away = now - (alert.gone_at or now)
    if kind_of(alert.key) == "booked-twice":
        return Decision(forget=(alert.key,))
    if alert.told_at is not None:
        if away < _calm(alert.times, rules.after):
            return Decision(keep=keep)
        return Decision(over=(alert,), keep=keep, told=(replace(alert, told_at=None, times=alert.times + 1),))
    if away >= (_STEADY_AFTER if alert.times else _FORGOTTEN_AFTER):
        return Decision(forget=(alert.key,))
    return Decision(keep=keep)


def _calm(times: int, after: timedelta) -> timedelta:
    """How long it must have stayed away to be told to be over, when that has been told so many times before."""
    if times == 0:
        return after
    grown: timedelta = _FIRST_CALM * (1 << min(times - 1, 16))
    return max(after, min(grown, _LONGEST_CALM))


def kind_of(key: str) -> str:
    """The first word."""
    return key.partition(" ")[0]


def _is_ours(key: str, rules: AlarmRules) -> bool:
    """Whether this node can tell if it is over: other nodes may have other sources."""
    kind, _, name = key.partition(" ")
    if rules.is_alone or not name:
        return True
    if kind in ("booked-twice", "worker", "stray"):  # a stray is nobody's source, and everybody sees it
        return True
    return name == rules.endpoint if kind == "gate" else name in rules.sources


def _is_nobodys(alert: Alert, now: datetime) -> bool:
    """Whether no node has seen it for so long that none has its source or endpoint any more."""
    last = alert.told_at or alert.gone_at
    return last is not None and now - last > _NOBODYS_AFTER
