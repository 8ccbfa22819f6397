"""The configuration file: valid ones are read, and of wrong ones every fault is told."""

# ruff: noqa: E501 - what is written and what is told of it stand on one line
from __future__ import annotations

import textwrap
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.support.config_files import MAILBOX, MINIMUM, problems_of, written
from watcher.config.load import load
from watcher.config.sections import FixedCode, FromFilename, FromPlace, ObjectsStore, VerifySender
from watcher.errors import ConfigurationError


def test_the_least_configuration_is_valid_and_everything_else_has_its_default(tmp_path: Path) -> None:
    configuration = load(written(tmp_path, MINIMUM))

    assert configuration.language == "zh"
    assert configuration.recognition.timeout == timedelta(seconds=90)
    assert configuration.recognition.suspend_on[0].message == "配置"
    assert configuration.folders[0].user_code == FromPlace.model_validate({"from": "subfolder"})
    assert (configuration.smtp, configuration.web, configuration.alerts) == (None, None, None)


def test_relative_paths_start_at_the_directory_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "password"
    secret.write_text("s3cret\n")
    text = MINIMUM + "    done: done/{yyyy}\ndirectory: {file: employees.csv}\nweb: {password: {file: password}}\n"
    path = written(tmp_path, text)
    monkeypatch.chdir("/")

    configuration = load(path)

    assert configuration.journal == f"sqlite:///{tmp_path}/journal.db"
    assert configuration.folders[0].path == tmp_path / "inbox"
    assert configuration.folders[0].done == f"{tmp_path}/done/{{yyyy}}"
    assert configuration.directory.file == tmp_path / "employees.csv"
    assert configuration.web is not None
    assert configuration.web.password is not None
    assert configuration.web.password.reveal() == "s3cret"


def test_absolute_paths_stay_as_they_are(tmp_path: Path) -> None:
    text = MINIMUM.replace("sqlite:///journal.db", "sqlite:////var/lib/j.db").replace("inbox", "/srv/in")

    configuration = load(written(tmp_path, text))

    assert configuration.journal == "sqlite:////var/lib/j.db"
    assert configuration.folders[0].path == Path("/srv/in")


def test_values_of_every_form_are_read(tmp_path: Path) -> None:
    text = MINIMUM + MAILBOX + "    since: 2026-01-31\n    verify_sender: false\n    poll: 2m\n    per_sender: null\n"

    mailbox = load(written(tmp_path, text), secrets=False).mailboxes[0]

    assert mailbox.since == date(2026, 1, 31)
    assert mailbox.verify_sender is False
    assert mailbox.poll == timedelta(minutes=2)
    assert mailbox.per_sender is None


@pytest.mark.parametrize(
    ("written_as", "model"),
    [
        ("{from: subfolder}", FromPlace),
        ("{from: owner}", FromPlace),
        (r"{from: filename, pattern: '^(\d+)_'}", FromFilename),
        ('{fixed: "903851"}', FixedCode),
    ],
)
def test_every_way_to_an_employee_number_is_understood(tmp_path: Path, written_as: str, model: type) -> None:
    text = MINIMUM + f"    user_code: {written_as}\ndirectory: {{file: employees.csv}}\n"

    assert isinstance(load(written(tmp_path, text)).folders[0].user_code, model)


@pytest.mark.parametrize(
    ("written_as", "meant"),
    [
        ("key", "key"),
        ("{presigned: 1d}", "presigned: 1d"),
        ('"presigned: 1d"', "presigned: 1d"),
        ('"https://files.example/{key}"', "https://files.example/{key}"),
    ],
)
def test_every_form_of_attachment_url_is_understood(tmp_path: Path, written_as: str, meant: str) -> None:
    stores = f"  more:\n    type: objects\n    service: s3\n    attachment_url: {written_as}\nfolders:"

    store = load(written(tmp_path, MINIMUM.replace("folders:", stores))).stores["more"]

    assert isinstance(store, ObjectsStore)
    assert store.attachment_url == meant


def test_options_of_a_store_may_be_switches_and_numbers(tmp_path: Path) -> None:
    stores = "  more: {type: objects, service: s3, options: {virtual: true, part: 5}}\nfolders:"

    store = load(written(tmp_path, MINIMUM.replace("folders:", stores))).stores["more"]

    assert isinstance(store, ObjectsStore)
    assert {key: value.reveal() for key, value in store.options.items()} == {"virtual": "true", "part": "5"}


def test_a_block_of_which_every_line_is_commented_out_means_its_defaults(tmp_path: Path) -> None:
    text = MINIMUM + "directory:\n  # file: employees.csv\nmailboxes:\nsmtp:\nlimits:\n"

    configuration = load(written(tmp_path, text))

    assert configuration.directory.file is None
    assert configuration.mailboxes == []
    assert configuration.limits.documents == 50


def test_verify_sender_is_on_where_nothing_is_said(tmp_path: Path) -> None:
    mailbox = load(written(tmp_path, MINIMUM + MAILBOX), secrets=False).mailboxes[0]

    assert mailbox.verify_sender == VerifySender(results_from=None, dkim=True)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    assert problems_of(written(tmp_path, b"\xef\xbb\xbf" + MINIMUM.encode())) == []


