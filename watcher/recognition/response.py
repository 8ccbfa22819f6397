"""Reads the endpoint's answer: bytes in, values out, nothing else.

The form is that of api/ocrSyncWithConfig.txt ("返回参数" and its examples). Numbers come out exactly
as they were written: JSON's own parser is told to leave them as text, so 43.50 stays "43.50" and a
long id keeps all its digits.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo

from watcher.headers import decode_bytes
from watcher.model import SUCCESS, Invoice, Response
from watcher.recognition.expenses import expense_id, expenses_told, says_nothing, whole
from watcher.recognition.values import date_of, decimal_of, number_of, text_of, text_value, words

_DEEPEST = 100  # lists within lists: no answer has more than a few; how many Python can read depends on its version
_PARTS = ("ocr_result", "check_result", "expense_result")

_Object = Mapping[str, Any]

_NOT_UNDERSTOOD: _Object = {"result": None}


class _UnknownFormError(Exception):
    """The answer has something where the documentation has something else."""


def read_response(raw: bytes, timezone: ZoneInfo, hidden: Callable[[str], str] = str) -> Response | None:
    """The answer decoded; `timezone` is that of dates given in milliseconds, `hidden` takes secrets out of messages.

    None where it is not in the documented form: not JSON, no resCode, or a success whose data cannot
    be understood, or that has an expense where none belongs (so it must not pass for "no invoice" or "no expense").
    Of any other answer such an expense is an invoice of its own, of which nothing else is known.
    """
    answer = _decoded(read_text(raw))
    code = _code(answer.get("resCode")) if isinstance(answer, dict) else None
    if code is None:
        return None
    message = words(answer.get("resMsg"), hidden)
    if code == SUCCESS:
        understood = _understood(answer, timezone, hidden)
        return None if understood is None else Response(code=code, message=message, invoices=understood)
    return Response(code=code, message=message, invoices=_with_misplaced(answer, timezone, hidden))


def _understood(answer: _Object, timezone: ZoneInfo, hidden: Callable[[str], str]) -> tuple[Invoice, ...] | None:
    """What a success found; None where some of it is not understood, or it has an expense where none belongs."""
    try:
        objects = _objects(answer.get("data"))
        invoices = tuple(_invoices(objects, timezone, hidden))
        return None if _has_more(answer, objects, invoices) else invoices
    except (_UnknownFormError, RecursionError):  # nested deeper than any answer is
        return None


def _with_misplaced(answer: _Object, timezone: ZoneInfo, hidden: Callable[[str], str]) -> tuple[Invoice, ...]:
    """What else than a success names: its invoices as far as they are understood, and every expense wherever it is."""
    objects: list[_Object] = []
    invoices: tuple[Invoice, ...] = ()
    with suppress(_UnknownFormError, RecursionError):
        objects = _objects(answer.get("data"))
        invoices = tuple(_invoices(objects, timezone, hidden))
    read = {invoice.expense_id for invoice in invoices}
    with suppress(RecursionError):
        told = dict.fromkeys(expenses_told([answer, objects]))
        invoices += tuple(Invoice(expense_id=each) for each in told if each not in read)
    return invoices


def _code(value: Any) -> str | None:
    """resCode as text: what is neither a number nor a text is none."""
    code = text_value(value) if isinstance(value, str) else None
    return whole(code) if code is not None and "." in code else code


def read_text(raw: bytes) -> str:
    """The answer as text: UTF-8, else GB18030, else UTF-8 with what is damaged replaced."""
    return decode_bytes(raw.removeprefix(BOM_UTF8))


def read_object(raw: bytes) -> _Object | None:
    """A JSON object, its numbers as text; None where it is none."""
    value = _decoded(read_text(raw))
    return value if isinstance(value, dict) else None


def _decoded(text: str) -> Any:
    """JSON with every number left as its text; None where it is not JSON."""
    try:
        return _JSON.decode(text)
    except (ValueError, RecursionError):
        return None


def _no_number(_name: str) -> None:
    """NaN and Infinity are nobody's amount."""


_JSON = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_no_number)  # made once for all answers


def _has_more(answer: _Object, objects: list[_Object], invoices: tuple[Invoice, ...]) -> bool:
    """Whether it tells of an expense where none belongs, and an invoice would be told to have none."""
    read = {invoice.expense_id for invoice in invoices}
    return (None in read or not read) and not read.issuperset(expenses_told([answer, objects]))


def _invoices(objects: list[_Object], timezone: ZoneInfo, hidden: Callable[[str], str]) -> Iterator[Invoice]:
    for item in objects:
        if not item:
            continue
        if not any(part in item for part in _PARTS):
            raise _UnknownFormError
        for ocr, check, expense in _rows(item):
            if ocr or check or expense:
                yield _invoice(ocr, check, expense, timezone, hidden)


def _objects(value: Any) -> list[_Object]:
    """A list of objects, one object, or either of them as JSON text within JSON; nothing is no object."""
    if type(value) is dict:  # as JSON has it: the commonest first, and without a call
        return [value]
    if isinstance(value, str):
        if not value.strip():
            return []
        value = _decoded(value)
        if value is None or isinstance(value, str):
            raise _UnknownFormError
        return _objects(value)
    if value is None:
        return []
    if isinstance(value, list):
        return [found for item in _flat(value) for found in _objects(item)]
    raise _UnknownFormError


