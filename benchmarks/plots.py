"""Draws what was measured, as SVG for the documents: dark on white, so that it can be read on any page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.case import Figure, Measured, Plot
from benchmarks.figures import Spread, contestants, figure_of
from benchmarks.record import Record

_FLOORS = ("the least", "bare driver")  # are compared with others too, to show what can be had
OURS, THEIRS, INK, FAINT = "#2563eb", "#94a3b8", "#111827", "#e5e7eb"
_COLOURS = (OURS, "#ea580c", "#16a34a", "#9333ea", "#0891b2", "#64748b")
_PANEL_INCHES, _BAR_INCHES, _LINES_INCHES = 4.6, 0.34, 2.6
_STYLE = {
    "svg.fonttype": "none",  # text stays text, in the reader's font
    "svg.hashsalt": "benchmarks",  # the same figures make the same file
    "font.family": ["sans-serif"],
    "font.size": 9,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw_all(record: Record, folder: Path) -> list[Path]:
    """NAME.svg for each case that has plots; gives their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for measured in record.cases:
        if measured.rounds and measured.facts.plots:
            drawn.append(folder / f"{measured.facts.name}.svg")
            _draw(measured, drawn[-1])
    return drawn


def _draw(measured: Measured, path: Path) -> None:
    """All plots of a case beside one another."""
    import matplotlib as mpl
    from matplotlib.figure import Figure as Canvas

    plots = measured.facts.plots
    with mpl.rc_context(_STYLE):  # type: ignore[arg-type] # its own stubs want literal names
        canvas = Canvas(figsize=_size(measured), facecolor="white", layout="constrained")
        panels = canvas.subplots(1, len(plots), squeeze=False)[0]
        for plot, axes in zip(plots, panels, strict=True):
            (_bars if plot.kind == "bars" else _lines)(measured, plot, axes)
        canvas.savefig(path, format="svg", metadata={"Date": None, "Title": measured.facts.title})


def _size(measured: Measured) -> tuple[float, float]:
    plots = measured.facts.plots
    bars = 0.9 + _BAR_INCHES * len(contestants(measured))
    height = max(bars if plot.kind == "bars" else _LINES_INCHES for plot in plots)
    return _PANEL_INCHES * len(plots), height


def _bars(measured: Measured, plot: Plot, axes: Any) -> None:
    """The median as a bar, with its number; a thin line from the least to the most."""
    figure = _figure(measured, plot)
    shown = [(name, found) for name in contestants(measured) if (found := figure_of(measured, name, figure.name))]
    names, spreads = [name for name, _ in shown], [found for _, found in shown]
    places = range(len(names))
    colours = [OURS if is_ours(measured, name) else THEIRS for name in names]
    log = plot.log and all(each.least > 0 for each in spreads)  # nothing has no place on such an axis
    axes.barh(places, [each.median for each in spreads], color=colours, height=0.6, log=log)
    for place, each in zip(places, spreads, strict=True):
        axes.plot([each.least, each.most], [place, place], color=INK, linewidth=1.2)
        words = f" {each.median:,.{figure.digits}f}"
        axes.annotate(words, (each.most, place), va="center", xytext=(4, 0), textcoords="offset points")
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set_xmargin(0.14)
    _axis(axes, figure, spreads, log=log)


def is_ours(measured: Measured, contestant: str) -> bool:
    """Whether it is the daemon, in one way of running it or another."""
    ours = any(ratio.ours == contestant for ratio in measured.facts.ratios)
    theirs = any(ratio.theirs == contestant for ratio in measured.facts.ratios)
    return contestant.startswith("daemon") or (ours and not theirs and not contestant.startswith(_FLOORS))


def _axis(axes: Any, figure: Figure, spreads: Sequence[Spread], *, log: bool) -> None:
    axes.set_xlabel(str(figure))
    axes.xaxis.grid(visible=True, color=FAINT)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    most, least = max(each.most for each in spreads), min(each.least for each in spreads)
    if log:
        axes.set_xlim(10 ** math.floor(math.log10(least)), most * 3)
    else:
        axes.set_xlim(0, most * 1.2 or 1.0)


def _lines(measured: Measured, plot: Plot, axes: Any) -> None:
    """The series of each contestant; further rounds are fainter."""
    figure = _figure(measured, plot)
    for place, name in enumerate(contestants(measured)):
        for number, samples in enumerate(measured.rounds):
            points = samples[name].series.get(plot.figure, ())
            colour, alpha = _COLOURS[place % len(_COLOURS)], 1.0 if number == 0 else 0.35
            label = name if number == 0 and points else None
            axes.plot([x for x, _ in points], [y for _, y in points], color=colour, alpha=alpha, label=label, lw=1.4)
    axes.set_ylim(bottom=0)
    axes.locator_params(axis="x", nbins=4)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel(plot.over)
    axes.set_ylabel(str(figure))
    axes.yaxis.grid(visible=True, color=FAINT)
    axes.legend(frameon=False)


def _figure(measured: Measured, plot: Plot) -> Figure:
    return next(figure for figure in measured.facts.figures if figure.name == plot.figure)
