"""The child: killed where it does not come to an end, replaced, never left behind, and never trusted."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.inspecting import children, is_running, look, resident_bytes
from tests.support.invoice_files import Paper, endless_pdf, invoice_page, laughing_pdf, ofd, pdf, vast_picture_pdf
from tests.support.waiting import wait_for
from watcher.documents.formats import Format
from watcher.documents.inspection.inspector import Inspector
from watcher.errors import DocumentRefused
from watcher.seen import NOTHING_SEEN
from watcher.spool import Spooled

INVOICE = pdf(invoice_page(Paper()))
ENDLESS = endless_pdf()


@contextmanager
def _inspector(**options: float) -> Iterator[tuple[Inspector, Callable[[], list[int]]]]:
    """An inspector with time enough on a busy machine, and what tells the children that are its own."""
    before = set(children())
    with closing(Inspector(**{"time_limit": 60.0, **options})) as inspector:  # type: ignore[arg-type]
        yield inspector, lambda: [pid for pid in children() if pid not in before]


def _reads_an_invoice(inspector: Inspector) -> bool:
    return [found.number for found in look(inspector, INVOICE).invoices] == [Paper().number]


def test_no_child_is_started_before_the_first_document() -> None:
    with _inspector() as (inspector, own):
        assert own() == []
        assert look(inspector, b"") is not None
        assert own() == []
        assert _reads_an_invoice(inspector)
        assert len(own()) == 1


def test_a_child_is_kept_for_the_next_document() -> None:
    with _inspector() as (inspector, own):
        assert _reads_an_invoice(inspector)
        first = own()
        assert _reads_an_invoice(inspector)
        assert own() == first


def test_a_document_without_an_end_is_given_up_in_time_and_the_next_is_read() -> None:
    with _inspector(time_limit=3.0) as (inspector, own):
        began = time.monotonic()
        assert look(inspector, ENDLESS) == NOTHING_SEEN
        assert 3 <= time.monotonic() - began < 8
        assert own() == []
        assert _reads_an_invoice(inspector)


def test_a_document_that_wants_too_much_memory_ends_its_child_and_the_next_is_read() -> None:
    with _inspector(memory_limit=150 * 1024 * 1024) as (inspector, own):
        assert look(inspector, laughing_pdf()) == NOTHING_SEEN
        assert own() == []
        assert _reads_an_invoice(inspector)


def test_a_vast_picture_does_no_harm() -> None:
    with _inspector() as (inspector, own):
        look(inspector, vast_picture_pdf())
        assert _reads_an_invoice(inspector)
        assert max(resident_bytes(pid) for pid in own()) < 256 * 1024 * 1024


def test_no_broken_document_does_harm() -> None:
    chance = random.Random(20260501)
    wholes = {
        Format.PDF: INVOICE,
        Format.OFD: ofd([[(10.0, 10.0, "发票号码：")]], custom={"发票号码": Paper().number}),
        Format.XML: f"<EInvoice><InvoiceNumber>{Paper().number}</InvoiceNumber></EInvoice>".encode(),
    }
    with _inspector() as (inspector, _):
        for form, whole in wholes.items():
            for _ in range(60):
                seen = look(inspector, _broken(whole, chance), form)
                assert seen == NOTHING_SEEN or seen.deep or seen.damaged or seen.locked
        assert _reads_an_invoice(inspector)


def _broken(whole: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, and mostly some cut off or doubled."""
    data = bytearray(whole)
    for _ in range(chance.randint(1, 12)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    place, length = chance.randrange(len(data)), chance.randrange(200)
    return bytes(data[:place] + data[place + length :] if chance.random() < 0.5 else data[:place] * 2 + data[place:])


def test_a_child_that_is_killed_from_outside_is_replaced() -> None:
    with _inspector() as (inspector, own):
        assert _reads_an_invoice(inspector)
        (killed,) = own()
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: not is_running(killed))
        assert _reads_an_invoice(inspector)
        assert own() != [killed]


def test_a_child_that_is_killed_at_work_costs_what_it_was_looking_at() -> None:
    with _inspector() as (inspector, own), ThreadPoolExecutor(1) as pool:
        seen = pool.submit(look, inspector, ENDLESS)
        os.kill(wait_for(own)[0], signal.SIGKILL)
        assert seen.result(timeout=10) == NOTHING_SEEN
        assert _reads_an_invoice(inspector)


def test_the_signals_that_end_a_service_do_not_end_its_child_first() -> None:
    with _inspector() as (inspector, own):
        assert _reads_an_invoice(inspector)
        kept = own()
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(kept[0], number)
        assert _reads_an_invoice(inspector)
        assert own() == kept


def test_an_idle_child_is_ended_and_leaves_no_zombie() -> None:
    with _inspector(idle=0.2) as (inspector, own):
        assert _reads_an_invoice(inspector)
        wait_for(lambda: own() == [], what="the end of the idle child")
        assert _reads_an_invoice(inspector)


def test_closing_ends_every_child_also_one_at_work() -> None:
    with _inspector() as (inspector, own), ThreadPoolExecutor(1) as pool:
        assert _reads_an_invoice(inspector)
        seen = pool.submit(look, inspector, ENDLESS)
        wait_for(lambda: _is_busy(own()), what="a child at work")
        inspector.close()
        assert seen.result(timeout=10) == NOTHING_SEEN
        assert own() == []
        assert look(inspector, INVOICE) == NOTHING_SEEN
        with closing(Spooled([INVOICE])) as content, pytest.raises(DocumentRefused):
            inspector.split(content, [(1, 1)])


