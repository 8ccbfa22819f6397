"""What has to be true in the end, whatever happened on the way; each fault in one sentence."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing

from tests.support.workplace import ZHANG
from tests.torture.scenario import CONNECT_SECONDS, DONE, ERROR, IN_THE_WAY, REQUEST_SECONDS, Scenario
from watcher.journal.opening import open_journal
from watcher.model import Kind, Outcome, Submission, SubmissionFilter, SubmissionState

PARTIAL = ".invoice-watcher-partial"  # the store's own folder


def judge(scenario: Scenario, *, killed: bool) -> list[str]:
    """What is wrong; nothing, where all is well. `killed`: requests may have been cut off by a kill."""
    submissions = submissions_of(scenario)
    return [
        *_journal(scenario, submissions),
        *_files(scenario, submissions),
        *_mails(scenario),
        *_replies(scenario),
        *_requests(scenario, killed=killed),
        *_store(scenario),
        *strays(scenario),
        *errors_of_ours(scenario.said("recovery")),
    ]


def submissions_of(scenario: Scenario) -> list[Submission]:
    journal = open_journal(scenario.workplace.config["journal"], exclusive=False)
    try:
        return list(journal.submissions(SubmissionFilter(limit=None)))
    finally:
        journal.close()


def _journal(scenario: Scenario, submissions: list[Submission]) -> Iterator[str]:
    with closing(sqlite3.connect(scenario.root / "journal.db")) as connection:
        if (found := connection.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
            yield f"the journal is damaged: {found}"
    if len(submissions) != 6 + len(scenario.mails):
        yield f"{len(submissions)} submissions are known: {sorted(str(one.path or one.subject) for one in submissions)}"
    for one in submissions:
        if one.state is not SubmissionState.CLOSED:
            yield f"{one.path or one.subject} is {one.state}"
    outcomes = {one.path or one.subject: [each.outcome for each in one.documents] for one in submissions}
    same = [outcomes.get(name, []) for name in (f"{ZHANG}/booked.pdf", f"{ZHANG}/again.pdf", "发票 known")]
    if Counter(outcome for each in same for outcome in each) != {Outcome.DONE: 1, Outcome.DUPLICATE: 2}:
        yield f"one content three times has the outcomes {same}"
    for name in (f"{ZHANG}/bundle.zip", f"{ZHANG}/taken.pdf", "发票 mailed"):
        if outcomes.get(name) != [Outcome.DONE]:
            yield f"{name} has the outcomes {outcomes.get(name)}"
    if outcomes.get("nobody.pdf") != [Outcome.ERROR]:
        yield f"nobody.pdf has the outcomes {outcomes.get('nobody.pdf')}"


def _refused_is_doubtful(submissions: list[Submission]) -> bool:
    """Whether a try of it was cut off, so that it may have been booked and goes to done/."""
    (document,) = next(one.documents for one in submissions if one.path == f"{ZHANG}/refused.pdf")
    return document.outcome is Outcome.ATTENTION and document.code == "IN_DOUBT"


def _files(scenario: Scenario, submissions: list[Submission]) -> Iterator[str]:
    """Every file lies where it belongs with its own bytes, and beside it a note where it wants one."""
    wanted = {
        "done/taken.pdf": IN_THE_WAY,
        "done/taken (2).pdf": scenario.taken,
        "done/booked.pdf": scenario.booked,
        "done/again.pdf": scenario.booked,
        "done/bundle.zip": scenario.bundle,
        "error/nobody.pdf": scenario.nobodys,
    }
    refused = [one for one in submissions if one.path == f"{ZHANG}/refused.pdf"]
    wanted[f"{'done' if refused and _refused_is_doubtful(submissions) else 'error'}/refused.pdf"] = scenario.refused
    found = {}
    for folder in (scenario.workplace.inbox, scenario.workplace.done, scenario.workplace.error):
        for path in folder.rglob("*"):
            if path.is_file():
                name = str(path.relative_to(scenario.root)).replace(f"/{ZHANG}/", "/")
                found[name] = path.read_bytes()
    notes = {name for name in found if name.endswith(".txt")}
    for name in wanted.keys() | (found.keys() - notes):
        if found.get(name) != wanted.get(name):
            yield f"{name} is {_said(found.get(name))} instead of {_said(wanted.get(name))}"
    duplicates = {
        f"done/{one.path.rpartition('/')[2]}.txt"
        for one in submissions
        if one.kind is Kind.FILE and one.path and one.documents and one.documents[0].outcome is Outcome.DUPLICATE
    }
    noted = {name + ".txt" for name in wanted if "refused" in name or "nobody" in name} | duplicates
    if notes != noted:
        yield f"the notes are {sorted(notes)} instead of {sorted(noted)}"
    if empty := [name for name in notes if len(found[name]) < 20]:
        yield f"these notes say nothing: {empty}"


def _said(content: bytes | None) -> str:
    return "not there" if content is None else f"{len(content)} bytes of {hashlib.sha256(content).hexdigest()[:8]}"


def _mails(scenario: Scenario) -> Iterator[str]:
    names = {raw: name for name, raw in scenario.mails.items()}
    for folder, wanted in (("INBOX", []), (DONE, ["known", "mailed"]), (ERROR, ["empty"])):
        found = sorted(names.get(one.raw, "a changed mail") for one in scenario.account.messages(folder))
        if found != wanted:
            yield f"{folder} holds {found} instead of {wanted}"


def _replies(scenario: Scenario) -> Iterator[str]:
    ids = defaultdict(list)
    for reply in scenario.replies():
        ids[reply.message["In-Reply-To"]].append(reply.message["Message-ID"])
    for name in scenario.mails:
        sent = ids[scenario.message_id(name)]
        if len(set(sent)) != 1:
            yield f"the mail {name} has {len(sent)} replies with {len(set(sent))} Message-IDs"
        if len(sent) > 2:
            yield f"the mail {name} has {len(sent)} replies"


def _requests(scenario: Scenario, *, killed: bool) -> Iterator[str]:
    """Nothing was posted twice at once, nor too soon after a kill, nor under two bizIds."""
    contents = {
        hashlib.sha256(content).hexdigest(): name
        for name, content in (
            ("booked", scenario.booked), ("refused", scenario.refused), ("inner", scenario.inner),
            ("taken", scenario.taken), ("mailed", scenario.mailed),
        )
    }  # fmt: skip
    ids, times = defaultdict(set), defaultdict(list)
    for request in scenario.endpoint.requests:
        digest = next((one for one in contents if one in (request.attachment_url or "")), None)
        if digest is None:
            yield f"{request.attachment_url} was posted and is nobody's"
            continue
        ids[contents[digest]].add(request.biz_id)
        times[request.biz_id].append(request.received_at)
        if request.overlapped:
            yield f"{contents[digest]} was posted twice at once"
        if request.outcome == "refused":
            yield f"{contents[digest]} was posted against the documentation: {request.message}"
    for name in contents.values():
        if len(ids[name]) != 1:
            yield f"{name} has the bizIds {sorted(map(str, ids[name]))}"
    for moments in times.values():
        gaps = [later - earlier for earlier, later in zip(sorted(moments), sorted(moments)[1:], strict=False)]
        if killed and gaps and min(gaps) < CONNECT_SECONDS + REQUEST_SECONDS:
            yield f"a booking in flight was posted again after {min(gaps):.1f} s"
    if len(scenario.endpoint.bookings) != len(contents) - 1:
        yield f"{len(scenario.endpoint.bookings)} bookings were made instead of {len(contents) - 1}"


def _store(scenario: Scenario) -> Iterator[str]:
    """What was uploaded is whole, and nothing else lies there."""
    for path in (scenario.root / "store").rglob("*"):
        if path.is_file() and PARTIAL not in path.parts and hashlib.sha256(path.read_bytes()).hexdigest() != path.stem:
            yield f"the store's {path.name} has other bytes ({path.stat().st_size}) than its name says"


def strays(scenario: Scenario) -> Iterator[str]:
    for path in scenario.root.rglob("*"):
        if PARTIAL in path.parts:
            continue  # what a killed upload left is removed when it is old enough not to be another node's
        if path.name.startswith(".invoice-watcher-") or path.suffix in (".part", ".tmp"):
            yield f"{path.relative_to(scenario.root)} was left behind"
    if left := [path.name for path in (scenario.root / "tmp").iterdir()]:
        yield f"temporary files were left behind: {left}"


def errors_of_ours(said: str) -> list[str]:
    """The lines of a log that a traceback follows."""
    lines = said.splitlines()
    found = [lines[index - 1][:200] for index, line in enumerate(lines) if "Traceback" in line]
    return [f"the recovery had an error of ours: {line}" for line in found]
