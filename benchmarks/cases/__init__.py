"""All cases, in the order in which they run."""

from __future__ import annotations

from benchmarks.case import Case
from benchmarks.cases import (
    attachment,
    folder_intake,
    folder_latency,
    folder_tree,
    folder_way,
    idle,
    journal_rows,
    mailbox_intake,
    mailbox_known,
    mailbox_way,
    nodes,
    pipeline,
    soak,
    start_up,
)

_MODULES = (
    mailbox_intake,
    mailbox_known,
    mailbox_way,
    folder_way,
    folder_intake,
    folder_tree,
    folder_latency,
    pipeline,
    journal_rows,
    nodes,
    start_up,
    idle,
    attachment,
    soak,
)

CASES: dict[str, Case] = {case.facts.name: case for module in _MODULES for case in module.CASES}
