"""What the daemon makes for itself is its own to read; what it leaves on a share is as the share has it."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers.process import as_servant, hand_over, program, servant, served_folder
from tests.support.waiting import wait_for
from tests.support.workplace import COMMAND, Workplace, environment, pdf
from watcher.sandbox.endpoint import Endpoint

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a share of another group")

SHARE, SOMEBODY = 42042, 42001  # the group of the share, and an employee; both are no account of this machine


@pytest.fixture
def workplace(endpoint: Endpoint) -> Iterator[Workplace]:
    """A share of another group than the daemon's own, whose members keep that group by the folders' setgid bit."""
    root = served_folder("modes")
    root.chmod(0o755)
    made = Workplace(root / "company", endpoint).with_folder(poll="200ms", settle="0s")
    made.config["journal"] = f"sqlite:///{root}/state/journal.db"
    made.write()
    (root / "tmp").mkdir()
    (root / "state").mkdir(mode=0o700)
    for path in (root / "tmp", root / "state", root / "company", *(root / "company").rglob("*")):
        hand_over(path)
    for path in (made.inbox, made.inbox / "903851", made.done, made.error):
        path.mkdir(exist_ok=True)
        _shared(path, 0o2770)
    yield made
    subprocess.run(["rm", "-rf", root], check=True)


def _shared(path: Path, mode: int) -> None:
    os.chown(path, SOMEBODY, SHARE)
    path.chmod(mode)


def _drop(folder: Path, name: str, mode: int) -> None:
    whole = folder.parent.parent / name
    whole.write_bytes(pdf(name))
    _shared(whole, mode)
    whole.rename(folder / name)


def _run(workplace: Workplace, umask: int, answered: list[Path]) -> dict[str, int]:
    """The daemon as an ordinary user who belongs to the share's group, too; the modes of what it has for itself."""
    command = as_servant([str(COMMAND), "--config", str(workplace.config_file), "run"], dies_by="KILL")
    command = [word if word != "--clear-groups" else f"--groups={SHARE}" for word in command]
    root = workplace.root.parent
    log = root / "daemon.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            env={**environment(), "TMPDIR": str(root / "tmp")},
            umask=umask,
        )
        try:
            wait_for(lambda: all(path.exists() for path in answered) or process.poll() is not None, 60, "the answers")
            assert process.poll() is None, log.read_text()
            own = [*(root / "state").iterdir(), *(root / "tmp").iterdir()]
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in own}
        finally:
            process.terminate()
            assert process.wait(60) == 0, log.read_text()
    assert list((root / "tmp").iterdir()) == []
    return modes


def _as_it_is(path: Path) -> tuple[int, int]:
    status = path.stat()
    return stat.S_IMODE(status.st_mode), status.st_gid


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_own_files_are_for_their_owner_and_shared_ones_as_the_share_has_them(workplace: Workplace, umask: int) -> None:
    # Given a file that will be done and one that nobody can be found for, each with a mode of its own
    _drop(workplace.inbox / "903851", "good.pdf", 0o664)
    _drop(workplace.inbox, "whose.pdf", 0o640)
    done = workplace.done / "903851" / "good.pdf"
    error, note = workplace.error / "whose.pdf", workplace.error / "whose.pdf.txt"
    # When the daemon runs
    own = _run(workplace, umask, [done, error, note])
    # Then what it has for itself is for nobody else, whatever the umask
    assert {"journal.db", "journal.db-wal", "journal.db-shm", "journal.db.lock"} <= set(own)
    assert set(own.values()) == {0o600}
    # And what it has moved, made and written has the mode and the group of what was there
    assert _as_it_is(done) == (0o664, SHARE)
    assert _as_it_is(error) == (0o640, SHARE)
    assert _as_it_is(note) == (0o640, SHARE)
    assert _as_it_is(done.parent) == (0o2770, SHARE)
    assert note.stat().st_uid == servant().pw_uid


def test_who_may_read_by_an_access_list_of_the_share_may_read_the_note(workplace: Workplace) -> None:
    command: list[str | Path] = [program("setfacl", "acl"), "-R", "-d", "-m", "u:daemon:rX", workplace.error]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this file system has no access lists")
    _drop(workplace.inbox, "whose.pdf", 0o640)
    note = workplace.error / "whose.pdf.txt"

    _run(workplace, 0o077, [note])

    shown = subprocess.run(["getfacl", "-c", note], check=True, capture_output=True, text=True).stdout
    assert "user:daemon:r-" in shown
    assert "#effective:---" not in shown
