"""Secrets: where they are read from, and that no message ever has their value."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.config_files import MAILBOX, MINIMUM, problems_of, written
from watcher.config.load import load, warnings
from watcher.config.secret import Secret
from watcher.errors import ConfigurationError

CANARY = "kanarienvogel7391"


def test_a_secret_is_read_from_where_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a-credential").write_text("from systemd\n")
    (tmp_path / "a-file").write_text("from a file\r\n")
    (tmp_path / "by-notepad").write_bytes(b"\xef\xbb\xbffrom Notepad\r\n")
    monkeypatch.setenv("A_VARIABLE", "from the environment")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    assert Secret(env="A_VARIABLE").reveal() == "from the environment"
    assert Secret(file=tmp_path / "a-file").reveal() == "from a file"
    assert Secret(file=tmp_path / "by-notepad").reveal() == "from Notepad"
    assert Secret(credential="a-credential").reveal() == "from systemd"
    assert Secret.model_validate("plain").reveal() == "plain"
    assert [Secret.model_validate("plain").plain, Secret(env="A_VARIABLE").plain] == [True, False]


def test_a_credential_is_found_where_the_unit_hands_over_a_whole_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "invoice-watcher_imap-password").write_text("from the folder\n")
    assert Secret(credential="imap-password").reveal() == "from the folder"
    # one that is named by itself goes before
    (tmp_path / "imap-password").write_text("by itself\n")
    assert Secret(credential="imap-password").reveal() == "by itself"
    # and of one that is in neither it is said where it belongs
    with pytest.raises(ValueError, match="put it into /etc/invoice-watcher/credentials/smtp"):
        Secret(credential="smtp").reveal()
    # which is said, too, where the system will not even look
    with pytest.raises(ValueError, match="put it into"):
        Secret(credential="s" * 300).reveal()


def test_a_secret_does_not_show_in_text(tmp_path: Path) -> None:
    configuration = load(written(tmp_path, MINIMUM + f"web: {{password: '{CANARY}'}}\n"))

    assert CANARY not in repr(configuration)
    assert CANARY not in str(configuration.web)
    assert CANARY not in configuration.model_dump_json()


def test_secrets_that_cannot_be_read_are_faults_like_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IMAP_PASSWORD", raising=False)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setenv("NOTHING", "")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    text = MINIMUM + MAILBOX + "accept: [pdff]\n"
    text += "web: {password: {credential: web}}\nalerts:\n  urls:\n"
    text += "    - {file: none}\n    - {file: empty}\n    - {file: binary}\n    - {env: NOTHING}\n"
    path = written(tmp_path, text)

    assert problems_of(path, secrets=True) == [
        "15: mailboxes[0].password: the environment variable IMAP_PASSWORD is not set",
        "16: accept[0]: must be pdf, ofd, image or xml; did you mean pdf?",
        "17: web.password: the credential web needs $CREDENTIALS_DIRECTORY (systemd's LoadCredential)",
        f"20: alerts.urls[0]: the secret's file {tmp_path}/none cannot be read: No such file or directory",
        f"21: alerts.urls[1]: the secret's file {tmp_path}/empty is empty",
        f"22: alerts.urls[2]: the secret's file {tmp_path}/binary is not text in UTF-8",
        "23: alerts.urls[3]: the environment variable NOTHING is empty",
    ]
    assert problems_of(path, secrets=False) == ["16: accept[0]: must be pdf, ofd, image or xml; did you mean pdf?"]


def test_what_stands_for_the_name_of_a_variable_and_is_perhaps_the_secret_is_not_shown(tmp_path: Path) -> None:
    text = MINIMUM + f"web: {{password: {{env: {CANARY}}}}}\n"

    assert problems_of(written(tmp_path, text), secrets=True) == [
        (
            "11: web.password: no environment variable has the name that stands here: "
            "env takes the name of one, not the secret itself"
        )
    ]


_FORMS = "a secret is written {env: NAME}, {file: PATH} or {credential: NAME}, or as text in quotes"


@pytest.mark.parametrize(
    ("written_as", "told"),
    [
        ("12345", "put the secret in quotes, or better: write {env: NAME}, {file: PATH} or {credential: NAME}"),
        ("0123", "put the secret in quotes, or better: write {env: NAME}, {file: PATH} or {credential: NAME}"),
        ("yes", "put the secret in quotes, or better: write {env: NAME}, {file: PATH} or {credential: NAME}"),
        ("[a]", _FORMS),
        ("{}", _FORMS),
        ("{hunter2}", _FORMS),
        ("{credental: x}", _FORMS + "; did you mean credential?"),
        ("{env: A, file: b}", "only one of env and file"),
        ("{env: 5}", _FORMS),
        ("{credential: ../x}", "a credential is a name, not a path"),
        ('""', "an empty secret; " + _FORMS),
    ],
)
def test_a_secret_in_a_wrong_form_is_told_in_one_line(tmp_path: Path, written_as: str, told: str) -> None:
    assert problems_of(written(tmp_path, MINIMUM + f"web: {{password: {written_as}}}\n")) == [
        f"11: web.password: {told}"
    ]


@pytest.mark.parametrize(
    "line",
    [
        f"web: {{password: {CANARY}: x}}",
        f"web: {{password: *{CANARY}}}",
        f"web: {{password: !{CANARY} x}}",
        f"web: {{password: !!{CANARY} x}}",
        f"web: {{password: &{CANARY} }}",
        f"web: {{password: {{{CANARY}}}}}",
        f"web: {{password: {{{CANARY}: x}}}}",
        f"web: {{password: {{env: {CANARY}, {CANARY}: x}}}}",
        f"web: {{password: [{CANARY}]}}",
        f"web: {{pasword: {CANARY}}}",
        f"web: {{password: {{file: [{CANARY}]}}}}",
        f'web: {{password: "{CANARY}\\q"}}',
        f'web: {{password: "{CANARY}',
        f"web: {{password: '{CANARY}' '{CANARY}'}}",
        f"web: {CANARY}",
        f"web: {{listen: {CANARY}}}",
        f"log: {{level: {CANARY}, format: {CANARY}}}",
        f"smtp: {{host: h, from: {CANARY}, port: {CANARY}}}",
        f"directory: {{rules: [{{match: '({CANARY}', user_code: 'x'}}]}}",
        f"alerts: {{urls: [[{CANARY}]], after: {CANARY}}}",
        f"alerts: {{urls: {CANARY}}}",
        f"timezone: {CANARY}",
        f"retention: {{closed: {CANARY}}}",
        f"mailboxes: [{{name: a, host: h, username: u, verify_sender: {CANARY}, since: {CANARY}}}]",
        f"mailboxes: {CANARY}",
        f"journal: mysql://u:{CANARY}@h/d",
        f"web: {{password:{CANARY}}}",
        f"web: {{password={CANARY}}}",
        f"web: {{password = {CANARY}}}",
        f"web: {{password：{CANARY}}}",
        f"web: {{password:{CANARY}: x}}",
        f"web: {{password={CANARY}: x, password={CANARY}: x}}",
        f"web: {{{{password:{CANARY}}}}}",
        f'web: {{"password:{CANARY}"}}',
        f"web:\n  password:{CANARY}",
        f"web:\n  password:{CANARY}\n  listen: a:1",
        f"web: {{password: {{{CANARY}==}}}}",
        f"web: {{password: {{{CANARY}:a}}}}",
        f"alerts: {{urls: {{wecombot://{CANARY}: }}}}",
        f"smtp: {{host: h, from: a@b.example, username: u, password:{CANARY}}}",
        f"mailboxes: [{{name: a, host: h, username: u, password:{CANARY}}}]",
        f"directory: {{http: {{url: 'http://h/{{address}}', headers: {{X-Api-Key:{CANARY}}}}}}}",
        f"directory: {{http: {{url: 'http://h/{{address}}', headers: {{X-Api-Key={CANARY}: x}}}}}}",
        f"a:{CANARY}: 1",
        f"web: {{password: {{{CANARY}, {CANARY}}}}}",
        f"web: {{password: {{{CANARY}: 1, {CANARY}: 2}}}}",
        f"web: {{password: {{{CANARY}: {{a: 1, a: 2}}}}}}",
        f"web: {{password: {{{CANARY}: !x}}}}",
        f"web:\n  password: {{{CANARY}: !x, {CANARY}: y}}",
        f"web: {{password: a,{CANARY}}}",
        f"web: {{password: a, {CANARY}, {CANARY}}}",
        f"web: {{password: a,{CANARY}: }}",
        f"web: {{password: a,{CANARY}: {CANARY}}}",
        f"web: {{password: a, {CANARY}: {{{CANARY}: x}}}}",
        f"mailboxes: [{{name: a, host: h, username: u, password: a,{CANARY}: }}]",
        f"directory: {{http: {{url: 'http://h/{{address}}', headers: {{X-Api-Key: a,{CANARY}: }}}}}}",
        f"directory: {{ldap: {{url: 'ldap://h', password: a,{CANARY}: , base: b}}}}",
        f"stores: {{a: {{type: objects, service: s3, options: {{secret_access_key: a,{CANARY}: , bucket: [b]}}}}}}",
        f"stores: {{a: {{type: http, url: 'http://h', form: {{token: a,{CANARY}: }}}}}}",
        f"alerts: {{urls: [{{env: a,{CANARY}: }}]}}",
        f"stores: {{a: {{type: http, url: 'http://h', headers: {{X: a,b: 12, {CANARY}: 7391}}}}}}",
    ],
)
def test_what_stands_where_a_secret_may_stand_is_in_no_message(tmp_path: Path, line: str) -> None:
    path = written(tmp_path, MINIMUM + line + "\n")

    with pytest.raises(ConfigurationError) as caught:
        load(path, secrets=False)

    assert CANARY not in str(caught.value)
    error: BaseException | None = caught.value
    while error is not None:
        assert CANARY not in str(error) or error.__suppress_context__
        error = error.__cause__


@pytest.mark.parametrize(
    ("line", "section"),
    [
        (f"web: {{listen: 'a:1', password:{CANARY}}}", "web"),
        (f"web: {{listen: 'a:1', password={CANARY}}}", "web"),
        (f"smtp: {{host: h, from: a@b.example, port:25, username: u, password:{CANARY}}}", "smtp"),
        (
            f"directory: {{http: {{url: 'http://h/{{address}}', headers: {{X-Api-Key:{CANARY}}}}}}}",
            "directory",
        ),
    ],
)
def test_a_blank_that_is_missing_after_a_colon_is_all_that_is_told_of_a_key(
    tmp_path: Path, line: str, section: str
) -> None:
    assert problems_of(written(tmp_path, f"{MINIMUM}{line}\n")) == [
        f"11: {section}: a blank is missing after the colon of a key here: write KEY: VALUE"
    ]


def test_a_key_that_stands_twice_in_braces_is_not_named(tmp_path: Path) -> None:
    text = MINIMUM + f"web:\n  password: {{{CANARY}: 1, {CANARY}: 2}}\n"

    assert problems_of(written(tmp_path, text)) == [
        "12: web.password: a key in these braces stands here twice: first in line 12",
        f"12: web.password: {_FORMS}",
    ]


def test_a_secret_that_a_comma_in_braces_cuts_in_two_is_told_as_that(tmp_path: Path) -> None:
    text = MINIMUM + f"web: {{listen: 'a:1', password: half,{CANARY}}}\n"

    assert problems_of(written(tmp_path, text)) == [
        "11: web: a word without a colon in braces: is a value with a comma missing its quotes?"
    ]


def test_what_follows_a_comma_in_a_secret_in_braces_is_not_told_as_a_key(tmp_path: Path) -> None:
    text = MINIMUM + f"web: {{listen: 'a:1', password: half,{CANARY}: }}\n"

    assert problems_of(written(tmp_path, text)) == [
        "11: web: an unknown key in these braces: is a value with a comma missing its quotes?"
    ]


def test_keys_in_braces_that_are_known_or_nearly_are_told(tmp_path: Path) -> None:
    text = MINIMUM + "web: {lisen: 'a:1'}\nlog: {level: loud}\n"

    assert problems_of(written(tmp_path, text)) == [
        "11: web.lisen: unknown key; did you mean listen?",
        "12: log.level: must be debug, info, warning or error",
    ]


def test_a_key_is_shown_up_to_what_parts_it_from_a_value(tmp_path: Path) -> None:
    text = MINIMUM + f"smtp: {{host: h, from: a@b.example, pasword={CANARY}: x}}\n"

    assert problems_of(written(tmp_path, text)) == ["11: smtp.pasword: unknown key; did you mean password?"]


def test_secrets_in_plain_text_are_warned_of_where_they_are_secrets(tmp_path: Path) -> None:
    text = MINIMUM.replace(
        "stores:\n",
        f"  headers: {{X-Tenant: '7', Authorization: '{CANARY}'}}\nstores:\n"
        "  more:\n    type: objects\n    service: s3\n"
        f"    options: {{bucket: b, access_key_id: id, secret_access_key: '{CANARY}', region: {{env: R}},"
        f" 'secret_key={CANARY}': 'x'}}\n",
    )
    text += f"    store: more\nweb: {{password: '{CANARY}'}}\nalerts: {{urls: ['{CANARY}']}}\n"

    told = warnings(load(written(tmp_path, text), secrets=False))

    plain = [line.partition(":")[0] for line in told if "plain text" in line]
    assert plain == [
        "recognition.headers.Authorization",
        "stores.more.options.secret_access_key",
        "stores.more.options.secret_key",
        "alerts.urls[0]",
        "web.password",
    ]
    assert CANARY not in "".join(told)


def test_a_file_of_authorities_without_a_certificate_is_a_fault_where_secrets_are_read(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("no certificate\n")
    text = MINIMUM.replace("recognition:\n", "recognition:\n  ca_file: empty.pem\n", 1)
    path = written(tmp_path, text)

    assert load(path, secrets=False).recognition.ca_file == tmp_path / "empty.pem"
    (problem,) = problems_of(path, secrets=True)
    assert "recognition.ca_file: ca_file " in problem
    assert problem.endswith("empty.pem cannot be used: there is no certificate in it")
