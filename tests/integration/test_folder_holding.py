"""Whether a folder still has what was taken in."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from watcher.config.sections import Folder
from watcher.errors import SourceUnavailable
from watcher.sources.folder.holding import Digests, what_lies

CONTENT = b"an invoice"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def folder(path: Path, **changes: Any) -> Folder:
    return Folder.model_validate({"name": "shared", "path": path, "user_code": {"fixed": "903851"}, **changes})


def test_a_file_is_known_by_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "903851" / os.fsdecode(b"\xb7\xa2 1%.pdf")
    file.parent.mkdir()
    file.write_bytes(CONTENT)
    path = str(file.relative_to(tmp_path))

    assert what_lies(folder(tmp_path), path, Digests()) == SHA256
    file.write_bytes(b"an Invoice")
    assert what_lies(folder(tmp_path), path, Digests()) == hashlib.sha256(b"an Invoice").hexdigest()
    file.unlink()
    assert what_lies(folder(tmp_path), path, Digests()) is None
    file.mkdir()
    assert what_lies(folder(tmp_path), path, Digests()) is None
    assert what_lies(folder(tmp_path), "903851/../secret", Digests()) is None


def test_where_the_folder_cannot_be_seen_nothing_is_known(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable):
        what_lies(folder(tmp_path / "away"), "a.pdf", Digests())
    (tmp_path / "a.pdf").write_bytes(b"below the mount point")
    with pytest.raises(SourceUnavailable):
        what_lies(folder(tmp_path, marker=".here"), "a.pdf", Digests())
    (tmp_path / ".here").touch()
    assert what_lies(folder(tmp_path, marker=".here"), "a.pdf", Digests()) not in (None, SHA256)


def test_a_file_behind_a_link_is_not_held(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.pdf").write_bytes(CONTENT)
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "a.pdf").symlink_to(tmp_path / "elsewhere" / "a.pdf")

    with suppress(SourceUnavailable):
        assert what_lies(folder(tmp_path / "inbox"), "a.pdf", Digests()) is None


def test_a_file_that_took_long_to_read_is_read_again_once_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.sources.folder.holding._LONG_SECONDS", 0.0)  # as each is
    file, digests = tmp_path / "a.pdf", Digests()
    for content in (CONTENT, b"another invoice"):
        file.write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        assert [what_lies(folder(tmp_path), "a.pdf", digests) for _ in range(2)] == [sha256] * 2
    (tmp_path / "b.pdf").write_bytes(CONTENT)
    (tmp_path / "b.pdf").replace(file)
    assert what_lies(folder(tmp_path), "a.pdf", digests) == SHA256
