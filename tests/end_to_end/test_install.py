"""`install.sh` on a machine of its own: installed, upgraded, removed; the daemon under systemd is in test_systemd.py.

The libraries come from this environment instead of the network, by what pip reads for that; else all is real.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.own_root import OwnRoot
from tests.support.servers.process import program
from tests.support.wheelhouse import pack

PROJECT = Path(__file__).resolve().parents[2]
OF_THE_PROJECT = ("LICENSE", "README.md", "config.example.yaml", "install.sh", "pyproject.toml")
CONFIG = "/etc/invoice-watcher/config.yaml"
JOURNAL = "/var/lib/invoice-watcher/journal.db"

Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine, and a clone of the project on it."""

    root: OwnRoot
    clone: Path
    first: Done

    def install(self, *arguments: str) -> Done:
        return _install(self.root, *arguments)

    def run(self, *command: str) -> Done:
        return self.root.run(*command)

    def says(self, *command: str) -> str:
        done = self.run(*command)
        assert (done.returncode, done.stderr) == (0, ""), command
        return done.stdout.rstrip("\n")

    def write(self, path: str, text: str) -> None:
        """Into a file that is there."""
        (self.clone.parent / "text").write_text(text, encoding="utf-8")
        self.says("sh", "-c", 'cat /mnt/text >"$1"', "sh", path)

    def release(self) -> str:
        return self.says("readlink", "/opt/invoice-watcher/current")

    def releases(self) -> list[str]:
        return self.says("ls", "/opt/invoice-watcher/releases").split()


def _python() -> str:
    """The system's interpreter of the version that runs us, because the wheels are for it. Raises MissingProgram."""
    major, minor = sys.version_info[:2]
    return str(program(f"python{major}.{minor}", f"python{major}.{minor}-venv", Path("/usr/bin")))


