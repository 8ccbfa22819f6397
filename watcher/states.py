"""What submissions and documents can be, and why: the words of the vocabulary in `model`, which hands them on.

Apart from it because the command line is told of by them, and is not to wait for all values.
"""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What a submission is."""

    MAIL = "mail"  # one message in a mailbox
    FILE = "file"  # one file in a watched folder


class SubmissionState(StrEnum):
    """Where a submission stands."""

    OPEN = "open"  # some document is pending
    HELD = "held"  # waits for the administrator's decision
    SETTLED = "settled"  # every document is settled; to be answered
    CLOSED = "closed"  # answered


class Stage(StrEnum):
    """What the way of a submission takes its time for."""

    OPEN = "open"  # from the source: whose it is, and which documents it holds
    STORE = "store"  # links that are followed, documents chosen and stored, and the record of it
    RECOGNISE = "recognise"  # one request to the endpoint
    ANSWER = "answer"  # the reply, and the move


class DocumentState(StrEnum):
    """Where a document, and a booking, stands."""

    PENDING = "pending"  # no outcome yet
    SETTLED = "settled"  # has its outcome


class Outcome(StrEnum):
    """What became of a document."""

    DONE = "done"  # recognised, and its expense created where one is wanted
    ATTENTION = "attention"  # booked, or perhaps booked, but a person should look
    DUPLICATE = "duplicate"  # this content was booked for this employee before
    SKIPPED = "skipped"  # not sent, because it is surely no invoice or the same one in another form
    ERROR = "error"  # nothing was booked

    @property
    def counts_as_booked(self) -> bool:
        """Whether the content may stand in the endpoint's books, now or from before."""
        return self in (Outcome.DONE, Outcome.ATTENTION, Outcome.DUPLICATE)


class Reason(StrEnum):
    """Codes of our own, beside the endpoint's resCodes: why a document or a submission ended as it did."""

    NO_DOCUMENT = "NO_DOCUMENT"  # a mail or an archive without any document that is accepted
    NO_INVOICE = "NO_INVOICE"  # the endpoint found no invoice in it
    NO_USER = "NO_USER"  # no employee number can be had for a file
    NO_URL = "NO_URL"  # the store can give this document no address (a part, without `parts`)
    SAME_INVOICE = "SAME_INVOICE"  # another document of the submission is this invoice in a form that is preferred
    NOT_INVOICE = "NOT_INVOICE"  # what it says of itself is something else: a trip sheet, a hotel's folio
    NAMED_OTHERWISE = "NAMED_OTHERWISE"  # its name alone says that it is a trip sheet: nobody could read anything in it
    SIGNATURE_IMAGE = "SIGNATURE_IMAGE"  # a small picture, as stand under mails
    PARTLY_BOOKED = "PARTLY_BOOKED"  # some of its pages were posted before, as a part of other pages
    TOO_LARGE = "TOO_LARGE"  # beyond `limits`
    TOO_MANY = "TOO_MANY"  # more documents than `limits.documents`
    LINK_LOGIN = "LINK_LOGIN"  # an invoice is behind a link, and its platform wants a login
    LINK_BROWSER = "LINK_BROWSER"  # … wants a browser, a captcha or a phone
    LINK_EXPIRED = "LINK_EXPIRED"  # … gives something else than the invoice: the link has expired or was cut short
    LINK_NO_DOCUMENT = "LINK_NO_DOCUMENT"  # a link to a host of the configuration gives nothing that is accepted
    LINK_REFUSED = "LINK_REFUSED"  # a link leads to where we do not go: another host, a private address, no certificate
    LINK_UNREACHABLE = "LINK_UNREACHABLE"  # a link's platform did not answer, however often it was asked
    ENCRYPTED = "ENCRYPTED"  # locked by a password
    ENCRYPTED_MAIL = "ENCRYPTED_MAIL"  # a mail, or a file, that only who holds a key can read (S/MIME, PGP)
    UNREADABLE = "UNREADABLE"  # damaged: an archive or message that cannot be opened
    UNKNOWN_SENDER = "UNKNOWN_SENDER"  # the directory does not have the sender
    UNVERIFIED_SENDER = "UNVERIFIED_SENDER"  # nothing proves that the sender is who the mail says
    UNCLEAR_USER = "UNCLEAR_USER"  # a delegate named several employees
    IN_DOUBT = "IN_DOUBT"  # a request was sent, and nobody knows whether it was carried out
    BOOKED_TWICE = "BOOKED_TWICE"  # two expense ids for one booking
    GAVE_UP = "GAVE_UP"  # still failing after `give_up_after`

    @property
    def is_of_the_sender(self) -> bool:
        """Whether a mail was turned away, or is held, because of who sent it and for whom."""
        return self in (Reason.UNKNOWN_SENDER, Reason.UNVERIFIED_SENDER, Reason.UNCLEAR_USER)

    @property
    def is_of_a_link(self) -> bool:
        """Whether a link led to no document: the message beside it is the link, then."""
        return self.startswith("LINK_")


# With IN_DOUBT; for people, so in both languages.
REPLACED = (
    "送出时它被同名的另一个文件替换，无法确定处理的是哪一个"
    " / while it was sent it was replaced by another file of the same name,"
    " and nobody can tell which of the two was processed"
)
