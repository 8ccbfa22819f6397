"""A server that is far away: a proxy on loopback that passes everything on late, and counts how often it is waited for.

with FarAway(server.port, round_trip=0.1) as line:   # connect to line.port
    with line.counted() as trips:
        ...                                          # trips() is how often the other end was waited for
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Self

from tests.support.servers.process import LOOPBACK, free_port

_PIECE = 65536


class Trips:
    """How many there were."""

    count = 0


class FarAway:
    """`round_trip` is in seconds, half of it each way. It may be changed while connections are open.

    A round trip is counted where a client speaks on a connection for the first time, or after an answer has reached it:
    what is sent together, or without waiting for what came before, is one. Let `round_trip` be longer than a client
    that shares a busy machine needs to send that.
    """

    def __init__(self, port: int, *, round_trip: float) -> None:
        self.host = LOOPBACK
        self.port = free_port()
        self.round_trip = round_trip
        self.round_trips = 0
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="far-away", daemon=True)
        self._ending: asyncio.Event
        self._lines: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10), "the proxy does not listen"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()

    @contextmanager
    def counted(self) -> Iterator[Trips]:
        """How many round trips there are in the block, of all connections; told when it is over."""
        before, trips = self.round_trips, Trips()
        yield trips
        trips.count = self.round_trips - before

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._ending = asyncio.Event()
        server = await asyncio.start_server(self._connected, self.host, self.port)
        self._ready.set()
        await self._ending.wait()
        server.close()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._lines.add(task)
        task.add_done_callback(self._lines.discard)
        async with _closed(writer):
            there, here = await asyncio.open_connection(LOOPBACK, self._target)
            async with _closed(here), asyncio.TaskGroup() as both:
                line = _Line(self)
                both.create_task(line.carry(reader, here, up=True))
                both.create_task(line.carry(there, writer, up=False))


@asynccontextmanager
async def _closed(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """In the end, and with whatever happens to the network inside."""
    with suppress(OSError, asyncio.CancelledError):
        try:
            yield
        finally:
            writer.close()
            await writer.wait_closed()


class _Line:
    """One connection of a client's."""

    def __init__(self, proxy: FarAway) -> None:
        self._proxy = proxy
        self._client_waits = False  # it has spoken, and no answer has reached it since

    async def carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, up: bool) -> None:
        """All of one direction, in its order, until its end."""
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        async with asyncio.TaskGroup() as both:
            both.create_task(self._arrive(on_the_way, sink, up=up))
            both.create_task(self._leave(source, on_the_way, up=up))

    async def _leave(
        self, source: asyncio.StreamReader, on_the_way: asyncio.Queue[tuple[float, bytes]], *, up: bool
    ) -> None:
        data = b"-"
        while data:
            data = await _read(source)
            if up and data and not self._client_waits:
                self._client_waits = True
                self._proxy.round_trips += 1
            on_the_way.put_nowait((asyncio.get_running_loop().time() + self._proxy.round_trip / 2, data))

    async def _arrive(
        self, on_the_way: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter, *, up: bool
    ) -> None:
        """Where one end is gone, what was still on the way to it is lost."""
        data = b"-"
        while data:
            arrives_at, data = await on_the_way.get()
            await asyncio.sleep(arrives_at - asyncio.get_running_loop().time())
            if not up:
                self._client_waits = False
            with suppress(OSError):
                sink.write(data)
                await sink.drain()
        with suppress(OSError):
            sink.write_eof()


async def _read(source: asyncio.StreamReader) -> bytes:
    try:
        return await source.read(_PIECE)
    except OSError:
        return b""
