"""What is allowed, and worth a warning."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.config_files import MAILBOX, MINIMUM, written
from watcher.config.load import load, warnings

QUIET = MINIMUM + MAILBOX + "smtp: {host: h, from: a@b.example}\ndirectory: {file: e.csv}\n"


def _told(tmp_path: Path, text: str) -> list[str]:
    return warnings(load(written(tmp_path, text), secrets=False))


def test_an_ordinary_configuration_gives_no_warning(tmp_path: Path) -> None:
    assert _told(tmp_path, QUIET) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("smtp: {host: h, from: a@b.example}\n", "", "smtp: is absent, so that nobody who sends a mail gets a reply"),
        ("directory: {file: e.csv}\n", "", "mailboxes[0]: without directory and user_code every sender is unknown"),
        ("sqlite:///journal.db", "postgresql://me:pw@h/d", "journal: a password in plain text"),
        ("https://endpoint.example", "http://endpoint.example", "recognition.url: http is not encrypted"),
        ("https://endpoint", "https://us:pw@endpoint", "recognition.url: an address is no place for a password"),
        ("stores:\n", "  timeout: 30s\nstores:\n", "recognition.timeout: the vendor advises 60 s or more"),
        ("stores:\n", "stores:\n  idle: {type: http, url: https://x.example}\n", "stores.idle: is used by no source"),
    ],
)
def test_each_caution_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    (warning,) = _told(tmp_path, QUIET.replace(old, new))

    assert warning.startswith(told)


@pytest.mark.parametrize(
    ("store", "told"),
    [
        ("{type: resolve, base_url: 'http://192.168.1.5/x/', parts: other}", "base_url: the endpoint is elsewhere"),
        ("{type: objects, service: fs, attachment_url: 'http://localhost/{key}'}", "attachment_url: the endpoint is"),
        (
            "{type: objects, service: s3, attachment_url: {presigned: 1d}, options: {endpoint: 'http://127.0.0.1:9'}}",
            "options.endpoint: the endpoint is elsewhere, and cannot fetch documents from 127.0.0.1",
        ),
        ("{type: objects, service: fs, attachment_url: 'https://files.example/{key}'}", None),
    ],
)
def test_documents_that_the_endpoint_cannot_reach_are_told_unless_it_is_here_too(
    tmp_path: Path, store: str, told: str | None
) -> None:
    other = "  other: {type: http, url: https://store.example/upload}\n"
    text = MINIMUM.replace(
        "  default:\n    type: http\n    url: https://store.example/upload\n", f"  default: {store}\n{other}"
    )

    far = [line for line in _told(tmp_path, text) if line.startswith("stores.default")]
    near = _told(tmp_path, text.replace("https://endpoint.example", "https://10.0.0.7"))

    assert [line.startswith(f"stores.default.{told}") for line in far] == ([] if told is None else [True])
    assert not any("elsewhere" in line for line in near)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("verify_sender: false", "mailboxes[0].verify_sender: is off, so that anybody can submit in anybody's name"),
        ("verify_sender: {dkim: false}", "mailboxes[0].verify_sender: with neither results_from nor dkim"),
        ("verify_sender: {results_from: topmost}", "mailboxes[0].verify_sender.results_from: topmost is safe only"),
        ("forwarded_for: true", "mailboxes[0].forwarded_for: anybody who may submit"),
        ("tls: none", "mailboxes[0].tls: without encryption"),
        ("per_sender: {bytes: 200}", "mailboxes[0].per_sender.bytes: 200 bytes"),
    ],
)
def test_each_caution_of_a_mailbox_is_told(tmp_path: Path, setting: str, told: str) -> None:
    (warning,) = _told(tmp_path, QUIET.replace("smtp:", f"    {setting}\nsmtp:"))

    assert warning.startswith(told)


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("web: {listen: '0.0.0.0:80'}", "web.password: is absent"),
        ("alerts: {}", "alerts: with neither urls nor operators"),
        ("limits: {document: 20}", "limits.document: 20 bytes, and no invoice is so small: write a number and a unit"),
        ("limits: {submission: 50B}", "limits.submission: 50 bytes, and no invoice is so small"),
    ],
)
def test_each_caution_of_operation_is_told(tmp_path: Path, section: str, told: str) -> None:
    (warning,) = _told(tmp_path, QUIET + section + "\n")

    assert warning.startswith(told)


def test_operators_that_are_told_by_mail_are_no_reason_for_one(tmp_path: Path) -> None:
    text = QUIET.replace("smtp:", "    held_after: 2d\nsmtp:") + "alerts: {operators: [a@b.example]}\n"

    assert warnings(load(written(tmp_path, text), secrets=False)) == []


def test_pages_that_only_this_machine_can_reach_need_no_password(tmp_path: Path) -> None:
    assert _told(tmp_path, QUIET + "web: {listen: '[::1]:80'}\n") == []


def test_a_store_that_only_gets_parts_is_used(tmp_path: Path) -> None:
    stores = "stores:\n  drive: {type: resolve, base_url: https://x.example/, parts: default}\n"
    text = QUIET.replace("stores:\n", stores).replace("    path: inbox\n", "    path: inbox\n    store: drive\n")

    assert _told(tmp_path, text) == []


_OTHERS = "{type: objects, service: SERVICE, options: {OPTIONS}}"


@pytest.mark.parametrize(
    ("service", "options", "told"),
    [
        ("s3", "access_key_id access_key_secret", ["access_key_secret: s3: access_key_id and secret_access_key"]),
        ("oss", "access_key_id secret_access_key", ["secret_access_key: oss: access_key_id and access_key_secret"]),
        (
            "cos",
            "access_key_id secret_access_key",
            ["access_key_id: cos: secret_id and secret_key", "secret_access_key: cos: secret_id and secret_key"],
        ),
        ("obs", "access_key_id secret_key", ["secret_key: obs: access_key_id and secret_access_key"]),
        ("obs", "access_key_id secret_access_key", []),
        ("cos", "secret_id secret_key access_key_id", []),
        ("azblob", "secret_key", []),
        ("s3", "root", []),
    ],
)
def test_a_login_by_the_names_of_another_service_is_told(
    tmp_path: Path, service: str, options: str, told: list[str]
) -> None:
    given = ", ".join(f"{option}: {{env: X}}" for option in options.split())
    store = _OTHERS.replace("SERVICE", service).replace("OPTIONS", given)
    text = QUIET.replace("  default:\n    type: http\n    url: https://store.example/upload\n", f"  default: {store}\n")

    warned = [warning for warning in _told(tmp_path, text) if ".options." in warning]

    assert [
        warning.removeprefix("stores.default.options.").replace(" has no such option: its login is ", ": ")
        for warning in warned
    ] == told
