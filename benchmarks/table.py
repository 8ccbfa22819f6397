"""What was measured, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.case import Bound, Measured, Ratio
from benchmarks.figures import Spread, Verdict, compared, contestants, figure_of, verdicts

_WIDEST = 6  # figures beside one another
_BETWEEN = 3  # what a column takes besides its letters


def show(measured: Measured, console: Console) -> None:
    """A table of all figures, least / median / most, and one of the ratios and targets."""
    facts = measured.facts
    if measured.missing is not None:
        console.print(f"{facts.title}: not measured. {measured.missing}")
        return
    for table in _figures(measured, console.width):
        console.print(table)
    judged = list(verdicts(measured))
    if judged:
        console.print(_verdicts(measured, judged))


def _figures(measured: Measured, width: int) -> Iterator[Table]:
    """As many beside one another as can be read."""
    title = f"{measured.facts.title}: least / median / most of {len(measured.rounds)}"
    head, rows = grid(measured)
    for columns in _fitting([_width_of(place, head, rows) for place in range(len(head))], width):
        table = Table(title=title, title_justify="left")
        table.add_column(head[0], overflow="fold")
        for place in columns:
            table.add_column(head[place], justify="right")
        for row in rows:
            table.add_row(row[0], *(row[place] for place in columns))
        yield table
        title = ""


def _width_of(place: int, head: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """How wide a column is whose head may be broken between words."""
    return max(len(word) for word in [*head[place].split(), *(row[place] for row in rows)])


def _fitting(wide: Sequence[int], width: int) -> Iterator[list[int]]:
    """Columns behind the first, in groups that fit in so many letters with it."""
    group: list[int] = []
    for place in range(1, len(wide)):
        if group and sum(wide[each] + _BETWEEN for each in (0, *group, place)) >= width:
            yield group
            group = []
        group.append(place)
    yield group


def grid(measured: Measured) -> tuple[list[str], list[list[str]]]:
    """All figures, a row for each contestant; where there are many, for each figure, lest it be too wide to read."""
    figures, names = measured.facts.figures, contestants(measured)
    told = [str(figure) for figure in figures]
    cells = [[in_words(figure_of(measured, name, each.name), each.digits) for each in figures] for name in names]
    if len(figures) <= _WIDEST:
        return ["", *told], [[name, *row] for name, row in zip(names, cells, strict=True)]
    return ["", *names], [[name, *row] for name, *row in zip(told, *cells, strict=True)]


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


def bound(bound: Bound) -> str:
    words = [f"at least {bound.at_least:g}"] if bound.at_least is not None else []
    return ", ".join([*words, *([f"at most {bound.at_most:g}"] if bound.at_most is not None else [])])


def met(verdict: Verdict) -> str:
    return {True: "yes", False: "no", None: ""}[verdict.met]
