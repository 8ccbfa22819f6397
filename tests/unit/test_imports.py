"""Imports run downward only, so that every part can be read, tested and replaced without what stands above it."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

# The parts of the program, from the bottom up, each with the parts that it may import beside itself. What is not
# named here is an adapter: it stands between a port and the world outside, and knows nothing of its neighbours.
VALUES = {
    *("model", "states", "seen", "errors", "spool", "headers", "mime", "amounts", "clock", "deadline", "json_answers"),
    *(
        "tls",
        "http_final",
        "http_session",
        "http_request",
        "http_way",
        "secrecy",
        "seclusion",
        "durations",
        "findings",
        "mounts",
    ),
    *("promptness", "durable", "ignored", "dated", "overlaps"),
}
SECTIONS = {"config.sections", "config.secret", "config.values", "config.quantities"}
ADAPTER = VALUES | SECTIONS | {"ports", "oauth"}
STEPS = {"intake", "recognise", "answer"}
STEP = VALUES | SECTIONS | {"ports", "policy"}

MAY_IMPORT: dict[str, set[str]] = {
    "model": {"seen", "states"},
    "states": set(),
    "seen": set(),
    "errors": {"model"},
    "spool": set(),
    "clock": set(),
    "deadline": {"clock"},
    "json_answers": set(),
    "tls": set(),
    "http_final": set(),
    "http_session": {"http_final", "tls"},
    "http_request": set(),
    "http_way": {"http_final", "http_request", "http_session", "tls"},
    "secrecy": set(),
    "seclusion": set(),
    "durations": set(),
    "presence": set(),
    "amounts": set(),
    "findings": {"model"},
    "mounts": set(),
    "promptness": set(),
    "garbage": set(),
    "durable": set(),
    "ignored": set(),
    "dated": set(),
    "overlaps": {"dated", "ignored"},
    "headers": {"model", "errors"},
    "mime": {"headers"},
    "config.quantities": {"durations"},
    "config.values": {"model", "headers", "tls", "durations", "config.quantities"},
    "config.secret": {"config.values"},
    "config.sections": {"model", "durations", "config.secret", "config.values"},
    "config": VALUES | SECTIONS,
    "ports": VALUES,
    "policy": VALUES | SECTIONS | {"ports"},
    # The tokens that mailboxes and the SMTP server log in with are fetched in one way.
    "oauth": VALUES | SECTIONS,
    "admission": STEP,
    "storing": STEP,
    "gathering": STEP,
    "resting": STEP,
    "surplus": STEP | {"resting"},
    "inheritance": STEP,
    "recording": STEP | {"gathering", "storing"},
    "taking": STEP | {"recording"},
    "intake": STEP | {"admission", "gathering", "recording", "resting", "storing", "surplus", "taking", "inheritance"},
    "outstanding": STEP,
    "consequences": STEP,
    "addresses": {"model"},
    "recognise": STEP | {"addresses", "outstanding", "consequences"},
    "notices": STEP,
    "answering": STEP,
    "replying": STEP,
    "answer_failures": STEP,
    "answer": STEP | {"answer_failures", "answering", "notices", "replying"},
    "service": STEP | STEPS | {"outstanding", "presence"},
    # What people decide, by command or on the page.
    "decisions": STEP,
    # It shows what a service does and what the journal has, as the commands do; in the words of the answers.
    "web": STEP | {"service", "decisions", "export", "replies"},
    # What to send of what it found is decided by pure rules.
    "documents": ADAPTER | {"policy"},
    # Values in, bytes out: it asks no port.
    "export": VALUES,
    # Both decide by one pure rule what a mail or a file that comes back is.
    "sources.mailbox": ADAPTER | {"policy"},
    "sources.folder": ADAPTER | {"policy"},
}
# These build and join the others, and may import whatever stands below them.
BUILDERS = {"sandbox", "bootstrap", "demo", "cli", "__main__"}
NOT_FOR_BUILDERS = {
    "sandbox": {"bootstrap", "demo", "cli", "__main__", "service"} | STEPS,
    "bootstrap": {"demo", "cli", "__main__"},
    "demo": {"cli", "__main__"},
    "cli": {"__main__"},
    "__main__": set[str](),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One import of one of our modules by another; `at_load` where it runs when the module is loaded."""

    importer: str
    imported: str
    line: int
    at_load: bool


def _modules(root: Path) -> dict[str, Path]:
    """Every module under `root` by its dotted name below the package, as ``policy.retry``; the package is ``""``."""
    found = {}
    for path in sorted((root / "watcher").rglob("*.py")):
        parts = path.relative_to(root / "watcher").with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def _imports(root: Path) -> tuple[Import, ...]:
    """Read once for all tests: it takes seconds."""
    modules = _modules(root)
    found = []
    for importer, path in modules.items():
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        late = {id(inner) for outer in ast.walk(tree) if _runs_later(outer) for inner in ast.walk(outer)}
        for node in ast.walk(tree):
            for imported in _targets(node, importer, path.name == "__init__.py", modules):
                line = getattr(node, "lineno", 0)
                at_load = id(node) not in late
                found.append(Import(importer=importer, imported=imported, line=line, at_load=at_load))
    return tuple(found)


