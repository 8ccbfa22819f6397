"""`make torture`: the whole matrix of faults, or a part of it.

    make torture                                    all, resumed where it was stopped; hours
    make torture ARGS="--only pwrite64/wal --kinds kill,EIO"
    make torture ARGS="--shard 2/8 --at-once 4"     a slice
    make torture ARGS="--case kill@pwrite64/wal#17" one, whose folder is kept where it fails
    make torture ARGS="--random 100"                kills at random moments under load instead

What came of each case is written to the results file as it is known, and a table of it to the summary in the end.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.torture.injector import Fault
from tests.torture.matrix import KINDS, Verdict, cases, count, run
from tests.torture.random_kills import kill_at_random
from tests.torture.scenario import Servers

_KILLS_A_ROUND = 10


def main() -> int:
    """Exit status 1 where a case failed."""
    options = _options()
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    results = folder / "results.jsonl"
    known = [] if options.fresh or options.case else _known(results)
    with Servers.started() as servers:
        if options.random:
            return _random(options, servers)
        wanted = _wanted(options, servers)
        passed = {each["case"] for each in known if each["word"] != "FAILED"}
        todo = [fault for fault in wanted if str(fault) not in passed]
        _say(f"{len(todo)} of {len(wanted)} cases to run; results in {results}")
        verdicts = _run_all(todo, servers, folder, results, options)
    asked = {str(fault) for fault in wanted}
    ran = {str(verdict.fault) for verdict in verdicts}
    rows = [each for each in known if each["case"] in asked - ran]
    rows += [_row(verdict) for verdict in verdicts]
    table = _table(rows)
    (folder / "summary.txt").write_text(table, encoding="utf-8")
    _say(table)
    return 1 if any(row["word"] == "FAILED" for row in rows) else 0


def _say(line: object) -> None:
    print(line, flush=True)  # noqa: T201


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make torture", description="Faults at every system call of a run.")
    default = Path(tempfile.gettempdir()) / "invoice-watcher-torture"
    parser.add_argument("--folder", type=Path, default=default, help="of the results and of what failed")
    parser.add_argument("--kinds", default=",".join(KINDS), help="of faults, by comma")
    parser.add_argument("--only", default="", help="CALL/PLACE, or the begin of it, by comma")
    parser.add_argument("--every", type=int, default=1, help="only every n-th of the cases")
    parser.add_argument("--shard", default="1/1", help="the k-th of n slices")
    parser.add_argument("--at-once", type=int, default=8, help="cases that run together; they wait more than they work")
    parser.add_argument("--everything", action="store_true", help="calls on the log and on pipes too")
    parser.add_argument("--case", action="append", default=[], help="only this one (or more), whatever is known of it")
    parser.add_argument("--random", type=int, default=0, help="instead: so many kills at random moments, under load")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of these")
    parser.add_argument("--list", action="store_true", help="count the calls, and run nothing")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no more cases after that")
    parser.add_argument("--fresh", action="store_true", help="forget earlier results")
    return parser.parse_args()


def _random(options: argparse.Namespace, servers: Servers) -> int:
    """In rounds of ten kills, each in a workplace of its own."""
    failed = 0
    for number in range(-(-options.random // _KILLS_A_ROUND)):
        seed = options.seed + number
        root = Path(tempfile.mkdtemp(prefix=f"random-{seed}-", dir=options.folder)) / "workplace"
        wrong = kill_at_random(root, servers, kills=_KILLS_A_ROUND, seed=seed)
        _say(f"{'FAILED' if wrong else 'passed'} {_KILLS_A_ROUND} kills of seed {seed}")
        for each in wrong:
            _say(f"    {each}")
        failed += bool(wrong)
        if not wrong:
            shutil.rmtree(root.parent)
    return 1 if failed else 0


def _wanted(options: argparse.Namespace, servers: Servers) -> list[Fault]:
    if options.case:
        return [Fault.parse(text) for text in options.case]
    with tempfile.TemporaryDirectory() as root:
        counts = count(Path(root) / "count", servers)
    for (call, place), number in sorted(counts.items()):
        _say(f"{number:6} {call}/{place}")
    if options.list:
        return []
    kinds, begins = options.kinds.split(","), tuple(options.only.split(","))
    found = [
        fault
        for fault in cases(counts, everything=options.everything)
        if fault.kind in kinds and f"{fault.call}/{fault.place}".startswith(begins)
    ]
    shard, shards = map(int, options.shard.split("/"))
    return found[:: options.every][shard - 1 :: shards]


def _run_all(
    todo: list[Fault], servers: Servers, folder: Path, results: Path, options: argparse.Namespace
) -> list[Verdict]:
    began, verdicts, words = time.monotonic(), [], Counter[str]()
    numbers, lock = itertools.count(int(time.time() * 1000)), threading.Lock()

    def one(fault: Fault) -> Verdict | None:
        if time.monotonic() - began > options.minutes * 60:
            return None
        with lock:
            root = folder / "cases" / f"{next(numbers)}"
        return run(fault, root, servers)

    with ThreadPoolExecutor(options.at_once) as pool, results.open("a", encoding="utf-8") as log:
        for future in as_completed([pool.submit(one, fault) for fault in todo]):
            if (verdict := future.result()) is None:
                continue
            verdicts.append(verdict)
            words[verdict.word] += 1
            log.write(json.dumps(_row(verdict), ensure_ascii=False) + "\n")
            log.flush()
            if verdict.faults:
                _say(verdict)
            if len(verdicts) % 20 == 0:
                told = ", ".join(f"{number} {word}" for word, number in words.items())
                _say(f"{len(verdicts)}/{len(todo)} after {time.monotonic() - began:.0f} s: {told}")
    return verdicts


def _known(results: Path) -> list[dict[str, str]]:
    """The newest word on each case."""
    if not results.exists():
        return []
    rows = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    return list({row["case"]: row for row in rows}.values())


def _row(verdict: Verdict) -> dict[str, str]:
    return {"case": str(verdict.fault), "word": verdict.word, "said": str(verdict)}


def _table(rows: list[dict[str, str]]) -> str:
    """By call and place: how many of each kind of fault passed, of how many that struck."""
    found: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for row in rows:
        fault = Fault.parse(row["case"])
        for name in (f"{fault.call}/{fault.place}", "all"):
            found[name][fault.kind, row["word"]] += 1
    lines = ["passed of struck  " + "".join(f"{kind:>12}" for kind in KINDS)]
    for name, words in sorted(found.items(), key=lambda item: (item[0] == "all", item[0])):
        cells = []
        for kind in KINDS:
            struck = words[kind, "passed"] + words[kind, "FAILED"]
            cells.append(f"{words[kind, 'passed']}/{struck}" if struck else "-")
        lines.append(f"{name:18}" + "".join(f"{cell:>12}" for cell in cells))
    total = Counter(row["word"] for row in rows)
    lines.append(", ".join(f"{number} {word}" for word, number in total.items()))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
