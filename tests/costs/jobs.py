"""The job that is measured: a company whose folder or mailbox holds so many invoices, taken in, posted and answered.

Each document is a PDF, of 50 kB but for `of_large`; nothing in it depends on chance. A job runs as `run --once`, so
that all is there when it begins. The difference of two jobs is what the documents cost: starting and stopping drop out.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.mails import mail, part
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.servers.smtp import SmtpSink
from tests.support.workplace import PATIENCE_SECONDS, Workplace, environment, pdf
from watcher.sandbox.endpoint import Endpoint

PROJECT = Path(__file__).resolve().parents[2]

_DOCUMENT_BYTES = 50_000
_FEW, _MANY = 10, {"file": 250, "mail": 90}  # so many even out who is answered together with whom
_SENDERS = ("zhang@corp.example", "smith@corp.example")  # each stays below what one may send, and get, in an hour

LARGE_BYTES = 25 * 1024 * 1024
_LIMITS = {"document": "30MB", "submission": "60MB"}  # a large one is taken in


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A company with its servers; `give` brings it a document of the kind that it takes."""

    workplace: Workplace
    endpoint: Endpoint
    give: Callable[[int, bytes], None]


Count = Callable[[Job, Path], Mapping[str, int]]  # runs a job that is prepared; the folder is to count in


@contextmanager
def company(kind: str, root: Path) -> Iterator[Job]:
    """With a folder for `file`, or a mailbox and replies for `mail`. Raises MissingProgram."""
    with ExitStack() as servers:
        endpoint = servers.enter_context(Endpoint())
        workplace = Workplace(root, endpoint)
        workplace.config["limits"] = _LIMITS
        if kind == "file":
            workplace.with_folder()
            yield Job(workplace=workplace, endpoint=endpoint, give=_into_folder(workplace))
            return
        imap, smtp = servers.enter_context(Dovecot()), servers.enter_context(SmtpSink())
        account = imap.account()
        workplace.with_mailbox(imap.host, imap.port, account.username, account.password)
        workplace.with_smtp(smtp.host, smtp.port)
        yield Job(workplace=workplace, endpoint=endpoint, give=_into_mailbox(account))


def _into_folder(workplace: Workplace) -> Callable[[int, bytes], None]:
    def give(number: int, content: bytes) -> None:
        workplace.drop(f"{number}.pdf", content)

    return give


def _into_mailbox(account: Account) -> Callable[[int, bytes], None]:
    def give(number: int, content: bytes) -> None:
        sender = _SENDERS[number % len(_SENDERS)]
        account.append(mail(part(content), sender=sender, message_id=f"<{number}@corp.example>"))

    return give


def of_one(kind: str, folder: Path, count: Count) -> dict[str, float]:
    """What one document more costs."""
    few, many = _FEW, _MANY[kind]
    before = _counted(kind, few * [_DOCUMENT_BYTES], folder / f"{kind}-few", count)
    after = _counted(kind, many * [_DOCUMENT_BYTES], folder / f"{kind}-many", count)
    return {what: (after[what] - before[what]) / (many - few) for what in after}


def of_large(kind: str, folder: Path, count: Count) -> dict[str, int]:
    """What one document of LARGE_BYTES costs."""
    before = _counted(kind, [], folder / f"{kind}-none", count)
    after = _counted(kind, [LARGE_BYTES], folder / f"{kind}-large", count)
    return {what: after[what] - before[what] for what in after}


def _counted(kind: str, sizes: Sequence[int], folder: Path, count: Count) -> Mapping[str, int]:
    """Of a job with documents of these sizes."""
    with company(kind, folder / "company") as job:
        job.workplace.write()
        for number, size in enumerate(sizes):
            job.give(number, pdf(f"document {number}", size))
        found = count(job, folder)
        assert len(job.endpoint.requests) == len(sizes)
        return found


def run_once(job: Job, command: Sequence[str | Path]) -> None:
    """`run --once` of the job by this command, which has to end well."""
    temporary = job.workplace.root / "tmp"
    temporary.mkdir()
    ended = subprocess.run(
        [*command, "--config", job.workplace.config_file, "run", "--once"],
        env={**steady_environment(), "TMPDIR": str(temporary)},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def steady_environment() -> dict[str, str]:
    """With compiled modules kept, because compiling is no cost of the program, and without chance in what is hashed."""
    return {name: value for name, value in environment().items() if name != "PYTHONDONTWRITEBYTECODE"} | {
        "PYTHONHASHSEED": "0"
    }
