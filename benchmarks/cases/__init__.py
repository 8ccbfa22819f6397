"""All cases, in the order in which they run."""

from __future__ import annotations

from benchmarks.case import Case
from benchmarks.cases import folder_way, mailbox_intake, mailbox_way

_MODULES = (mailbox_intake, mailbox_way, folder_way)

CASES: dict[str, Case] = {case.facts.name: case for module in _MODULES for case in module.CASES}
