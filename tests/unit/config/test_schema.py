"""The JSON Schema of the configuration, and the example that explains it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.support.config_files import MAILBOX, MINIMUM, problems_of, written
from watcher.config.load import load, warnings
from watcher.config.schema import json_schema
from watcher.config.secret import Secret

EXAMPLE = Path(__file__).parents[3] / "config.example.yaml"


def _uncommented(text: str) -> str:
    """The example with every setting switched on; what explains has a blank after the #."""
    return re.sub(r"^( *)#(?=[\w\-])", r"\1", text, flags=re.MULTILINE)


def _properties(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, part in {"": schema, **schema["$defs"]}.items():
        for key, value in part.get("properties", {}).items():
            yield name, key, value


def _plain(value: Any) -> Any:
    """As JSON has it: the schema describes a date as text."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, date) else value


def test_the_schema_is_a_valid_one() -> None:
    schema = json_schema()

    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_key_has_a_description() -> None:
    assert [(name, key) for name, key, value in _properties(json_schema()) if not value.get("description")] == []


def test_secrets_are_one_of_four_forms_and_durations_are_written_as_people_do() -> None:
    schema = json_schema()

    assert len(schema["$defs"]["Secret"]["oneOf"]) == 4
    assert schema["$defs"]["Recognition"]["properties"]["timeout"]["default"] == "90s"
    assert schema["$defs"]["Recognition"]["properties"]["retry"]["default"]["give_up_after"] == "3d"


@pytest.mark.parametrize("text", [EXAMPLE.read_text(), _uncommented(EXAMPLE.read_text()), MINIMUM + MAILBOX])
def test_a_valid_configuration_fits_the_schema(text: str) -> None:
    errors = Draft202012Validator(json_schema()).iter_errors(_plain(yaml.safe_load(text)))

    # A block of which every line is commented out is null, which the program takes and an editor may mark.
    assert [error.json_path for error in errors if error.instance is not None] == []


@pytest.mark.parametrize(
    "line", ["langauge: zh", "limits: {documents: 0}", "web: {password: {envv: X}}", "accept: [x]"]
)
def test_a_wrong_configuration_does_not_fit_the_schema(line: str) -> None:
    assert not Draft202012Validator(json_schema()).is_valid(yaml.safe_load(MINIMUM + line))


def test_the_example_is_valid(tmp_path: Path) -> None:
    configuration = load(EXAMPLE, secrets=False)

    assert configuration.mailboxes[0].name == "fapiao"
    assert warnings(configuration) == []


def test_the_example_is_valid_with_every_setting_switched_on(tmp_path: Path) -> None:
    text = _uncommented(EXAMPLE.read_text())
    assert text.count("\n") == EXAMPLE.read_text().count("\n")
    # A mailbox may have one way to log in alone.
    text = re.sub(r"^ +password: {credential: imap-password}\n(?=.*\n +oauth2)", "", text, count=1, flags=re.MULTILINE)

    assert problems_of(written(tmp_path, text)) == []


def test_the_example_shows_defaults_as_they_are() -> None:
    defaults = load(EXAMPLE, secrets=False)
    text = EXAMPLE.read_text()

    for section, key in (("recognition", "connect_timeout"), ("recognition", "timeout"), ("recognition", "probe")):
        shown = re.search(rf"^ +#{key}: (\S+)$", text, flags=re.MULTILINE)
        assert shown is not None
        assert getattr(defaults, section).model_dump(mode="json")[key] == shown[1]


def test_the_example_has_every_key_there_is() -> None:
    text = EXAMPLE.read_text()
    keys = {key for name, key, _ in _properties(json_schema()) if name != "Secret"} | set(Secret.model_fields)

    assert {key for key in keys if not re.search(rf"(?<![\w.]){key}:", text)} == set()
