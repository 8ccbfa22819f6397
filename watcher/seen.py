"""What was read in a document before it is sent: facts, no decisions (those are policy's), and nothing rests on them.

Where a document could not be looked into, or nobody wanted to, nothing is known of it and it is sent all the same.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from msgspec import Struct


class By(StrEnum):
    """Where an invoice's data was read, the surest first."""

    XML = "xml"  # data made for machines: an e-invoice's XML, embedded in a PDF or an OFD or by itself; PDF properties
    OFD = "ofd"  # the CustomData of an OFD, or what its tags point to
    QR = "qr"  # the printed QR code of a Chinese invoice
    TEXT = "text"  # the text layer, by its labels


class Mark(StrEnum):
    """What the words of a document say it is. Several may stand in one document."""

    INVOICE = "invoice"  # the title of an invoice or of a ticket that counts as one, or data that only invoices have
    TRIP_SHEET = "trip sheet"  # 行程单, 行程报销单 of a taxi platform
    FOLIO = "hotel folio"  # 水单, 账单, Guest Statement
    TOLL_SUMMARY = "toll summary"  # 通行费电子票据汇总单
    GOODS_LIST = "list of goods"  # 运单明细, 订单明细, 消费清单 as a document of its own
    CREDIT_NOTE = "credit note"  # 红字, 红冲: an invoice that takes another one back
    TAX_IDS = "tax ids"  # tax numbers of two parties
    NUMBER_LABEL = "number label"  # a 发票号码 with its number
    DATE_LABEL = "date label"  # a 开票日期 with its date
    AMOUNT_LABEL = "amount label"  # a 价税合计 with its amount


class SeenInvoice(Struct, frozen=True, kw_only=True):
    """An invoice as it was read. `first` and `last` are its pages, from 1; 0 where it has none (XML).

    Pages that name no invoice, as lists of goods do, belong to the one before them. Pages before the first invoice
    belong to none.
    """

    by: By
    number: str | None = None  # 20 digits, 8 beside a `code`, or a foreign invoice's own
    code: str | None = None  # 发票代码 of older invoices
    date: date | None = None
    amount: str | None = None  # with tax, a decimal number
    seller: str | None = None
    first: int = 0
    last: int = 0


class Seen(Struct, frozen=True, kw_only=True):
    """What is known of a document's inside.

    `pages` is None where that cannot be told (also of what has no pages). `deep` is whether it was searched for
    invoices at all: without it `invoices` and `marks` say nothing. Where `searched` is less than `pages`, there may be
    more of both on the pages after it. `unread` are those of the searched pages that may hold an invoice which nobody
    could read: pictures without a code, and pages that name more invoices than were found. `width` and `height` are a
    picture's, in pixels.
    """

    pages: int | None = None
    locked: bool = False  # cannot be opened without a password
    damaged: bool = False  # no reader can open it
    deep: bool = False
    searched: int = 0  # pages, from the first on
    invoices: tuple[SeenInvoice, ...] = ()
    marks: frozenset[Mark] = frozenset()
    unread: tuple[int, ...] = ()
    later: tuple[int, ...] = ()  # pages that say they are page 2 or a later one of something
    title: str | None = None  # the first words of it, for people, not cleaned
    width: int | None = None
    height: int | None = None

    @property
    def hidden(self) -> tuple[int, ...]:
        """The pages that may hold an invoice which is not among `invoices`."""
        beyond = range(self.searched + 1, (self.pages or 0) + 1) if self.deep else ()
        return (*self.unread, *beyond)


NOTHING_SEEN = Seen()
