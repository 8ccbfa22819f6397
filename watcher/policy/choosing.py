"""Which documents of a submission are sent: each invoice once, what is surely none not at all; doubt means send."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence

from msgspec import Struct

from watcher.model import Reason
from watcher.seen import By, Mark, Seen, SeenInvoice

# Of several forms of one invoice the first is sent: the words of the configuration's `accept`.
PREFERENCE = ("pdf", "ofd", "xml", "image")

_NUMBER_IN_NAME = re.compile(r"(?<!\d)\d{20}(?!\d)")
_LENGTH_OF_A_NUMBER = 20
_TRIP_SHEET_NAME = re.compile(r"行程(?:报销)?单|trip[ _-]?(?:table|sheet)", re.IGNORECASE)
_AIRLINES_TOO = "行程单"  # as airlines call their invoices; 行程报销单 and trip table are taxi platforms' words
_FLIGHT_NAME = re.compile(r"航空|客票|机票|航班")
_FOLIO_NAME = re.compile(r"水单|结账单|(?<![a-z])(?:e-?)?folio(?![a-z])", re.IGNORECASE)
_GOODS_NAME = re.compile(r"(?:运单|订单|消费|堂食|费用|住宿)明细")
_TOLL_NAME = re.compile(r"通行费.*汇总单")
_INVOICE_NAME = re.compile(r"发票|fapiao|invoice|dzfp", re.IGNORECASE)
_SIGNATURE_NAME = re.compile(
    r"image\d{3}\D.*|.*(?:logo|banner|signature|avatar|qr_?code|ewm|icon|二维码|公众号|签名|头像).*", re.IGNORECASE
)
_SMALL_BYTES = 50_000  # a picture of an invoice that could be read is larger
_TINY_BYTES = 10_000
_SMALL_PIXELS = 200
_BANNER = 5  # times as wide as it is high
_TEXT_IS_SURE = frozenset({Mark.INVOICE, Mark.AMOUNT_LABEL, Mark.DATE_LABEL})
_NO_INVOICES = {
    Mark.TRIP_SHEET: _TRIP_SHEET_NAME,
    Mark.FOLIO: _FOLIO_NAME,
    Mark.TOLL_SUMMARY: _TOLL_NAME,
    Mark.GOODS_LIST: _GOODS_NAME,
}


class Candidate(Struct, frozen=True, kw_only=True):
    """A document that could be sent. `kind` is a word of PREFERENCE; `in_mail`: it came as a part of a mail itself."""

    name: str
    kind: str
    size: int
    seen: Seen
    in_mail: bool = False


class Skip(Struct, frozen=True, kw_only=True):
    """Why one is not sent. `same_as` is the index of the one that is the same invoice; `mark` what it says it is."""

    reason: Reason
    same_as: int | None = None
    mark: Mark | None = None


def choose(candidates: Sequence[Candidate]) -> list[Skip | None]:
    """For each why it is not sent, or None."""
    if len(candidates) == 1:  # nearly all are alone, and what is alone is no twin
        return [_no_invoice(candidates[0], ())]
    plan: list[Skip | None] = [_no_invoice(each, _others(candidates, index)) for index, each in enumerate(candidates)]
    kept: list[int] = []
    for index in sorted((i for i, skip in enumerate(plan) if skip is None), key=_order(candidates)):
        twin = next((other for other in kept if _is_in(candidates[index], candidates[other])), None)
        if twin is None:
            kept.append(index)
        else:
            plan[index] = Skip(reason=Reason.SAME_INVOICE, same_as=twin)
    return plan


def _others(candidates: Sequence[Candidate], index: int) -> list[Candidate]:
    return [each for other, each in enumerate(candidates) if other != index]


# ------------------------------------------------------------------------------------- what is no invoice


def _no_invoice(one: Candidate, others: Sequence[Candidate]) -> Skip | None:
    if one.kind == "image" and _is_signature(one):
        return Skip(reason=Reason.SIGNATURE_IMAGE)
    if (mark := _says(one)) is not None:
        return Skip(reason=Reason.NOT_INVOICE, mark=mark)
    if (mark := _is_named(one, others)) is None:
        return None
    # Sent, a platform's trip sheet may become an expense beside its invoice; so whoever knows what it is has to look.
    is_doubtful = mark is Mark.TRIP_SHEET and _AIRLINES_TOO in one.name and not _is_read(one)
    return Skip(reason=Reason.NAMED_OTHERWISE if is_doubtful else Reason.NOT_INVOICE, mark=mark)


def _says(one: Candidate) -> Mark | None:
    """What it says that it is, where nothing in it says that it is an invoice."""
    marks = one.seen.marks
    if _for_machines(one) or one.seen.hidden:
        return None
    if Mark.TOLL_SUMMARY in marks and Mark.TAX_IDS not in marks:  # lists many invoices' numbers; no parties are named
        return Mark.TOLL_SUMMARY
    if Mark.GOODS_LIST in marks and not _has_all_of_an_invoice(marks):  # bears the invoice's number and amount
        return Mark.GOODS_LIST
    if Mark.INVOICE in marks or Mark.TAX_IDS in marks or one.seen.invoices:
        return None
    return next((mark for mark in (Mark.TRIP_SHEET, Mark.FOLIO) if mark in marks), None)


def _has_all_of_an_invoice(marks: Collection[Mark]) -> bool:
    """Both parties, or, where the buyer is a private person, who has no tax number, all the rest."""
    return Mark.TAX_IDS in marks or all(mark in marks for mark in _TEXT_IS_SURE)


def _is_named(one: Candidate, others: Sequence[Candidate]) -> Mark | None:
    """What its name says, where nothing in it or in the name says otherwise and an invoice lies beside it."""
    if not others or _INVOICE_NAME.search(one.name):
        return None
    if one.seen.invoices or one.seen.marks or _numbers_in_name(one.name) or _FLIGHT_NAME.search(one.name):
        return None
    found = next((mark for mark, pattern in _NO_INVOICES.items() if pattern.search(one.name)), None)
    if found is None or not any(_is_beside(one, other) for other in others):
        return None
    return None if found is Mark.TRIP_SHEET and _may_be_a_paper(one, others) else found


def _is_read(one: Candidate) -> bool:
    """Whether all that it says was read: neither a picture nor what is drawn as one says anything."""
    return one.seen.deep and one.kind != "image" and not one.seen.hidden and one.seen.title is not None


def _may_be_a_paper(one: Candidate, others: Sequence[Candidate]) -> bool:
    """Whether it was looked at and is a picture: the paper itinerary of an airline, which is an invoice, is called so.

    Platforms' trip sheets have words, are called 行程报销单 or trip table, or share more of their name with their
    invoice than what both are.
    """
    if _AIRLINES_TOO not in one.name:
        return False
    is_pictured = one.seen.deep and (one.kind == "image" or bool(one.seen.hidden))
    is_bare = _stem(one.name).strip() in ("行程单", "电子行程单")
    return is_pictured and (is_bare or not any(_are_a_pair(one, other) for other in others))


def _are_a_pair(one: Candidate, other: Candidate) -> bool:
    """Whether their names differ in the one word that says which is the invoice."""
    return _stem(one.name).replace("行程单", "发票") == _stem(other.name)


def _is_beside(one: Candidate, other: Candidate) -> bool:
    """Whether the other is the invoice to this: it is called so, or was read as one."""
    if _is_called_otherwise(other):
        return False
    if "电子行程单" in one.name:  # airlines call their invoices so: only a pair of names tells
        return _are_a_pair(one, other)
    return bool(_INVOICE_NAME.search(other.name)) or _is_sure(other)


def _is_signature(one: Candidate) -> bool:
    """A picture that came with the text of a mail, and is too small or too slim to be an invoice."""
    if not one.in_mail or one.seen.invoices or _numbers_in_name(one.name):
        return False
    width, height = one.seen.width, one.seen.height
    if width and height and (min(width, height) < _SMALL_PIXELS or width > _BANNER * height):
        return True
    named = _SIGNATURE_NAME.fullmatch(one.name) is not None
    return one.size < (_SMALL_BYTES if named else _TINY_BYTES)


# ---------------------------------------------------------------------------------- one invoice, many forms


def _order(candidates: Sequence[Candidate]) -> Callable[[int], tuple[int, bool, int, bool, int]]:
    """Those with the most invoices first, then by preference, but what may be none last; and as they came."""

    def key(index: int) -> tuple[int, bool, int, bool, int]:
        one = candidates[index]
        return -len(_identities(one)), _may_be_none(one), _rank(one.kind), not _for_machines(one), index

    return key


def _rank(kind: str) -> int:
    return PREFERENCE.index(kind) if kind in PREFERENCE else len(PREFERENCE)


def _is_in(one: Candidate, kept: Candidate) -> bool:
    """Whether every invoice in one is surely in the other, which is sent."""
    identities = _identities(one)
    if not identities or one.seen.hidden:
        return False
    sure = _is_sure(kept) and (not _for_machines(one) or _names_both_parties(kept))
    return identities <= _identities(kept) and (sure or (one.kind != kept.kind and _is_called_so(kept)))


def _may_be_none(one: Candidate) -> bool:
    """Whether no reader can open it, or it may be a notice of the invoice that it names."""
    return one.seen.damaged or (_is_sure(one) and not _names_both_parties(one))


def _names_both_parties(one: Candidate) -> bool:
    """An invoice does so, or has data for machines; a printed notice of one has neither."""
    return _for_machines(one) or Mark.TAX_IDS in one.seen.marks


def _identities(one: Candidate) -> frozenset[str]:
    """Of its invoices; of one in which nothing was read what its name says."""
    found = [_identity(invoice) for invoice in one.seen.invoices]
    if None in found:  # an invoice that cannot be told from others
        return frozenset()
    known = frozenset(each for each in found if each is not None)
    return known or frozenset(_numbers_in_name(one.name))


def _identity(invoice: SeenInvoice) -> str | None:
    """The same for the same invoice, and for no other; None where its number does not say that."""
    if invoice.number is None:
        return None
    if len(invoice.number) == _LENGTH_OF_A_NUMBER and invoice.number.isdigit():
        return invoice.number
    if invoice.code is not None:
        return f"{invoice.code}-{invoice.number}"
    if invoice.date is None or invoice.amount is None:
        return None
    return f"{invoice.number} {invoice.date} {invoice.amount}"


def _is_sure(one: Candidate) -> bool:
    """Whether it is an invoice itself, and does not merely speak of one."""
    return _for_machines(one) or (bool(one.seen.invoices) and one.seen.marks >= _TEXT_IS_SURE)


def _is_called_so(one: Candidate) -> bool:
    """Whether its name alone says which invoice it is, and nobody could read anything else in it."""
    readable = one.seen.deep and not one.seen.hidden
    return not (one.seen.invoices or readable or one.seen.damaged or _is_called_otherwise(one))


def _is_called_otherwise(one: Candidate) -> bool:
    return any(pattern.search(one.name) for pattern in _NO_INVOICES.values())


def _for_machines(one: Candidate) -> bool:
    return any(invoice.by is not By.TEXT for invoice in one.seen.invoices)


def _numbers_in_name(name: str) -> list[str]:
    return _NUMBER_IN_NAME.findall(unicodedata.normalize("NFKC", name))


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name
