"""All cases, in the order in which they run."""

from __future__ import annotations

from benchmarks.case import Case
from benchmarks.cases import folder_way

CASES: dict[str, Case] = {case.facts.name: case for case in (*folder_way.CASES,)}
