"""The journal whole: its sides, over one database."""

from __future__ import annotations

from watcher.journal.alerting import AlertPart
from watcher.journal.answers import AnswerPart
from watcher.journal.database import Listener
from watcher.journal.intake import IntakePart
from watcher.journal.ledger import LedgerPart
from watcher.journal.notices import NoticePart
from watcher.journal.reading import ReadingPart
from watcher.journal.recognition import RecognitionPart
from watcher.journal.returns import ReturnPart
from watcher.journal.set_back import SetBackPart
from watcher.journal.storage import StoragePart
from watcher.journal.strays import StrayPart
from watcher.journal.tending import TendingPart
from watcher.journal.workload import WorkloadPart


class SqlJournal(
    IntakePart,
    RecognitionPart,
    AnswerPart,
    ReturnPart,
    NoticePart,
    TendingPart,
    AlertPart,
    ReadingPart,
    LedgerPart,
    WorkloadPart,
    StoragePart,
    StrayPart,
    SetBackPart,
):
    """Implements ports.Journal on a Database (SQLite or PostgreSQL). Made by `opening.open_journal`."""

    def subscribe(self, listener: Listener) -> None:
        self._database.subscribe(listener)

    def close(self) -> None:
        self._database.close()
