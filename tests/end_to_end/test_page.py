"""The page of the installed daemon: it is there from the start, through a reload, and until the end."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest
import requests

from tests.support.waiting import wait_for
from tests.support.workplace import Daemon, Workplace, pdf
from watcher.sandbox.endpoint import Endpoint

PASSWORD = "open sesame"
_SERVED = re.compile(r"The page is served\. \[address=([\d.:]+)\]")
_FORM = re.compile(r'name="csrf" value="(\w+)"')


@pytest.fixture
def workplace(tmp_path: Path, endpoint: Endpoint) -> Workplace:
    return Workplace(tmp_path, endpoint).with_folder()


def address_of(daemon: Daemon, number: int = 1) -> str:
    """Where the page was served for the n-th time."""
    found = wait_for(lambda: _SERVED.findall(daemon.said())[number - 1 : number], 60, "the page to be served")
    return f"http://{found[0]}"


def test_the_page_shows_what_the_daemon_does_and_goes_on_through_a_reload(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    (workplace.root / "password").write_text(PASSWORD)
    workplace.config["web"] = {"listen": "127.0.0.1:0", "password": {"file": str(workplace.root / "password")}}
    workplace.write()
    with workplace.daemon() as daemon, requests.Session() as session:
        page = address_of(daemon)

        # The password lets in, and what is asked while a document is posted shows it.
        form = _FORM.findall(session.get(f"{page}/login", timeout=30).text)[0]
        inside = session.post(
            f"{page}/login", {"csrf": form, "password": PASSWORD}, headers={"Origin": page}, timeout=30
        )
        assert "一切正常。" in inside.text
        endpoint.behave(held=True)
        workplace.drop("出租车.pdf", pdf("taxi"))
        assert endpoint.wait_until(lambda e: e.under_way == 1)
        assert "处理中" in session.get(f"{page}/submissions", timeout=30).text

        # While the old service ends its request, the page is there; after it the new one's is, at the same address.
        daemon.signal(signal.SIGHUP)
        wait_for(lambda: "The daemon stops" in daemon.said(), 60, "the old service to end")
        assert requests.get(f"{page}/livez", timeout=30).status_code == 200
        endpoint.release()
        wait_for(lambda: daemon.said().count("The daemon is ready") == 2, 60, "the new service")
        assert requests.get(f"{page}/readyz", timeout=30).status_code == 200
        (submission,) = workplace.closed(1)
        shown = session.get(f"{page}/submissions/{submission['id']}", timeout=30).text
        assert "出租车.pdf" in shown
        assert submission["documents"][0]["invoices"][0]["expense_id"] in shown

        # Another address is listened at after the next reload, and the old one no more.
        workplace.config["web"] = {"listen": "localhost:0"}
        workplace.write()
        daemon.signal(signal.SIGHUP)
        other = address_of(daemon, 2)
        assert requests.get(f"{other}/", timeout=30).status_code in (200, 503)
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{page}/livez", timeout=30)
    assert PASSWORD not in daemon.said()
    assert "Traceback" not in daemon.said()
