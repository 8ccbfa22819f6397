"""`invoice-watcher sandbox`: the endpoint alone, for people who write against it."""

from __future__ import annotations

import signal
from pathlib import Path

from watcher.sandbox.endpoint import CLIENT_ID, CLIENT_SECRET, Endpoint


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 8700,
    latency: float | tuple[float, float] = 1.0,
    log: Path | None = None,
    token: bool = False,
    token_seconds: int = 7200,
) -> None:
    """Say where it is, and serve until SIGINT or SIGTERM; to be called in the main thread.

    `latency` is seconds of an answer, or a range; port 0 takes a free one. Raises OSError where the port is taken.
    """
    wanted = {signal.SIGINT, signal.SIGTERM}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, wanted)  # so that no thread but this one sees them
    try:
        with Endpoint(
            host=host, port=port, latency=latency, log=log, token=token, token_seconds=token_seconds
        ) as endpoint:
            print(_welcome(endpoint, token=token), flush=True)  # noqa: T201 - what the command is for
            signal.sigwait(wanted)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _welcome(endpoint: Endpoint, *, token: bool) -> str:
    lines = [
        f"recognition  POST {endpoint.url}",
        f"upload       POST {endpoint.upload_url}   (form field: file)",
        (
            f"token        GET  {endpoint.token_url}?grant_type=client_credentials"
            f"&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}   ({'wanted' if token else 'not wanted'})"
        ),
        (
            f"misbehave    POST {endpoint.base_url}/sandbox/behave   "
            '{"status": 503, "times": 3}, {"no_key": true}, {"cut": "after", "pattern": "*.pdf"} …; DELETE: no more'
        ),
        f"requests     GET  {endpoint.base_url}/sandbox/requests, {endpoint.base_url}/sandbox/bookings",
    ]
    return "\n".join(lines)
