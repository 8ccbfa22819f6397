"""What a hardened unit lets its service reach, by its text."""

from __future__ import annotations

import pytest

from watcher.checks.unit_file import Unit, read_unit

HARDENED = """
[Unit]
Description=x
ReadWritePaths=/not/of/the/service
[Service]
# ReadWritePaths=/commented
ExecStart=/opt/x/bin/invoice-watcher --config /etc/x/config.yaml \\
    run
User=invoice-watcher
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
StateDirectory=invoice-watcher
ReadWritePaths=-/srv/invoices "/mnt/my share"
ReadOnlyPaths=/srv/invoices/templates
"""


def unit(*more: str) -> Unit:
    return read_unit("invoice-watcher.service", [HARDENED, *more])


@pytest.mark.parametrize(
    ("path", "sees", "writes"),
    [
        ("/srv/invoices", True, True),
        ("/srv/invoices/inbox", True, True),
        ("/srv/invoices/templates/a", True, False),  # the longer path counts
        ("/srv/invoices2", True, False),
        ("/mnt/my share/done", True, True),
        ("/var/lib/invoice-watcher", True, True),
        ("/var/lib/other", True, False),
        ("/not/of/the/service", True, False),
        ("/commented", True, False),
        ("/home/ann/inbox", False, False),
        ("/tmp/inbox", False, False),
    ],
)
def test_what_is_written_must_lie_in_a_path_that_is_named(path: str, sees: bool, writes: bool) -> None:
    assert (unit().sees(path), unit().may_write(path)) == (sees, writes)


def test_drop_ins_add_paths_and_an_empty_setting_forgets_those_before() -> None:
    added = unit("[Service]\nReadWritePaths=/data\n")
    forgotten = unit("[Service]\nReadWritePaths=\nReadWritePaths=/data\nProtectHome=no\n")

    assert (added.may_write("/data/x"), added.may_write("/srv/invoices")) == (True, True)
    assert (forgotten.may_write("/data/x"), forgotten.may_write("/srv/invoices")) == (True, False)
    assert forgotten.sees("/home/ann/inbox")
    assert unit("[Service]\nBindPaths=/home/ann/inbox\n").may_write("/home/ann/inbox")


@pytest.mark.parametrize(
    ("protect", "path", "writes"),
    [
        ("no", "/etc/x", True),
        ("full", "/etc/x", False),
        ("full", "/srv/x", True),
        ("yes", "/etc/x", True),
        ("yes", "/usr/x", False),
    ],
)
def test_weaker_protection_shuts_less(protect: str, path: str, writes: bool) -> None:
    assert read_unit("u", [f"[Service]\nProtectSystem={protect}\n"]).may_write(path) is writes


def test_a_unit_is_found_by_its_configuration_and_a_template_by_its_instance() -> None:
    template = read_unit(
        "invoice-watcher@.service",
        [
            "[Service]\nExecStart=/x/invoice-watcher --config=/etc/x/%i.yaml run\n",
            "[Service]\nProtectSystem=strict\nStateDirectory=x/%i\n",
        ],
    )

    assert unit().user == "invoice-watcher"
    assert unit().instance_for("/etc/x/config.yaml") == ""
    assert unit().instance_for("/etc/y/config.yaml") is None
    assert template.instance_for("/etc/x/beijing.yaml") == "beijing"
    assert template.instance_for("/etc/x/a/b.yaml") is None
    assert template.may_write("/var/lib/x/beijing/journal.db", "beijing")
    assert not template.may_write("/var/lib/x/shanghai", "beijing")
    assert read_unit("u", ["[Service]\nExecStart=/x/other\n"]).instance_for("/etc/x/config.yaml") is None
