"""The web of a process goes on answering while configurations, journals and services come and go."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import requests

from tests.support.config_files import MINIMUM, written
from tests.support.waiting import wait_for
from watcher.bootstrap.web import build_site
from watcher.config.load import load
from watcher.config.sections import Configuration
from watcher.service.vitals import Vitals
from watcher.web import front as web_front
from watcher.web.front import Front
from watcher.web.site import Site

JOURNAL, SERVICE = cast("Any", object()), cast("Any", object())


def configured(directory: Path, web: str = "web: {listen: '127.0.0.1:0'}\n") -> Configuration:
    return load(written(directory, MINIMUM + web))


@pytest.fixture
def vitals() -> Vitals:
    return Vitals(late=list)


@pytest.fixture
def site(vitals: Vitals) -> Iterator[Site]:
    site = build_site(vitals)
    yield site
    site.close()


def address_of(site: Site) -> str:
    return f"http://{wait_for(lambda: site.address, what='the site to listen')}"


def test_a_site_is_alive_all_the_time_and_ready_while_a_service_works(
    site: Site, vitals: Vitals, tmp_path: Path
) -> None:
    site.follow(configured(tmp_path))
    address = address_of(site)

    def ready() -> tuple[int, Any]:
        answer = requests.get(f"{address}/readyz", timeout=10)
        return answer.status_code, answer.json()

    seen = [ready()]
    with site.showing(JOURNAL, SERVICE):
        vitals.works(lambda: None)
        seen.append(ready())
        vitals.works(lambda: "FATAL: no database of that name on db.corp.example")
        seen.append(ready())
    site.follow(configured(tmp_path))
    assert address_of(site) == address, "the same section: the same listener"
    assert seen == [
        (503, {"ready": False, "missing": ["start"]}),
        (200, {"ready": True, "missing": []}),
        (503, {"ready": False, "missing": ["journal"]}),
    ]
    alive = requests.get(f"{address}/livez", timeout=10)
    assert (alive.status_code, alive.json()) == (200, {"alive": True, "late": []})


def test_a_process_with_a_worker_that_hangs_is_not_alive_and_says_which(tmp_path: Path) -> None:
    site = build_site(Vitals(late=lambda: ["look-fapiao"]))
    site.follow(configured(tmp_path))
    try:
        alive = requests.get(f"{address_of(site)}/livez", timeout=10)
        assert (alive.status_code, alive.json()) == (503, {"alive": False, "late": ["look-fapiao"]})
    finally:
        site.close()


def test_another_address_is_listened_at_after_a_reload_and_none_without_the_section(site: Site, tmp_path: Path) -> None:
    site.follow(configured(tmp_path))
    address = address_of(site)
    site.follow(configured(tmp_path, "web: {listen: 'localhost:0'}\n"))
    assert address_of(site) != address
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{address}/livez", timeout=10)
    site.follow(configured(tmp_path, ""))
    assert site.address is None


def test_every_answer_says_what_browsers_may_do_with_it(site: Site, tmp_path: Path) -> None:
    site.follow(configured(tmp_path))
    headers = requests.get(f"{address_of(site)}/livez", timeout=10).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


def test_a_journal_is_withdrawn_when_the_last_request_that_reads_it_has_ended(tmp_path: Path) -> None:
    front = Front(configured(tmp_path))
    front.show(JOURNAL, SERVICE)
    withdrawing = threading.Thread(target=front.withdraw)
    with front.current() as current:
        withdrawing.start()
        with front.current() as late:
            wait_for(lambda: front._current.journal is None)
            assert late.journal in (JOURNAL, None)
        assert current.journal is JOURNAL
        assert withdrawing.is_alive()
    withdrawing.join(10)
    assert not withdrawing.is_alive()
    with front.current() as after:
        assert after.journal is None


def test_a_request_that_never_ends_holds_no_journal_open_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_front, "_READERS_SECONDS", 0.05)
    front = Front(configured(tmp_path))
    front.show(JOURNAL, SERVICE)
    with front.current():
        front.withdraw()
