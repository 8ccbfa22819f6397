"""What went wrong with the SMTP server, told as the two errors of the port."""

from __future__ import annotations

import smtplib
import ssl

from watcher.errors import MailerUnavailable, MailRefused
from watcher.headers import server_words
from watcher.tls import speaks_no_tls

OK = 250
_PERMANENT = 500
_TOO_BIG = 552
# Refusals that speak of us (unknown command, wrong order, no login) and not of the recipient or the mail.
_OURS = frozenset({500, 502, 503, 504, 530, 534, 535, 538})
_WORDS_LENGTH = 300


class SenderRefused(MailerUnavailable):
    """The server accepts neither the empty envelope sender nor our own address."""

    altogether = True


class NotLoggedIn(MailerUnavailable):
    """The server does not accept the login."""

    altogether = True
    refuses_us = True


def words(reply: bytes | str) -> str:
    """A server's words, fit to be shown."""
    return server_words(reply, _WORDS_LENGTH)


def of_sending(error: Exception, recipient: str) -> MailerUnavailable | MailRefused:
    """What follows from an error of `smtplib.SMTP.send_message` to one recipient."""
    match error:
        case smtplib.SMTPSenderRefused():
            return _of_size(error) or sender_refused(error.smtp_code, error.smtp_error)
        case smtplib.SMTPRecipientsRefused():
            return _refusal("the recipient", *answer_in(error, recipient))
        case smtplib.SMTPDataError():
            return _refusal("the reply", *answer_in(error, recipient))
        case smtplib.SMTPNotSupportedError() | UnicodeEncodeError():
            return MailRefused("the SMTP server cannot take an address that is not ASCII (SMTPUTF8)")
        case _:
            return translated(error, "the SMTP server could not be used")


def answer_in(error: smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError, recipient: str) -> tuple[int, bytes | str]:
    """The server's code and words."""
    if isinstance(error, smtplib.SMTPDataError):
        return error.smtp_code, error.smtp_error
    return error.recipients.get(recipient, (0, b""))


def sender_refused(code: int, said: bytes | str) -> MailerUnavailable:
    return SenderRefused(f"the SMTP server refuses the envelope sender: {code} {words(said)}")


def wants_an_address(code: int) -> bool:
    """Whether a mail under no sender is refused for good, and not for what it is or for what we are.

    Some providers let their customers send under no sender but their own address, whatever RFC 3834 says of replies.
    """
    return code >= _PERMANENT and code not in _OURS and code != _TOO_BIG


def translated(error: Exception, doing: str) -> MailerUnavailable:
    """An error of the connection, in words that hold no secret."""
    if isinstance(error, MailerUnavailable):
        return error
    if isinstance(error, smtplib.SMTPServerDisconnected) and isinstance(error.__context__, OSError):
        error = error.__context__  # smtplib says "unexpectedly closed" of a time-out, too
    return MailerUnavailable(f"{doing}: {_reason(error)}")


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {words(error.smtp_error)}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {words(error.verify_message)}"
    if speaks_no_tls(error):
        return "it speaks no TLS at this port"
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return words(error.strerror)
    return words(str(error)) or type(error).__name__


def _of_size(error: smtplib.SMTPSenderRefused) -> MailRefused | None:
    """A size that is refused at MAIL speaks of the reply."""
    if error.smtp_code != _TOO_BIG:
        return None
    return MailRefused(f"the SMTP server refuses the reply for its size: {error.smtp_code} {words(error.smtp_error)}")


def _refusal(what: str, code: int, said: bytes | str) -> MailerUnavailable | MailRefused:
    text = f"the SMTP server refuses {what}: {code} {words(said)}"
    if code >= _PERMANENT and code not in _OURS:
        return MailRefused(text)
    return MailerUnavailable(text)
