"""Sources that get another name in the configuration, or are taken out of it, while they have work pending."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.workplace import Workplace, pdf
from watcher.sandbox.endpoint import Endpoint

LEFT = "is no source of this node's configuration"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as running:
        yield running


def test_whoever_takes_a_source_with_pending_work_out_of_the_configuration_is_told_wherever_they_look(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    workplace = Workplace(tmp_path / "company", endpoint, retry={"first": "1h"}).with_folder().write()
    endpoint.behave(status=500, times=1)
    workplace.drop("a.pdf", pdf("a"))
    assert workplace.command("run", "--once").returncode == 3
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    workplace.config["folders"][0] |= {"name": "team", "path": str(elsewhere)}
    workplace.write()

    once = workplace.command("run", "--once")
    with workplace.daemon() as daemon:
        at_start = daemon.said().count(LEFT)
        status = workplace.status()
    check = workplace.command("check")

    assert once.returncode == 3, once
    assert f"1 not finished of shared, which {LEFT}" in once.stdout
    assert at_start == 1
    assert f"shared {LEFT}, and no node looks after it: 1 not finished" in status
    assert f"shared {LEFT}, and no node looks after it: 1 not finished" in check.stdout

    workplace.config["folders"][0] |= {"name": "shared", "path": str(workplace.inbox)}
    workplace.write()
    assert LEFT not in workplace.status() + workplace.command("check").stdout
