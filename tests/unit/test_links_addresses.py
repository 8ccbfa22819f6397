"""Only hosts on the internet are connected to, and each at the address that was judged."""

from __future__ import annotations

import socket

import pytest

from watcher.deadline import Deadline
from watcher.documents.links.public_network import PublicNetwork, is_public
from watcher.documents.links.results import NotHad
from watcher.model import Reason

PUBLIC = ["8.8.8.8", "93.184.216.34", "223.5.5.5", "2400:3200::1", "2606:4700:4700::1111"]
NOT_PUBLIC = [
    *(
        "0.0.0.0 10.0.0.1 100.64.0.1 100.100.100.200 127.0.0.1 127.8.8.8 169.254.169.254 172.16.0.1 172.31.255.255"
    ).split(),
    *("192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.1.1.1").split(),
    *("240.0.0.1 255.255.255.255 168.63.129.16").split(),
    *(":: ::1 ::ffff:8.8.8.8 ::ffff:127.0.0.1 ::8.8.8.8 64:ff9b::808:808 64:ff9b:1::1 fe80::1 fe80::1%eth0").split(),
    *(
        "fec0::1 fc00::1 fd00:ec2::254 ff02::1 2001::1 2001:db8::1 2002:7f00:1::1 3fff::1 100::1 2400:3200::1%eth0"
    ).split(),
    *("localhost 1 127.1 0x7f.0.0.1").split(),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_others_are_not(address: str) -> None:
    assert not is_public(address)


def test_only_the_public_ones_of_a_name_are_dialled_and_the_name_is_asked_for_once() -> None:
    looked_up: list[str] = []
    dialled: list[str] = []

    def look_up(host: str, port: int) -> list[str]:
        looked_up.append(host)
        return ["127.0.0.1", "8.8.8.8", "10.0.0.1", "223.5.5.5"] if len(looked_up) == 1 else ["127.0.0.1"]

    def connect(address: str, port: int, seconds: float) -> socket.socket:
        dialled.append(address)
        raise ConnectionRefusedError

    with pytest.raises(NotHad) as failure:
        PublicNetwork(look_up=look_up, connect=connect).open("a.example", 443, Deadline(5))

    assert (dialled, looked_up) == (["8.8.8.8", "223.5.5.5"], ["a.example"])
    assert (failure.value.reason, failure.value.again) == (Reason.LINK_UNREACHABLE, True)


def test_a_host_that_cannot_be_reached_is_left_alone_for_a_while() -> None:
    dialled: list[str] = []

    def connect(address: str, port: int, seconds: float) -> socket.socket:
        dialled.append(address)
        raise TimeoutError

    network = PublicNetwork(look_up=lambda host, _: ["8.8.8.8" if host == "a.example" else "9.9.9.9"], connect=connect)
    for host in ("a.example", "a.example", "b.example"):
        with pytest.raises(NotHad) as failure:
            network.open(host, 443, Deadline(5))
        assert (failure.value.reason, failure.value.again) == (Reason.LINK_UNREACHABLE, True)

    assert dialled == ["8.8.8.8", "9.9.9.9"]


def test_a_name_without_a_public_address_is_refused() -> None:
    def connect(address: str, port: int, seconds: float) -> socket.socket:
        raise AssertionError("dialled")

    with pytest.raises(NotHad) as failure:
        PublicNetwork(look_up=lambda *_: ["127.0.0.1", "::1"], connect=connect).open("a.example", 443, Deadline(5))

    assert (failure.value.reason, failure.value.again) == (Reason.LINK_REFUSED, False)


def test_a_name_that_cannot_be_resolved_may_be_later() -> None:
    def look_up(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "later")

    with pytest.raises(NotHad) as failure:
        PublicNetwork(look_up=look_up).open("a.example", 443, Deadline(5))

    assert (failure.value.reason, failure.value.again) == (Reason.LINK_UNREACHABLE, True)
