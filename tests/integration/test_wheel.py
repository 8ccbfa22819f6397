"""What is built from the project is whole."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def test_a_wheel_has_every_file_of_the_package_and_the_licence(tmp_path: Path) -> None:
    # In a copy, because building leaves folders behind.
    source = tmp_path / "source"
    shutil.copytree(PROJECT / "watcher", source / "watcher", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (PROJECT / "pyproject.toml", PROJECT / "LICENSE", *PROJECT.glob("*.md")):
        shutil.copy(path, source)

    command = [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--no-index", "."]
    done = subprocess.run(
        [*command, "--wheel-dir", str(tmp_path)], cwd=source, capture_output=True, text=True, check=False, timeout=300
    )

    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("invoice_watcher-*-py3-none-any.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    wanted = {str(path.relative_to(PROJECT)) for path in (PROJECT / "watcher").rglob("*") if path.is_file()}
    assert {name for name in wanted if "__pycache__" not in name} - packed == set()
    assert any(name.endswith("licenses/LICENSE") for name in packed)