def _runs_later(node: ast.AST) -> bool:
    """A function's body runs when it is called, and what is under TYPE_CHECKING never."""
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test)
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def _targets(node: ast.AST, importer: str, is_package: bool, modules: dict[str, Path]) -> Iterator[str]:
    """Which of our modules an import names: the module itself where ``from package import module`` names one."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name.split(".")[0] == "watcher":
                yield alias.name.removeprefix("watcher").removeprefix(".")
    elif isinstance(node, ast.ImportFrom):
        origin = _origin(node, importer, is_package)
        if origin is not None:
            names = [f"{origin}.{alias.name}".removeprefix(".") for alias in node.names]
            yield from {name if name in modules else origin for name in names}


def _origin(node: ast.ImportFrom, importer: str, is_package: bool) -> str | None:
    if not node.level:
        module = node.module or ""
        return module.removeprefix("watcher").removeprefix(".") if module.split(".")[0] == "watcher" else None
    parts = ["watcher", *filter(None, importer.split("."))]
    base = parts[: len(parts) - node.level + (1 if is_package else 0)]
    return ".".join([*base[1:], *filter(None, [node.module])])


def _part(module: str) -> str:
    """The part of the program that a module belongs to."""
    first, *rest = module.split(".")
    if first == "config" and module in SECTIONS:
        return module
    if first == "sources" and rest:
        return f"sources.{rest[0]}"  # a mailbox and a folder are adapters of their own
    return first


def _offence(found: Import) -> str | None:
    importer, imported = _part(found.importer), _part(found.imported)
    if imported in {importer, ""} or importer == "":
        return None if importer or not imported else "the package imports nothing of itself"
    if importer in BUILDERS:
        return f"{importer} stands below {imported}" if imported in NOT_FOR_BUILDERS[importer] else None
    allowed = MAY_IMPORT.get(importer, ADAPTER)
    if importer not in MAY_IMPORT and imported.split(".")[0] == importer.split(".")[0]:
        return None if "." not in importer else f"{importer} and {imported} are adapters of their own"
    return None if imported in allowed else f"{importer} may import {', '.join(sorted(allowed)) or 'nothing'}"


def _offences(root: Path) -> list[str]:
    return [
        f"watcher.{found.importer}:{found.line} imports watcher.{found.imported}: {offence}"
        for found in _imports(root)
        if (offence := _offence(found)) is not None
    ]


def test_imports_run_downward_only() -> None:
    assert _offences(PROJECT) == []


def test_only_the_command_line_and_bootstrap_load_a_configuration() -> None:
    loaders = {_part(found.importer) for found in _imports(PROJECT) if found.imported == "config.load"}
    assert loaders <= {"cli", "bootstrap", "config"}


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph: dict[str, set[str]] = {}
    for found in _imports(PROJECT):
        if found.at_load and found.importer != found.imported:
            graph.setdefault(found.importer, set()).add(found.imported)
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("policy/retry.py", "from watcher import answer"),
        ("policy/retry.py", "import watcher.journal.claims"),
        ("recognise.py", "from watcher.intake import Intake"),
        ("recognise.py", "from .answer import Answering"),
        ("journal/claims.py", "from watcher.stores import objects"),
        ("journal/claims.py", "from ..policy.retry import next_try"),
        ("journal/claims.py", "from watcher.config import load"),
        ("sources/folder/scan.py", "from watcher.sources.mailbox import session"),
        ("sources/folder/scan.py", "def late():\n    from watcher.bootstrap import build"),
        ("model.py", "from watcher.errors import Refused"),
        ("errors.py", "import watcher.ports"),
        ("service/service.py", "from watcher.journal.claims import claim"),
        ("service/service.py", "from watcher.web.site import Site"),
        ("web/pages.py", "from watcher.journal.claims import claim"),
        ("bootstrap.py", "from watcher.cli.app import main"),
        ("sandbox/endpoint.py", "import watcher.service"),
        ("__init__.py", "from watcher.model import Kind"),
    ],
)
def test_an_import_upward_or_sideways_is_found(tmp_path: Path, path: str, line: str) -> None:
    _write(tmp_path, path, line)
    assert len(_offences(tmp_path)) == 1


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("journal/claims.py", "from watcher.journal import tables\nfrom . import clock\nfrom .clock import now"),
        ("stores/objects.py", "from watcher.config.sections import ObjectsStore\nfrom watcher import errors, model"),
        ("sources/mailbox/session.py", "from watcher.sources.mailbox import fetch\nimport watcher.headers.clean"),
        ("service/service.py", "from watcher.intake import Intake\nimport imaplib\nfrom xml import sax"),
        ("bootstrap.py", "from watcher.config.load import load\nfrom watcher.sources.mailbox import session"),
        ("cli/app.py", "from watcher import bootstrap"),
    ],
)
def test_an_import_downward_is_let_be(tmp_path: Path, path: str, line: str) -> None:
    _write(tmp_path, path, line)
    assert _offences(tmp_path) == []


def _write(root: Path, path: str, text: str) -> None:
    """A package with the modules that the lines name, and one that has them."""
    modules = ["__init__", "answer", "model", "errors", "bootstrap", "headers/clean", "config/load", "config/sections"]
    modules += ["journal/tables", "journal/clock", "stores/objects", "sources/mailbox/session", "sources/mailbox/fetch"]
    modules += ["web/site"]
    for file in [*(f"{module}.py" for module in modules), path]:
        place = root / "watcher" / file
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text if file == path else "")
