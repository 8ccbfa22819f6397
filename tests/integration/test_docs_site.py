"""The site of docs/: built strictly, whole, and without anything from elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.documents import PROJECT

_LOADED = re.compile(r"""<(?:script|link|img|iframe|source)[^>]+?(?:src|href)=["']?((?:https?:)?//[^"'\s>]+)""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make docs` does; a broken link, a missing page or heading ends it with an error."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [
            Path(sys.executable).parent / "mkdocs",
            "build",
            "--strict",
            "--site-dir",
            folder,
        ],  # --quiet hides what is wrong
        cwd=PROJECT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder


def test_every_page_of_docs_is_in_the_site(site: Path) -> None:
    written = {path.stem for path in (PROJECT / "docs").glob("*.md")} | {"contributing", "changelog"}
    assert written - {path.stem for path in site.glob("*.html")} == set()


def test_chinese_pages_say_that_they_are(site: Path) -> None:
    said = {path.name: 'lang="zh"' in path.read_text(encoding="utf-8")[:200] for path in site.glob("*.html")}
    assert said["index.html"] is False
    assert {name for name in said if name.endswith(".zh-CN.html")} == {
        name for name, chinese in said.items() if chinese
    }
    assert said["index.zh-CN.html"]


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    loaded = {found for path in site.rglob("*.html") for found in _LOADED.findall(path.read_text(encoding="utf-8"))}
    assert loaded == set()
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert re.findall(r"url\((?:https?:)?//[^)]*\)|@import[^;]*", styles) == []


def test_a_search_for_chinese_finds_each_character_as_a_word(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    separator = re.compile(index["config"]["separator"])
    assert [word for word in separator.split("换授权码 now") if word] == ["换", "授", "权", "码", "now"]
    assert index["config"]["pipeline"] == []  # a trimmer for English would drop all of them
    assert any("授权码" in document["text"] for document in index["docs"])
