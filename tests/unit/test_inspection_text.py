"""What the words of a page say: only what stands beside its label is believed."""

from __future__ import annotations

from datetime import date

import pytest

from watcher.documents.inspection.layout import Piece, laid_out
from watcher.documents.inspection.text import (
    comes_with_invoices,
    invoice_of,
    is_later_page,
    is_wordless,
    marks_of,
    numbers_in,
    plain,
    title_of,
)
from watcher.seen import Mark

NUMBER = "26117000001234567890"


def test_all_that_stands_beside_its_label_is_read() -> None:
    found = invoice_of(
        plain(
            f"电子发票（普通发票）\n发票号码：\t{NUMBER}\n开票日期：\t2026年05月01日\n"
            "名称：云岭示例科技有限公司\t名称：杭州示例（中国）有限公司\n"
            "纳税人识别号：91500000MA00000001\t纳税人识别号：91330000MA00000002\n"
            "价税合计（大写）\t叁佰壹拾捌圆整\t（小写）￥1,318.00"
        )
    )
    assert (found.number, found.code, found.date) == (NUMBER, None, date(2026, 5, 1))
    assert (found.amount, found.seller) == ("1318.00", "杭州示例（中国）有限公司")


def test_a_check_code_is_no_number() -> None:
    found = invoice_of(plain("发票代码：033002200211\n发票号码：12345678\n校 验 码：14754822929856772523"))
    assert (found.code, found.number) == ("033002200211", "12345678")


@pytest.mark.parametrize(
    "text",
    [
        f"{NUMBER}",
        f"校验码：{NUMBER}",
        f"发票号码：\n{NUMBER}",  # on another line, where it may belong to another label
        f"发票号码：{NUMBER}1",  # a number of 21 digits
        "发票号码：12345678",  # no code beside it
        "发票代码：033002200211",
        "发票代码：03300220021\n发票号码：12345678",
        f"发票号码：{NUMBER}\n发票号码：26117000009999999999",  # two: a summary
        "发票号码：",
        "",
    ],
)
def test_without_doubt_or_not_at_all(text: str) -> None:
    found = invoice_of(plain(text))
    assert (found.number, found.code) == (None, None)


@pytest.mark.parametrize("text", ["发票号码：" + NUMBER, "发 票 号 码 : " + NUMBER, "⾦⽅ 发票号码:" + NUMBER])
def test_labels_are_read_however_they_are_set(text: str) -> None:
    assert invoice_of(plain(text)).number == NUMBER


def test_digits_of_full_width_are_digits() -> None:
    assert invoice_of(plain("发票号码：" + "".join(chr(ord(digit) + 0xFEE0) for digit in NUMBER))).number == NUMBER


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("开票日期：2026年05月01日", date(2026, 5, 1)),
        ("开票日期：2026 年 5 月 1 日", date(2026, 5, 1)),
        ("开票日期:2026-05-01", date(2026, 5, 1)),
        ("填开日期：2026/05/01", date(2026, 5, 1)),
        ("开票日期：2026年02月30日", None),
        ("乘车日期：2026年05月01日", None),
        ("开票日期：2026年05月01日\n开票日期：2026年05月02日", None),
    ],
)
def test_a_day_is_read_beside_its_label(text: str, day: date | None) -> None:
    assert invoice_of(plain(text)).date == day


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("价税合计（大写） 壹圆整 （小写）¥1.00", "1.00"),
        ("（小写）¥-20.50", "-20.50"),
        ("（小写）￥12,345,678.90", "12345678.90"),
        ("（小写）：CNY 42.00", "42.00"),
        ("票价：￥56.00", "56.00"),
        ("合计 TOTAL CNY 1234.00", "1234.00"),
        ("合计 ¥300.00 ¥18.00", None),
        ("（小写）¥1.00\n（小写）¥2.00", None),
        ("（小写）¥1.00.00", None),
    ],
)
def test_an_amount_is_read_beside_its_label(text: str, amount: str | None) -> None:
    assert invoice_of(plain(text)).amount == amount


@pytest.mark.parametrize(
    ("text", "seller"),
    [
        ("销售方：杭州示例有限公司", "杭州示例有限公司"),
        ("销售方名称：杭州示例有限公司\t地址：西湖", "杭州示例有限公司"),
        ("销方名称:杭州示例有限公司 统一社会信用代码:913300", "杭州示例有限公司"),
        ("名称：甲\t名称：杭州示例有限公司", None),  # nothing says that these are two parties
        ("名称：甲方\n识别号：1\n名称：乙方\n识别号：2\n名称：丙方", None),
        ("销售方：", None),
    ],
)
def test_a_seller_is_the_one_whom_the_page_calls_so(text: str, seller: str | None) -> None:
    assert invoice_of(plain(text)).seller == seller


