"""The reply to a submission: whether it may go out now, and that it goes out once."""

from __future__ import annotations

import logging
from datetime import timedelta

from msgspec import Struct

from watcher.clock import boot_seconds
from watcher.errors import MailRefused
from watcher.model import ClaimedAnswer, Submission
from watcher.policy.allowance import MOST_REPLIES, WINDOW
from watcher.ports import AnswerJournal, Mailer, Writer

log = logging.getLogger(__name__)

MANY_REPLIES = f"its recipient got {MOST_REPLIES} replies within an hour"
# Who forwards ten mails gets ten replies in a moment, and far from the limit the journal is not asked before each of
# them. So far that four who send to one address at once, other nodes or sources, stay within the limit together.
_REMEMBERED_SECONDS = 1.0
_FAR_FROM_THE_LIMIT = MOST_REPLIES // 4
_MOST_REMEMBERED = 1000  # recipients


class _Lately(Struct):
    """How many mails somebody was sent in the hour before `asked_at` (boot seconds), and by us since."""

    count: int
    asked_at: float

    @property
    def is_enough_to_know(self) -> bool:
        return self.count < _FAR_FROM_THE_LIMIT and boot_seconds() - self.asked_at < _REMEMBERED_SECONDS


class Replies:
    """Sends those of one source. What was sent has to be recorded next, and is remembered until `forget`."""

    def __init__(self, *, writer: Writer, mailer: Mailer | None, journal: AnswerJournal) -> None:
        self._writer = writer
        self._mailer = mailer
        self._journal = journal
        self._unrecorded: set[tuple[str, int]] = set()  # losing it costs a reply twice, as a crash does
        self._lately: dict[str, _Lately] = {}  # by recipient

    def pause(self, submission: Submission) -> timedelta | None:
        """How long it has to wait, because its recipient got so many of late; None: it does not."""
        recipient = _recipient(submission)
        if self._mailer is None or recipient is None:
            return None
        lately = self._lately.get(recipient)
        if lately is not None and lately.is_enough_to_know:
            return None
        asked_at = boot_seconds()
        sent = self._journal.sent_to(recipient, WINDOW)
        if len(self._lately) >= _MOST_REMEMBERED:
            self._lately.clear()
        self._lately[recipient] = _Lately(sent.count, asked_at)
        return None if sent.count < MOST_REPLIES or sent.ago is None else WINDOW - sent.ago

    def send(self, claimed: ClaimedAnswer) -> str | None:
        """Hand it over, unless it was; what is to be said of it in the end. Raises MailerUnavailable."""
        if self._mailer is None or self.is_unrecorded(claimed):
            return None
        try:
            message = self._writer.reply(claimed.submission, claimed.number)
            self._mailer.send(message)
        except MailRefused as error:
            # Not recorded: should the move have to wait, the refusal would be forgotten.
            log.warning("A reply was refused for good.", extra={"submission": claimed.submission.id})
            return f"the reply was refused: {error}"
        log.info("A reply is sent.", extra={"submission": claimed.submission.id, "reply_id": message["Message-ID"]})
        self._unrecorded.add(_name(claimed))
        self._count_for(_recipient(claimed.submission))
        return None

    def _count_for(self, recipient: str | None) -> None:
        lately = self._lately.get(recipient) if recipient is not None else None
        if lately is not None:
            lately.count += 1

    def is_unrecorded(self, claimed: ClaimedAnswer) -> bool:
        """Whether it is sent, and only we know it."""
        return _name(claimed) in self._unrecorded

    def forget(self, claimed: ClaimedAnswer) -> None:
        """The journal knows; or its claim is lost: the answer is another's to give, or a new one follows."""
        self._unrecorded.discard(_name(claimed))


def _recipient(submission: Submission) -> str | None:
    """In lower case, as the journal counts."""
    return submission.reply_to.lower() if submission.reply_to is not None else None


def _name(claimed: ClaimedAnswer) -> tuple[str, int]:
    return claimed.submission.id, claimed.number
