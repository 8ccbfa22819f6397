"""Reads mails in a process of its own, so that its memory is its own: paths of mails in, one line of JSON out.

The line has, for each mail, the sha256 of its documents and the CPU seconds that they took, and the
megabytes that the process had at most over what it had before.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.support.files import BytesLeaf
from watcher.config.sections import Limits
from watcher.documents.reader import DocumentReader
from watcher.ports import FoundDocument
from watcher.sources.mailbox.whole import whole_leaves
from watcher.spool import Spooled


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What came of all mails, in their order."""

    documents: list[list[str]]  # sha256, or what was said of one that cannot be had
    cpu_seconds: list[float]
    over_base_mb: float


def read_apart(mails: Sequence[Path]) -> Read:
    command = [sys.executable, "-m", "tests.support.reading_process"]
    given = "\n".join(map(str, mails))
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, text=True, check=True, timeout=300)
    return Read(**json.loads(done.stdout))


def every_document() -> DocumentReader:
    """A reader that accepts all there is."""
    return DocumentReader(accept=["pdf", "ofd", "image", "xml"], limits=Limits())


def documents_of(mail: bytes) -> list[str]:
    """Of a mail that lies there as a file."""
    leaf = BytesLeaf(mail, name="mail.eml", declared_type="message/rfc822")
    found = []
    for document in every_document().documents([leaf]):
        found.append(told(document))
        if document.content is not None:
            document.content.close()
    return sorted(found)


def told(document: FoundDocument) -> str:
    """Its sha256, or what is said of one that cannot be used."""
    return document.content.sha256 if document.reason is None and document.content else str(document.message)


def _megabytes(name: str) -> float:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status[name].split()[0]) / 1024


def main() -> None:
    paths = [Path(line) for line in sys.stdin.read().splitlines()]
    documents, cpu_seconds, base = [], [], _megabytes("VmRSS")
    for path in paths:
        began = time.process_time()
        raw = path.read_bytes()
        documents.append(documents_of(raw))
        for leaf in whole_leaves(Spooled([raw])):
            leaf.fetch().close()
        cpu_seconds.append(time.process_time() - began)
    read = Read(documents=documents, cpu_seconds=cpu_seconds, over_base_mb=_megabytes("VmHWM") - base)
    json.dump(asdict(read), sys.stdout)


if __name__ == "__main__":
    main()
