"""What is shipped is one version, complete, and holds on any machine."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import watcher

PROJECT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-run.lock", "requirements-build.lock")
RUN_EXTRAS = ("postgres", "ldap", "demo")

# pydantic gives its errors and schemas by it, and pins it to the version that fits.
COMES_ALONG = {"pydantic_core", "werkzeug"}

LARGEST_BYTES = 200_000
LONG = {"requirements.lock", "performance.json"}  # every hash of every package, and every sample of every benchmark
INDEX_HOST = re.compile(
    r"pypi\.(org|tuna)|pythonhosted|/simple/|mirrors\.\w+\.\w+"
    r"|(index|default-index|find-links)[-\w]*[ =]+\S*(https?|file):"
)
MACHINE_PATH = re.compile(r"(?<![\w.$}-])/(work\b|root/\w|opt/(pypi|wheels)\b)")  # root's home as such is everybody's


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    """The tables of pyproject.toml."""
    return tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """The files that git has."""
    if not (PROJECT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("this is no git work tree, or git is missing")
    # Whose the folder is does not matter for reading it.
    command = ["git", "-c", f"safe.directory={PROJECT}", "ls-files", "-z"]
    names = subprocess.run(command, cwd=PROJECT, capture_output=True, check=True).stdout.decode().split("\0")
    return [path for name in names if name and (path := PROJECT / name).is_file()]


def _locked(name: str) -> dict[str, tuple[str, str]]:
    """Version and marker by canonical name."""
    lines = (PROJECT / name).read_text(encoding="utf-8").splitlines()
    pinned = [Requirement(line.removesuffix("\\")) for line in lines if re.match(r"\w", line)]
    return {
        canonicalize_name(one.name): (str(one.specifier).removeprefix("=="), str(one.marker or "")) for one in pinned
    }


def test_the_installed_version_is_the_one_of_pyproject_and_stands_nowhere_else(project: dict[str, Any]) -> None:
    version = project["project"]["version"]
    assert importlib.metadata.version("invoice-watcher") == version
    quoted = re.compile(rf"""["']{re.escape(version)}["']""")
    package = Path(watcher.__file__).parent
    assert [path.name for path in package.rglob("*.py") if quoted.search(path.read_text(encoding="utf-8"))] == []


def test_the_metadata_say_what_it_is_and_who_may_use_it() -> None:
    metadata = importlib.metadata.metadata("invoice-watcher")
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Summary"]
    [command] = importlib.metadata.entry_points(group="console_scripts", name="invoice-watcher")
    assert command.value == "watcher.__main__:main"


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_has_what_pyproject_asks_for(project: dict[str, Any], lock: str) -> None:
    versions = _locked(lock)
    unmet = [
        text
        for text in _asked_of(lock, project)
        if (one := Requirement(text)).name != project["project"]["name"]
        and not one.specifier.contains(versions.get(canonicalize_name(one.name), ("0",))[0])
    ]
    assert unmet == [], "the lock is out of date: make lock"


def _asked_of(lock: str, project: dict[str, Any]) -> list[str]:
    table = project["project"]
    build: list[str] = project["dependency-groups"]["build"]
    extras: dict[str, list[str]] = table["optional-dependencies"]
    run: list[str] = [*table["dependencies"], *(text for extra in RUN_EXTRAS for text in extras[extra])]
    whole = [*run, *build, *(text for texts in extras.values() for text in texts)]
    return {"requirements.lock": whole, "requirements-run.lock": run, "requirements-build.lock": build}[lock]


def test_everything_that_is_imported_is_asked_for(project: dict[str, Any]) -> None:
    asked = {canonicalize_name(Requirement(text).name) for text in _asked_of("requirements-run.lock", project)}
    providers = importlib.metadata.packages_distributions()

    missing = {
        name
        for name in _imported_names(Path(watcher.__file__).parent)
        if name not in sys.stdlib_module_names | COMES_ALONG | {"watcher"}
        and asked.isdisjoint(canonicalize_name(one) for one in providers.get(name, []))
    }

    assert missing == set()


@pytest.mark.parametrize("part", LOCKS[1:])
def test_the_smaller_locks_are_part_of_the_whole_one(part: str) -> None:
    whole = _locked("requirements.lock")
    # What the program needs on some systems, its tests may need on all.
    assert [
        name
        for name, (version, marker) in _locked(part).items()
        if name not in whole or whole[name][0] != version or whole[name][1] not in {marker, ""}
    ] == []


def test_what_builds_the_package_is_what_the_lock_has(project: dict[str, Any]) -> None:
    assert project["build-system"]["requires"] == project["dependency-groups"]["build"]


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_in_a_lock_has_a_hash(lock: str) -> None:
    text = (PROJECT / lock).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\w)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_no_file_names_a_package_index_or_a_path_of_somebodys_machine(tracked: list[Path]) -> None:
    found = [
        f"{path.relative_to(PROJECT)}:{number}: {line.strip()[:100]}"
        for path in tracked
        if path != Path(__file__).resolve() and (text := _text(path)) is not None
        for number, line in enumerate(text.splitlines(), 1)
        if INDEX_HOST.search(line) or MACHINE_PATH.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://example.com/",
        "https://pypi.org/project/x",
        "cd /work/main",
        "'/root/venv'",
        "-f /opt/wheels",
    ],
)
def test_such_a_line_is_found(line: str) -> None:
    assert INDEX_HOST.search(line) or MACHINE_PATH.search(line)


@pytest.mark.parametrize(
    "line", ["/srv/invoices/done", "{base}/work/x", "https://example.com/root", "at work/root", "root = true"]
)
def test_another_line_is_let_be(line: str) -> None:
    assert INDEX_HOST.search(line) is None
    assert MACHINE_PATH.search(line) is None


def test_no_file_is_large(tracked: list[Path]) -> None:
    sizes = {str(path.relative_to(PROJECT)): path.stat().st_size for path in tracked if path.name not in LONG}
    assert {name: size for name, size in sizes.items() if size > LARGEST_BYTES} == {}


def test_what_a_reader_looks_for_first_is_there(tracked: list[Path]) -> None:
    names = {str(path.relative_to(PROJECT)) for path in tracked}
    assert {"LICENSE", "Makefile", "pyproject.toml", "watcher/py.typed", ".ci/run"} <= names


def _imported_names(package: Path) -> set[str]:
    """The first part of every name that a module imports from outside its own package."""
    nodes = [node for path in package.rglob("*.py") for node in ast.walk(ast.parse(path.read_bytes(), str(path)))]
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    origins = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    return {name.split(".")[0] for name in plain + origins}


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
