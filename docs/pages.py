"""What the site has beside the files of docs/: what lies at the project's root, and links that lead there.

A page is written so that its links work where it is read most, in the repository. The site has all pages in one folder.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_ROOT = Path(__file__).parents[1]
_BROUGHT = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "config.example.yaml": "config.example.yaml",
}
_PLACES = {**_BROUGHT, "README.md": "index.md", "README.zh-CN.md": "index.zh-CN.md"}

_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s#:]+)(#[^)\s]+)?\)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """What is wanted of the root becomes part of the site."""
    for name, page in _BROUGHT.items():
        files.append(File.generated(config, page, content=(_ROOT / name).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Links lead to what the site has; what it lacks is named and not linked."""
    home = PurePosixPath("." if page.file.src_uri in _BROUGHT.values() else "docs")
    return _LINK.sub(lambda found: _in_site(found, home), markdown)


def on_post_page(output: str, *, page: Page, config: MkDocsConfig) -> str:  # noqa: ARG001
    """A Chinese page says so, for fonts and for those to whom it is read aloud."""
    return (
        output.replace('<html lang="en"', '<html lang="zh"', 1) if page.file.src_uri.endswith(".zh-CN.md") else output
    )


def _in_site(found: re.Match[str], home: PurePosixPath) -> str:
    place = _from_root(home / found[2])
    target = _PLACES.get(place, place.removeprefix("docs/") if place.startswith("docs/") else None)
    return found[1] if target is None else f"[{found[1]}]({target}{found[3] or ''})"


def _from_root(path: PurePosixPath) -> str:
    """The path from the project's root, without dots."""
    parts: list[str] = []
    for part in path.parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)
