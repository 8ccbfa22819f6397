"""docs/install.md is the same page in both languages, and names what is there."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
ENGLISH, CHINESE = (
    (PROJECT / "docs" / name).read_text(encoding="utf-8") for name in ("install.md", "install.zh-CN.md")
)
INSTALLER = (PROJECT / "install.sh").read_text(encoding="utf-8")


def test_both_languages_have_the_same_commands_and_texts_to_write() -> None:
    printed = re.compile(r"^(?:    \S[^\n]*|```yaml\n.*?\n```)$", re.MULTILINE | re.DOTALL)
    assert printed.findall(ENGLISH) == printed.findall(CHINESE)
    assert len(printed.findall(ENGLISH)) > 40


def test_every_option_of_the_installer_that_is_named_is_one() -> None:
    options = set(re.findall(r"install\.sh (--[a-z]+)", ENGLISH))
    assert options == {"--remove", "--purge"}
    assert [option for option in options if f"{option})" not in INSTALLER] == []