def test_all_faults_are_told_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        textwrap.dedent("""\
            journal: sqlite:///journal.db
            langauge: zh
            recognition:
              auth: {token_url: https://t.example, client_id: me, client_secret: {env: S}}
              timeout: soon
            stores:
              default: {type: resolve, base_url: https://x.example/}
            mailboxes:
              - name: fapiao
                host: imap.example
                username: 13800138000
                password: {env: P}
                tls: implicite
              - name: fapiao
                username: me
                password: {env: P}
                store: defalt
        """),
    )

    with pytest.raises(ConfigurationError) as caught:
        load(path, secrets=False)

    assert [problem.removeprefix(f"{path}:") for problem in caught.value.problems] == [
        "2: langauge: unknown key; did you mean language?",
        "3: recognition.url: is missing",
        "5: recognition.timeout: not a duration: write a number and a unit, such as 90s, 15m, 2h or 3d",
        "9: mailboxes[0].store: a store of type resolve serves folders only: what comes by mail has no URL yet",
        (
            '11: mailboxes[0].username: must be text: put it in quotes, as in "13800138000", '
            "for YAML reads it as something else"
        ),
        "13: mailboxes[0].tls: must be implicit, starttls or none; did you mean implicit?",
        "14: mailboxes[1].host: is missing",
        "14: mailboxes[1].name: mailboxes[0] has this name already: every source needs its own",
        "17: mailboxes[1].store: there is no store defalt; did you mean default? (under stores: default)",
    ]


def test_a_misspelt_key_that_is_required_is_told_once(tmp_path: Path) -> None:
    text = MINIMUM.replace("  url: https://endpoint", "  urll: https://endpoint")

    assert problems_of(written(tmp_path, text)) == ["3: recognition.urll: unknown key; did you mean url?"]


def test_a_misspelt_password_is_told_once(tmp_path: Path) -> None:
    text = MINIMUM + MAILBOX.replace("password:", "pasword:")

    assert problems_of(written(tmp_path, text)) == ["15: mailboxes[0].pasword: unknown key; did you mean password?"]


def test_a_key_that_stands_there_twice_is_told_at_any_depth(tmp_path: Path) -> None:
    text = MINIMUM.replace("    path: inbox", "    path: inbox\n    path: other") + "journal: sqlite:///other.db\n"

    assert problems_of(written(tmp_path, text)) == [
        "11: folders[0].path: this key stands here twice: first in line 10",
        "12: journal: this key stands here twice: first in line 1",
    ]


