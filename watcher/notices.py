"""What submitters are told before there is an answer: that a mail takes long, or has to wait its turn."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from msgspec.structs import replace

from watcher.clock import boot_seconds
from watcher.config.sections import ReplyChoice
from watcher.errors import MailerUnavailable, MailRefused
from watcher.model import Acknowledgement, ClaimedNotice, Notice
from watcher.policy.allowance import MOST_BEFORE_ACKNOWLEDGEMENTS, WINDOW
from watcher.policy.answer import acknowledged, answered_anyway
from watcher.ports import AnswerJournal, Mailer, Writer

log = logging.getLogger(__name__)

_HOLD = timedelta(seconds=60)
# Of the claim: a mail takes up to 45 s, and what were sent after _HOLD another node would send as well.
_BEGIN_WITHIN_SECONDS = 10.0
_AGAIN_IN = timedelta(minutes=5)


class Notices:
    """Sends the notices of one source."""

    def __init__(
        self,
        *,
        source: str,
        writer: Writer,
        mailer: Mailer | None,
        journal: AnswerJournal,
        replies: ReplyChoice,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """`beat` hears again and again that it goes on."""
        self._source = source
        self._writer = writer
        self._mailer = mailer
        self._journal = journal
        self._replies = replies
        self._beat = beat

    @property
    def acknowledge_after(self) -> timedelta | None:
        """How old a mail becomes before its sender is told that it has arrived; None: nobody is."""
        return self._replies.acknowledge_after if self._mailer is not None else None

    def send(self, limit: int) -> None:
        """Send those that are due, so many at most. Raises JournalUnavailable.

        Those that could not be begun in time after they were claimed are given back, and are due at once.
        """
        if self._mailer is None:
            return
        reached, begin_by = True, boot_seconds() + _BEGIN_WITHIN_SECONDS
        for claimed in self._journal.claim_notices(
            self._source, limit=limit, hold=_HOLD, acknowledge_after=self.acknowledge_after
        ):
            self._beat()
            if not reached:  # answers must not wait until each has failed by itself
                self._journal.postpone_notice(claimed, _AGAIN_IN)
            elif boot_seconds() > begin_by:
                self._journal.postpone_notice(claimed, timedelta(0))
            elif (notice := self._wanted(claimed)) is not None:
                reached = self._send(claimed, notice, self._mailer)

    def _wanted(self, claimed: ClaimedNotice) -> Notice | Acknowledgement | None:
        """None: it is not to be sent, or not now, and the journal knows."""
        notice = claimed.notice
        if isinstance(notice, Notice):
            return notice
        if not acknowledged(notice.submission):  # it was settled meanwhile
            self._journal.end_notice(claimed, sent=False)
            return None
        recipient = notice.thread.reply_to
        if recipient is not None and self._journal.sent_to(recipient, WINDOW).count >= MOST_BEFORE_ACKNOWLEDGEMENTS:
            self._journal.postpone_notice(claimed, _AGAIN_IN)
            return None
        return replace(notice, answered_anyway=answered_anyway(self._replies))

    def _send(self, claimed: ClaimedNotice, notice: Notice | Acknowledgement, mailer: Mailer) -> bool:
        """Whether others may be sent now."""
        try:
            mailer.send(self._writer.notice(notice, claimed.name))
        except MailRefused as error:
            log.warning("A notice was refused for good.", extra={"detail": str(error)})
            self._journal.end_notice(claimed, sent=False)
        except MailerUnavailable as error:
            log.warning("A notice has to wait.", extra={"detail": str(error)})
            self._journal.postpone_notice(claimed, _AGAIN_IN)
            return not error.altogether
        except Exception:  # one that we stumble over must not end the daemon
            log.exception("A notice could not be sent.", extra={"source": self._source})
            self._journal.postpone_notice(claimed, _AGAIN_IN)
        else:
            self._journal.end_notice(claimed, sent=True)
        return True
