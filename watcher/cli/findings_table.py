"""What `check` shows on a terminal: a table that grows while the checks come in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from watcher.model import Finding

_MARKS = {"wrong": ("✘", "bold red"), "noted": ("!", "bold yellow"), "well": ("✔", "green")}
_WHAT_WIDTH = 20
_WIDE = 130  # columns from which on what to do has a column of its own


def on_a_terminal(
    found: Callable[[Callable[[str], None]], Iterator[Finding]], summary: Callable[[list[Finding]], str]
) -> list[Finding]:
    """All findings, once they are shown; below them what is waited for, and in the end the summary."""
    console = Console(highlight=False, soft_wrap=False)
    told: list[Finding] = []
    with console.status("") as status:
        status.update("reading the configuration")
        before = None
        for finding in found(lambda subject: status.update(f"waiting for {subject}")):
            console.print(_row(finding, console.width, repeated=finding.subject == before))
            before = finding.subject
            told.append(finding)
    style = _MARKS[_state(*_worst(told))][1]
    console.print()
    console.print(Text(summary(told), style=style))
    return told


def _row(finding: Finding, width: int, *, repeated: bool) -> Table:
    """One row: each is a table of its own with the columns of all, so that it can be shown as soon as it is known."""
    mark, style = _MARKS[_state(finding.ok, finding.warning)]
    plain = "" if _state(finding.ok, finding.warning) == "well" else style.removeprefix("bold ")
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=1)
    table.add_column(width=_WHAT_WIDTH, overflow="fold")
    table.add_column(ratio=3, overflow="fold")
    table.expand = True
    what = Text("" if repeated else finding.subject, style="bold")
    message = Text(finding.message, style=plain)
    mend = Text(f"→ {finding.mend}", style="cyan") if finding.mend else Text()
    if width >= _WIDE:
        table.add_column(ratio=2, overflow="fold")
        table.add_row(Text(mark, style=style), what, message, mend)
    else:
        table.add_row(Text(mark, style=style), what, Text("\n").join(filter(None, (message, mend))))
    return table


def _state(ok: bool, warning: bool) -> str:  # noqa: FBT001 - as a Finding has them
    return "wrong" if not ok else ("noted" if warning else "well")


def _worst(told: Iterable[Finding]) -> tuple[bool, bool]:
    every = list(told)
    return all(finding.ok for finding in every), any(finding.warning for finding in every)
