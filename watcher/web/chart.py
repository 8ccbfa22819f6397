"""What came and went of late, as a drawing: numbers in, geometry out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct

from watcher.model import Activity, Outcome

WIDTH, HEIGHT = 720, 100  # of each of the two panels, in the drawing's own units
_GAP = 0.25  # of a step, between two bars
_LABELS = 5


class Bar(Struct, frozen=True, kw_only=True):
    """What was settled in a step; `failed` is the part of it that ended in error, drawn below."""

    x: float
    width: float
    height: float
    failed: float


class Row(Struct, frozen=True, kw_only=True):
    """The numbers of a step, for who reads instead of looking."""

    begins: str
    settled: int
    failed: int
    waiting: int


class Chart(Struct, frozen=True, kw_only=True):
    bars: tuple[Bar, ...]
    line: str  # the points of what waits, as SVG has them
    area: str  # the same, closed at the bottom
    most_settled: int
    most_waiting: int
    settled: int
    failed: int
    rows: tuple[Row, ...]
    labels: tuple[str, ...]  # along the time


def chart_of(activity: Activity, since: datetime, step: timedelta, told: Callable[[datetime], str]) -> Chart:
    settled = [sum(each.values()) for each in activity.settled]
    failed = [each.get(Outcome.ERROR, 0) for each in activity.settled]
    waiting = [max(0, each) for each in activity.waiting]
    rows = tuple(
        Row(begins=told(since + number * step), settled=settled[number], failed=failed[number], waiting=waiting[number])
        for number in range(len(settled))
    )
    line = _line(waiting)
    return Chart(
        bars=_bars(settled, failed),
        line=line,
        area=f"0,{HEIGHT} {line} {WIDTH},{HEIGHT}",
        most_settled=max(settled, default=0),
        most_waiting=max(waiting, default=0),
        settled=sum(settled),
        failed=sum(failed),
        rows=rows,
        labels=tuple(rows[len(rows) * number // _LABELS].begins for number in range(_LABELS)) if rows else (),
    )


def _bars(settled: list[int], failed: list[int]) -> tuple[Bar, ...]:
    step, most = WIDTH / max(1, len(settled)), max(settled, default=0) or 1
    return tuple(
        Bar(
            x=round((number + _GAP / 2) * step, 2),
            width=round(step * (1 - _GAP), 2),
            height=round(HEIGHT * count / most, 2),
            failed=round(HEIGHT * failed[number] / most, 2),
        )
        for number, count in enumerate(settled)
        if count
    )


def _line(waiting: list[int]) -> str:
    step, most = WIDTH / max(1, len(waiting)), max(waiting, default=0) or 1
    heights = [round(HEIGHT - (HEIGHT - 2) * count / most, 2) for count in waiting] or [HEIGHT]
    points = [f"{round((number + 0.5) * step, 2)},{height}" for number, height in enumerate(heights)]
    return " ".join([f"0,{heights[0]}", *points, f"{WIDTH},{heights[-1]}"])
