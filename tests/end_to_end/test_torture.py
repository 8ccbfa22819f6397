"""A spread sample of the matrix of faults; `make torture` runs the whole (see tests/torture)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.workplace import ZHANG
from tests.torture import calls
from tests.torture.injector import Fault
from tests.torture.matrix import run
from tests.torture.oracle import judge
from tests.torture.scenario import Scenario, Servers

AT_ONCE = 10  # they wait more than they work

# Each surely comes: runs differ a little in how many calls they make. The journal is written by whoever has its lock,
# so that early and late calls meet the steps in turn. Those come first whose answers wait for their next try.
SAMPLE = """
    EIO@renameat2/done#1    ENOSPC@openat/error#1   full@renameat2/inbox#2  EIO@sendto/smtp#5       full@pwrite64/wal#120
    kill@pwrite64/wal#3     kill@pwrite64/wal#90    kill@pwrite64/wal#200   kill@fdatasync/wal#6    kill@fdatasync/wal#18
    kill@pwrite64/journal#9 kill@unlink/wal#1       kill@rename/store#2     kill@renameat2/inbox#1  kill@renameat2/done#2
    kill@renameat2/error#2  kill@fsync/done#1       kill@sendto/endpoint#2  kill@sendto/smtp#8      kill@sendto/imap#20
    EIO@fdatasync/wal#12    EIO@pwrite64/wal#150    EIO@fsync/store#2       full@fdatasync/wal#20
    ENOSPC@pwrite64/wal#60  ENOSPC@write/store#3    EXDEV@renameat2/done#1  EXDEV@renameat2/error#1
"""  # noqa: E501 - a table

# The thread that looks into the mailbox sends much; which thread writes the journal is chance.
BY_STRACE = (
    ("fdatasync", 2, "signal=SIGKILL", "+++ killed by SIGKILL +++"),
    ("sendto", 4, "signal=SIGKILL", "+++ killed by SIGKILL +++"),
    ("renameat2", 1, "error=EXDEV", "(INJECTED)"),
)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    if not calls.by_number():
        pytest.skip("the numbers of system calls are not known for this machine")
    with Servers.started() as started:
        try:
            started.require_filters()
        except OSError as error:
            pytest.skip(f"no fault can be injected here: {error}")
        yield started


def test_whatever_call_fails_or_is_the_last_nothing_is_lost_and_nothing_happens_twice(
    servers: Servers, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        faults = [Fault.parse(text) for text in SAMPLE.split()]
        verdicts = list(pool.map(lambda fault: run(fault, tmp_path / str(fault).replace("/", "-"), servers), faults))
    assert [str(verdict) for verdict in verdicts if verdict.faults or verdict.missed] == []


def test_strace_bears_it_out(servers: Servers, tmp_path: Path) -> None:
    def wrong(number: int) -> list[str]:
        call, when, what, told = BY_STRACE[number]
        with Scenario(tmp_path / f"strace-{number}", f"strace {number}", servers) as scenario:
            scenario.prepare()
            assert told in scenario.run_under_strace(call, when, what)
            assert scenario.recover() in (0, 1)
            return judge(scenario, killed="KILL" in what)

    with ThreadPoolExecutor(len(BY_STRACE)) as pool:
        assert list(pool.map(wrong, range(len(BY_STRACE)))) == [[]] * len(BY_STRACE)


def test_the_oracle_finds_what_is_wrong(servers: Servers, tmp_path: Path) -> None:
    with Scenario(tmp_path / "sound", "oracle", servers) as scenario:
        scenario.prepare()
        assert scenario.recover() == 1  # some documents end in error
        assert judge(scenario, killed=False) == []
        done, error = scenario.workplace.done / ZHANG, scenario.workplace.error
        # Given a file that is written over, one that is lost, one that is there twice, and what was left behind
        (done / "taken.pdf").write_bytes(scenario.taken)
        (done / "bundle.zip").unlink()
        (scenario.workplace.inbox / "nobody.pdf").write_bytes(scenario.nobodys)
        (error / "nobody.pdf.txt").unlink()
        (error / ".invoice-watcher-x.tmp").touch()
        # … a mail and a reply that are there twice, an upload that is cut off
        scenario.account.append(scenario.mails["known"])
        scenario.send_again_under_another_message_id()
        next(path for path in (tmp_path / "sound" / "store").rglob("*.pdf")).write_bytes(b"%PDF")
        # … and a booking that is made twice
        scenario.post_again(scenario.taken)

        said = "\n".join(judge(scenario, killed=True))

    for wrong in (
        "done/taken.pdf is", "done/bundle.zip is not there", "inbox/nobody.pdf is", "the notes are",
        ".invoice-watcher-x.tmp was left", "INBOX holds ['known']", "2 Message-IDs", "has other bytes (4)",
        "taken has the bizIds", "bookings were made",
    ):  # fmt: skip
        assert wrong in said, said
