"""Which cores the daemon's threads use: one at a time, of those that the process was given."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.support import without_affinity
from tests.support.cores import GIVEN, cores_of, shared_core
from tests.support.inspecting import children
from tests.support.invoice_files import Paper, invoice_page, pdf
from tests.support.waiting import wait_for
from tests.support.workplace import ZHANG, Workplace
from watcher.sandbox.endpoint import Endpoint

pytestmark = pytest.mark.skipif(len(GIVEN) < 2, reason="this machine has one core")


def _post(workplace: Workplace, name: str) -> None:
    """A PDF that has to be looked into by another process."""
    workplace.drop(name, pdf(invoice_page(Paper()), invoice_page(Paper())))
    wait_for((workplace.done / ZHANG / name).exists, 60, f"{name} in done")


def test_threads_keep_to_one_core_and_what_looks_into_documents_to_none(endpoint: Endpoint, tmp_path: Path) -> None:
    workplace = Workplace(tmp_path, endpoint).with_folder(poll="200ms", settle="0s").write()
    with workplace.daemon() as daemon:
        pid = daemon.process.pid
        wait_for(lambda: shared_core(pid), 30, "threads on one core")
        _post(workplace, "a.pdf")
        assert {len(cores) for task, cores in cores_of(pid).items() if task != pid} == {1}  # also of new threads
        assert cores_of(pid)[pid] == GIVEN
        looking = children(pid)
        assert looking
        assert [os.sched_getaffinity(child) for child in looking] == [GIVEN] * len(looking)


def test_what_an_administrator_gives_it_is_kept_to(endpoint: Endpoint, tmp_path: Path) -> None:
    workplace = Workplace(tmp_path, endpoint).with_folder(poll="200ms", settle="0s").write()
    with workplace.daemon() as daemon:
        pid = daemon.process.pid
        shared = wait_for(lambda: shared_core(pid), 30, "threads on one core")
        other = GIVEN - shared
        os.sched_setaffinity(pid, other)  # as `taskset -p` does
        daemon.signal(signal.SIGHUP)
        wait_for(lambda: shared_core(pid) & other, 60, "threads where they are allowed")


def test_where_it_may_not_choose_it_works_on_all_of_them(endpoint: Endpoint, tmp_path: Path) -> None:
    workplace = Workplace(tmp_path, endpoint).with_folder(poll="200ms", settle="0s").write()
    with workplace.daemon(sys.executable, without_affinity.__file__) as daemon:
        _post(workplace, "a.pdf")
        assert set(map(frozenset, cores_of(daemon.process.pid).values())) == {frozenset(GIVEN)}
        assert "core" not in daemon.said()
