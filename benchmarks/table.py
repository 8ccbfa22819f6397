"""What was measured, for the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from benchmarks.case import Bound, Measured, Ratio
from benchmarks.figures import Spread, Verdict, contestants, figure_of, verdicts


def show(measured: Measured, console: Console) -> None:
    """A table of all figures, least / median / most, and one of the ratios and targets."""
    facts = measured.facts
    if measured.missing is not None:
        console.print(f"{facts.title}: not measured. {measured.missing}")
        return
    console.print(_figures(measured))
    judged = list(verdicts(measured))
    if judged:
        console.print(_verdicts(measured, judged))


def _figures(measured: Measured) -> Table:
    facts = measured.facts
    table = Table(title=f"{facts.title}: least / median / most of {len(measured.rounds)}", title_justify="left")
    table.add_column("", overflow="fold")
    for figure in facts.figures:
        table.add_column(f"{figure.name} ({figure.unit})", justify="right")
    for contestant in contestants(measured):
        cells = [in_words(figure_of(measured, contestant, figure.name), figure.digits) for figure in facts.figures]
        table.add_row(contestant, *cells)
    return table


def _verdicts(measured: Measured, judged: list[Verdict]) -> Table:
    table = Table(show_header=True)
    for name in ("compared", "least / median / most", "target", "met"):
        table.add_column(name)
    digits = {figure.name: figure.digits for figure in measured.facts.figures}
    for verdict in judged:
        shown = 2 if isinstance(verdict.of, Ratio) else digits[verdict.of.figure]
        table.add_row(compared(verdict), in_words(verdict.spread, shown), bound(verdict.bound), met(verdict))
    return table


def in_words(spread: Spread | None, digits: int) -> str:
    """Least / median / most, or one number where they are one."""
    if spread is None:
        return ""
    if spread.least == spread.most:
        return f"{spread.median:,.{digits}f}"
    return " / ".join(f"{value:,.{digits}f}" for value in (spread.least, spread.median, spread.most))


def compared(verdict: Verdict) -> str:
    of = verdict.of
    return f"{of.figure}: {of.ours} ÷ {of.theirs}" if isinstance(of, Ratio) else f"{of.figure}: {of.contestant}"


def bound(bound: Bound) -> str:
    words = [f"at least {bound.at_least:g}"] if bound.at_least is not None else []
    return ", ".join([*words, *([f"at most {bound.at_most:g}"] if bound.at_most is not None else [])])


def met(verdict: Verdict) -> str:
    return {True: "yes", False: "no", None: ""}[verdict.met]
