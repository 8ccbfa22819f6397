"""A watched folder under test: its source, what the journal knows, and submissions of what it found."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from watcher.config.sections import Folder
from watcher.model import Kind, Known, Submission, SubmissionState
from watcher.ports import Arrival
from watcher.sources.folder import Arriving, FolderSource, Likeness
from watcher.sources.folder.looked import HEAD_BYTES, TAIL_BYTES, Looked

PDF = b"%PDF-1.7\n1 0 obj <<>> endobj\ntrailer <<>>\n%%EOF\n"
TODAY = datetime(2026, 11, 30, 20, 0, tzinfo=UTC)  # in Shanghai it is December already


def contents(folder: Path) -> dict[str, bytes]:
    """Of every file below the folder, by its path in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def looks_wanted(head: bytes) -> bool:
    return b"%PDF-" in head[:1024] or head.startswith(b"PK\x03\x04")


def looked_at(content: bytes, *, has_hole: bool = False) -> Looked:
    return Looked(
        head=content[:HEAD_BYTES],
        tail=content[-TAIL_BYTES:],
        size=len(content),
        read=lambda start, length: content[start : start + length],
        has_hole=has_hole,
    )


def folder_source(
    root: Path, *, arriving: Arriving | None = None, likeness: Likeness | None = None, **changes: Any
) -> FolderSource:
    """A source of `root/inbox` with done and error beside it, whose polls and settling are short."""
    settings: dict[str, Any] = {
        "name": "shared",
        "path": root / "inbox",
        "done": str(root / "done" / "{yyyy}-{mm}"),
        "error": str(root / "error"),
        "user_code": {"from": "subfolder"},
        "poll": "60s",
        "settle": "200ms",
    }
    section = Folder.model_validate(settings | changes)
    Path(section.path).mkdir(parents=True, exist_ok=True)
    return FolderSource(
        section,
        wanted=looks_wanted,
        timezone=ZoneInfo("Asia/Shanghai"),
        now=lambda: TODAY,
        arriving=arriving,
        likeness=likeness,
    )


class Memory:
    """The journal's word on keys, as far as a source needs it."""

    def __init__(self) -> None:
        self.words: dict[str, Known] = {}
        self.asked: list[str] = []

    def __call__(self, keys: Sequence[str]) -> Mapping[str, Known]:
        self.asked += keys
        return {key: self.words[key] for key in keys if key in self.words}

    def put(self, arrival: Arrival, state: SubmissionState = SubmissionState.OPEN, *, stays: bool = False) -> None:
        self.words[arrival.key] = Known(submission="s1", state=state, stays=stays)


def rounds(source: FolderSource, memory: Memory, seconds: float) -> Iterator[Arrival]:
    """What the source finds within a time, round by round, each arrival recorded as it comes."""

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for arrival in source.arrivals(memory):
            memory.put(arrival)
            yield arrival
        source.wait(max(0.0, end - time.monotonic()))


def next_arrival(source: FolderSource, memory: Memory, seconds: float = 10.0) -> Arrival:
    """The first arrival within a time."""
    for arrival in rounds(source, memory, seconds):
        return arrival
    raise AssertionError(f"nothing arrived within {seconds:g} s")


def submission_of(arrival: Arrival, source: FolderSource) -> Submission:
    return Submission(
        id="s1",
        key=arrival.key,
        source=source.name,
        kind=Kind.FILE,
        place=arrival.place,
        fingerprint=arrival.fingerprint,
        sender=None,
        subject=None,
        path=arrival.path,
        user_code=None,
        person_name=None,
        language=None,
        received_at=arrival.received_at,
        state=SubmissionState.SETTLED,
        reason=None,
        answer=True,
        thread=None,
        answered_at=None,
        answer_number=0,
    )
