"""`list`, `show` and `status`: what people ask the journal, beside a running daemon."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from watcher.bootstrap.journals import open_for_reading, secrets_of
from watcher.cli.rendering import minute, submission_json
from watcher.cli.streams import json_text
from watcher.config.load import load
from watcher.config.sections import Configuration
from watcher.durations import parse_duration
from watcher.errors import UsageError
from watcher.logs import conceal_tracebacks
from watcher.model import Outcome, Submission, SubmissionFilter, SubmissionState
from watcher.ports import Journal

if TYPE_CHECKING:
    from rich.console import Console

_UNBROKEN = 4000  # columns, where a program reads: `list | grep` finds rows, not halves of names


@contextmanager
def journal_of(path: Path) -> Iterator[tuple[Configuration, Journal]]:
    """The configuration at this path and its journal, to read in. Raises ConfigurationError, JournalUnusable."""
    configuration = load(path, secrets=False)
    conceal_tracebacks(secrets_of(configuration))
    journal = open_for_reading(configuration)
    try:
        yield configuration, journal
    finally:
        journal.close()


def wanted(
    *,
    state: SubmissionState | None,
    outcome: Outcome | None,
    source: str | None,
    sender: str | None,
    since: str | None,
    search: str | None,
    limit: int,
) -> SubmissionFilter:
    """The options of `list` as a filter. Raises UsageError for a time that is none, and for what is no text."""
    for option, text in (("--source", source), ("--sender", sender), ("--search", search)):
        _require_text(option, text or "")
    return SubmissionFilter(
        state=state,
        outcome=outcome,
        source=source,
        sender=sender,
        since=None if since is None else parse_moment(since, datetime.now(UTC)),
        search=search,
        limit=limit,
    )


def _require_text(option: str, value: str) -> None:
    """An argument that does not fit the locale comes in as halves of characters, which no database takes."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{option}: not text in this terminal's encoding: {value!r}") from error


def parse_moment(text: str, now: datetime) -> datetime:
    """A date, an RFC 3339 time, or how long ago (``2d``); without a zone where none is said. Raises UsageError."""
    try:
        return now - parse_duration(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--since: {text!r} is neither a date, nor a time, nor a duration such as 2d") from error


def placed(since: datetime | None, zone: ZoneInfo) -> datetime | None:
    """A date without a zone is one of the configured zone, in which all times are shown."""
    return since.replace(tzinfo=zone) if since is not None and since.tzinfo is None else since


def list_submissions(path: Path, chosen: SubmissionFilter, *, as_json: bool) -> None:
    """JSON Lines, or a table."""
    with journal_of(path) as (configuration, journal):
        submissions = journal.submissions(replace(chosen, since=placed(chosen.since, configuration.timezone)))
        if as_json:
            for submission in submissions:
                _print_json(submission, configuration)
        else:
            rows = list(submissions)
            _print_table(rows, configuration)
            _print_limits(len(rows), chosen, configuration)


def show(path: Path, identifier: str, *, as_json: bool) -> None:
    """One submission whole."""
    with journal_of(path) as (configuration, journal):
        submission = journal.submission(identifier)
        if as_json:
            _print_json(submission, configuration)
        else:
            _print_whole(submission, configuration)


def status(path: Path, *, as_json: bool) -> None:
    """How the daemon fares: its sources, the gate, what waits, what was done of late, and what waits for a person."""
    with journal_of(path) as (configuration, journal):
        from watcher.cli.overview import overview

        seen = overview(path, configuration, journal)
        if as_json:
            from watcher.cli.overview_json import overview_json

            print(json_text(overview_json(seen, configuration.timezone)))  # noqa: T201
        else:
            from watcher.cli.overview_page import overview_page

            _console().print(overview_page(seen, configuration.timezone))


def _print_json(submission: Submission, configuration: Configuration) -> None:
    print(json_text(submission_json(submission, configuration.timezone)))  # noqa: T201


def _print_table(submissions: list[Submission], configuration: Configuration) -> None:
    from watcher.cli.tables import submission_table

    if not submissions:
        print("No submissions.")  # noqa: T201
        return
    _console().print(submission_table(submissions, lambda moment: minute(moment, configuration.timezone)))


def _print_limits(count: int, chosen: SubmissionFilter, configuration: Configuration) -> None:
    """What the reader may have meant otherwise: more rows than were asked for, or a source that is none."""
    names = [*(each.name for each in configuration.mailboxes), *(each.name for each in configuration.folders)]
    if count == chosen.limit:
        _remark(f"These are the newest {count}; there may be more: --limit N.")
    if not count and chosen.source is not None and chosen.source not in names:
        _remark(f"The configuration has no source of this name; it has: {', '.join(names)}.")


def _remark(sentence: str) -> None:
    """On standard error: a program that reads the table takes it for no row."""
    print(sentence, file=sys.stderr)  # noqa: T201


def _print_whole(submission: Submission, configuration: Configuration) -> None:
    from watcher.cli.tables import whole_submission

    _console().print(whole_submission(submission, lambda moment: minute(moment, configuration.timezone)))


def _console() -> Console:
    from rich.console import Console

    # Subjects and names are no markup: "[/]" would end the command, and "[link=…]" lead elsewhere.
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _UNBROKEN
    return console