@pytest.mark.parametrize("number", ["0123", "903851", "1_000", "12:30", "1.50", "2026-01-01", "0x1F", "yes"])
def test_an_employee_number_without_quotes_is_asked_to_be_put_in_quotes(tmp_path: Path, number: str) -> None:
    text = MINIMUM + f"    user_code: {{fixed: {number}}}\n"

    assert problems_of(written(tmp_path, text)) == [
        (
            f'11: folders[0].user_code.fixed: must be text: put it in quotes, as in "{number}", '
            "for YAML reads it as something else"
        )
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("port: 0143", "mailboxes[0].port: must be a whole number, without quotes or leading zeros"),
        ('port: "143"', "mailboxes[0].port: must be a whole number, without quotes or leading zeros"),
        ("port: true", "mailboxes[0].port: must be a whole number, without quotes or leading zeros"),
        ("port: 70000", "mailboxes[0].port: must be at most 65535"),
        ("idle: 1", "mailboxes[0].idle: must be true or false, without quotes"),
        ('idle: "yes"', "mailboxes[0].idle: must be true or false, without quotes"),
        ("since: 20260101", "mailboxes[0].since: not a date: write it as 2026-01-31"),
        ("since: 2026-02-30", "mailboxes[0].since: not a date: write it as 2026-01-31"),
        ("since: 2026-01-01 10:00:00", "mailboxes[0].since: not a date: write it as 2026-01-31"),
        ("since: 1.1.2026", "mailboxes[0].since: not a date: write it as 2026-01-31"),
        ("poll: 60", "mailboxes[0].poll: not a duration: write a number and a unit, such as 90s, 15m, 2h or 3d"),
        ("poll: 0s", "mailboxes[0].poll: must be longer than nothing: write a number and a unit, such as 90s or 15m"),
        ("poll: 999999999d", "mailboxes[0].poll: not a duration: write a number and a unit, such as 90s, 15m, 2h or 3d"),
        ("verify_sender: maybe", "mailboxes[0].verify_sender: must be false, or {results_from: …, dkim: true}"),
        ("verify_sender: {dkin: true}", "mailboxes[0].verify_sender.dkin: unknown key; did you mean dkim?"),
        ("senders: nobody", "mailboxes[0].senders: must be a list: [one, two], or one line each with a hyphen before it"),
        ("senders: [nobody]", "mailboxes[0].senders[0]: neither a mail address nor *@domain (put *@domain in quotes)"),
        ("senders: []", "mailboxes[0].senders: must not be empty"),
        ("reply: yes", "mailboxes[0].reply: must hold keys of its own, each with a colon and a value"),
        ("reply: {dne: true}", "mailboxes[0].reply.dne: unknown key; did you mean done?"),
        ("per_sender: {bytes: big}", "mailboxes[0].per_sender.bytes: not a size: write a number and a unit, such as 500kB or 20MB"),
        ('user_code: "7"', "mailboxes[0].user_code: books for whoever writes: name the senders that may, under senders"),
        ("oauth2: {token_url: https://t.example, client_id: me}", "mailboxes[0]: give either password or oauth2"),
        ("folder: [a]", "mailboxes[0].folder: must be text, not a list or group of keys"),
        ("folder:", "mailboxes[0].folder: must be text, but nothing stands here"),
        ('folder: ""', "mailboxes[0].folder: must not be empty"),
        ('folder: "a\\0"', "mailboxes[0].folder: has a character in it that cannot be seen: take it out"),
        ("done: inbox", "mailboxes[0].done: must not be the same mail folder as folder"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_in_one_plain_line(tmp_path: Path, line: str, told: str) -> None:
    (problem,) = problems_of(written(tmp_path, MINIMUM + MAILBOX + f"    {line}\n"))

    number, _, what = problem.partition(": ")
    assert what == told
    assert number in ("12", "16")


@pytest.mark.parametrize(
    ("store", "told"),
    [
        ("5", "stores.more: a store needs a type: objects, http or resolve"),
        ("{type: object}", "stores.more.type: must be objects, http or resolve; did you mean objects?"),
        ("{type: [http]}", "stores.more.type: must be objects, http or resolve"),
        ("{type: http, url: 'https://[::1/x'}", "stores.more.url: not a web address: its host or port cannot be"),
        ("{type: http, url: 'https://x.example:99999/x'}", "stores.more.url: not a web address: its host or port cannot be"),
        ("{type: objects, service: s3, options: {endpoint: 'https://[fe80::1'}}",
         "stores.more.options: endpoint is not a web address: its host or port cannot be (write https://host or https://host:port)"),
        ("{type: objects, service: s3, options: {endpoint: 'https://h:99999'}}",
         "stores.more.options: endpoint is not a web address: its host or port cannot be (write https://host or https://host:port)"),
        ("{type: http, url: 'https://:80/x'}", "stores.more.url: not a web address: its host or port cannot be"),
        ('{type: http, url: "https://x.example", field: "a\\0"}', "stores.more.field: has a character in it that cannot be seen: take it out"),
        ("{type: objects, service: fs, options: {root: store}}", "stores.more.options: root must be a whole path, from / on"),
        ("{url: https://x.example}", "stores.more: a store needs a type: objects, http or resolve"),
        ("{type: http}", "stores.more.url: is missing"),
        ("{type: http, url: ftp://x}", "stores.more.url: not a web address: it must begin with https:// or http://"),
        ("{type: objects, service: oos}", "stores.more.service: must be s3, oss, cos, obs, azblob, gcs, webdav or fs; did you mean oss?"),
        ('{type: objects, service: s3, key: "{ext}"}', "stores.more.key: must contain {sha256}, so that one content has one key"),
        ('{type: objects, service: s3, key: "{sha}"}', "stores.more.key: unknown placeholder; did you mean sha256? (there are {sha256} {ext})"),
        ('{type: objects, service: s3, key: "../{sha256}"}', "stores.more.key: must not begin with / or contain .."),
        ("{type: objects, service: s3, attachment_url: {presigned: never}}",
         "stores.more.attachment_url: not a duration: write a number and a unit, such as 90s, 15m, 2h or 3d"),
        ("{type: objects, service: fs, attachment_url: {presigned: 1d}}",
         "stores.more.attachment_url: fs cannot sign addresses: write a web address with {key} in it"),
        ('{type: objects, service: s3, attachment_url: "https://x.example/"}', "stores.more.attachment_url: the address must contain {key}"),
        ('{type: objects, service: s3, attachment_url: "https://x.example/{key}\\n"}',
         "stores.more.attachment_url: has a character in it that cannot be seen: take it out"),
        ('{type: objects, service: s3, attachment_url: "https://x.example/\\a{key}"}',
         "stores.more.attachment_url: has a character in it that cannot be seen: take it out"),
        ('{type: objects, service: s3, attachment_url: "https://[::1/{key}"}',
         "stores.more.attachment_url: not a web address: its host or port cannot be"),
        ('{type: objects, service: s3, attachment_url: "https://:99999/{key}"}',
         "stores.more.attachment_url: not a web address: its host or port cannot be"),
        ("{type: objects, service: s3, attachment_url: url}",
         "stores.more.attachment_url: must be key, {presigned: 1d} or a web address with {key} in it"),
        ("{type: resolve, base_url: https://x.example, parts: defalt}",
         "stores.more.parts: there is no store defalt; did you mean default? (under stores: more, default)"),
        ("{type: resolve, base_url: https://x.example, parts: more}", "stores.more.parts: must be a store that uploads, not one of type resolve"),
    ],
)  # fmt: skip
def test_a_wrong_store_is_told_in_one_plain_line(tmp_path: Path, store: str, told: str) -> None:
    text = MINIMUM.replace("stores:\n", f"stores:\n  more: {store}\n")

    assert problems_of(written(tmp_path, text)) == [f"5: {told}"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('user_code: "7"', """user_code: write {from: subfolder}, {from: filename, pattern: '^(\\d+)_'}, {from: owner} or {fixed: "903851"}"""),
        ("user_code: {from: folder}", """user_code: write {from: subfolder}, {from: filename, pattern: '^(\\d+)_'}, {from: owner} or {fixed: "903851"}"""),
        ("user_code: {from: filename}", "user_code.pattern: is missing"),
        ("user_code: {from: filename, pattern: abc}", "user_code.pattern: needs a group, in round brackets, for the employee number"),
        ("user_code: {from: filename, pattern: '('}",
         "user_code.pattern: not a regular expression: missing ), unterminated subpattern at position 0"),
        ("user_code: {from: owner}", "user_code: from: owner needs directory.file, to look the login name up in"),
        ("network: maybe", "network: must be true, false or auto"),
        ('marker: "a\\0"', "marker: has a character in it that cannot be seen: take it out"),
        ("done: inbox", "done: must not be the folder that is watched"),
        ("done: ./sub/../inbox/", "done: must not be the folder that is watched"),
        ("done: 'd/{yyy}'", "done: unknown placeholder; did you mean yyyy? (there are {yyyy} {mm} {dd})"),
        ("done: 'd/{yyyy'", "done: a brace without its partner (placeholders are {yyyy} {mm} {dd})"),
    ],
)  # fmt: skip
def test_a_wrong_folder_is_told_in_one_plain_line(tmp_path: Path, line: str, told: str) -> None:
    assert problems_of(written(tmp_path, MINIMUM + f"    {line}\n")) == [f"11: folders[0].{told}"]


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("smtp: {host: h, from: nobody}", "smtp.from: not a mail address: write name@corp.example or Name <name@corp.example>"),
        ("smtp: {host: h}", "smtp.from: is missing"),
        ("smtp: {host: h, from: a@b.example, username: u}", "smtp: username needs a password or oauth2"),
        ("accept: [pdff]", "accept[0]: must be pdf, ofd, image or xml; did you mean pdf?"),
        ("language: de", "language: must be zh or en"),
        ("timezone: Shanghai", "timezone: not a time zone: write a name such as Asia/Shanghai"),
        ("web: {listen: 8750}", 'web.listen: must be text: put it in quotes, as in "8750", for YAML reads it as something else'),
        ('web: {listen: "8750"}', "web.listen: must be host:port, such as 127.0.0.1:8750"),
        ('web: {listen: "a..b:80"}', "web.listen: no host can have this name: write host:port, such as 127.0.0.1:8750"),
        ("directory: {ldap: {url: 'ldap://[fe80::1', base: o}}",
         "directory.ldap.url: not an LDAP address: its host or port cannot be (write ldaps://host or ldaps://host:port)"),
        ("directory: {ldap: {url: 'ldaps://h:port', base: o}}",
         "directory.ldap.url: not an LDAP address: its host or port cannot be (write ldaps://host or ldaps://host:port)"),
        ("directory: {rules: [{match: 'a(b)', user_code: '\\2'}]}", "directory.rules[0].user_code: match has no group 2"),
        ("directory: {rules: [{match: 'a(b)', user_code: '\\g<x>'}]}", "directory.rules[0].user_code: match has no group x"),
        ("directory: {rules: [{match: 'a(b)', user_code: '\\d'}]}",
         "directory.rules[0].user_code: a backslash must be followed by the number of a group, as in \\1"),
        ("directory: {delegates: [nobody]}", "directory.delegates[0]: not a mail address such as name@corp.example"),
        ("directory: {http: {url: 'https://x.example/'}}", "directory.http.url: must contain {address}"),
        ("directory: {ldap: {url: 'ldaps://x.example', base: o, bind_dn: cn=x}}", "directory.ldap: bind_dn and password go together"),
        ("directory: {ldap: {url: 'https://x.example', base: o}}",
         "directory.ldap.url: not an LDAP address: it must begin with ldaps:// or ldap://"),
        ("limits: 5", "limits: must hold keys of its own, each with a colon and a value"),
        ("log: {level: loud}", "log.level: must be debug, info, warning or error"),
        ("alerts: {operators: [me]}", "alerts.operators[0]: not a mail address such as name@corp.example"),
    ],
)  # fmt: skip
def test_a_wrong_section_is_told_in_one_plain_line(tmp_path: Path, section: str, told: str) -> None:
    assert problems_of(written(tmp_path, MINIMUM + section + "\n")) == [f"11: {told}"]


