"""The kept figures, and what is said of a measured one beside them. Pure, but for `kept` and `keep`.

Figures depend a little on the version of Python, so each version has its own: ``{"3.11": {"calls": {"file": 9800}}}``.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

Figures = Mapping[str, Mapping[str, float]]  # by measure, then by what is measured

TABLE = Path(__file__).parent / "costs.toml"
RENEW = "python -m tests.costs --renew"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

_LEEWAY = 0.1
# What differs by chance: who is answered together with whom, and which pages of memory are touched again.
_CHANCE = {"memory": 1024.0}  # kB
_CHANCE_OF_CALLS = 0.25  # for one document
_HEAD = f"""\
# What the program cost when this was last renewed, for each version of Python; `tests/costs` says how it is measured.
# make test fails where a figure grows by more than a tenth, and by more than chance. To renew: .venv/bin/{RENEW}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One figure. `was` is None where none is kept; `now` is None where it is no longer measured."""

    name: str
    unit: str
    was: float | None
    now: float | None

    @property
    def has_grown(self) -> bool:
        """By more than a tenth, and more than chance. What cost nothing may cost nothing."""
        return self.was is not None and self.now is not None and self.now > self.was + self._room

    @property
    def has_shrunk(self) -> bool:
        """By more than a tenth, and more than chance."""
        return self.was is not None and self.now is not None and self.now < self.was - self._room

    @property
    def _room(self) -> float:
        chance = _CHANCE.get(self.name.partition(".")[0], _CHANCE_OF_CALLS)
        return max(self.was * _LEEWAY, chance) if self.was else 0

    @property
    def is_kept(self) -> bool:
        """Whether the table has it, and has it still."""
        return self.was is not None and self.now is not None

    def __str__(self) -> str:
        change = f" ({self.now / self.was - 1:+.1%})" if self.was and self.now is not None else ""
        return f"{self.name}: was {_shown(self.was)}, is {_shown(self.now)} {self.unit}{change}"


def _shown(figure: float | None) -> str:
    return "nothing" if figure is None else f"{figure:,}"


def compared(measure: str, unit: str, was: Mapping[str, float], now: Mapping[str, float]) -> Iterator[Cost]:
    """All figures of a measure, those that only one side has among them."""
    for what in sorted({*was, *now}):
        yield Cost(name=f"{measure}.{what}", unit=unit, was=was.get(what), now=now.get(what))


def kept(table: Path = TABLE) -> dict[str, Figures]:
    """By version of Python."""
    return tomllib.loads(table.read_text(encoding="utf-8"))


def keep(python: str, measured: Figures, table: Path = TABLE) -> None:
    """What was measured on this version takes the place of what was kept; other measures and versions stay."""
    whole = kept(table) if table.exists() else {}
    whole[python] = {**whole.get(python, {}), **measured}
    table.write_text(_HEAD + "".join(_lines(whole)), encoding="utf-8")


def _lines(whole: Mapping[str, Figures]) -> Iterator[str]:
    for python, figures in sorted(whole.items()):
        for measure, each in figures.items():
            yield f'\n["{python}".{measure}]\n'
            yield from (f'"{what}" = {figure}\n' for what, figure in each.items())
