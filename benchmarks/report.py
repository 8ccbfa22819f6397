"""Writes what was measured into a page, so that no figure there is typed by hand.

    .venv/bin/python -m benchmarks.report docs/performance.json docs/performance.md

What stands between `<!-- figures of NAME -->` and `<!-- end -->` becomes the figures of the case of that name; those of
`machine` are what they were measured on. Plots are drawn beside the page, into images/performance.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import record
from benchmarks.case import Measured, Ratio
from benchmarks.figures import Verdict, compared, verdicts
from benchmarks.record import Record
from benchmarks.table import bound, grid, in_words, met

MACHINE = "machine"
PLOTS = "images/performance"
NOT_MEASURED = "Not measured yet: `make bench` does it."

_PART = re.compile(r"<!-- figures of ([\w-]+) -->\n(.*?)<!-- end -->", re.DOTALL)


def marked(page: str) -> list[str]:
    """The names whose figures a page has, in their order."""
    return [found[1] for found in _PART.finditer(page)]


def filled(page: str, measured: Record) -> str:
    """The page with the figures of the record between its marks; all else stays. Pure."""
    cases = {case.facts.name: case for case in measured.cases}

    def part(found: re.Match[str]) -> str:
        lines = _machine(measured) if found[1] == MACHINE else _case(cases.get(found[1]))
        return "\n".join([f"<!-- figures of {found[1]} -->", "", *lines, "", "<!-- end -->"])

    return _PART.sub(part, page)


def _machine(measured: Record) -> Iterator[str]:
    if not measured.machine:
        yield NOT_MEASURED
        return
    yield from _table(("on", ""), list(measured.machine.items()), left=2)


def _case(measured: Measured | None) -> Iterator[str]:
    if measured is None or not measured.rounds:
        yield NOT_MEASURED
        return
    facts = measured.facts
    yield facts.measures
    yield ""
    times = "Once" if len(measured.rounds) == 1 else f"Least / median / most of {len(measured.rounds)} runs"
    yield f"{times}, {measured.began[:10]}:"
    yield ""
    yield from _figures(measured)
    judged = list(verdicts(measured))
    if judged:
        yield ""
        yield from _verdicts(measured, judged)
    if facts.plots:
        yield ""
        yield f"![{facts.title}: {', '.join(plot.figure for plot in facts.plots)}]({PLOTS}/{facts.name}.svg)"


def _figures(measured: Measured) -> Iterator[str]:
    yield from _table(*grid(measured), left=1)


def _verdicts(measured: Measured, judged: Sequence[Verdict]) -> Iterator[str]:
    digits = {figure.name: figure.digits for figure in measured.facts.figures}
    rows = [
        (
            compared(verdict),
            in_words(verdict.spread, 2 if isinstance(verdict.of, Ratio) else digits[verdict.of.figure]),
            bound(verdict.bound),
            met(verdict),
        )
        for verdict in judged
    ]
    yield from _table(("compared", "least / median / most", "target", "met"), rows, left=1)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int) -> Iterator[str]:
    """Markdown; the first columns to the left, the others to the right."""
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' if number < left else '---:' for number in range(len(head)))} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("json", type=Path)
    parser.add_argument("page", type=Path)
    given = parser.parse_args()
    measured = record.read(given.json)
    if measured.quick:
        raise SystemExit("these figures are of a quick run, which measures nothing: run `make bench` without --quick")
    from benchmarks.plots import draw_all

    draw_all(measured, given.page.parent / PLOTS)
    given.page.write_text(filled(given.page.read_text(encoding="utf-8"), measured), encoding="utf-8")


if __name__ == "__main__":
    main()
