"""Retry, release and refuse: first a page that says what will happen, then the deed, once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

from msgspec import Struct

from watcher.decisions import (
    LONGEST_CODE,
    Follows,
    Release,
    failed,
    in_doubt,
    in_place_stores,
    is_held_for_sender,
    let_go,
    may_be_refused,
    releasing,
    what_follows,
)
from watcher.errors import UsageError
from watcher.headers import clean
from watcher.model import Kind, Outcome, Submission, SubmissionState
from watcher.ports import Journal
from watcher.web.front import Current
from watcher.web.speech import Speech
from watcher.web.visit import Notice

log = logging.getLogger(__name__)

DEEDS = ("retry", "release", "refuse")
_one_at_a_time = threading.Lock()  # between the look and the deed, so that two clicks are not two deeds


class Wish(Struct, frozen=True, kw_only=True):
    """A filled-in confirmation."""

    deed: str
    new: bool = False
    user_code: str | None = None


class Confirmation(Struct, frozen=True, kw_only=True):
    """What a person is asked before it is done."""

    deed: str
    will: tuple[str, ...]
    asks_new: bool = False
    asks_code: bool = False
    user_code: str = ""


def possible(submission: Submission) -> tuple[str, ...]:
    """The deeds that would do something, in the order in which they are offered."""
    return tuple(_possible(submission))


def _possible(submission: Submission) -> Iterator[str]:
    if releasing(submission) is not None and not submission.released:
        yield "release"
    if may_be_refused(submission):
        yield "refuse"
    if failed(submission):
        yield "retry"


def confirmation(deed: str, submission: Submission, speech: Speech) -> Confirmation | None:
    """None: it cannot be done now."""
    if deed not in possible(submission):
        return None
    user = clean(submission.user_code or "", 60) or speech.say("page.unknown")
    if deed == "retry":
        will = [speech.say("retry.will", n=failed(submission), user=user)]
        if submission.kind is Kind.FILE:
            will.append(speech.say("retry.will_file"))
        return Confirmation(deed=deed, will=tuple(will), asks_new=in_doubt(submission))
    if deed == "refuse":
        sender = submission.released or is_held_for_sender(submission)
        return Confirmation(deed=deed, will=(speech.say("refuse.sender" if sender else "refuse.doubt"),))
    kind = releasing(submission)
    if kind is Release.SENDER:
        why = clean(submission.remark or submission.reason, 200)
        will_let_in = speech.say("release.sender", reason=why)
        return Confirmation(deed=deed, will=(will_let_in,), asks_code=True, user_code=submission.user_code or "")
    skipped = sum(each.outcome is Outcome.SKIPPED for each in submission.documents)
    said = speech.say("release.skipped", n=skipped) if kind is Release.SKIPPED else speech.say("release.doubt")
    return Confirmation(deed=deed, will=(said,))


def stand(submission: Submission) -> str:
    """How it stands: what was confirmed for one stand is not done in another."""
    documents = [(each.id, each.outcome, each.booking, len(each.tries)) for each in submission.documents]
    return f"{submission.id} {submission.state} {submission.released} {submission.answer_number} {documents}"


def carry_out(current: Current, journal: Journal, wish: Wish, shown: Submission, where: dict[str, str]) -> Notice:
    """Do it, unless something has happened to the submission since it was `shown`; what to tell of it."""
    with _one_at_a_time:
        submission = journal.submission(shown.id)
        if stand(submission) != stand(shown):
            return Notice(key="result.changed", values={})
        if wish.deed not in possible(submission):
            return Notice(key="result.cannot", values={})
        try:
            notice = _do(current, journal, wish, submission)
        except UsageError:  # somebody decided at the command line in this very moment
            return Notice(key="result.changed", values={})
    said = {
        "submission": submission.id,
        "decision": wish.deed,
        "new": wish.new or None,
        "user": wish.user_code,
        **where,
    }
    log.info("A submission was decided on the page.", extra=said)
    return notice


def _do(current: Current, journal: Journal, wish: Wish, submission: Submission) -> Notice:
    in_place = in_place_stores(current.configuration)
    if wish.deed == "refuse":
        journal.refuse(submission.id)
        return Notice(key="result.refused", values={})
    if wish.deed == "retry":
        count = journal.retry(submission.id, new=wish.new, in_place=in_place)
        return _followed(what_follows(count, submission.state), count)
    kind = releasing(submission)
    if kind is Release.SENDER:
        code = journal.let_in(submission.id, wish.user_code)
        return Notice(key="result.let_in", values={"user": clean(code, LONGEST_CODE)})
    return _followed(*let_go(journal, submission, kind or Release.SKIPPED, in_place=in_place))


def _followed(follows: Follows, count: int) -> Notice:
    return Notice(key=f"result.{follows}", values={"n": count} if follows is Follows.POSTED else {})


def needs_code(submission: Submission) -> bool:
    """Whether nobody knows for whom it would be released."""
    return submission.state is SubmissionState.HELD and is_held_for_sender(submission) and submission.user_code is None
