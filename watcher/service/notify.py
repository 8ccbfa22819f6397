"""Telling systemd how the service fares, where systemd asked to be told (sd_notify)."""

from __future__ import annotations

import os
import socket
import time

from watcher.headers import clean

_LONGEST_STATUS = 300  # characters


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


def status(text: str) -> str:
    """The message for what `systemctl status` shows: one line, whatever is quoted."""
    return f"STATUS={clean(text, _LONGEST_STATUS)}"


def watchdog_seconds() -> float | None:
    """How often systemd wants to hear from this process, lest it be restarted; None: it does not (`WatchdogSec`)."""
    microseconds, process = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID")
    is_ours = process in {None, "", str(os.getpid())}
    return int(microseconds) / 1e6 if is_ours and microseconds.isdecimal() and int(microseconds) else None