def _is_busy(pids: list[int]) -> bool:
    """Whether one of them has used CPU time for more than its start."""
    ticks = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11] for pid in pids]
    return any(int(count) > 60 for count in ticks)


_PARENT = """
import sys, threading
from watcher.documents.inspection.inspector import Inspector
from watcher.documents.formats import Format
from watcher.spool import Spooled
inspector = Inspector(time_limit=60)
inspector.look(Spooled([open(sys.argv[1], "rb").read()]), Format.PDF, deep=True)
threading.Thread(target=inspector.look, args=(Spooled([open(sys.argv[2], "rb").read()]), Format.PDF),
                 kwargs={"deep": True}).start()
print("ready", flush=True)
"""


@pytest.mark.parametrize("at_work", [True, False])
def test_a_parent_that_is_killed_leaves_no_child_behind(tmp_path: Path, at_work: bool) -> None:
    (tmp_path / "first.pdf").write_bytes(INVOICE)
    (tmp_path / "second.pdf").write_bytes(ENDLESS if at_work else INVOICE)
    command = [sys.executable, "-c", _PARENT, str(tmp_path / "first.pdf"), str(tmp_path / "second.pdf")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        child = wait_for(lambda: children(parent.pid))[0]
        if at_work:
            wait_for(lambda: _is_busy([child]), what="a child at work")
        parent.kill()
    wait_for(lambda: not is_running(child), timeout=5, what="the end of the child")


def test_the_thread_that_started_a_child_may_end() -> None:
    with _inspector() as (inspector, own):
        thread = threading.Thread(target=_reads_an_invoice, args=(inspector,))
        thread.start()
        thread.join()
        kept = own()
        assert _reads_an_invoice(inspector)
        assert own() == kept


def test_a_child_inherits_nothing_and_may_do_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "wide-open")
    read, write = os.pipe()
    os.set_inheritable(write, True)
    try:
        with _inspector() as (inspector, own):
            assert _reads_an_invoice(inspector)
            process = Path(f"/proc/{own()[0]}")
            assert b"SECRET" not in (process / "environ").read_bytes()
            pipes = {str(path.readlink()) for path in (process / "fd").iterdir()}
            assert f"pipe:[{os.fstat(write).st_ino}]" not in pipes
            status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines())
            assert status["NoNewPrivs"] == "1"
            assert status["Seccomp"] == "2"
            limits = (process / "limits").read_text().splitlines()
            assert _limit(limits, "Max processes") == "0"
            assert _limit(limits, "Max core file size") == "0"
            assert _limit(limits, "Max address space") == str(512 * 1024 * 1024)
    finally:
        os.close(read)
        os.close(write)


def _limit(limits: list[str], name: str) -> str:
    return next(line for line in limits if line.startswith(name)).removeprefix(name).split()[0]


def test_eight_threads_share_two_children() -> None:
    with _inspector() as (inspector, own), ThreadPoolExecutor(8) as pool:
        papers = [Paper(number=f"261170000012345{number:05}") for number in range(64)]
        seen = list(pool.map(lambda paper: look(inspector, pdf(invoice_page(paper))), papers))
        assert [found.invoices[0].number for found in seen] == [paper.number for paper in papers]
        assert len(own()) <= 2


def test_a_document_that_takes_its_time_does_not_hold_up_the_others() -> None:
    with _inspector() as (inspector, own), ThreadPoolExecutor(1) as pool:
        endless = pool.submit(look, inspector, ENDLESS)
        wait_for(own)
        assert _reads_an_invoice(inspector)
        assert not endless.done()
        inspector.close()


def test_a_thousand_documents_leave_nothing_behind() -> None:
    with _inspector() as (inspector, own):
        _look_at_all(inspector, times=50)
        (child,) = own()
        before, opened = resident_bytes(child), _opened(child)
        _look_at_all(inspector, times=200)
        assert own() == [child]
        assert resident_bytes(child) - before < 4 * 1024 * 1024
        # It lets go of a document a moment after it answered; and what another test left open may be closed meanwhile.
        wait_for(lambda: _opened(child) <= opened)


def _look_at_all(inspector: Inspector, *, times: int) -> None:
    """Five documents of several kinds, over and over; one of them breaks a library's parser."""
    digital = f"<EInvoice><InvoiceNumber>{Paper().number}</InvoiceNumber></EInvoice>".encode()
    papers = [
        (Format.PDF, INVOICE),
        (Format.PDF, b"%PDF-1.4 broken"),
        (Format.OFD, ofd([[(10.0, 10.0, f"发票号码：{Paper().number}")]])),
        (Format.XML, digital),
        (Format.PNG, b"\x89PNG\r\n\x1a\nbroken"),
    ]
    for _ in range(times):
        for form, data in papers:
            look(inspector, data, form)


def _opened(child: int) -> set[tuple[Path, Path]]:
    """Descriptors of this process and of its child, each with what it is of."""
    found = set()
    for process in ("self", str(child)):
        for descriptor in list(Path(f"/proc/{process}/fd").iterdir()):
            with suppress(FileNotFoundError):  # that of the list itself
                found.add((descriptor, descriptor.readlink()))
    return found
