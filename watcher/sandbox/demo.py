"""`invoice-watcher demo`: the main job, by the real command, against servers of our own."""

from __future__ import annotations

import shlex
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from watcher.errors import PersonalError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from watcher.sandbox.samples import SampleFile, SampleMail
    from watcher.sandbox.stage import Stage
    from watcher.sandbox.story import Chapter

_DEADLINE_SECONDS = 60.0
_LOOK_SECONDS = 0.5
_LOOK_LATER_SECONDS = 2.0
_COLOURS = {"closed": "green", "open": "yellow", "settled": "yellow", "held": "magenta", "waiting": "dim"}


class DemoUnavailable(PersonalError):
    """The demo cannot run here."""


class DemoFailed(PersonalError):
    """Some sample did not end as it should."""


def run(*, leave: bool, deadline_seconds: float = _DEADLINE_SECONDS) -> int:
    """Show what becomes of the samples; with `leave` return when all is answered, else stay until Ctrl-C.

    0 where every sample ended as it should. Raises DemoUnavailable, and DemoFailed where that is not so within
    `deadline_seconds`.
    """
    try:
        from watcher.sandbox.stage import Stage
    except ModuleNotFoundError as missing:
        raise DemoUnavailable(
            f"the demo needs {missing.name}, which is not installed: pip install 'invoice-watcher[demo]'"
        ) from missing
    from rich.console import Console

    # Lines are not wrapped: commands in them are meant to be copied.
    console = Console(highlight=False, markup=False, soft_wrap=True)
    folder = Path(tempfile.mkdtemp(prefix="invoice-watcher-demo-"))
    with _interruptible(), Stage(folder) as stage:
        try:
            _perform(stage, console, leave=leave, deadline_seconds=deadline_seconds)
        except KeyboardInterrupt:
            console.print("\nStopping.")
    console.print(f"Everything is kept in {folder}")
    return 0


def _perform(stage: Stage, console: Console, *, leave: bool, deadline_seconds: float) -> None:
    from watcher.sandbox.samples import sample_files, sample_mails
    from watcher.sandbox.stage import ADDRESS

    mails, files = sample_mails(ADDRESS), sample_files()
    _introduce(stage, console, mails, files)
    for mail in mails:
        stage.deliver(mail)
    for file in files:
        stage.drop(file)
    stage.start_daemon()
    chapters, seen = _watch(stage, console, mails, files, deadline_seconds)
    _conclude(stage, console, seen)
    problems = [f"{chapter.title}: {chapter.problem}" for chapter in chapters if chapter.problem]
    if problems and leave:
        log = f"The end of {stage.log}:\n{stage.log_tail()}"
        raise DemoFailed("\n".join(["not everything ended as it should:", *problems, log]))
    if problems:
        console.print("Not everything has ended as it should:", *problems, sep="\n  ")
    if not leave:
        console.print("\nStaying up and watching. Ctrl-C ends the demo.")
        _stay(stage, console, seen)


def _introduce(stage: Stage, console: Console, mails: Sequence[SampleMail], files: Sequence[SampleFile]) -> None:
    console.print(f"The demo lives in {stage.folder}")
    console.print(f"  endpoint {stage.endpoint.url}")
    console.print(f"  mailbox  {stage.mailbox.host}:{stage.mailbox.port}, with {len(mails)} sample mails")
    console.print(f"  folder   {stage.inbox}, with {len(files)} sample files")
    console.print(f"  daemon   {stage.typed('run')}\n")


def _watch(
    stage: Stage, console: Console, mails: Sequence[SampleMail], files: Sequence[SampleFile], deadline_seconds: float
) -> tuple[list[Chapter], dict[str, str]]:
    """Show how they fare, until all have ended as they should or the time is over; also the states by id."""
    from watcher.sandbox import story

    until = time.monotonic() + deadline_seconds
    with _shower(console) as show:
        while True:
            ended = stage.daemon_ended
            submissions = stage.submissions()
            chapters = [story.of_mail(mail, submissions, stage) for mail in mails]
            chapters += [story.of_file(file, submissions, stage) for file in files]
            show(chapters)
            if not any(chapter.problem for chapter in chapters) or time.monotonic() > until:
                return chapters, {submission["id"]: submission["state"] for submission in submissions}
            if ended is not None:
                raise DemoFailed(f"the daemon has ended with status {ended}; the end of its log:\n{stage.log_tail()}")
            time.sleep(_LOOK_SECONDS)


def _stay(stage: Stage, console: Console, seen: dict[str, str]) -> None:
    """Tell of what changes after it was `seen`, until the daemon ends or a signal comes."""
    from watcher.sandbox import story

    while stage.daemon_ended is None:
        time.sleep(_LOOK_LATER_SECONDS)
        for submission in stage.submissions():
            if seen.get(submission["id"]) != submission["state"]:
                seen[submission["id"]] = submission["state"]
                _tell(console, story.of_other(submission))
    raise DemoFailed(f"the daemon has ended; the end of its log:\n{stage.log_tail()}")


def _conclude(stage: Stage, console: Console, seen: dict[str, str]) -> None:
    page = f"http://{stage.page}/" if stage.page_answers() else None
    console.print()
    for what, where in (
        ("status page", page),
        ("reply mails", f"{stage.replies} (.eml, .html, .txt)"),
        ("done files", stage.done),
        ("failed files", f"{stage.error} (with a note beside each)"),
        ("journal", stage.journal),
        ("log", stage.log),
    ):
        if where is not None:
            console.print(f"  {what:<13}{where}")
    console.print("\nTry, in another terminal:")
    shown = next(iter(seen), "ID")
    for arguments in ("list", f"show {shown}", "status", "check"):
        console.print(f"  {stage.typed(*arguments.split())}")
    console.print(f"  cp INVOICE.pdf {shlex.quote(str(stage.inbox / '903851'))}/")


# --------------------------------------------------------------------------------- terminal or lines


@contextmanager
def _shower(console: Console) -> Iterator[Callable[[Sequence[Chapter]], None]]:
    """A table that is drawn anew on a terminal; elsewhere a line for each that has changed."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    from rich.live import Live

    with Live(console=console, auto_refresh=False) as live:
        yield lambda chapters: live.update(_table(chapters), refresh=True)


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: dict[str, Chapter] = {}

    def __call__(self, chapters: Sequence[Chapter]) -> None:
        for chapter in chapters:
            if chapter.state != "waiting" and self._told.get(chapter.title) != chapter:
                self._told[chapter.title] = chapter
                _tell(self._console, chapter)


def _tell(console: Console, chapter: Chapter) -> None:
    said = "; ".join(chapter.documents)
    went = f" → {chapter.went}" if chapter.went else ""
    console.print(f"[{chapter.state}] {chapter.title} ({chapter.about}): {said}{went}")


def _table(chapters: Sequence[Chapter]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table(expand=True, show_lines=True)
    for title, ratio in (("sample", 3), ("state", None), ("documents", 5), ("went to", 4)):
        table.add_column(title, ratio=ratio, no_wrap=ratio is None, overflow="fold")
    for chapter in chapters:
        sample = Text.assemble(chapter.title, "\n", (chapter.about, "dim"))
        state = Text(chapter.state, style=_COLOURS.get(chapter.state, ""))
        table.add_row(sample, state, Text("\n".join(chapter.documents)), Text(chapter.went))
    return table


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does, so that it takes its daemon along."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
