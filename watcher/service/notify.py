"""Telling systemd how the service fares, where systemd asked to be told (sd_notify)."""

from __future__ import annotations

import os
import socket
import time


def notify(state: str) -> None:
    """Send one message, such as ``READY=1``; nothing happens where nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to_systemd:
        try:
            to_systemd.sendto(state.encode(), address)
        except OSError:
            return  # a manager that went away is no reason to stop working


def reloading() -> str:
    """The message for the begin of a reload, which needs the time: systemd tells by it which reload this one is."""
    return f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"
