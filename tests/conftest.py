"""The servers and samples that tests ask for by name; each is started when the first test wants it."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from hypothesis import settings

from tests.support.servers.process import MissingProgram

if TYPE_CHECKING:
    from tests.support.servers.dovecot import Dovecot
    from tests.support.servers.postgres import Postgres
    from tests.support.servers.s3 import S3
    from tests.support.servers.smtp import SmtpSink
    from tests.support.servers.webdav import WebDav
    from watcher.sandbox.endpoint import Endpoint

# The same examples every time, and no deadline: neither chance nor a busy machine makes a test fail.
settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.load_profile("steady")

_NOTE = "note"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--exhaustive", action="store_true", help="let faults strike everywhere, and not at a sample")


@pytest.fixture
def exhaustive(request: pytest.FixtureRequest) -> bool:
    """Whether a test should take its time: by `--exhaustive`, or EXHAUSTIVE=1."""
    return bool(request.config.getoption("--exhaustive")) or os.environ.get("EXHAUSTIVE") == "1"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "exhaustive: takes minutes, and runs only with --exhaustive or EXHAUSTIVE=1")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--exhaustive") or os.environ.get("EXHAUSTIVE") == "1":
        return
    left_out = [item for item in items if item.get_closest_marker("exhaustive")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Some hundred thousand objects that stay until the end are not looked through again and again."""
    gc.collect()
    gc.freeze()


def _cannot(reason: str) -> NoReturn:
    """Skip, but where nothing may be missing: there, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Has something said in the end, though the test passes."""
    return lambda text: record_property(_NOTE, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The notes of tests, those that ran in other processes among them."""
    passed: list[pytest.TestReport] = terminalreporter.getreports("passed")
    notes = [text for report in passed for name, text in report.user_properties if name == _NOTE]
    if notes:
        terminalreporter.section("notes")
    for text in notes:
        terminalreporter.line(str(text))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Iterator[None]:
    """A test that asks for a server which is not installed is skipped, and says which package has it."""
    try:
        return (yield)
    except MissingProgram as missing:
        _cannot(str(missing))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """The same for a test that starts a server itself."""
    try:
        return (yield)
    except MissingProgram as missing:
        _cannot(str(missing))


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """An IMAP server; `account()` gives a mailbox of one's own."""
    from tests.support.servers.dovecot import Dovecot

    with Dovecot() as server:
        yield server


@pytest.fixture(scope="session")
def _smtp_sink() -> Iterator[SmtpSink]:
    from tests.support.servers.smtp import SmtpSink

    with SmtpSink() as sink:
        yield sink


@pytest.fixture
def smtp_sink(_smtp_sink: SmtpSink) -> SmtpSink:
    """An SMTP server without TLS and login, empty at the begin of each test."""
    _smtp_sink.clear()
    return _smtp_sink


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """An S3 object store; `bucket()` gives one of one's own."""
    from tests.support.servers.s3 import S3

    with S3() as server:
        yield server


@pytest.fixture(scope="session")
def webdav() -> Iterator[WebDav]:
    """A WebDAV share."""
    from tests.support.servers.webdav import WebDav

    with WebDav() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server; `database()` gives a database of one's own."""
    from tests.support.servers.postgres import Postgres

    with Postgres() as server:
        yield server


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """The sandbox's recognition endpoint, without latency and without tokens."""
    from watcher.sandbox.endpoint import Endpoint

    with Endpoint() as server:
        yield server


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of sample mails and documents, which lies beside the project."""
    folder = Path(__file__).resolve().parent.parent.parent / "shared" / "samples"
    if not folder.is_dir():
        _cannot("the samples are not there: they belong into shared/samples beside the project")
    return folder