def test_a_configuration_without_any_source_says_so(tmp_path: Path) -> None:
    text = MINIMUM[: MINIMUM.index("folders:")]

    assert problems_of(written(tmp_path, text)) == [
        "1: no source: give at least one mailbox under mailboxes, or one folder under folders"
    ]


def test_a_configuration_without_a_store_says_so(tmp_path: Path) -> None:
    text = MINIMUM[: MINIMUM.index("stores:")] + MINIMUM[MINIMUM.index("folders:") :]

    assert problems_of(written(tmp_path, text)) == ["1: stores: is missing"]


def test_sources_that_would_feed_each_other_are_faults(tmp_path: Path) -> None:
    text = (
        MINIMUM
        + "    done: second/done\n  - {name: second, path: second, error: inbox, done: d}\n"
        + "  - {name: third, path: ./inbox, recursive: false, done: e, error: e}\n"
        + MAILBOX
        + "    done: Done\n"
        + MAILBOX.replace("mailboxes:\n", "").replace("- name: fapiao", "- name: other")
        + "    folder: Done\n"
    )

    assert problems_of(written(tmp_path, text)) == [
        "11: folders[0].done: folders[1] watches it: files would come again",
        "12: folders[1].error: folders[0] watches it: files would come again",
        "12: folders[1].error: folders[2] watches it: files would come again",
        "13: folders[2].error: must not be the same folder as done",
        "13: folders[2].path: folders[0] watches the same folder",
        "19: mailboxes[0].done: mailboxes[1] watches it: mails would come again",
    ]


