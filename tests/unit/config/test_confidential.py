"""What of a configuration is kept out of everything that is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.config_files import MINIMUM, written
from watcher.config.confidential import confidential, passwords_in
from watcher.config.load import load

STORE = "    type: http\n    url: https://store.example/upload\n"


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("postgresql://us:p%40ssword@host/db", {"p%40ssword", "p@ssword"}),
        ("postgresql://us@host/db?password=canary&sslmode=require", {"canary"}),
        ("https://host/x?api-key=canary&page=2", {"canary"}),
        ("https://host/x?access_token=a%20b", {"a b"}),
        ("https://host/x", set()),
        ("https://host:port]/x", set()),
    ],
)
def test_passwords_in_addresses_are_found(address: str, found: set[str]) -> None:
    assert set(passwords_in(address)) == found


def test_names_and_places_of_a_store_stay_readable_and_its_keys_do_not(tmp_path: Path) -> None:
    options = "{bucket: invoices, endpoint: 'https://s3.example', root: /srv, access_key_id: the-key-id, token: canary}"
    text = MINIMUM.replace(STORE, f"    type: objects\n    service: s3\n    options: {options}\n")

    assert set(confidential(load(written(tmp_path, text)))) == {"the-key-id", "canary"}


def test_a_header_that_stands_there_openly_and_speaks_of_no_secret_stays_readable(tmp_path: Path) -> None:
    headers = "{X-Tenant: acme-corporation, X-Api-Key: canary-2, Authorization: Bearer canary-token-3}"
    text = MINIMUM.replace("recognition:\n", f"recognition:\n  headers: {headers}\n")

    found = set(confidential(load(written(tmp_path, text))))

    assert found == {"canary-2", "Bearer canary-token-3", "canary-token-3"}


def test_the_key_in_the_address_of_a_robot_is_kept_back_by_itself_too(tmp_path: Path) -> None:
    text = MINIMUM + "alerts: {urls: ['wecombot://693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa']}\n"

    assert "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa" in set(confidential(load(written(tmp_path, text))))


def test_a_secret_that_cannot_be_read_keeps_back_nothing_and_raises_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WEB", raising=False)
    configuration = load(written(tmp_path, MINIMUM + "web: {password: {env: WEB}}\n"), secrets=False)

    assert list(confidential(configuration)) == []


def test_the_password_of_a_proxy_is_kept_back_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://us:canary@proxy.corp.example:3128")

    assert "canary" in set(confidential(load(written(tmp_path, MINIMUM))))
