"""A store in a folder of this machine: what it says that it has is on the disk, with its name."""

from __future__ import annotations

import os
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.tmpfs import small_disk
from watcher.config.sections import ObjectsStore
from watcher.errors import StoreUnavailable
from watcher.ports import FoundDocument
from watcher.spool import Spooled
from watcher.stores import objects
from watcher.stores.folders import LocalFolder, Mount

Synced = list[Path]


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> Synced:
    """What was written to the disk, in this order."""
    found: Synced = []
    fsync = os.fsync

    def noted(file: int) -> None:
        fsync(file)
        found.append(Path(f"/proc/self/fd/{file}").readlink())

    monkeypatch.setattr(os, "fsync", noted)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> LocalFolder:
    root = str(tmp_path / "root")
    made = LocalFolder(root=root, partial=f"{root}/partial", mount=Mount(root))
    made.make()
    return made


def test_names_are_written_to_the_disk_once_for_many(folder: LocalFolder, synced: Synced) -> None:
    root = Path(folder.root)
    (root / "invoices").mkdir()
    for number in range(5):
        folder.write(f"invoices/{number}.pdf", [b"a", b"b"])
    contents = list(synced)
    assert len(contents) == 5
    assert all(path.parent == Path(folder.partial) for path in contents)

    folder.secure()

    assert synced[5:] == [root / "invoices"]
    folder.secure()
    assert len(synced) == 6
    assert [path.read_bytes() for path in sorted((root / "invoices").iterdir())] == [b"ab"] * 5


def test_folders_that_are_made_on_the_way_are_on_the_disk_too(folder: LocalFolder, synced: Synced) -> None:
    root = Path(folder.root)
    folder.write("2026/11/a.pdf", [b"a"])
    folder.secure()
    assert set(synced[1:]) == {root, root / "2026", root / "2026" / "11"}
    # and then no more
    folder.write("2026/11/b.pdf", [b"b"])
    folder.secure()
    assert synced[5:] == [root / "2026" / "11"]


def test_a_name_that_could_not_be_written_is_tried_again(folder: LocalFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write("a.pdf", [b"a"])
    folders: list[str] = []

    def fail(file: int) -> None:
        folders.append(str(Path(f"/proc/self/fd/{file}").readlink()))
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", fail)
        for _ in range(2):
            with pytest.raises(OSError, match="Input/output"):
                folder.secure()
    assert folders == [folder.root] * 2
    folder.secure()


def test_a_folder_that_is_gone_is_told_once_because_what_was_there_is_put_again(folder: LocalFolder) -> None:
    folder.write("2026/a.pdf", [b"a"])
    (Path(folder.root) / "2026" / "a.pdf").unlink()
    (Path(folder.root) / "2026").rmdir()
    with pytest.raises(FileNotFoundError):
        folder.secure()
    folder.write("2026/a.pdf", [b"a"])
    folder.secure()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_only_be_written_to_is_left_to_the_system(folder: LocalFolder) -> None:
    root = Path(folder.root)
    folder.write("a.pdf", [b"a"])
    root.chmod(0o300)
    try:
        folder.secure()
    finally:
        root.chmod(0o700)


def test_who_comes_while_names_are_written_waits_until_they_are(
    folder: LocalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("a.pdf", [b"a"])
    begun, goes_on = threading.Event(), threading.Event()
    fsync = os.fsync

    def slowly(file: int) -> None:
        begun.set()
        assert goes_on.wait(30)
        fsync(file)

    with monkeypatch.context() as disk, ThreadPoolExecutor(2) as pool:
        disk.setattr(os, "fsync", slowly)
        has_come = threading.Event()

        def secured() -> bool:
            has_come.set()
            folder.secure()
            return goes_on.is_set()

        first = pool.submit(folder.secure)
        assert begun.wait(10)
        second = pool.submit(secured)
        assert has_come.wait(10)
        goes_on.set()
        first.result(10)
        assert second.result(10)


@pytest.mark.parametrize("below", ["", "store"])
@pytest.mark.parametrize("is_local", [True, False])
def test_nothing_is_written_to_where_the_drive_was_mounted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str, is_local: bool
) -> None:
    """A drive of this machine, which is written to here, and one of another, which OpenDAL writes to."""
    monkeypatch.setattr(objects, "is_local", lambda _folder: is_local)
    place = tmp_path / "drive"
    section = ObjectsStore.model_validate({"type": "objects", "service": "fs", "options": {"root": str(place / below)}})
    store = objects.ObjectsStore("default", section)
    document = FoundDocument(
        name="a.pdf", media_type="application/pdf", extension=".pdf", size=3, content=Spooled([b"abc"])
    )
    with small_disk(place, "1m"):
        # Given a store on a drive
        store.prepare()
        locator = store.put(document)
        assert (place / below / locator.key).exists()
        # When it is unmounted
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        # Then documents wait for it
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="not mounted any more"):
                store.put(document)
        assert list(place.iterdir()) == []
        # And go there once it is there again
        place.rmdir()
        with small_disk(place, "1m"):
            assert store.put(document) == locator
            assert (place / below / locator.key).exists()
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(place)], check=True)  # for whoever unmounts it