def test_folders_in_one_another_are_faults_because_a_file_would_be_booked_twice(tmp_path: Path) -> None:
    text = MINIMUM + "  - {name: finance, path: ./inbox/finance, user_code: {fixed: '7'}}\n"

    (problem,) = problems_of(written(tmp_path, text))

    assert problem == (
        "11: folders[1].path: lies in folders[0].path and is watched with it, so that its files would be booked twice: "
        "name a folder outside of that one, or give folders[0] recursive: false"
    )


@pytest.mark.parametrize(
    ("folders", "wrong"),
    [
        ("{path: a, done: out}, {path: out/sub}", ["folders[0].done"]),
        ("{path: a, error: 'out/{yyyy}-{mm}'}, {path: out/2026-11/sub}", ["folders[0].error"]),
        ("{path: a, done: '{yyyy}'}, {path: '2026'}", ["folders[0].done"]),
        ("{path: a/2026, done: 'a/{yyyy}'}", ["folders[0].done"]),
        ("{path: a/2026/in, done: 'a/{yyyy}/in/done'}", ["folders[0].done"]),
        ("{path: a/in, error: a}", ["folders[0].error"]),
        ("{path: a/done/b, done: d}, {path: a, done: a/done}", ["folders[1].done"]),
    ],
)
def test_answered_files_that_would_come_again_are_faults(tmp_path: Path, folders: str, wrong: list[str]) -> None:
    assert _places(problems_of(written(tmp_path, _with_folders(folders)))) == wrong


@pytest.mark.parametrize(
    ("store", "folders", "wrong"),
    [
        ("{root: T/a/store}", "{path: a}", ["stores.default.options.root"]),
        ("{root: T}", "{path: invoices}", ["stores.default.options.root"]),
        ("{root: T/a}", "{path: a, recursive: false}", []),
        ("{root: T/a/done}", "{path: a, done: 'a/done/{yyyy}'}", []),
        ("{root: T/a/.store}", "{path: a}", []),
        ("{root: T}", "{path: a}", []),
        ("{root: {env: ROOT}}", "{path: a}", []),
    ],
)
def test_a_store_in_a_folder_that_is_watched_is_a_fault(
    tmp_path: Path, store: str, folders: str, wrong: list[str]
) -> None:
    options = store.replace("T", str(tmp_path), 1)
    kept = f"{{type: objects, service: fs, options: {options}, attachment_url: 'https://store.example/{{key}}'}}"
    text = _with_folders(folders).replace("type: http\n    url: https://store.example/upload", kept)

    assert _places(problems_of(written(tmp_path, text))) == wrong


@pytest.mark.parametrize(
    "folders",
    [
        "{path: a, done: a/done, error: a/error}, {path: b, done: c/done, error: a-error}",
        "{path: a, done: 'd/{yyyy}', error: e}, {path: b, done: 'd/{yyyy}', error: e}",
        "{path: a, recursive: false}, {path: a/b}",
        "{path: a, recursive: false, done: d}, {path: d/b}",
        "{path: a}, {path: a/.b}, {path: a/@eaDir/b}, {path: ab}",
        "{path: a, done: 'a/{yyyy}-{mm}'}",
        "{path: a, done: 'd/{yyyy}-{mm}'}, {path: d/2026}",
        "{path: a, done: d}, {path: d/.b}",
    ],
)
def test_folders_of_which_no_scan_enters_another_are_no_fault(tmp_path: Path, folders: str) -> None:
    assert problems_of(written(tmp_path, _with_folders(folders))) == []


def _with_folders(folders: str) -> str:
    """The least that is valid, with these instead of its one; each gets a name."""
    lines = [f"  - {{name: f{number}, {each}" for number, each in enumerate(folders.removeprefix("{").split(", {"))]
    named = "\n".join(lines) + "\n"
    return MINIMUM[: MINIMUM.index("folders:")] + "folders:\n" + named


