"""`make bench`: the command that measures. What it finds is for people; here only that it finds it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import record
from benchmarks.cases import CASES
from tests.support.servers.dovecot import Dovecot

PROJECT = Path(__file__).resolve().parents[2]


def bench(*arguments: str | Path) -> str:
    """Its standard output; it must end well."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_case_is_listed_with_what_it_measures() -> None:
    lines = bench("--list").splitlines()
    assert lines == [f"{name}: {case.facts.measures}" for name, case in CASES.items()]


def test_a_case_gives_every_figure_of_each_contestant_and_draws_them(tmp_path: Path, dovecot: Dovecot) -> None:
    # Given: the servers that the case takes are installed.
    del dovecot
    said = bench("--only", "attachment", "--quick", "--json", tmp_path / "found.json", "--plots", tmp_path)

    (measured,) = record.read(tmp_path / "found.json").cases
    (samples,) = measured.rounds
    assert list(samples) == ["daemon, file", "daemon, mail", "script, file", "script, mail"]
    for sample in samples.values():
        assert sample.values["peak memory"] > sample.values["due to its size"] >= 0
    assert "daemon, mail ÷ script, mail" in " ".join(said.split())
    assert (tmp_path / "attachment.svg").read_text().startswith("<?xml")


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", CASES)
def test_every_case_runs(name: str, tmp_path: Path) -> None:
    bench("--only", name, "--quick", "--json", tmp_path / "found.json")
    (measured,) = record.read(tmp_path / "found.json").cases
    assert measured.rounds or measured.missing
