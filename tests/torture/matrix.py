"""Which cases there are, running them, and what came of them."""

from __future__ import annotations

import shutil
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from tests.torture.injector import Fault, Kind, Seen
from tests.torture.oracle import judge
from tests.torture.places import OTHER
from tests.torture.scenario import Scenario, Servers

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of a case. `missed`: the run ended before its call came, so that nothing was proved."""

    fault: Fault
    missed: bool = False
    faults: list[str] = field(default_factory=list)
    remark: str = ""

    @property
    def word(self) -> str:
        return "FAILED" if self.faults else "missed" if self.missed else "passed"

    def __str__(self) -> str:
        lines = [f"{self.word} {self.fault} {self.remark}".rstrip(), *(f"    {fault}" for fault in self.faults)]
        return "\n".join(lines)


def count(root: Path, servers: Servers) -> Counter[tuple[str, str]]:
    """How often a run makes each call on each place; it must itself be faultless."""
    with Scenario(root, "count", servers) as scenario:
        scenario.prepare()
        seen = scenario.run(None)
        assert seen.status in (0, 1), f"status {seen.status}: {scenario.said('faulty')}"
        wrong = judge(scenario, killed=False)
        assert not wrong, f"{wrong}\n{scenario.said('faulty')}"
        return seen.counts


def cases(counts: Counter[tuple[str, str]], *, everything: bool = False) -> list[Fault]:
    """The whole matrix: every fault at every call that a run makes on the workplace and its servers, the most
    different ones first.

    With `everything` also on what is neither: the log, pipes between threads.
    """
    found = [
        (rank, Fault(kind=kind, call=call, place=place, number=number))
        for (call, place), calls in sorted(counts.items())
        if everything or place != OTHER
        for rank, number in enumerate(_spread(calls))
        for kind in KINDS
    ]
    return [fault for _, fault in sorted(found, key=lambda each: each[0])]


def _spread(calls: int) -> list[int]:
    """1 to `calls`, each as far as can be from those before it: whatever part of them is run is a fair sample."""
    bits = calls.bit_length()
    numbers = (int(f"{number:0{bits}b}"[::-1], 2) + 1 for number in range(2**bits))
    return [number for number in numbers if number <= calls]


def run(fault: Fault, root: Path, servers: Servers) -> Verdict:
    """One case, in a folder that is removed where it passed."""
    try:
        with Scenario(root, str(fault), servers) as scenario:
            scenario.prepare()
            seen = scenario.run(fault)
            verdict = _verdict(fault, scenario, seen)
    except Exception:  # noqa: BLE001 - it is told with the others
        verdict = Verdict(fault=fault, faults=[traceback.format_exc()])
    if not verdict.faults:
        shutil.rmtree(root)
    return verdict


def _verdict(fault: Fault, scenario: Scenario, seen: Seen) -> Verdict:
    wrong = []
    if fault.kind == "kill" and seen.struck and seen.status != -9:
        wrong.append(f"it was to be killed and ended with status {seen.status}")
    elif seen.struck and fault.kind != "kill" and seen.status not in (0, 1, 3):
        wrong.append(f"it ended with status {seen.status}")
    if seen.stopped and fault.kind != "full":
        wrong.append("it did not come to an end by itself")
    if fault.kind != "kill" and "Traceback" in scenario.said("faulty"):
        wrong.append(f"it had an error of ours: {_after_traceback(scenario.said('faulty'))}")
    if (status := scenario.recover()) not in (0, 1):
        wrong.append(f"the recovery ended with status {status}: {scenario.said('recovery')[-300:]}")
    wrong += judge(scenario, killed=fault.kind == "kill")
    remark = "" if len(scenario.replies()) == len(scenario.mails) else f"({len(scenario.replies())} replies)"
    return Verdict(fault=fault, missed=not seen.struck, faults=wrong, remark=remark)


def _after_traceback(said: str) -> str:
    """The last line of the first traceback."""
    lines = said[said.index("Traceback") :].splitlines()[1:]
    return next((line.strip() for line in lines if not line.startswith("    ")), "")[:300]