def _places(problems: list[str]) -> list[str]:
    return [problem.split(": ")[1] for problem in problems]


def test_two_mailboxes_on_one_mail_folder_are_a_fault(tmp_path: Path) -> None:
    text = MINIMUM + MAILBOX + MAILBOX.replace("mailboxes:\n", "").replace("- name: fapiao", "- name: other")

    assert problems_of(written(tmp_path, text)) == ["16: mailboxes[1]: watches the same mail folder as mailboxes[0]"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "1: the file is empty"),
        (b"# nothing\n", "1: the file is empty"),
        (b"just text\n", "1: must hold keys, each with a colon and a value"),
        (b"- a\n", "1: must hold keys, each with a colon and a value"),
        (b"a: 1\nb: \xb7\xa2\xc6\xb1\n", "2: not UTF-8: save the file in UTF-8 (it may be GBK)"),
        (b"a: 1\nb: \x00\n", "2: a control character, which must not stand in a text file"),
        (b"a: 1\n\tb: 2\n", "2: a tab stands here: write spaces"),
        (b"a: 1\n---\nb: 2\n", "2: only one document: take out the line with ---"),
        (b'a: "x\nb: c\n', "1: a quote that is opened and never closed"),
        (b"a: {b: c\n", "2: a bracket that is opened and never closed, or a comma is missing (it is opened in line 1)"),
        (
            b"a: [b, c\nd: e\n",
            "2: a bracket that is opened and never closed, or a comma is missing (it is opened in line 1)",
        ),
        (b"a: [b, c d: {e]\n", "1: a bracket that is opened and never closed, or a comma is missing"),
        (b"a: b: c\n", "1: a colon too many, or wrong indentation: put a value with a colon in quotes"),
        (b"a: *@corp.example\n", "1: a value cannot begin with * or &: put it in quotes"),
        (b"a: @corp.example\n", "1: a value cannot begin with this sign: put it in quotes"),
        (b"a: b\nc: |@corp.example\n", "2: a value cannot begin with | or >: put it in quotes"),
        (b"a: b\nc: >corp.example\n", "2: a value cannot begin with | or >: put it in quotes"),
        (b"a: ? b\n", "1: a value cannot begin with ?: put it in quotes"),
        (b"a: - b\n", "1: a list begins in a line of its own; a value that begins with - wants quotes"),
        (b"a: ]b\n", "1: a value is missing, or wants quotes, or a bracket is opened and never closed"),
        (
            b"a: b\n...\nc: d\n",
            "3: a text behind the end: take out a line with ... or one that begins with %",
        ),
        (
            b'a: "x\nb: "y"\n',
            (
                "2: wrong indentation, or a text after a closing quote or bracket"
                " (perhaps the quote that is opened in line 1 is never closed)"
            ),
        ),
        (b'a: b\nc: "D:\\UFFFFFFFF"\n', "2: a backslash in double quotes: use single quotes"),
        (b"a: 'D:\\Users'\nc: \"D:\\U12345678\"\n", "2: a backslash in double quotes: use single quotes"),
        (b"a: &x [*x]\n", "1: an alias refers to what it stands in"),
        (b"[" * 5000, "1: too many levels in one another"),
        (b"a: " + b"x" * 1_000_000, "1: the file is larger than 1 MB: this is no configuration"),
    ],
)
def test_a_file_that_is_no_yaml_says_where_and_why(tmp_path: Path, content: bytes, told: str) -> None:
    assert problems_of(written(tmp_path, content)) == [told]


_TWO_KEYS = "mailboxes:\n  - name: a\n    HERE\n    port: 143\n"
_FULL_WIDTH_COLON = " (this line has a full-width colon: write : and a blank)"
_NO_COLON = "a key without its colon, or without the blank after the colon"
_SECOND_COLON = "a colon too many, or wrong indentation: put a value with a colon in quotes"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (_TWO_KEYS.replace("HERE", "host:mail"), f"3: {_NO_COLON}"),
        (_TWO_KEYS.replace("HERE", "host：mail"), f"3: {_NO_COLON}{_FULL_WIDTH_COLON}"),
        (_TWO_KEYS.replace("HERE", "host： 'm：x'"), f"3: {_NO_COLON}{_FULL_WIDTH_COLON}"),
        (_TWO_KEYS.replace("HERE", 'host:mail # "：'), f"3: {_NO_COLON}"),
        (
            _TWO_KEYS.replace("HERE", "tls:\u00a0none"),
            f"3: {_NO_COLON} (this line has a blank that only looks like one: write an ordinary space)",
        ),
        (
            _TWO_KEYS.replace("    HERE", "\u3000\u3000tls: none"),
            "3: a blank that is no ordinary one stands before a key: indent with spaces",
        ),
        ("journal:x\n\n# y\nweb: z\n", f"1: {_NO_COLON}"),
        ("journal x\nweb: z\n", f"1: {_NO_COLON}"),
        ("web:\n  listen:a\n  # y\n  password: b\n", f"2: {_NO_COLON}"),
        ('accept:\n  - pdf\n  - "ofd" x\n', "3: wrong indentation, or a text after a closing quote or bracket"),
        ("journal：x\nweb: z\n", f"1: {_NO_COLON}{_FULL_WIDTH_COLON}"),
        ("web:\n  listen:a\n  password: b\n", f"2: {_NO_COLON}"),
        ("folders:\n  - name:a\n    path: b\n", f"2: {_NO_COLON}"),
        ("web:\n  listen: a\n    password: b\n", f"3: {_SECOND_COLON}"),
        ("mailboxes:\n  -name: a\n\n    port: 143\n", "2: a blank is missing after the hyphen of a list"),
        (
            "folders:\n  - user_code: ｛from: owner｝\n",
            f"2: {_SECOND_COLON} (this line has a full-width brace: write {{ and }})",
        ),
        (
            "web: {listen: a， password: b}\n",
            (
                "1: a bracket that is opened and never closed, or a comma is missing"
                " (this line has a full-width comma: write , and a blank)"
            ),
        ),
    ],
)
def test_a_sign_of_another_keyboard_is_told_where_it_stands(tmp_path: Path, text: str, told: str) -> None:
    assert problems_of(written(tmp_path, text)) == [told]


