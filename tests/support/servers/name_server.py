"""A name server for TXT records, on the loopback interface."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from typing import Self

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from tests.support.servers.process import LOOPBACK

_STRING_BYTES = 255  # a TXT record is made of strings no longer than this


class NameServer:
    """Answers for these names (without the last dot); names below "broken" with a failure; others do not exist."""

    def __init__(self, records: Mapping[str, bytes], *, port: int = 53) -> None:
        self._records = records
        self._address = (LOOPBACK, port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._thread = threading.Thread(target=self._serve, name="name-server")

    def __enter__(self) -> Self:
        self._socket.bind(self._address)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.sendto(b"", self._address)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            data, client = self._socket.recvfrom(4096)
            if not data:
                return
            self._socket.sendto(self._answer(dns.message.from_wire(data)).to_wire(max_size=65535), client)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if (record := self._records.get(name)) is not None:
            text = " ".join(f'"{part}"' for part in _strings(record.decode("ascii")))
            answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "TXT", text))
        else:
            answer.set_rcode(dns.rcode.SERVFAIL if "broken" in name.split(".") else dns.rcode.NXDOMAIN)
        return answer


def _strings(record: str) -> list[str]:
    return [record[start : start + _STRING_BYTES] for start in range(0, len(record), _STRING_BYTES)] or [""]
