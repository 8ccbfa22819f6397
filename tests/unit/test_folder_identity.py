"""Whether what has one number is one file, or one folder, where a drive has several of a number."""

from __future__ import annotations

import os

import pytest

from watcher.sources.folder.identity import are_one_file, are_one_folder

SUBVOLUME = 256  # the number that the root of each of btrfs has


def status(*, inode: int = SUBVOLUME, size: int = 0, changed: int = 1, modified: int = 1) -> os.stat_result:
    """As NFS has it of a server's btrfs: all its subvolumes are on device 9."""
    times = {"st_mtime_ns": modified, "st_ctime_ns": changed}
    return os.stat_result((0o755, inode, 9, 1, 0, 0, size, 0, 0, 0), times)


def test_a_file_of_another_subvolume_with_the_same_number_is_another_file() -> None:
    mine = status(inode=257, size=100, modified=5)

    assert are_one_file(mine, status(inode=257, size=100, modified=5, changed=7))  # it was given another name meanwhile
    assert not are_one_file(mine, status(inode=257, size=101, modified=5))
    assert not are_one_file(mine, status(inode=257, size=100, modified=6))
    assert not are_one_file(mine, status(inode=258, size=100, modified=5))


@pytest.mark.parametrize(("before", "there", "after"), [(5, 5, 5), (5, 6, 6), (5, 5, 6), (5, 6, 7)])
def test_a_folder_is_the_same_by_two_paths_whatever_comes_into_it_meanwhile(
    before: int, there: int, after: int
) -> None:
    assert are_one_folder(status(changed=before), status(changed=there), status(changed=after))


@pytest.mark.parametrize("there", [4, 6])
def test_an_employees_subvolume_is_not_the_one_of_answers_though_all_roots_have_one_number(there: int) -> None:
    assert not are_one_folder(status(changed=5), status(changed=there), status(changed=5))


def test_another_number_is_another_folder() -> None:
    assert not are_one_folder(status(), status(inode=300), status())