def test_a_key_behind_blanks_that_only_look_like_some_is_told_as_that(tmp_path: Path) -> None:
    text = MINIMUM + "web:\n\u00a0\u00a0listen: 127.0.0.1:1\n"

    assert problems_of(written(tmp_path, text)) == [
        "12: a blank that is no ordinary one stands before a key: indent with spaces"
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_in_utf_16_is_told_as_what_windows_calls_it(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(MINIMUM, encoding=encoding)

    assert problems_of(path) == ["1: UTF-16, which Windows calls Unicode: save the file in UTF-8"]


@pytest.mark.parametrize(
    "quoted", ["“canary”", "‘canary’", "＂canary＂", "「canary」", "“canary“", '“canary"', "‘canary'"]
)
def test_quotes_of_another_keyboard_are_no_part_of_a_secret_without_a_word(tmp_path: Path, quoted: str) -> None:
    text = MINIMUM + MAILBOX.replace("{env: IMAP_PASSWORD}", quoted)

    problems = problems_of(written(tmp_path, text))

    told = "mailboxes[0].password: curly or full-width quotes would be a part of the value: write straight ones"
    assert [problem.partition(" ")[2] for problem in problems] == [told]


def test_curly_quotes_may_stand_in_a_value_and_within_straight_ones(tmp_path: Path) -> None:
    text = MINIMUM + MAILBOX.replace("{env: IMAP_PASSWORD}", "'“canary”'")

    load(written(tmp_path, text + "smtp: {host: h, from: “发票” <a@corp.example>}\n"))


@pytest.mark.parametrize("path", [r"\\server\share", r"D:\发票", "D:/x", "smb://server/share", "file:///srv"])
def test_a_path_of_another_machine_is_no_folder_here(tmp_path: Path, path: str) -> None:
    text = MINIMUM.replace("path: inbox", f"path: '{path}'")

    (problem,) = problems_of(written(tmp_path, text))

    assert problem.endswith(
        "path: not a path of this machine: mount the share here, and write the folder that it is mounted on"
    )


def test_aliases_that_multiply_are_refused(tmp_path: Path) -> None:
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    lines += [f"{new}: &{new} [{','.join(['*' + old] * 9)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)]

    (problem,) = problems_of(written(tmp_path, "\n".join(lines) + "\n"))

    assert "far too many values" in problem


def test_an_alias_may_be_used_within_reason(tmp_path: Path) -> None:
    text = MINIMUM + "    user_code: &code {fixed: '7'}\n  - {name: b, path: b, user_code: *code}\n"

    assert load(written(tmp_path, text)).folders[1].user_code == FixedCode(fixed="7")


def test_tags_and_merged_keys_and_keys_that_are_no_text_are_faults(tmp_path: Path) -> None:
    text = MINIMUM + "log:\n  <<: {level: info}\n  level: !!python/name:os.system x\n? [a]\n: b\n"

    assert problems_of(written(tmp_path, text)) == [
        "12: log: << is not known here: write the keys out",
        "13: log.level: YAML tags (!) are not known here: put a text that begins with ! in quotes",
        "13: log.level: must be debug, info, warning or error",
        "14: a key must be plain text: is a value in braces missing its quotes?",
    ]


def test_a_missing_or_unreadable_file_is_told_with_its_name(tmp_path: Path) -> None:
    missing = tmp_path / "none.yaml"

    with pytest.raises(ConfigurationError) as caught:
        load(missing)
    assert caught.value.problems == [f"{missing}: there is no such file"]

    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path)
    assert caught.value.problems == [f"{tmp_path}: the file cannot be read: Is a directory"]


def test_the_type_of_a_store_is_told_in_its_own_line(tmp_path: Path) -> None:
    text = MINIMUM.replace("    type: http\n", "    type: htp\n")

    assert problems_of(written(tmp_path, text)) == [
        "6: stores.default.type: must be objects, http or resolve; did you mean http?"
    ]


@pytest.mark.parametrize("url", ["postgresql://u:canary@host:port/x", "postgresql://u:canary@[host/x"])
def test_an_impossible_database_address_is_told_without_the_password_in_it(tmp_path: Path, url: str) -> None:
    text = MINIMUM.replace("sqlite:///journal.db", f'"{url}"')

    (problem,) = problems_of(written(tmp_path, text))

    assert problem.startswith("1: journal: not a journal")
    assert "canary" not in problem


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite:////x/a\\0b.db", "has a character in it that cannot be seen: take it out"),
        ("sqlite:////x/a\\ud800b.db", "has a character in it that cannot be seen: take it out"),
        ("postgresql://u:canary@h/d\\n", "has a character in it that cannot be seen: take it out"),
        ("sqlite:////x/a%00b.db", "has %00 in it, which no file or database can have in its name: take it out"),
        ("postgresql://u:canary@h/d%00", "has %00 in it, which no file or database can have in its name: take it out"),
    ],
)
def test_a_journal_has_nothing_in_its_address_that_no_name_can_have(tmp_path: Path, url: str, told: str) -> None:
    text = MINIMUM.replace("sqlite:///journal.db", f'"{url}"')

    assert problems_of(written(tmp_path, text)) == [f"1: journal: {told}"]