@pytest.mark.parametrize(
    "title",
    [
        "电子发票（普通发票）",
        "电子发票（增值税专用发票）",
        "浙江增值税电子普通发票",
        "北京增值税专用发票",
        "机动车销售统一发票",
        "电子发票（铁路电子客票）",
        "电子发票（航空运输电子客票行程单）",
        "航空运输电子客票行程单",
        "电子发票（普通发票）发票号码：26117000001234567890",
    ],
)
def test_an_invoice_says_so(title: str) -> None:
    assert Mark.INVOICE in marks_of(plain(f"{title}\n发票"))
    assert Mark.TRIP_SHEET not in marks_of(plain(title))


@pytest.mark.parametrize(
    ("title", "mark"),
    [
        ("滴滴出行-行程单", Mark.TRIP_SHEET),
        ("高德地图打车-行程单", Mark.TRIP_SHEET),
        ("滴滴出行行程报销单", Mark.TRIP_SHEET),
        ("DIDI TRAVEL - TRIP TABLE", Mark.TRIP_SHEET),
        ("宾客账单", Mark.FOLIO),
        ("住宿水单", Mark.FOLIO),
        ("Guest Folio", Mark.FOLIO),
        ("INFORMATION INVOICE", Mark.FOLIO),
        ("Guest Statement", Mark.FOLIO),
        ("通行费电子票据汇总单（票据）", Mark.TOLL_SUMMARY),
        ("顺丰电子发票 — 运单明细", Mark.GOODS_LIST),
        ("堂食明细", Mark.GOODS_LIST),
    ],
)
def test_what_comes_with_an_invoice_says_what_it_is(title: str, mark: Mark) -> None:
    marks = marks_of(plain(f"{title}\n序号\t金额\n1\t20.00"))
    assert mark in marks
    assert Mark.INVOICE not in marks


@pytest.mark.parametrize(
    "words",
    [
        "航空运输电子客票行程单 ITINERARY/RECEIPT OF E-TICKET FOR AIR TRANSPORT",
        "航 空 运 输 电 子 客 票 行 程 单",
        "航空运输\n电子客票行程单",
        "肮空运输电子客票行程单\n印刷序号：1234567890\n填开单位",
        "行程单\nITINERARY/RECEIPT OF E-TICKET",
        "ELECTRONIC TICKET RECEIPT",
        "E-Ticket Itinerary Receipt",
        "Passenger Itinerary/Receipt",
    ],
)
def test_an_airlines_paper_says_that_it_is_an_invoice_however_it_was_read(words: str) -> None:
    assert Mark.INVOICE in marks_of(plain(f"{words}\n票价 1000.00"))


@pytest.mark.parametrize(
    "words",
    [
        "携程 中英文行程单\n票号 781-1234567890\t民航发展基金 50.00",
        "本行程单不能代替航空运输电子客票行程单",
        "如需航空运输电子客票行程单，请联系承运人",
        "航空运输电子客票行程单请向承运人索取",
        "Receipt\nGuest Folio",
    ],
)
def test_what_merely_speaks_of_an_airlines_paper_is_none(words: str) -> None:
    assert Mark.INVOICE not in marks_of(plain(words))


@pytest.mark.parametrize("title", ["TAX INVOICE", "Tax Invoice / Receipt", "GST Invoice", "VAT-INVOICE"])
def test_a_hotels_tax_invoice_that_names_its_folio_is_no_folio(title: str) -> None:
    assert marks_of(plain(f"{title}\nFolio No.\t12345\nRoom No.\t1201\nTotal\tSGD 100.00")) == frozenset()
    assert marks_of(plain("Hotel\nFolio No.\t12345\nTax Registration No.\t9")) == {Mark.FOLIO}
    assert marks_of(plain("This is not a tax invoice\nGuest Folio")) == {Mark.FOLIO}


@pytest.mark.parametrize(
    "words",
    ["本行程单不能代替发票，请向承运人索取发票后报销使用", "备注：详见销货清单及行程单说明，本单据由系统生成用于核对"],
)
def test_words_in_a_sentence_are_no_title(words: str) -> None:
    assert marks_of(plain(words)) == frozenset()


def test_a_credit_note_says_so_or_has_an_amount_below_nothing() -> None:
    assert Mark.CREDIT_NOTE in marks_of(plain("被红冲蓝字数电票号码：26117000001234567890"))
    assert Mark.CREDIT_NOTE in marks_of(plain("（小写）¥-20.50"))
    assert Mark.CREDIT_NOTE not in marks_of(plain("（小写）¥20.50"))


