"""Files dropped at a pace, by close or rename, each with the moment at which it was whole. No measurement by itself."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from tests.support.workplace import pdf

Way = Callable[[Path, bytes], float]  # puts a file somewhere; the moment, of CLOCK_MONOTONIC


def by_close(path: Path, content: bytes) -> float:
    """Written under its name, and closed at that moment."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    os.write(descriptor, content)
    moment = time.monotonic()
    os.close(descriptor)
    return moment


def by_rename(path: Path, content: bytes) -> float:
    """Written under a name that everybody leaves alone, and renamed at that moment."""
    beside = path.with_name(f"{path.name}.part")
    beside.write_bytes(content)
    moment = time.monotonic()
    beside.rename(path)
    return moment


def drop(folder: Path, names: Sequence[str], gap: float, way: Way) -> dict[str, float]:
    """One file every `gap` seconds; the moment of each."""
    moments, began = {}, time.monotonic()
    for number, name in enumerate(names):
        time.sleep(max(0.0, began + number * gap - time.monotonic()))
        moments[name] = way(folder / name, pdf(name))
    return moments


def write_all(folder: Path, contents: Iterable[bytes]) -> None:
    """As fast as that goes; `0.pdf` and so on."""
    for number, content in enumerate(contents):
        descriptor = os.open(folder / f"{number}.pdf", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        os.write(descriptor, content)
        os.close(descriptor)


def delays_ms(moments: Mapping[str, float], seen: Mapping[str, float]) -> list[float]:
    """Milliseconds from each drop until it was seen. Raises SystemExit where one was not."""
    lost = moments.keys() - seen.keys()
    if lost:
        raise SystemExit(f"{len(lost)} of {len(moments)} files were not seen")
    return [(seen[name] - moment) * 1000 for name, moment in moments.items()]


def p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]