@pytest.mark.parametrize(
    "sender", ["fapiao@corp。cn", "a@b.", "a@b_c.cn", "fa..piao@x.cn", "发票 <a@b_c.cn>", f"{'x' * 65}@x.cn"]
)
def test_a_sender_that_no_mail_could_be_written_from_is_told(tmp_path: Path, sender: str) -> None:
    text = f"{MINIMUM}\nsmtp: {{host: mail.corp.example, from: '{sender}'}}\n"

    (problem,) = problems_of(written(tmp_path, text))
    assert problem.endswith("smtp.from: not a mail address: write name@corp.example or Name <name@corp.example>")


@pytest.mark.parametrize(
    "url", ["sqlite:////", "sqlite:///.", "sqlite:///..", "sqlite:////x/..", "sqlite:////?mode=ro"]
)
def test_a_journal_is_a_file_and_no_folder(tmp_path: Path, url: str) -> None:
    text = MINIMUM.replace("sqlite:///journal.db", f'"{url}"')

    assert problems_of(written(tmp_path, text)) == [
        "1: journal: names a folder, and no file in it: write sqlite:////path/to/journal.db or postgresql://user@host/database"
    ]


@pytest.mark.parametrize(
    "endpoint", ["oss-cn-shanghai.aliyuncs.com", "https://[fe80::1]:9000", "http://127.0.0.1:9000"]
)
def test_an_endpoint_may_be_a_web_address_or_a_host_alone(tmp_path: Path, endpoint: str) -> None:
    text = MINIMUM.replace(
        "stores:\n", f"stores:\n  more: {{type: objects, service: s3, options: {{endpoint: '{endpoint}'}}}}\n"
    )

    store = load(written(tmp_path, text)).stores["more"]

    assert isinstance(store, ObjectsStore)
    assert store.options["endpoint"].reveal() == endpoint


@pytest.mark.parametrize(
    ("written_as", "url"),
    [
        ("key", "key"),
        ("{presigned: 1d}", "presigned: 1d"),
        ("'https://[::1]:9000/b/{key}?x={key}'", "https://[::1]:9000/b/{key}?x={key}"),
        ("'https://{key}.example'", "https://{key}.example"),
    ],
)
def test_every_form_of_an_attachment_url_is_read(tmp_path: Path, written_as: str, url: str) -> None:
    store = f"{{type: objects, service: s3, attachment_url: {written_as}}}"

    read = load(written(tmp_path, MINIMUM.replace("stores:\n", f"stores:\n  more: {store}\n"))).stores["more"]

    assert isinstance(read, ObjectsStore)
    assert read.attachment_url == url


def test_percent_signs_may_stand_in_a_journals_address(tmp_path: Path) -> None:
    text = MINIMUM.replace("journal.db", "/x/a%20b%2500.db")

    assert load(written(tmp_path, text)).journal == "sqlite:////x/a%20b%2500.db"


@pytest.mark.parametrize("name", ["X Tenant", "中", '"a\\r\\nb"', '""'])
def test_a_header_must_have_a_name_that_can_be_sent(tmp_path: Path, name: str) -> None:
    text = MINIMUM.replace("stores:\n", f"  headers: {{{name}: x}}\nstores:\n")

    (problem,) = problems_of(written(tmp_path, text))

    assert problem.startswith("4: recognition.headers")
    assert problem.endswith("not the name of a header: use letters, digits and hyphens, no blanks")


def test_a_key_with_control_characters_stays_on_one_clean_line(tmp_path: Path) -> None:
    (problem,) = problems_of(written(tmp_path, MINIMUM + '"lan\\nguage\\e[31m\\u202e": x\n'))

    assert problem.isprintable()
    assert problem.startswith("11: lan\N{REPLACEMENT CHARACTER}guage")
