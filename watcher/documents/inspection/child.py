"""The child: takes documents by file descriptor on its standard input, a socket, and says what is in them.

A request is a packet of JSON with the document's descriptor: `{"look": format, "deep": …, "seconds": …}` is answered
by one packet (see `answers`), `{"split": [[first, last], …], "most": bytes}` by one for each part, with the part's
descriptor, `{"portfolio": true}` by one for the whole and then one for each file in it, with its descriptor. What fails
is answered by a packet that begins with "!". When the socket is closed the child ends.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import IO, Any

from watcher.documents.formats import Format
from watcher.documents.inspection.answers import FAILED, encoded
from watcher.documents.inspection.confinement import confine
from watcher.documents.inspection.looking import load, look
from watcher.documents.inspection.portfolio import brought
from watcher.documents.inspection.sealing import seal
from watcher.documents.inspection.splitting import parts

LARGEST_REQUEST = 64 * 1024


def main() -> None:
    """Arguments: the lifeline's descriptor, and the limit of memory in bytes."""
    confine(lifeline=int(sys.argv[1]), memory_limit=int(sys.argv[2]))
    _spread()
    with socket.socket(fileno=0) as parent:
        load()
        seal()
        while _answer_one(parent):
            pass


def _spread() -> None:
    """Run wherever the daemon may, and not only on the core that its threads share; its main thread knows."""
    with suppress(OSError):  # it has ended, or a filter of system calls denies it
        os.sched_setaffinity(0, os.sched_getaffinity(os.getppid()))


def _answer_one(parent: socket.socket) -> bool:
    """False at the end."""
    request, descriptors, _, _ = socket.recv_fds(parent, LARGEST_REQUEST, 1)
    if not request or not descriptors:
        return False
    with open(descriptors[0], "rb") as document:  # noqa: PTH123 - a descriptor has no path
        try:
            _answer(parent, json.loads(request), document)
        except Exception as error:  # noqa: BLE001 - whatever a library raises for a broken file
            parent.send(FAILED + type(error).__name__.encode())
    return True


def _answer(parent: socket.socket, request: Mapping[str, Any], document: IO[bytes]) -> None:
    if "split" in request:
        _split(parent, request["split"], request["most"], document)
        return
    if "portfolio" in request:
        _hand_over(parent, document)
        return
    until = time.monotonic() + request["seconds"]
    parent.send(encoded(look(document, Format(request["look"]), deep=request["deep"], until=until)))


def _split(parent: socket.socket, ranges: list[tuple[int, int]], most: int, document: IO[bytes]) -> None:
    for number, part in enumerate(parts(document, ranges, _files(), most)):
        socket.send_fds(parent, [str(number).encode()], [part.fileno()])
        part.close()


def _hand_over(parent: socket.socket, document: IO[bytes]) -> None:
    for said, data in brought(document):
        packet = json.dumps(said).encode()
        if data is None:
            parent.send(packet)
            continue
        with next(_files()) as file:
            file.write(data)
            file.flush()
            socket.send_fds(parent, [packet], [file.fileno()])


def _files() -> Iterator[IO[bytes]]:
    while True:
        yield os.fdopen(os.memfd_create("part"), "wb")


if __name__ == "__main__":
    main()
