"""What the documents say is so: their commands run as printed, and what they name is there."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.support.documents import DOCUMENTS, PROJECT, commands, settings, text
from tests.support.workplace import COMMAND, ZHANG, pdf
from watcher.config.load import load
from watcher.errors import ConfigurationError
from watcher.sandbox.endpoint import CLIENT_ID, CLIENT_SECRET, Endpoint

READMES = ("README.md", "README.zh-CN.md")

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"(?:watcher|tests|docs|systemd|\.ci)/[\w./-]*|[\w.-]+\.(?:md|toml|lock|example\.yaml)")
_MAKE = re.compile(r"(?:^    |`)make ([a-z]+)", re.MULTILINE)


def first_configuration(readme: str) -> str:
    (block,) = settings(readme)
    return block


def run(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# ------------------------------------------------------------------------------------- what is named


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_to_a_file_leads_to_one(document: str) -> None:
    links = [link.partition("#")[0] for link in _LINK.findall(text(document)) if "://" not in link]
    home = (PROJECT / document).parent
    assert [link for link in links if link and not (home / link).exists()] == []


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if name != "CHANGELOG.md"])
def test_every_file_that_is_named_is_there(document: str) -> None:
    named = [code for code in _CODE.findall(text(document)) if _PATH.fullmatch(code)]
    assert [path for path in named if not (PROJECT / path).exists()] == []


def test_every_part_in_the_map_of_the_code_is_there_and_no_part_is_missing() -> None:
    (drawn,) = re.findall(r"^    watcher/\n((?:      \S.*\n)+)", text("docs/architecture.md"), re.MULTILINE)
    names = {name for line in drawn.splitlines() for name in re.findall(r"[\w/]+(?:/|\.py)", line.split("   ")[2])}
    assert [name for name in sorted(names) if not (PROJECT / "watcher" / name).exists()] == []
    parts = {path.name for path in (PROJECT / "watcher").iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert parts == {name.split("/")[0] for name in names if "/" in name}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_that_is_named_exists(document: str) -> None:
    makefile = text("Makefile")
    targets = _MAKE.findall(text(document))
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


# ------------------------------------------------------------------------------------- both READMEs


def test_both_readmes_show_the_same_configuration_and_the_same_commands() -> None:
    english, chinese = READMES
    assert first_configuration(english) == first_configuration(chinese)
    ours = [[each.arguments for each in commands(readme) if each.is_ours] for readme in READMES]
    assert ours[0] == ours[1]


@pytest.mark.parametrize("readme", READMES)
def test_the_first_configuration_is_valid_as_printed(readme: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(first_configuration(readme), encoding="utf-8")
    configuration = load(path, secrets=False)
    assert [folder.name for folder in configuration.folders] == ["shared"]


# ------------------------------------------------------------------------------------ all settings

# What a block leaves out, because it speaks of something else.
LEFT_OUT = {
    "journal": "sqlite:///journal.db",
    "recognition": "{url: 'https://openapi.example.com/common/InvoiceOCR/ocrSyncWithConfig'}",
    "stores": "{default: {type: http, url: 'https://openapi.example.com/common/files/upload'}}",
    "folders": "[{name: shared, path: /srv/invoices/inbox}]",
}
# Settings of other programs, by a key that none of ours has.
FOREIGN = {"services", "groups", "scrape_configs", "rule_files", "apiVersion"}


def ours() -> list[tuple[str, str]]:
    found = [(document, block) for document in DOCUMENTS for block in settings(document)]
    return [(document, block) for document, block in found if not FOREIGN & set(yaml.safe_load(block))]


@pytest.mark.parametrize(
    ("document", "block"), ours(), ids=[f"{name}-{block.split(chr(10))[0]}" for name, block in ours()]
)
def test_every_block_of_settings_is_valid(document: str, block: str, tmp_path: Path) -> None:
    has = yaml.safe_load(block)
    others = {**LEFT_OUT, "folders": LEFT_OUT["folders"] if "mailboxes" not in has else "[]"}
    if "default" not in has.get("stores", {"default": None}):
        del others["folders"]
    left_out = "".join(f"{key}: {value}\n" for key, value in others.items() if key not in has)
    path = tmp_path / "config.yaml"
    path.write_text(block + left_out, encoding="utf-8")
    load(path, secrets=False)  # raises ConfigurationError, with every mistake


@pytest.mark.parametrize("document", ["docs/install.md", "docs/install.zh-CN.md"])
def test_the_container_is_given_the_secrets_that_the_first_configuration_names(document: str) -> None:
    compose = yaml.safe_load((PROJECT / "compose.example.yaml").read_text(encoding="utf-8"))
    named = set(re.findall(r"{credential: ([\w-]+)}", "".join(settings(document))))

    assert set(compose["services"]["invoice-watcher"]["secrets"]) == set(compose["secrets"]) == named


def test_the_mistakes_that_are_shown_are_told_so(tmp_path: Path) -> None:
    # Given a configuration with the mistakes of docs/configure.md in the lines that it names
    (shown,) = re.findall(r"```text\n(/etc/invoice-watcher/config\.yaml:.*?)```", text("docs/configure.md"), re.DOTALL)
    path = tmp_path / "config.yaml"
    path.write_text(
        "journal: sqlite:///journal.db\n"
        "recognition:\n"
        "  url: https://openapi.example.com/common/InvoiceOCR/ocrSyncWithConfig\n"
        "  timeout: 90\n"
        "stores:\n"
        "  default: {type: http, url: 'https://openapi.example.com/common/files/upload'}\n"
        "mailboxes:\n"
        "  - name: fapiao\n"
        "    host: imap.exmail.qq.com\n"
        "    username: fapiao@corp.example\n"
        "    pasword: {credential: imap-password}\n",
        encoding="utf-8",
    )
    # When it is read, then they are told as the page shows
    with pytest.raises(ConfigurationError) as told:
        load(path, secrets=False)
    assert str(told.value) == shown.strip().replace("/etc/invoice-watcher/config.yaml", str(path))


# ----------------------------------------------------------------------------- the first configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """Somebody in an empty folder with the README, who writes the sandbox's addresses into its configuration."""

    home: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run(*arguments, cwd=self.home, CLIENT_SECRET=CLIENT_SECRET)

    def drop(self, name: str) -> None:
        folder = self.home / "inbox" / ZHANG
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(pdf(name))


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    with Endpoint(token=True) as endpoint:
        written = first_configuration(READMES[0])  # the other one has the same
        for printed, here in {
            "https://openapi.example.com": endpoint.base_url,
            "my-client": CLIENT_ID,
            "/var/lib/invoice-watcher": str(tmp_path),
            "/srv/invoices": str(tmp_path),
        }.items():
            assert printed in written
            written = written.replace(printed, here)
        (tmp_path / "config.yaml").write_text(written, encoding="utf-8")
        yield Newcomer(home=tmp_path)


def test_the_first_configuration_works_with_the_commands_that_stand_below_it(newcomer: Newcomer) -> None:
    newcomer.drop("a.pdf")
    checked = newcomer.run("check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert newcomer.run("run", "--once").returncode == 0
    assert (newcomer.home / "done" / ZHANG / "a.pdf").exists()
    identifier = json.loads(newcomer.run("list", "--json").stdout)["id"]
    assert identifier in newcomer.run("list").stdout
    assert "a.pdf" in newcomer.run("show", identifier).stdout
    assert "gate: open" in newcomer.run("status").stdout


def test_check_of_what_is_not_there_says_how_to_mend_it_and_nothing_else(newcomer: Newcomer) -> None:
    # Given the configuration, and neither the folder nor the right client
    config = newcomer.home / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace(CLIENT_ID, "my-client"), encoding="utf-8")
    # When it is checked
    checked = newcomer.run("check")
    # Then every fault has its line, and what was logged on the way is not told a second time
    assert checked.returncode == 1
    assert checked.stderr == ""
    failing = re.findall(r"^FAIL  (\w+)[^\n]*\n      → .", checked.stdout, re.MULTILINE)
    assert set(failing) >= {"token", "folder"}
    assert len(failing) == checked.stdout.count("FAIL")
