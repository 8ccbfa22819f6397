"""The commands of contract.md. Each imports what it needs when it runs: `--help` and `run` stay quick."""

# Annotations are no texts here: typer would compile each of them again.

from pathlib import Path
from typing import Annotated, Literal

import typer

from watcher.cli.place import Place
from watcher.errors import UsageError
from watcher.states import Outcome, SubmissionState

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: its flags look like flags, and it costs a third of the time
    help="Takes the invoices that employees forward, has them booked, and answers.",
)


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"invoice-watcher {version('invoice-watcher')}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", metavar="FILE", readable=False, help="The configuration.")
    ] = None,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    context.obj = Place(config)


@app.command()
def run(
    context: typer.Context,
    once: Annotated[
        bool, typer.Option("--once", help="Take in what is there, work until it is answered, exit.")
    ] = False,
    wait: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="With --once: stay for tries that are due within this time (0s)."),
    ] = None,
) -> None:
    """The daemon, in the foreground."""
    from watcher.cli.running import run_daemon, run_once

    if wait is not None and not once:
        raise UsageError("--wait goes with --once: the daemon stays anyway")
    raise typer.Exit(run_once(context.obj.path, wait or "0s") if once else run_daemon(context.obj.path))


@app.command()
def check(
    context: typer.Context,
    offline: Annotated[bool, typer.Option("--offline", help="Only validate the configuration.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per finding.")] = False,
) -> None:
    """Validate the configuration and try everything it names; no document is posted."""
    from watcher.cli.checking import check as perform

    raise typer.Exit(perform(context.obj.path, offline=offline, as_json=json))


@app.command()
def status(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """How the daemon fares: sources, gate, what waits, what was done of late, and what waits for a person."""
    from watcher.cli.reading import status as perform

    perform(context.obj.path, as_json=json)


@app.command("list")
def list_(
    context: typer.Context,
    state: Annotated[SubmissionState | None, typer.Option(help="Only submissions in this state.")] = None,
    outcome: Annotated[Outcome | None, typer.Option(help="Only those with a document of this outcome.")] = None,
    source: Annotated[str | None, typer.Option(metavar="N", help="Only those of this mailbox or folder.")] = None,
    sender: Annotated[str | None, typer.Option(metavar="A", help="Only those of this address.")] = None,
    since: Annotated[str | None, typer.Option(metavar="T", help="A date, a time, or how long ago (2d).")] = None,
    search: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Number, seller, sender, file, subject, expense id.")
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most so many.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="JSON Lines, one submission each.")] = False,
) -> None:
    """Submissions, newest first."""
    from watcher.cli.reading import list_submissions, wanted

    chosen = wanted(state=state, outcome=outcome, source=source, sender=sender, since=since, search=search, limit=limit)
    list_submissions(context.obj.path, chosen, as_json=json)


@app.command()
def show(
    context: typer.Context,
    identifier: Annotated[str, typer.Argument(metavar="ID", help="A submission's id, or the beginning of it.")],
    json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """One submission whole: documents, invoices, tries."""
    from watcher.cli.reading import show as perform

    perform(context.obj.path, identifier, as_json=json)


@app.command()
def retry(
    context: typer.Context,
    identifiers: Annotated[
        list[str], typer.Argument(metavar="ID", help="Submissions, or the beginnings of their ids.")
    ],
    new: Annotated[bool, typer.Option("--new", help="Under a new bizId even where a try is in doubt.")] = False,
) -> None:
    """Post again what ended in error or in doubt, and answer again."""
    from watcher.cli.deciding import retry as perform

    perform(context.obj.path, identifiers, new=new)


@app.command()
def release(
    context: typer.Context,
    identifiers: Annotated[
        list[str], typer.Argument(metavar="ID", help="Submissions, or the beginnings of their ids.")
    ],
    user_code: Annotated[
        str | None,
        typer.Option("--user-code", metavar="CODE", help="For whom a held mail is booked, instead of its sender."),
    ] = None,
) -> None:
    """Go on with what is held: take the mail in, or post what is in doubt again; or send what was skipped."""
    from watcher.cli.deciding import release as perform

    perform(context.obj.path, identifiers, user_code=user_code)


@app.command()
def refuse(
    context: typer.Context,
    identifiers: Annotated[
        list[str], typer.Argument(metavar="ID", help="Submissions, or the beginnings of their ids.")
    ],
) -> None:
    """Leave what is held unposted: it is answered."""
    from watcher.cli.deciding import refuse as perform

    perform(context.obj.path, identifiers)


@app.command()
def export(
    context: typer.Context,
    format_: Annotated[
        Literal["csv", "xlsx"] | None,
        typer.Option("--format", help="As FILE is named, else csv. Excel keeps long numbers whole only in xlsx."),
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="T", help="A date, a time, or how long ago (2d).")] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", readable=False, help="Write there, and replace it when all is written."),
    ] = None,
) -> None:
    """One row per invoice, in the order of receipt, safe to open in a spreadsheet program."""
    from watcher.cli.exporting import export as perform

    perform(context.obj.path, format_=format_, since=since, output=output)


@app.command()
def ready(
    context: typer.Context,
    wait: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Wait so long for it to become ready (30s).")
    ] = None,
) -> None:
    """Exit 0 when the daemon with this configuration is at work; else say what is missing."""
    from watcher.cli.readiness import ready as perform

    raise typer.Exit(perform(context.obj.path, wait))


@app.command()
def migrate(context: typer.Context) -> None:
    """Bring the journal to this version."""
    from watcher.cli.deciding import migrate as perform

    perform(context.obj.path)


@app.command()
def schema() -> None:
    """JSON Schema of the configuration."""
    from watcher.cli.streams import json_text
    from watcher.config.schema import json_schema

    typer.echo(json_text(json_schema(), indent=2))


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: a free one.")] = 8700,
    latency: Annotated[str, typer.Option(metavar="DURATION", help="How long each answer takes.")] = "0s",
    log: Annotated[
        Path | None, typer.Option(metavar="FILE", readable=False, help="Write every request there, as JSON Lines.")
    ] = None,
    token: Annotated[bool, typer.Option(help="Whether a token is asked for.")] = False,
) -> None:
    """The endpoint alone, for people who write against it."""
    from watcher.cli.playing import serve_sandbox

    serve_sandbox(port=port, latency=latency, log=log, token=token)


@app.command()
def demo(
    leave: Annotated[bool, typer.Option("--exit", help="Leave when all is answered.")] = False,
) -> None:
    """Run the main job against the built-in sandbox: no network, no root, no configuration."""
    from watcher.cli.playing import run_demo

    raise typer.Exit(run_demo(leave=leave))
