"""A daemon that runs can be asked how it fares, and nobody else can answer in its place."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.waiting import wait_for
from watcher import presence
from watcher.presence import NoAnswer, Peer, Told, address_of, ask
from watcher.service import presence as service_presence
from watcher.service.presence import Listener

STRANGER = 65534


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    file.touch()
    return file


@pytest.fixture
def start(configuration: Path) -> Iterator[Callable[[Callable[[], Told]], None]]:
    with ExitStack() as stack:

        def listening(tell: Callable[[], Told]) -> None:
            stack.enter_context(Listener(configuration, tell))

        yield listening


def answered(configuration: Path) -> Told:
    """Once somebody is there."""

    def told() -> Told | None:
        try:
            return ask(configuration)
        except NoAnswer:
            return None

    found = wait_for(told, what="an answer")
    assert found is not None
    return found


def test_who_has_the_configuration_is_told_all(
    configuration: Path, start: Callable[[Callable[[], Told]], None]
) -> None:
    start(lambda: {"ready": True, "pid": 7})
    assert answered(configuration) == {"ready": True, "pid": 7}


def test_nobody_answers_for_another_configuration(
    configuration: Path, start: Callable[[Callable[[], Told]], None]
) -> None:
    start(lambda: {"ready": True})
    answered(configuration)
    with pytest.raises(NoAnswer, match="no daemon runs with"):
        ask(configuration.with_name("other.yaml"))


def test_the_name_stays_when_the_link_to_the_file_is_turned(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).touch()
    link = tmp_path / "config.yaml"
    link.symlink_to("a")
    before = address_of(link)
    link.unlink()
    link.symlink_to("b")
    (tmp_path / "etc").symlink_to(tmp_path)
    assert address_of(link) == before == address_of(tmp_path / "etc" / "config.yaml")


def test_an_error_in_telling_is_told(configuration: Path, start: Callable[[Callable[[], Told]], None]) -> None:
    def fails() -> Told:
        raise LookupError("what nobody shall read")

    start(fails)
    assert answered(configuration) == {"ready": False, "missing": ["an error of ours: LookupError"]}


def test_a_second_daemon_takes_over_the_name_when_the_first_ends(
    configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_presence, "_AGAIN_SECONDS", 0.02)
    with ExitStack() as first:
        first.enter_context(Listener(configuration, lambda: {"by": 1}))
        answered(configuration)
        with Listener(configuration, lambda: {"by": 2}):
            assert answered(configuration) == {"by": 1}
            first.close()
            assert answered(configuration) == {"by": 2}


SQUATTER = """
import os, socket, sys
os.setgid(65534); os.setuid(65534)
with socket.socket(socket.AF_UNIX) as taken:
    taken.bind(b"\\0" + sys.argv[1].encode()); taken.listen(); print("there", flush=True)
    connection, _ = taken.accept()
    connection.sendall(b'{"ready": true}\\n')
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed, whom root alone can become")
def test_what_another_user_says_does_not_count(configuration: Path) -> None:
    """Given somebody on the machine who has taken the name, then no health check believes them."""
    name = address_of(configuration)[1:].decode()
    with subprocess.Popen([sys.executable, "-c", SQUATTER, name], stdout=subprocess.PIPE) as squatter:
        assert squatter.stdout is not None
        squatter.stdout.readline()
        with pytest.raises(NoAnswer, match=f"its user {STRANGER} has no share"):
            ask(configuration)
        squatter.kill()


def test_a_daemon_in_another_container_is_none_of_ours(
    configuration: Path, start: Callable[[Callable[[], Told]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    start(lambda: {"ready": True})
    answered(configuration)
    monkeypatch.setattr(presence, "peer_of", lambda _: Peer(process=0, user=0, group=0))
    with pytest.raises(NoAnswer, match="another container"):
        ask(configuration)


def test_strangers_hear_whether_it_is_ready_and_no_more(
    configuration: Path, start: Callable[[Callable[[], Told]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    start(lambda: {"ready": True, "sources": {"fapiao": "a secret of ours"}})
    answered(configuration)
    monkeypatch.setattr(service_presence, "peer_of", lambda _: Peer(process=1, user=STRANGER, group=STRANGER))
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address_of(configuration))
        assert json.loads(connection.recv(1 << 16)) == {"ready": True}
