"""What looking into a document costs: CPU of the child and time until the answer, how a child starts, and its memory.

    .venv/bin/python -m benchmarks.inspection                          # invoices that it prints itself, and the samples
    .venv/bin/python -m benchmarks.inspection --rounds 50 --folder ~/invoices --each

The documents of `--folder` are looked into as they lie, whatever they are called; `--each` shows every file. CPU is
what the child used, in steps of its clock (mostly 10 ms), over all rounds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from tests.support.inspecting import children, resident_bytes
from tests.support.invoice_files import Page, Paper, invoice_page, ofd, pdf
from watcher.documents.formats import Format
from watcher.documents.inspection.inspector import Inspector
from watcher.documents.sniff import format_of
from watcher.spool import Spooled

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples"
THREADS = 8
DOCUMENTS_AT_ONCE = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--folder", type=Path, action="append", default=[])
    parser.add_argument("--each", action="store_true", help="show every file")
    arguments = parser.parse_args()
    _start()
    with closing(Inspector()) as inspector:
        for name, data in _printed().items():
            _show(name, [_cost(inspector, data, arguments.rounds)])
        for folder in arguments.folder or [SAMPLES / "pdf", SAMPLES / "ofd"]:
            _measure_folder(inspector, folder, arguments)
        _show_memory()
    _together()


def _printed() -> dict[str, bytes]:
    paper = Paper()
    old = Paper(number="12345678", code="033002200211")
    custom = {"发票号码": paper.number, "合计金额": "300.00", "合计税额": "18.00"}
    return {
        "a printed 数电票, PDF": pdf(invoice_page(paper)),
        "an older invoice, PDF": pdf(invoice_page(old)),
        "a scan of one page, PDF": pdf(invoice_page(paper, words=False)),
        "ten invoices, PDF": pdf(*(invoice_page(paper) for _ in range(10))),
        "an empty page, PDF": pdf(Page()),
        "an invoice, OFD": ofd([[(10.0, 10.0, f"发票号码：{paper.number}")]], custom=custom),
    }


def _start() -> None:
    costs = []
    for _ in range(5):
        with closing(Inspector()) as inspector:
            costs.append(_cost(inspector, pdf(Page()), 1))
    _show("the first document of a new child", costs)


def _measure_folder(inspector: Inspector, folder: Path, arguments: argparse.Namespace) -> None:
    costs = []
    for path in sorted(folder.iterdir() if folder.is_dir() else []):
        costs.append(_cost(inspector, path.read_bytes(), arguments.rounds))
        if arguments.each:
            _show(path.name, costs[-1:])
    _show(f"{len(costs)} files of {folder.name}", costs)


def _cost(inspector: Inspector, data: bytes, rounds: int) -> tuple[float, float]:
    """Milliseconds of CPU and of time for one look, the first left out where there are several."""
    with closing(Spooled([data])) as content:
        form = format_of(content) if data else Format.OTHER
        if rounds > 1:
            inspector.look(content, form, deep=True)
        cpu, began = _children_cpu(), time.perf_counter()
        for _ in range(rounds):
            inspector.look(content, form, deep=True)
        return (_children_cpu() - cpu) * 1000 / rounds, (time.perf_counter() - began) * 1000 / rounds


def _children_cpu() -> float:
    ticks = 0
    for pid in children():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _together() -> None:
    """How many documents a second come back where many threads ask."""
    data = pdf(invoice_page(Paper()))
    with closing(Inspector()) as inspector, ThreadPoolExecutor(THREADS) as pool:

        def look(_: int) -> None:
            with closing(Spooled([data])) as content:
                inspector.look(content, Format.PDF, deep=True)

        list(pool.map(look, range(THREADS)))
        began = time.perf_counter()
        list(pool.map(look, range(DOCUMENTS_AT_ONCE)))
        taken = time.perf_counter() - began
        print(f"{THREADS} threads: {DOCUMENTS_AT_ONCE / taken:.0f} documents a second by {len(children())} children")


def _show(name: str, costs: Sequence[tuple[float, float]]) -> None:
    if not costs:
        print(f"{name}: none")
        return
    for kind, values in (("CPU", [cpu for cpu, _ in costs]), ("time", [taken for _, taken in costs])):
        middle = statistics.median(values)
        print(f"{name:40.40} {kind:5} ms: {min(values):7.1f} least {middle:7.1f} median {max(values):7.1f} most")


def _show_memory() -> None:
    for pid in children():
        print(f"a child takes {resident_bytes(pid) / 1_000_000:.0f} MB")


if __name__ == "__main__":
    main()
