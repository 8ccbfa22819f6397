"""An SMTP session as replies are handed over in it: in few round trips, and nothing after its time."""

from __future__ import annotations

import contextlib
import re
import smtplib
from collections.abc import Iterator, Sequence

from watcher.clock import boot_seconds
from watcher.errors import MailerUnavailable
from watcher.secrecy import KnownSecrets

_OK, _GO_ON = 250, 354
_SLOW = "the SMTP server was so slow that the reply has to be begun anew"


class TooLate(MailerUnavailable):
    """The mail may no longer be begun with: whoever wants it sent asks again."""


class Session(smtplib.SMTP):
    """What goes out late may be sent by somebody else as well, who has the claim by then: so nothing does.

    Times are of `boot_seconds`.
    """

    known = KnownSecrets()  # what the server shall not be quoted with
    is_untried = False  # it was not asked whether it is still there, or not since it may have hung up
    has_content = False  # whether any of the last mail's content may have left
    content_by = float("inf")  # no mail's content leaves after this
    answer_by = float("inf")  # as long is waited for what the server says of it
    _ahead: str | None = None  # the recipient of a mail whose commands go ahead of their answers
    _unread = 0  # answers that are still to come for such commands; the last one is DATA's

    def hand_over(self, sender: str, recipient: str, content: bytes) -> None:
        """As `sendmail` has it, to one recipient. Raises TooLate, too; the session can be used then, or is closed.

        Where the server takes several commands at once (RFC 2920), MAIL, RCPT and DATA are one write and not three that
        wait for their answers, which took most of sending a reply.
        """
        self.has_content = False
        self._ahead = recipient if self.has_extn("pipelining") else None
        try:
            self.sendmail(sender, [recipient], content)
        finally:
            self._ahead = None

    def mail(self, sender: str, options: Sequence[str] = ()) -> tuple[int, bytes]:
        """As smtplib has it; what is to go ahead goes with it."""
        if self._ahead is None:
            return super().mail(sender, options)
        if not (sender + self._ahead).isprintable():
            raise ValueError("a line end in an address would begin another command")
        self.send(f"mail {' '.join([f'FROM:<{sender}>', *options])}\r\nrcpt TO:<{self._ahead}>\r\ndata\r\n")
        self._unread = 3
        return self._read_ahead()

    def rcpt(self, recip: str, options: Sequence[str] = ()) -> tuple[int, bytes]:  # noqa: ARG002 - none is ever asked for
        """As smtplib has it, without reading an address once more that has been found to be plain."""
        return self._read_ahead() if self._unread else self.docmd("rcpt", f"TO:<{recip}>")

    def data(self, msg: bytes | str) -> tuple[int, bytes]:  # type: ignore[override] # typeshed lets it take any buffer
        """As smtplib has it. Raises TooLate, too; the session can be used then, or is closed."""
        if not self._unread and boot_seconds() > self.content_by:
            self.rset()
            raise TooLate(_SLOW)
        code, said = self._read_ahead() if self._unread else self.docmd("DATA")
        if code != _GO_ON:
            with contextlib.suppress(smtplib.SMTPServerDisconnected):
                self.rset()  # else the next mail would be begun within this one
            raise smtplib.SMTPDataError(code, said)
        if boot_seconds() > self.content_by:
            self.close()  # to take back what was begun there is no other way
            raise TooLate(_SLOW)
        self.has_content = True
        with self._patient():
            self.send(_dotted(msg))
            return self.getreply()

    def rset(self) -> tuple[int, bytes]:
        """As smtplib has it, once all is read that is still to come; what does not end so is closed.

        DATA that went ahead may be taken though nobody is to get the mail: the RFC has it ended without content then.
        """
        while self._unread and self.sock is not None:
            code, _ = self._read_ahead()
            if code == _GO_ON and not self._unread:
                self.docmd(".")
        code, said = super().rset()
        if code != _OK:
            self.close()
        return code, said

    def _read_ahead(self) -> tuple[int, bytes]:
        """The next answer to what went ahead. One that fits no command is another's: nothing can be believed then."""
        self._unread -= 1
        code, said = self.getreply()
        if code < (_OK if self._unread else _GO_ON):
            self.close()
        return code, said

    def getreply(self) -> tuple[int, bytes]:
        """As smtplib has it. Some servers repeat what they did not understand, and a secret is not repeated further."""
        code, said = super().getreply()
        if code < 0:
            self.close()  # this is no SMTP, and what comes next may be no answer to what is said next
        return code, self.known.hidden(said.decode("latin-1")).encode("latin-1", "replace")

    def be_patient(self, seconds: float | None) -> None:
        """Wait so long for each piece that comes from the server."""
        if self.sock is not None:
            self.sock.settimeout(seconds)

    @contextlib.contextmanager
    def _patient(self) -> Iterator[None]:
        """What was handed over and is not acknowledged has to be handed over again: wait as long as one may."""
        usual = self.sock.gettimeout() if self.sock is not None else None
        self.be_patient(max(usual or 0.0, self.answer_by - boot_seconds()))
        yield
        self.be_patient(usual)


class TlsSession(smtplib.SMTP_SSL, Session):
    """With TLS from the start."""


def _dotted(msg: bytes | str) -> bytes:
    """The content as it goes over the wire: what begins with a dot has two, and a dot alone ends it."""
    text = msg.encode("ascii") if isinstance(msg, str) else msg
    doubled = re.sub(rb"(?m)^\.", b"..", text) if text.startswith(b".") or b"\n." in text else text
    return doubled + (b"" if doubled.endswith(b"\r\n") else b"\r\n") + b".\r\n"
