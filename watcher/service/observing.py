"""A mailer whose logins are noted: a password that is not valid any more is told at once."""

from __future__ import annotations

from email.message import EmailMessage

from watcher.errors import MailerUnavailable, MailRefused
from watcher.model import Finding
from watcher.ports import Mailer
from watcher.service.vitals import Vitals


class ObservedMailer:
    """Implements ports.Mailer by another one."""

    def __init__(self, mailer: Mailer, vitals: Vitals) -> None:
        self._mailer = mailer
        self._vitals = vitals

    def send(self, message: EmailMessage) -> None:
        try:
            self._mailer.send(message)
        except MailRefused:
            self._vitals.mailed()
            raise
        except MailerUnavailable as error:
            if error.refuses_us:
                self._vitals.mailer_refused(str(error))
            raise
        self._vitals.mailed()

    def check(self) -> list[Finding]:
        return self._mailer.check()

    def close(self) -> None:
        self._mailer.close()
