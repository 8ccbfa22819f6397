"""Which documents of a submission are sent."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from watcher.model import Reason
from watcher.policy.choosing import Candidate, Skip, choose
from watcher.seen import By, Mark, Seen, SeenInvoice

NUMBER = "26317000000012345678"
OTHER = "26317000000087654321"
SENT = None
TAXI_INVOICE = "滴滴电子发票.pdf"
TAXI_TRIPS = "滴滴出行行程报销单.pdf"
ALL_LABELS = (Mark.INVOICE, Mark.AMOUNT_LABEL, Mark.DATE_LABEL, Mark.TAX_IDS, Mark.NUMBER_LABEL)


def invoice(number: str = NUMBER, by: By = By.QR, **changes: Any) -> SeenInvoice:
    return SeenInvoice(**{"by": by, "number": number, "first": 1, "last": 1, **changes})


def read(*invoices: SeenInvoice, marks: tuple[Mark, ...] = (), **changes: Any) -> Seen:
    known: dict[str, Any] = {"pages": 1, "deep": True, "searched": 9, "invoices": invoices, "marks": frozenset(marks)}
    return Seen(**{**known, **changes})


def one(name: str, seen: Seen | None = None, **changes: Any) -> Candidate:
    kind = {"jpg": "image", "png": "image"}.get(name.rpartition(".")[2], name.rpartition(".")[2])
    return Candidate(**{"name": name, "kind": kind, "size": 60_000, "seen": seen or read(), **changes})


def same_as(index: int) -> Skip:
    return Skip(reason=Reason.SAME_INVOICE, same_as=index)


def not_invoice(mark: Mark) -> Skip:
    return Skip(reason=Reason.NOT_INVOICE, mark=mark)


NAMED = Skip(reason=Reason.NAMED_OTHERWISE, mark=Mark.TRIP_SHEET)
SIGNATURE = Skip(reason=Reason.SIGNATURE_IMAGE)


# ------------------------------------------------------------------------------- one invoice, many forms


def test_of_one_invoice_in_all_forms_the_pdf_is_sent() -> None:
    found = [
        one("a.xml", read(invoice(by=By.XML))),
        one("b.jpg", read(invoice())),
        one("c.ofd", read(invoice(by=By.OFD))),
        one("d.pdf", read(invoice())),
    ]

    assert choose(found) == [same_as(3), same_as(3), same_as(3), SENT]


@pytest.mark.parametrize(
    ("first", "second"), [("a.ofd", "b.xml"), ("a.ofd", "b.jpg"), ("a.xml", "b.jpg"), ("a.pdf", "b.pdf")]
)
def test_the_preferred_form_is_sent(first: str, second: str) -> None:
    assert choose([one(first, read(invoice())), one(second, read(invoice()))]) == [SENT, same_as(0)]


def test_different_invoices_are_all_sent() -> None:
    assert choose([one("a.pdf", read(invoice())), one("a.ofd", read(invoice(OTHER)))]) == [SENT, SENT]


def test_single_files_of_a_file_that_holds_them_all_are_skipped() -> None:
    found = [
        one("one.pdf", read(invoice())),
        one("two.ofd", read(invoice(OTHER))),
        one("all.pdf", read(invoice(), invoice(OTHER))),
    ]

    assert choose(found) == [same_as(2), same_as(2), SENT]


def test_a_file_with_a_page_that_nobody_could_read_is_sent() -> None:
    found = [one("a.pdf", read(invoice())), one("scan.pdf", read(invoice(), pages=2, unread=(2,)))]

    assert choose(found) == [SENT, SENT]


def test_old_invoices_are_the_same_by_code_and_number() -> None:
    old: dict[str, Any] = {"number": "12345678", "code": "031002000011"}
    found = [one("a.pdf", read(invoice(**old))), one("a.ofd", read(invoice(**{**old, "by": By.OFD})))]

    assert choose(found) == [SENT, same_as(0)]


def test_a_short_number_without_a_code_says_nothing() -> None:
    found = [one("a.pdf", read(invoice("12345678"))), one("a.ofd", read(invoice("12345678")))]

    assert choose(found) == [SENT, SENT]


def test_a_foreign_invoice_is_the_same_by_number_date_and_amount() -> None:
    foreign: dict[str, Any] = {"number": "RE-17", "by": By.XML, "date": date(2026, 5, 1), "amount": "100.00"}
    found = [one("a.pdf", read(invoice(**foreign))), one("a.xml", read(invoice(**foreign)))]
    other = one("b.xml", read(invoice(**{**foreign, "amount": "99.00"})))

    assert choose([*found, other]) == [SENT, same_as(0), SENT]


def test_a_text_that_only_speaks_of_an_invoice_does_not_replace_it() -> None:
    mention = read(invoice(by=By.TEXT), marks=(Mark.NUMBER_LABEL,))

    assert choose([one("contract.pdf", mention), one("a.ofd", read(invoice(by=By.OFD)))]) == [SENT, SENT]


def test_a_text_with_all_the_labels_of_an_invoice_replaces_other_forms() -> None:
    found = [one("a.pdf", read(invoice(by=By.TEXT), marks=ALL_LABELS)), one("a.ofd", read(invoice(by=By.OFD)))]

    assert choose(found) == [SENT, same_as(0)]


def test_the_number_in_a_name_counts_where_nothing_could_be_read() -> None:
    scan = one(f"dzfp_{NUMBER}_某公司_20260501120000.pdf", Seen())
    other = one(f"dzfp_{NUMBER}_某公司_20260501120000.ofd", read(invoice(by=By.OFD)))

    assert choose([scan, other]) == [SENT, same_as(0)]


def test_a_printed_notice_of_an_invoice_does_not_replace_it() -> None:
    notice = read(invoice(by=By.TEXT), marks=tuple(mark for mark in ALL_LABELS if mark is not Mark.TAX_IDS))

    for other in ("a.pdf", "a.ofd"):
        for by in (By.XML, By.QR, By.OFD):
            found = [one("邮件打印.pdf", notice), one(other, read(invoice(by=by)))]
            assert choose(found) == [same_as(1), SENT]
            assert choose(found[::-1]) == [SENT, same_as(0)]


def test_a_file_that_no_reader_can_open_does_not_replace_another_form_by_its_name() -> None:
    damaged = one(f"dzfp_{NUMBER}.pdf", Seen(damaged=True))

    assert choose([damaged, one(f"dzfp_{NUMBER}.ofd", read(invoice(by=By.OFD)))]) == [same_as(1), SENT]
    assert choose([damaged, one(f"dzfp_{NUMBER}.ofd", Seen())]) == [same_as(1), SENT]
    assert choose([damaged, one(f"dzfp_{NUMBER}.ofd", Seen(damaged=True))]) == [SENT, SENT]


def test_a_number_in_a_name_does_not_count_against_what_was_read() -> None:
    named = one(f"{NUMBER}.pdf", read(invoice(OTHER)))

    assert choose([named, one("a.ofd", read(invoice(by=By.OFD)))]) == [SENT, SENT]


@pytest.mark.parametrize("name", [f"行程单_{NUMBER}.pdf", f"运单明细{NUMBER}.pdf"])
def test_something_else_that_is_named_after_an_invoice_does_not_replace_it(name: str) -> None:
    assert choose([one(name, Seen()), one("a.ofd", read(invoice(by=By.OFD)))])[1] is SENT


def test_a_readable_text_without_the_number_of_its_name_does_not_replace_the_invoice() -> None:
    assert choose([one(f"{NUMBER}.pdf", read()), one("a.ofd", read(invoice(by=By.OFD)))]) == [SENT, SENT]


def test_a_longer_number_in_a_name_is_not_that_of_an_invoice() -> None:
    found = [one(f"a{NUMBER}123.pdf", Seen()), one(f"b{NUMBER}123.ofd", Seen())]

    assert choose(found) == [SENT, SENT]


# --------------------------------------------------------------------------------------- what is no invoice


def test_a_trip_sheet_beside_its_invoice_is_skipped() -> None:
    found = [one(TAXI_INVOICE, read(invoice())), one(TAXI_TRIPS, read(marks=(Mark.TRIP_SHEET,)))]

    assert choose(found) == [SENT, not_invoice(Mark.TRIP_SHEET)]


def test_a_trip_sheet_is_known_by_its_name_where_nobody_could_look_inside() -> None:
    assert choose([one(TAXI_INVOICE, Seen()), one(TAXI_TRIPS, Seen())]) == [SENT, not_invoice(Mark.TRIP_SHEET)]


def test_an_invoice_that_mentions_a_trip_sheet_is_sent() -> None:
    found = one(TAXI_INVOICE, read(invoice(by=By.TEXT), marks=(Mark.TRIP_SHEET, *ALL_LABELS)))

    assert choose([found, one("b.pdf", read(invoice(OTHER)))]) == [SENT, SENT]


def test_the_itinerary_of_an_airline_is_an_invoice() -> None:
    found = [
        one("航空运输电子客票行程单.pdf", Seen()),
        one(f"电子行程单_{NUMBER}.pdf", Seen()),
        one("电子行程单.ofd", Seen()),
        one("发票.pdf", read(invoice(OTHER))),
        one("行程单.pdf", read(marks=(Mark.INVOICE, Mark.TRIP_SHEET))),
    ]

    assert choose(found) == [SENT] * 5


def test_a_taxi_platforms_itinerary_is_known_by_the_pair_of_names() -> None:
    pair = [one("【某公司-20元-2个行程】高德打车电子发票.pdf", Seen())]
    pair += [one("【某公司-20元-2个行程】高德打车电子行程单.pdf", Seen())]

    assert choose(pair) == [SENT, NAMED]


@pytest.mark.parametrize("sheet", [read(title="GAODE TRIPS"), Seen(), read(unread=(1,), title="x"), read()])
def test_a_trip_sheet_that_is_known_by_its_name_alone_is_told_as_that_where_it_was_not_read(sheet: Seen) -> None:
    is_read = sheet.title is not None and not sheet.unread
    pair = [one("4月发票.pdf", read(invoice())), one("4月行程单.pdf", sheet)]

    assert choose(pair) == [SENT, not_invoice(Mark.TRIP_SHEET) if is_read else NAMED]
    assert choose(pair[1:]) == [SENT]


@pytest.mark.parametrize(
    ("name", "mark"),
    [("酒店水单.pdf", Mark.FOLIO), ("e-folio.pdf", Mark.FOLIO), ("顺丰运单明细.pdf", Mark.GOODS_LIST)],
)
def test_other_papers_are_known_by_name_beside_an_invoice(name: str, mark: Mark) -> None:
    assert choose([one("发票.pdf", read(invoice())), one(name, Seen())]) == [SENT, not_invoice(mark)]
    assert choose([one("something.pdf", Seen()), one(name, Seen())]) == [SENT, SENT]


@pytest.mark.parametrize("name", ["行程单.pdf", "北京-上海行程单.jpg"])
def test_a_picture_that_is_called_an_itinerary_may_be_the_paper_of_an_airline_and_is_sent(name: str) -> None:
    scan = one(name, read(unread=(1,)) if name.endswith("pdf") else read(width=3000, height=2000))

    assert choose([one("发票.pdf", read(invoice())), scan]) == [SENT, SENT]


def test_a_picture_of_a_trip_sheet_is_known_by_the_pair_of_names() -> None:
    scan = one("4月打车行程单.jpg", read(width=3000, height=2000))

    assert choose([one("4月打车发票.jpg", read(invoice())), scan]) == [SENT, NAMED]


@pytest.mark.parametrize("name", ["滴滴出行行程报销单.jpg", "trip_table.png"])
def test_a_picture_that_is_called_what_only_taxi_platforms_call_theirs_is_skipped(name: str) -> None:
    scan = one(name, read(width=1200, height=2000))

    assert choose([one(TAXI_INVOICE, read(invoice())), scan]) == [SENT, not_invoice(Mark.TRIP_SHEET)]


def test_a_hotels_folio_is_skipped_by_what_it_says() -> None:
    found = [one("INFORMATION INVOICE.pdf", read(marks=(Mark.FOLIO,))), one("b.pdf", read(invoice()))]

    assert choose(found) == [not_invoice(Mark.FOLIO), SENT]


def test_a_list_of_goods_that_bears_the_invoices_number_is_skipped() -> None:
    goods = read(invoice(by=By.TEXT), marks=(Mark.GOODS_LIST, Mark.INVOICE, Mark.NUMBER_LABEL))

    assert choose([one("a.pdf", goods), one("b.pdf", read(invoice()))]) == [not_invoice(Mark.GOODS_LIST), SENT]


def test_a_summary_of_tolls_is_skipped_whatever_numbers_it_lists() -> None:
    summary = read(invoice(by=By.TEXT), invoice(OTHER, by=By.TEXT), marks=(Mark.TOLL_SUMMARY, Mark.INVOICE))

    assert choose([one("a.pdf", summary), one("b.pdf", read(invoice()))]) == [not_invoice(Mark.TOLL_SUMMARY), SENT]


def test_a_summary_of_tolls_with_its_invoices_behind_it_in_one_file_is_sent() -> None:
    whole = read(invoice(by=By.TEXT), invoice(OTHER, by=By.TEXT), marks=(Mark.TOLL_SUMMARY, *ALL_LABELS), pages=3)

    assert choose([one("a.pdf", whole)]) == [SENT]


@pytest.mark.parametrize("mark", [Mark.TRIP_SHEET, Mark.FOLIO, Mark.GOODS_LIST])
def test_what_has_the_code_of_an_invoice_is_sent_whatever_it_says(mark: Mark) -> None:
    found = [one("a.pdf", read(invoice(), marks=(mark,))), one("b.pdf", read(invoice(OTHER)))]

    assert choose(found) == [SENT, SENT]


def test_a_trip_sheet_with_a_page_that_nobody_could_read_is_sent() -> None:
    found = [one("a.pdf", read(marks=(Mark.TRIP_SHEET,), pages=2, unread=(2,))), one("b.pdf", read(invoice()))]

    assert choose(found) == [SENT, SENT]


@pytest.mark.parametrize("mark", [Mark.GOODS_LIST, Mark.TOLL_SUMMARY, Mark.TRIP_SHEET, Mark.FOLIO])
@pytest.mark.parametrize("hidden", [{"pages": 2, "unread": (2,)}, {"pages": 12}], ids=["unread", "not searched"])
def test_whatever_it_says_it_is_sent_where_an_invoice_may_hide_in_it(mark: Mark, hidden: dict[str, Any]) -> None:
    paper = one("a.pdf", read(marks=(mark,), **hidden))

    assert choose([paper]) == [SENT]
    assert choose([paper, one("b.pdf", read(invoice()))]) == [SENT, SENT]


def test_an_invoice_to_a_private_person_with_a_list_of_goods_behind_it_is_sent() -> None:
    labels = [mark for mark in ALL_LABELS if mark is not Mark.TAX_IDS]
    found = one("a.pdf", read(invoice(by=By.TEXT), marks=(Mark.GOODS_LIST, *labels), pages=2))

    assert choose([found]) == [SENT]
    assert choose([found, one("b.pdf", read(invoice(OTHER)))]) == [SENT, SENT]


@pytest.mark.parametrize(
    "name", ["水单+发票.pdf", "酒店住宿明细及发票.pdf", "行程单和发票.jpg", "folio_and_invoice.pdf"]
)
def test_a_name_that_says_invoice_as_well_decides_nothing(name: str) -> None:
    scan = read(unread=(1,)) if name.endswith(".pdf") else Seen()

    assert choose([one("餐饮发票.pdf", read(invoice())), one(name, scan)]) == [SENT, SENT]


# ---------------------------------------------------------------------------------------- signature images


@pytest.mark.parametrize(
    "picture",
    [
        one("image001.png", Seen(), size=12_000, in_mail=True),
        one("logo.png", Seen(), size=30_000, in_mail=True),
        one("a.png", Seen(width=90, height=90), in_mail=True),
        one("a.png", Seen(width=1200, height=210), in_mail=True),
        one("a.png", Seen(), size=4_000, in_mail=True),
    ],
    ids=lambda picture: picture.name,
)
def test_a_signature_image_is_skipped(picture: Candidate) -> None:
    assert choose([picture]) == [SIGNATURE]


@pytest.mark.parametrize(
    "picture",
    [
        one("image001.png", Seen(width=1654, height=2339), size=300_000, in_mail=True),
        one("IMG_2031.jpg", Seen(width=3024, height=4032), size=2_000_000, in_mail=True),
        one("image001.png", read(invoice()), size=12_000, in_mail=True),
        one(f"{NUMBER}.png", Seen(), size=9_000, in_mail=True),
        one("image001.png", Seen(), size=12_000),
    ],
    ids=["large", "photo", "read", "named", "out of an archive"],
)
def test_a_picture_that_may_be_an_invoice_is_sent(picture: Candidate) -> None:
    assert choose([picture]) == [SENT]
