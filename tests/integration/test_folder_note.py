"""What a note is on the disk: for every editor, and known again only as it was written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from watcher.sources.folder.note import is_own_note, note_bytes

TEXT = "没有找到发票。\nNo invoice was found.\n"


def test_a_note_opens_in_every_notepad_and_says_whose_it_is() -> None:
    lines = note_bytes(TEXT).decode("utf-8-sig").split("\r\n")

    assert lines[:2] == ["没有找到发票。", "No invoice was found."]
    assert lines[2].startswith("invoice-watcher ")
    assert lines[3:] == [""]
    assert note_bytes(TEXT).startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize(
    "text", ["", "one line", TEXT, TEXT.replace("\n", "\r\n"), "\ud800 is no character", "x" * 100_000]
)
def test_a_note_is_known_again_and_one_that_somebody_has_changed_is_not(tmp_path: Path, text: str) -> None:
    content = note_bytes(text)
    changed = [
        content[:-1],
        content + b"\n",
        content[3:],
        content[:5] + b"!" + content[5:],
        b"",
        content[-28:],
        TEXT.encode(),
    ]

    assert is_own(tmp_path, content)
    assert [one for one in changed if is_own(tmp_path, one)] == []


def is_own(folder: Path, content: bytes) -> bool:
    (folder / "a.pdf.txt").write_bytes(content)
    opened = os.open(folder, os.O_RDONLY)
    try:
        return is_own_note(opened, "a.pdf.txt")
    finally:
        os.close(opened)
