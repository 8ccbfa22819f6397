"""`sandbox` and `demo`: the built-in counterparts, for people who try things out."""

from __future__ import annotations

from pathlib import Path

from watcher.durations import parse_duration
from watcher.errors import PersonalError, UsageError
from watcher.garbage import look_at_what_is_new


class SandboxUnavailable(PersonalError):
    """The sandbox cannot be started here."""


def serve_sandbox(*, port: int, latency: str, log: Path | None, token: bool) -> None:
    """The endpoint alone, until SIGINT or SIGTERM."""
    from watcher.sandbox.endpoint_command import serve

    look_at_what_is_new()
    try:
        seconds = parse_duration(latency).total_seconds()
    except ValueError as error:
        raise UsageError(f"--latency: {error}") from error
    try:
        serve(port=port, latency=seconds, log=log, token=token)
    except OSError as error:
        failed = f"write {error.filename}" if error.filename else f"listen on port {port}"
        raise SandboxUnavailable(f"the sandbox cannot {failed}: {error.strerror}") from error


def run_demo(*, leave: bool) -> int:
    """The main job against the sandbox; the exit status."""
    from watcher.sandbox.demo import run

    look_at_what_is_new()
    return run(leave=leave)
