"""The page of all keys: it is made of the schema, and it is the one that lies in docs/."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.support.documents import text
from watcher.config.reference import MARK, page, reference
from watcher.config.schema import json_schema
from watcher.config.sections import Configuration

PAGE = "docs/configure.md"

# The keys of contract.md's "Configuration", as paths.
CONTRACT = """
journal language timezone accept inspect
recognition: url ca_file auth headers purchase_invoice create_expense connect_timeout timeout concurrency rate
recognition: max_invoices_per_file retry in_doubt suspend_on retry_on probe
recognition.auth: token_url client_id client_secret token expires_in header refused
recognition.retry: first factor longest give_up_after
recognition.suspend_on: code message
recognition.retry_on: code message
directory: file rules delegates http ldap
directory.rules: match user_code
directory.http: url headers user_code language cache
directory.ldap: url bind_dn password base filter user_code language
limits: document submission documents archive_ratio
links: hosts known
mailboxes: name host port tls ca_file username password oauth2 folder since done error idle poll store user_code senders
mailboxes: verify_sender arc_sealers forwarded_for unverified held_after unknown per_sender reply
mailboxes.oauth2: token_url client_id client_secret scope refresh_token
mailboxes.verify_sender: results_from dkim
mailboxes.per_sender: submissions bytes
mailboxes.reply: done attention error duplicate unknown acknowledge_after
smtp: host port tls username password from
folders: name path done error recursive user_code network poll settle marker store
alerts: urls after operators
web: listen password
log: format level
retention: closed
"""


def paths() -> list[str]:
    found = []
    for line in CONTRACT.strip().splitlines():
        section, colon, keys = line.rpartition(": ")
        found += [f"{section}.{key}" if colon else key for key in keys.split()]
    return found


def test_the_page_in_docs_is_what_is_made_of_the_sections() -> None:
    assert page(text(PAGE)) == text(PAGE), "run `make docs`"


def test_every_key_of_the_contract_has_its_anchor_once() -> None:
    made = reference(json_schema())
    anchors = re.findall(r'<a id="key-([^"]+)">', made)
    assert sorted(anchors) == sorted(set(anchors))
    assert [path for path in paths() if path not in anchors] == []


@pytest.mark.parametrize(
    "key", ["type", "service", "options", "key", "attachment_url", "field", "form", "success", "base_url", "parts"]
)
def test_every_key_of_a_store_stands_in_the_table_of_its_type(key: str) -> None:
    stores = reference(json_schema()).partition("## stores")[2].partition("\n## ")[0]
    assert re.search(rf'<a id="key-stores\.(objects|http|resolve)\.{key}">', stores)


def test_values_are_described_as_people_write_them() -> None:
    rows = {
        row.split("`")[1]: row for row in reference(json_schema()).splitlines() if row.startswith('| <a id="key-recog')
    }
    assert "| [a duration](#durations) | `90s` |" in rows["timeout"]
    assert "| a whole number from 1 to 1024 | `8` |" in rows["concurrency"]
    assert "| `again` or `hold` | `again` |" in rows["in_doubt"]
    assert "| a rate, such as `5/s`, `100/m` or `1000/h`, or `null` | `null` |" in rows["rate"]
    assert (
        "| a list; each: [keys of its own](#recognitionsuspend_on) | `[{code: 400000, message: 配置}]` |"
        in rows["suspend_on"]
    )
    sizes = reference(json_schema()).partition("\n## limits")[2]
    assert "| [a size](#sizes) | `20MB` |" in sizes


def test_the_examples_of_all_sections_are_one_valid_configuration() -> None:
    properties = json_schema()["properties"]
    examples = {
        key: value["examples"][0] for key, value in properties.items() if key != "timezone" and "examples" in value
    }
    configuration = Configuration.model_validate({"journal": "sqlite:///journal.db", **examples})
    assert [source.name for source in configuration.sources] == ["fapiao", "shared"]
    shown = re.findall(r"```yaml\n(.*?)```", reference(json_schema()), re.DOTALL)
    assert {key: value for block in shown for key, value in yaml.safe_load(block).items()} == examples


def test_what_is_written_by_hand_stays_and_a_page_without_the_mark_is_refused() -> None:
    assert page(f"# By hand\n{MARK}old").startswith(f"# By hand\n{MARK}\n## All keys\n")
    with pytest.raises(ValueError, match="lacks its mark"):
        page("# By hand\n")