def _flat(values: list[Any], depth: int = 1) -> Iterator[Any]:
    """What is in a list, and in lists within it."""
    if depth > _DEEPEST:
        raise _UnknownFormError
    for value in values:
        if isinstance(value, list):
            yield from _flat(value, depth + 1)
        else:
            yield value


def _rows(item: _Object) -> Iterator[tuple[_Object, _Object, _Object]]:
    """The three parts of each invoice of an item. An invoice with several expenses appears with each of them."""
    ocrs = _tolerated(item.get("ocr_result"))
    checks = _checks(item.get("check_result"), len(ocrs))
    expenses = _one_each(item.get("expense_result"), len(ocrs), _expenses)
    facts = max(len(ocrs), len(checks))
    for row in range(max(facts, len(expenses))):
        fact = 0 if facts == 1 else row
        yield _at(ocrs, fact), _at(checks, fact), _at(expenses, row)


def _expenses(value: Any) -> list[_Object]:
    """What was booked: what is not understood here must not pass for "no expense", so it is no answer at all."""
    if isinstance(value, list):
        return [found for inner in _flat(value) for found in _expenses(inner)]
    if isinstance(value, str):
        if value.strip().isdecimal():
            return [{"expense_id": value}]
        if says_nothing(value):
            return []
    return [] if value is False else _objects(value)


def _checks(value: Any, invoices: int) -> list[_Object]:
    """What the tax office said: what is not understood here is something else than 1, and must not pass for unsaid.

    Of whichever of the item's invoices it is said: so it counts for each. A word for nothing says that there is none.
    """
    try:
        return _one_each(value, invoices, _checks_told)
    except _UnknownFormError:
        return [_NOT_UNDERSTOOD] * max(invoices, 1)


def _checks_told(value: Any) -> list[_Object]:
    if isinstance(value, str) and says_nothing(value):
        return []
    told = _decoded(value) if isinstance(value, str) else value
    if isinstance(told, list):
        return [found for inner in _flat(told) for found in _checks_told(inner)]
    return _objects(value)


def _one_each(value: Any, invoices: int, read: Callable[[Any], list[_Object]]) -> list[_Object]:
    """What is told of so many invoices; of which there is nothing its place is kept, where there is one for each."""
    told = _decoded(value) if isinstance(value, str) else value
    if not isinstance(told, list) or not len(told) == invoices > 1:
        return read(value)
    each = [read(inner) for inner in told]
    if any(len(found) > 1 for found in each):
        return read(value)
    return [_at(found, 0) for found in each]


def _at(parts: list[_Object], row: int) -> _Object:
    return parts[row] if row < len(parts) else {}


def _tolerated(value: Any) -> list[_Object]:
    try:
        return _objects(value)
    except _UnknownFormError:
        return []


def _part(whole: _Object, key: str) -> _Object:
    part = whole.get(key)
    return part if type(part) is dict else _at(_tolerated(part), 0)


def _invoice(
    ocr: _Object, check: _Object, expense: _Object, timezone: ZoneInfo, hidden: Callable[[str], str]
) -> Invoice:
    """One invoice: what was recognised, else what the tax office says, else the raw detail."""
    detail, entered = _part(ocr, "invoice_detail"), _part(ocr, "invoice_input")
    seller, buyer = _part(detail, "Saler"), _part(detail, "Buyer")
    return Invoice(
        number=number_of((ocr, "invoice_num"), (check, "invoice_number"), (detail, "No"), (entered, "No")),
        code=number_of((ocr, "invoice_code"), (check, "invoice_code"), (detail, "Code"), (entered, "Code")),
        type=text_of((ocr, "invoice_type"), (check, "invoice_type"), (detail, "invoiceType")),
        name=text_of((ocr, "name")),
        amount=decimal_of((ocr, "amount"), (check, "total_amount"), (detail, "SummaryAmount"), (entered, "Amount")),
        tax_amount=decimal_of((ocr, "tax_amount"), (check, "tax_amount"), (detail, "TaxAmount")),
        currency=text_of((ocr, "currency")),
        date=date_of(timezone, (ocr, "receipt_date"), (entered, "Date"), (detail, "Date")),
        seller_name=text_of((ocr, "seller_name"), (check, "seller_name"), (seller, "Name"), (ocr, "shop_name")),
        seller_tax_code=text_of((ocr, "seller_tax_code"), (check, "seller_tax_code"), (seller, "TaxCode")),
        buyer_name=text_of((ocr, "buyer_name"), (check, "buyer_name"), (buyer, "Name")),
        buyer_tax_code=text_of((ocr, "buyer_tax_code"), (check, "buyer_tax_code"), (buyer, "TaxCode")),
        verified=_verified(check),
        expense_id=expense_id(expense.get("expense_id")),
        expense_status=text_value(expense.get("invoice_status")),
        message=words(expense.get("invoice_message"), hidden),
        message_code=text_value(expense.get("invoice_message_code")),
    )


def _verified(check: _Object) -> bool | None:
    if not check:
        return None
    result = check.get("result")
    said = text_value(result) or ""
    return result is True or said == "1" or whole(said) == "1"
