"""What became of each sample, and whether it is what should have become of it: decisions on what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from watcher.sandbox.samples import Expected, SampleFile, SampleMail
from watcher.sandbox.stage import ADDRESS, DONE, ERROR, Stage

_PLAINLY_DONE = {"done"}


class Chapter(Struct, frozen=True, kw_only=True):
    """One sample, as it stands now."""

    title: str  # the subject, or the path
    about: str
    state: str  # a submission's state; "waiting" before intake
    documents: tuple[str, ...]  # one line each
    went: str  # where it lies, and how it was answered
    problem: str | None  # None: it has ended as it should


def of_mail(mail: SampleMail, submissions: Sequence[dict[str, Any]], stage: Stage) -> Chapter:
    found = _found(submissions, subject=mail.subject, sender=mail.sender)
    folder = _folder_of(mail, stage)
    replied = _reply_to(mail, stage)
    wanted = DONE if mail.expected.booked else ERROR
    problem = _problem(found, mail.expected)
    if problem is None and folder != wanted:
        problem = f"it lies in {folder or 'no folder'} and not in {wanted}"
    if problem is None and (replied is not None) is not mail.expected.answered:
        problem = "there is no reply" if mail.expected.answered else "there is a reply to somebody unknown"
    went = " · ".join(part for part in (folder, f"reply {replied}" if replied else None) if part)
    return _chapter(mail.subject, mail.about, found, went, problem)


def of_file(file: SampleFile, submissions: Sequence[dict[str, Any]], stage: Stage) -> Chapter:
    found = _found(submissions, path=file.path)
    target = (stage.done if file.expected.booked else stage.error) / file.path
    noted = target.with_name(target.name + ".txt").exists()
    problem = _problem(found, file.expected)
    if problem is None and (not target.exists() or (stage.inbox / file.path).exists()):
        problem = f"it is not in {target.parent}"
    if problem is None and noted is (set(file.expected.outcomes) == _PLAINLY_DONE):
        problem = "a note lies beside it" if noted else "there is no note beside it"
    went = f"{target.relative_to(stage.folder)}{' · note beside it' if noted else ''}" if target.exists() else ""
    return _chapter(file.path, file.about, found, went, problem)


def of_other(submission: dict[str, Any]) -> Chapter:
    """A submission that is none of the samples."""
    title = submission["path"] or submission["subject"] or submission["id"]
    return _chapter(str(title), f"from {submission['sender'] or submission['source']}", submission, "", None)


def _found(submissions: Sequence[dict[str, Any]], **wanted: str) -> dict[str, Any] | None:
    return next((s for s in submissions if all(s[key] == value for key, value in wanted.items())), None)


def _chapter(title: str, about: str, found: dict[str, Any] | None, went: str, problem: str | None) -> Chapter:
    if found is None:
        return Chapter(title=title, about=about, state="waiting", documents=(), went=went, problem=problem)
    lines = tuple(_line(document) for document in found["documents"]) or ((found["reason"],) if found["reason"] else ())
    # What was seen before its last step must not stand beside where it went after it.
    went = went if found["state"] == "closed" else ""
    return Chapter(title=title, about=about, state=found["state"], documents=lines, went=went, problem=problem)


def _line(document: dict[str, Any]) -> str:
    said = [document["outcome"] or "pending"]
    said += [document["code"]] if document["code"] else []
    for invoice in document["invoices"]:
        said.append(f"{invoice['currency'] or ''} {invoice['amount']}, expense {invoice['expense_id']}".strip())
    return f"{document['name']}: {', '.join(said)}"


def _problem(found: dict[str, Any] | None, expected: Expected) -> str | None:
    if found is None:
        return "it has not been taken in"
    if found["state"] != "closed":
        return f"it is {found['state']}, not closed"
    outcomes = tuple(sorted(document["outcome"] or "pending" for document in found["documents"]))
    if outcomes != tuple(sorted(expected.outcomes)):
        return (
            f"its documents ended as {', '.join(outcomes) or 'none'}, not as {', '.join(expected.outcomes) or 'none'}"
        )
    if expected.reason is not None and found["reason"] != expected.reason:
        return f"its reason is {found['reason']}, not {expected.reason}"
    return None


def _folder_of(mail: SampleMail, stage: Stage) -> str | None:
    for folder in stage.mailbox.folders(ADDRESS):
        if any(stored.raw == mail.raw for stored in stage.mailbox.messages(ADDRESS, folder)):
            return folder
    return None


def _reply_to(mail: SampleMail, stage: Stage) -> str | None:
    """The reply's file."""
    for taken in stage.smtp.mails:
        if taken.message["In-Reply-To"] == mail.message_id:
            return taken.path.name if taken.path else "sent"
    return None
