"""Names of files as text: reversible, clean, short enough."""

from __future__ import annotations

import os
from datetime import date
from itertools import islice

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from watcher.ignored import is_ignored
from watcher.sources.folder.hidden import hidden_name, original_name
from watcher.sources.folder.identity import Fingerprint
from watcher.sources.folder.names import (
    for_display,
    from_text,
    note_name,
    numbered,
    shortened,
    to_text,
)
from watcher.sources.folder.target import Template, free_name

STATE = Fingerprint(inode=7, size=1000, mtime_ns=1_700_000_000_123_456_789)


@given(st.binary(min_size=1).filter(lambda raw: b"\0" not in raw))
def test_every_path_that_a_disk_can_hold_comes_back_from_its_text(raw: bytes) -> None:
    path = os.fsdecode(raw)

    text = to_text(path)

    assert from_text(text) == path
    assert text.encode("utf-8")
    assert text.isprintable() or not any(char < " " for char in text)


def test_ordinary_names_are_their_own_text() -> None:
    assert to_text("903851/发票 (2) #1.pdf") == "903851/发票 (2) #1.pdf"


def test_a_name_is_shown_without_what_turns_text_around() -> None:
    assert for_display("a\u202efdp.exe\n\udcff") == "a\ufffdfdp.exe\ufffd\ufffd"


@pytest.mark.parametrize(
    "name",
    [
        ".hidden",
        "~$report.xlsx",
        ".~lock.a.ods#",
        "a.part",
        "A.TMP",
        "a.crdownload",
        ".syncthing.a.tmp",
        "thumbs.db",
        "@eaDir",
        "desktop.ini",
        ".invoice-watcher-0123456789abcdef-a.pdf",
        "#recycle",
        "@Recycle",
        "$RECYCLE.BIN",
        "#snapshot",
        "@Recently-Snapshot",
        "~snapshot",
        "System Volume Information",
        "发票.pdf.filepart",
        "a.pdf.sb-1f2e3d4c-AbC123",
        "发票.pdf.partial",
        "a.pdf.1a2b3c4d.partial",
        "a.pdf.download",
        "a.pdf.opdownload",
        "a.pdf.xltd",
        "a.pdf.baiduyun.p.downloading",
        "a.pdf~",
        "a.PDF.BAK",
    ],
)
def test_what_programs_leave_lying_about_is_ignored(name: str) -> None:
    assert is_ignored(name)


@pytest.mark.parametrize(
    "name",
    [
        "a.pdf",
        "part.pdf",
        "tmp",
        "发票.ofd",
        "a.part.pdf",
        "Thumbs.db.pdf",
        "#1.pdf",
        "recycle",
        "~snapshot.pdf",
        "a.sb-1.pdf",
        "partial.pdf",
        "download",
        "bak",
        "a~1.pdf",
        "~a.pdf",
        "a.bak.pdf",
    ],
)
def test_what_people_drop_is_not_ignored(name: str) -> None:
    assert not is_ignored(name)


@given(st.text(min_size=1).filter(lambda name: "/" not in name and "\0" not in name), st.integers(0, 40))
def test_no_name_that_is_made_is_too_long_for_a_disk(stem: str, number: int) -> None:
    name = os.fsdecode(stem.encode("utf-8", "ignore") or b"x") + ".pdf"
    assume(not is_ignored(name))  # hidden files are never moved

    made = next(islice(numbered(name), number, None))

    assert len(os.fsencode(made)) <= 255
    assert len(os.fsencode(note_name(made))) <= 255
    assert len(os.fsencode(hidden_name(made, STATE))) <= 255
    assert made.endswith(".pdf")


def test_85_chinese_characters_are_shortened_by_bytes_and_between_characters() -> None:
    name = "发" * 83 + ".pdf"  # 253 bytes: fits

    first, second = islice(numbered(name), 2)

    assert first == name
    assert second == "发" * 82 + " (2).pdf"


def test_the_notes_of_long_names_that_begin_alike_are_two() -> None:
    one, other = "发" * 83 + "ab.pdf", "发" * 83 + "cd.pdf"  # 255 bytes each: no room for ".txt"

    assert note_name(one) != note_name(other)
    assert note_name(one).startswith("发" * 75)
    assert all(note_name(name).endswith(".pdf.txt") for name in (one, other))


def test_a_name_is_never_cut_inside_a_character() -> None:
    assert shortened("发票.pdf", 8) == "发.pdf"


def test_a_name_is_free_only_together_with_its_note() -> None:
    taken, notes = {"a.pdf"}, {"a (2).pdf.txt"}

    assert free_name("a.pdf", taken.__contains__, notes.__contains__) == "a (3).pdf"


def test_a_hidden_name_tells_the_name_that_it_hides() -> None:
    assert original_name(hidden_name("a-b.pdf", STATE)) == "a-b.pdf"
    assert original_name(".invoice-watcher-0123456789abcdef.tmp") is None


@pytest.mark.parametrize("name", ["票" * 30 + ".pdf", "票" * 46 + ".pdf", "x" * 139 + ".pdf", "票" * 80 + ".pdf"])
def test_a_drive_that_takes_a_files_name_takes_its_hidden_one_because_encrypted_shares_take_143_bytes(
    name: str,
) -> None:
    hidden = hidden_name(name, STATE)

    assert len(os.fsencode(hidden)) <= max(143, len(os.fsencode(name)))
    assert str(original_name(hidden)).endswith(".pdf")


def test_a_fingerprint_comes_back_from_its_text() -> None:
    assert Fingerprint.parse(str(STATE)) == STATE


def test_a_template_takes_the_day_and_knows_its_own_folders_again() -> None:
    template = Template.of("/srv/in", "/srv/done/{yyyy}-{mm}")

    assert template.on(date(2026, 12, 1)) == "/srv/done/2026-12"
    assert template.fixed == "/srv/done"
    assert template.below("/srv/done/2025-01/a/b.pdf") == "a/b.pdf"
    assert template.below("/srv/elsewhere/b.pdf") is None


@pytest.mark.parametrize(
    ("text", "ours", "theirs"),
    [
        ("/in/done/{yyyy}", ["done", "done/2026", "done/x"], ["donehere", "a", "a/done"]),
        ("/in/done-{yyyy}", ["done-2026", "done-2026/x"], ["done-x", "done"]),
        ("/in/{yyyy}/done", ["2026", "2026/done"], ["a", "20261"]),
        ("/out/done", [], ["done", "out"]),
        ("erledigt", ["erledigt"], ["done"]),
    ],
)
def test_a_scan_leaves_out_the_folders_of_answers(text: str, ours: list[str], theirs: list[str]) -> None:
    leaves_out = Template.of("/in", text).leaves_out("/in")

    assert [path for path in ours + theirs if leaves_out(path)] == ours


@pytest.mark.parametrize(
    ("name", "is_ours"),
    [("202612", True), ("202601", True), ("903851", False), ("202613", False), ("202600", False), ("902612", False)],
)
def test_only_what_can_be_a_date_is_a_folder_of_answers(name: str, is_ours: bool) -> None:
    template = Template.of("/srv/in", "/srv/in/{yyyy}{mm}")

    assert template.leaves_out("/srv/in")(name) is is_ours
    assert (template.below(f"/srv/in/{name}/a.pdf") == "a.pdf") is is_ours
