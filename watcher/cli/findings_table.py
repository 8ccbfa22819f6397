"""What `check` shows on a terminal: a table that grows while the checks come in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from watcher.cli.streams import arrow
from watcher.model import Finding

_STYLES = {"FAIL": "bold red", "warn": "yellow", "ok": "green"}
_WHAT_WIDTH = 18
_WIDE = 130  # columns from which on what to do has a column of its own


def on_a_terminal(
    found: Callable[[Callable[[str], None]], Iterator[Finding]],
    mark_of: Callable[[Finding], str],
    summary: Callable[[list[Finding]], str],
) -> list[Finding]:
    """All findings, once they are shown; below them what is waited for, and in the end the summary."""
    console = Console(highlight=False)
    told: list[Finding] = []
    sign = arrow()  # before rich takes the stream's place
    with console.status("reading the configuration", spinner="line") as status:
        console.print(_row(console.width, *(Text(heading, style="bold") for heading in _headings(console.width))))
        for finding in found(lambda subject: status.update(f"waiting for {subject}")):
            repeated = bool(told) and told[-1].subject == finding.subject
            console.print(_row(console.width, *_cells(finding, mark_of(finding), sign, repeated=repeated)))
            told.append(finding)
    worst = next((mark for mark in _STYLES if any(mark_of(each) == mark for each in told)), "ok")
    console.print()
    console.print(Text(summary(told), style=_STYLES[worst]))
    return told


def _headings(width: int) -> tuple[str, str, str, str]:
    return ("", "what", "found", "what to do" if width >= _WIDE else "")


def _cells(finding: Finding, mark: str, sign: str, *, repeated: bool) -> tuple[Text, Text, Text, Text]:
    return (
        Text(mark, style=_STYLES[mark]),
        Text("" if repeated else finding.subject, style="bold"),
        Text(finding.message, style="red" if mark == "FAIL" else ""),
        Text(f"{sign} {finding.mend}" if finding.mend else "", style="cyan"),
    )


def _row(width: int, mark: Text, what: Text, message: Text, mend: Text) -> Table:
    """One row: a table of its own with the columns of all, so that it can be shown as soon as it is known."""
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(width=4)
    table.add_column(width=_WHAT_WIDTH, overflow="fold")
    table.add_column(ratio=3, overflow="fold")
    if width >= _WIDE:
        table.add_column(ratio=2, overflow="fold")
        table.add_row(mark, what, message, mend)
    else:
        table.add_row(mark, what, Text("\n").join(filter(None, (message, mend))))
    return table