def test_labels_with_their_values_are_marks() -> None:
    labels = {Mark.NUMBER_LABEL, Mark.DATE_LABEL, Mark.AMOUNT_LABEL, Mark.TAX_IDS}
    page = (
        f"发票号码：{NUMBER}\n开票日期：2026年05月01日\n（小写）¥1.00\n"
        "纳税人识别号：91500000MA00000001\t纳税人识别号：91330000MA00000002"
    )
    assert marks_of(plain(page)) == labels
    assert marks_of(plain("发票号码：\n开票日期：\n（小写）¥\n纳税人识别号：91500000MA00000001")) == frozenset()


def test_a_title_is_the_first_words_and_no_more() -> None:
    assert title_of("  \n电子发票\t（普通发票）\n") == "电子发票 （普通发票）"
    assert title_of("字" * 500) == "字" * 80
    assert title_of(" \n ") is None


def test_a_long_run_of_blanks_takes_no_time() -> None:
    page = plain("发票号码" + " " * 200_000 + "：" + "\t" * 200_000 + "开票日期" + " " * 200_000)
    assert marks_of(page) == frozenset()


def _piece(text: str, left: float, top: float, *, width: float = 10, height: float = 10) -> Piece:
    return Piece(text=text, left=left, right=left + width, top=top, bottom=top + height)


def test_a_value_is_brought_beside_its_label_wherever_it_stands_in_the_file() -> None:
    pieces = [
        _piece("发票号码：", 0, 100, width=50),
        _piece("开票日期：", 0, 120, width=50),
        _piece(NUMBER, 52, 101, width=100),
        _piece("2026年05月01日", 90, 119, width=100),
    ]
    assert laid_out(pieces) == f"发票号码：{NUMBER}\n开票日期：\t2026年05月01日"


def test_what_is_drawn_twice_to_look_bold_is_read_once() -> None:
    label = [_piece("发票号码：", left, 0, width=50) for left in (0, 0.4)]
    number = [_piece(NUMBER, left, 0, width=100) for left in (51, 51.4)]
    assert laid_out([label[0], number[0], label[1], number[1]]) == f"发票号码：{NUMBER}"
    assert laid_out([_piece("8", 0, 0, width=5), _piece("8", 5, 0, width=5)]) == "88"


def test_words_that_stand_apart_stay_apart() -> None:
    assert laid_out([_piece("Total", 0, 0), _piece("due", 14, 0), _piece("9.00", 60, 0)]) == "Total due\t9.00"
    assert laid_out([]) == ""


@pytest.mark.parametrize(
    "text", ["第2页 共3页", "共 3 页 第 2 页", "第２页／共３页", "Page 2 of 3", "page 3/3", "x\nPage 2 of 3\ny"]
)
def test_a_later_page_of_something_says_so(text: str) -> None:
    assert is_later_page(plain(text))


@pytest.mark.parametrize(
    "text", ["第1页 共3页", "Page 1 of 3", "Page 4 of 3", "共3页", "2/3", "Page 1 of 2\nPage 2 of 2", ""]
)
def test_a_first_page_and_what_is_in_doubt_is_no_later_page(text: str) -> None:
    assert not is_later_page(plain(text))


def test_all_numbers_of_a_page_are_told_though_none_of_several_is_believed() -> None:
    text = plain(f"发票号码：{NUMBER}\n发票号码：{NUMBER[:-1]}9\n发票号码：{NUMBER}\n校验码：14754822929856772523")
    assert invoice_of(text).number is None
    assert numbers_in(text) == {NUMBER, f"{NUMBER[:-1]}9"}


def test_the_two_numbers_of_one_invoice_on_paper_are_one() -> None:
    assert numbers_in(plain(f"发票号码：12345678\n数电发票号码：{NUMBER}")) == {NUMBER}


def test_the_invoice_that_a_credit_note_takes_back_is_no_further_one() -> None:
    assert numbers_in(plain(f"发票号码：{NUMBER}\n被红冲蓝字数电发票号码：{NUMBER[:-1]}9")) == frozenset()


@pytest.mark.parametrize(("text", "expected"), [("", True), ("第1页 共1页", True), ("Scanned with CamScanner", False)])
def test_a_page_number_is_hardly_a_word(text: str, *, expected: bool) -> None:
    assert is_wordless(plain(text)) is expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [("滴滴出行-行程单", True), ("宾客账单", True), ("电子发票（普通发票）\n消费清单", False), ("备注", False)],
)
def test_what_comes_with_an_invoice_is_none_itself(title: str, *, expected: bool) -> None:
    assert comes_with_invoices(marks_of(plain(title))) is expected
