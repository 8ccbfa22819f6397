"""`python -m tests.costs`: what the program costs now, beside what is kept; see `tests/costs`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.costs.measures import MEASURES, measured
from tests.costs.table import PYTHON, RENEW, Cost, compared, keep, kept
from tests.support.servers.process import MissingProgram


def main() -> int:
    """Exit status 1 where a figure has grown by more than a tenth and is not renewed, or a program is missing."""
    options = _options()
    was = kept().get(PYTHON, {})
    now = {}
    costs: list[Cost] = []
    for name in options.measures or MEASURES:
        with tempfile.TemporaryDirectory(prefix="watcher-costs-") as folder:
            now[name] = measured(name, Path(folder).resolve())
        for cost in compared(name, MEASURES[name].unit, was.get(name, {}), now[name]):
            print(cost, flush=True)  # noqa: T201
            costs.append(cost)
    if options.renew:
        keep(PYTHON, now)
        return 0
    return int(any(cost.has_grown for cost in costs))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=RENEW.removesuffix(" --renew"), description=__doc__)
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=f"of {', '.join(MEASURES)}; all by default")
    parser.add_argument("--renew", action="store_true", help=f"keep what was measured, for Python {PYTHON}")
    options = parser.parse_args()
    if unknown := set(options.measures) - set(MEASURES):
        parser.error(f"there is no measure {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MissingProgram as missing:
        sys.exit(str(missing))
