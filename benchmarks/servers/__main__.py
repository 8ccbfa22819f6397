"""`python -m benchmarks.servers PORTS LATENCY`: serves until it is ended; PORTS is the file that says where."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from benchmarks.servers.endpoint import Conversation, Ledger
from benchmarks.servers.smtp import Session
from tests.support.servers.process import LOOPBACK

_BACKLOG = 1024


async def serve(told: Path, latency: float) -> None:
    loop, ledger = asyncio.get_running_loop(), Ledger(latency=latency)
    protocols = {"http": lambda: Conversation(ledger), "smtp": lambda: Session(ledger)}
    ports = {}
    for name, protocol in protocols.items():
        server = await loop.create_server(protocol, LOOPBACK, 0, backlog=_BACKLOG)
        ports[name] = server.sockets[0].getsockname()[1]
    beside = told.with_suffix(".new")
    beside.write_text(json.dumps(ports))
    beside.replace(told)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), float(sys.argv[2])))
