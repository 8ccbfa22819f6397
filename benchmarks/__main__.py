"""`make bench`: runs cases, shows their figures, writes them, and draws them."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from benchmarks import record
from benchmarks.case import Case
from benchmarks.cases import CASES
from benchmarks.machine import describe
from benchmarks.record import Record
from benchmarks.rounds import run
from benchmarks.table import show

LEAST_RUNS = 5


def main() -> int:
    given = _parser().parse_args()
    if given.list:
        for case in CASES.values():
            print(f"{case.facts.name}: {case.facts.measures}")
        return 0
    # Set, it makes each start of the command compile the whole package anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # nothing that was started stays
    return _measure(_wanted(given), given)


def _wanted(given: argparse.Namespace) -> list[Case]:
    if given.only:
        return [CASES[name] for name in given.only]
    return [case for case in CASES.values() if given.soak or not case.asked_for]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=CASES, help="these cases; else all but the soak")
    parser.add_argument(
        "--soak", action="store_true", help="200,000 documents through one daemon as well: twenty minutes"
    )
    parser.add_argument("--runs", type=int, default=LEAST_RUNS, help="rounds of each case (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="small sizes, once: only to see that it works")
    parser.add_argument("--json", type=Path, default=Path("build/benchmarks.json"), metavar="FILE")
    parser.add_argument("--merge", action="store_true", help="keep what FILE has of cases that are not run now")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw the plots there, as SVG")
    parser.add_argument("--list", action="store_true", help="name the cases, and measure nothing")
    return parser


def _measure(wanted: list[Case], given: argparse.Namespace) -> int:
    console, failed = Console(), []
    empty = Record(machine=describe(), cases=(), quick=given.quick)
    kept = record.merged(record.read(given.json), empty) if given.merge and given.json.exists() else empty
    for case in wanted:
        print(f"{case.facts.name}: {case.facts.measures}", flush=True)
        began = time.monotonic()
        try:
            measured = run(case, runs=given.runs, quick=given.quick, told=lambda line: print(line, flush=True))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the others are measured all the same
            console.print_exception()
            failed.append(f"{case.facts.name}: {error}")
            continue
        show(measured, console)
        console.print(f"  {time.monotonic() - began:.0f} s in all", highlight=False)
        kept = record.merged(kept, replace(empty, cases=(measured,)))
        record.write(kept, given.json)
    if given.plots is not None:
        from benchmarks.plots import draw_all

        draw_all(kept, given.plots)
    for line in failed:
        print(line, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