def _install(root: OwnRoot, *arguments: str) -> Done:
    return root.run(
        "/mnt/a clone/install.sh",
        *arguments,
        PYTHON=_python(),
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS="/mnt/wheels",
        PIP_CONFIG_FILE="/dev/null",
    )


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Where it was installed once, from a clone whose path has a blank."""
    shared = tmp_path_factory.mktemp("install")
    with OwnRoot(shared) as root:
        clone = _clone(shared)
        yield Machine(root=root, clone=clone, first=_install(root))


def _clone(shared: Path) -> Path:
    clone, wheels = shared / "a clone", shared / "wheels"
    wheels.mkdir()
    for folder in ("watcher", "systemd"):
        shutil.copytree(PROJECT / folder, clone / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in OF_THE_PROJECT:
        shutil.copy(PROJECT / name, clone)
    for lock in ("requirements-build.lock", "requirements-run.lock"):
        (clone / lock).write_text(pack(PROJECT / lock, wheels), encoding="utf-8")
    return clone


def _modes(machine: Machine, *paths: str) -> list[str]:
    return machine.says("stat", "--format=%a %U:%G", *paths).splitlines()


# The tests follow each other on one machine, because an installation takes half a minute; each leaves it installed.


def test_it_is_installed_by_one_command_that_says_what_to_fill_in(machine: Machine) -> None:
    assert (machine.first.returncode, machine.first.stderr) == (0, "")
    assert "Installed invoice-watcher" in machine.first.stdout
    example = (PROJECT / "config.example.yaml").read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(example, 1) if text.startswith("  url: https://openapi.example"))
    assert f"line {line}:  url: https://openapi.example.com" in machine.first.stdout
    assert "systemctl enable --now invoice-watcher" in machine.first.stdout


def test_what_was_installed_is_roots_and_can_be_read_by_the_service_but_secrets_cannot(machine: Machine) -> None:
    etc = "/etc/invoice-watcher"
    assert _modes(machine, etc, CONFIG, f"{etc}/employees.csv", f"{etc}/credentials", "/var/lib/invoice-watcher") == [
        "750 root:invoice-watcher",
        "640 root:invoice-watcher",
        "640 root:invoice-watcher",
        "700 root:root",
        "700 invoice-watcher:invoice-watcher",
    ]
    opt = ["find", "/opt/invoice-watcher", "-not", "-type", "l"]
    assert machine.says(*opt, "-not", "-perm", "-o=r") == ""
    assert machine.says(*opt, "-perm", "/go=w") == ""
    assert machine.says(*opt, "-not", "-user", "root") == ""


def test_every_module_was_compiled_because_the_service_cannot_write_there(machine: Machine) -> None:
    package = machine.says("find", "/opt/invoice-watcher/current/", "-path", "*/site-packages/watcher")
    modules = machine.says("find", package, "-name", "*.py").splitlines()
    assert len(modules) > 100
    assert len(machine.says("find", package, "-name", "*.pyc").splitlines()) == len(modules)


def test_nothing_was_left_in_the_clone(machine: Machine) -> None:
    assert {path.name for path in machine.clone.iterdir()} == {
        *OF_THE_PROJECT,
        *("watcher", "systemd", "requirements-build.lock", "requirements-run.lock"),
    }


def test_what_root_calls_is_done_by_the_services_user_and_exports_where_root_may_write(machine: Machine) -> None:
    # When root makes the journal, reads it and exports it into root's own home
    machine.says("invoice-watcher", "migrate")
    assert machine.says("invoice-watcher", "list") == "No submissions."
    assert machine.says("invoice-watcher", "export", "--output", "table.csv") == "table.csv: 0 rows"
    # Then the daemon can open all of it
    assert machine.says("find", "/var/lib/invoice-watcher", "-not", "-user", "invoice-watcher") == ""
    assert _modes(machine, JOURNAL) == ["600 invoice-watcher:invoice-watcher"]


def test_somebody_else_is_told_that_the_configuration_may_not_be_read(machine: Machine) -> None:
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    done = machine.run(*nobody, "/usr/local/bin/invoice-watcher", "list")
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr == f"{CONFIG}: the file cannot be read: Permission denied\n"


def test_the_first_configuration_is_accepted_when_it_is_made_as_the_page_says(machine: Machine) -> None:
    # Given the page, and a machine as the installer leaves it
    text = (PROJECT / "docs" / "install.md").read_text(encoding="utf-8")
    steps = text[: text.index("    invoice-watcher check")]
    commands = re.findall(r"^    (install .*)$", steps, re.MULTILINE)
    (employees,) = re.findall(r"^    (email,.*\n(?:    .*\n)+)", text, re.MULTILINE)
    (configuration,) = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    example = machine.says("cat", CONFIG)
    # When its commands are run, and its texts are written, as it says
    for command in commands:
        machine.says("sh", "-c", f"echo secret | {command}")
    machine.write("/etc/invoice-watcher/employees.csv", employees.replace("    ", ""))
    machine.write(CONFIG, configuration)
    # Then the configuration is valid, secrets are root's, and the folders are there for the service
    assert "is valid" in machine.says("invoice-watcher", "check", "--offline")
    assert _modes(machine, "/etc/invoice-watcher/credentials/imap-password") == ["600 root:root"]
    assert _modes(machine, "/srv/invoices/inbox/903851") == ["755 invoice-watcher:invoice-watcher"]
    machine.write(CONFIG, f"{example}\n")


def test_a_second_run_changes_nothing_and_keeps_what_was_filled_in(machine: Machine) -> None:
    # Given a configuration that was changed
    machine.says("sh", "-c", f"echo '# ours' >> {CONFIG}")
    before = machine.release()
    # When it is installed again
    done = machine.install()
    # Then nothing was built, and the configuration is as it was
    assert (done.returncode, done.stderr) == (0, "")
    assert machine.says("tail", "-n1", CONFIG) == "# ours"
    assert machine.release() == before
    assert len(machine.releases()) == 1


def test_an_upgrade_that_fails_leaves_what_was_there(machine: Machine) -> None:
    # Given a newer version, and one library that is not what the lock says
    before = machine.release()
    pyproject = machine.clone / "pyproject.toml"
    old = pyproject.read_text(encoding="utf-8")
    pyproject.write_text(old.replace('\nversion = "', '\nversion = "9.'), encoding="utf-8")
    (wheel,) = (machine.clone.parent / "wheels").glob("typer-*.whl")
    genuine = wheel.read_bytes()
    wheel.write_bytes(genuine + b"\0")
    # When it is installed
    done = machine.install()
    # Then it says what is wrong, and the old version is whole and alone
    assert done.returncode == 1
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert "nothing was changed" in done.stderr
    assert machine.release() == before
    assert machine.releases() == [Path(before).name]
    assert machine.says("invoice-watcher", "--version") == f"invoice-watcher {before.split('/')[1].split('-')[0]}"
    pyproject.write_text(old, encoding="utf-8")
    wheel.write_bytes(genuine)


def test_what_is_removed_leaves_configuration_and_journal_and_what_is_purged_leaves_nothing(machine: Machine) -> None:
    # When it is removed
    done = machine.install("--remove")
    # Then the program is gone, and what was ours is there
    assert (done.returncode, done.stderr) == (0, "")
    assert "What stays" in done.stdout
    assert machine.run("sh", "-c", "command -v invoice-watcher").returncode != 0
    assert machine.says("tail", "-n1", CONFIG) == "# ours"
    assert _modes(machine, JOURNAL) == ["600 invoice-watcher:invoice-watcher"]
    # When it is purged where nobody can be asked
    refused = machine.install("--purge")
    # Then it says what would be deleted, and deletes nothing
    assert refused.returncode == 1
    assert "would be booked again" in refused.stdout
    assert "--purge --yes" in refused.stderr
    assert _modes(machine, JOURNAL) == ["600 invoice-watcher:invoice-watcher"]
    # When that is said
    purged = machine.install("--purge", "--yes")
    # Then no file has its name any more, nor has a user
    assert (purged.returncode, purged.stderr) == (0, "")
    left = machine.says("find", "/etc", "/opt", "/usr/local", "/var/lib", "-name", "*invoice-watcher*")
    assert left == ""
    assert machine.run("id", "invoice-watcher").returncode != 0
