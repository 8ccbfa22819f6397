"""The links that mails write are found, whole, once, and in order."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.documents.links.candidates import Candidate, candidates
from watcher.ports import MailText

LINK = "https://dlj.51fapiao.cn/dlj/v7/abc"


def html(text: str) -> list[Candidate]:
    return candidates([MailText(text=text, html=True)])


def plain(text: str) -> list[Candidate]:
    return candidates([MailText(text=text, html=False)])


def links(found: list[Candidate]) -> list[str]:
    return [str(each.address) for each in found]


def test_links_come_in_order_and_once() -> None:
    found = html('<a href="https://b.example/2">x</a> https://a.example/1 <a href="https://b.example/2">y</a>')

    assert links(found) == ["https://b.example/2", "https://a.example/1"]


def test_http_is_raised_to_https() -> None:
    assert links(html('<a href="http://a.example:80/x">x</a>')) == ["https://a.example/x"]


@pytest.mark.parametrize("reference", ["&amp;", "&#38;", "&#x26;", "&AMP;", "&amp;amp;", "&"])
def test_character_references_are_undone_and_nothing_else(reference: str) -> None:
    found = html(f'<a href="https://a.example/x?a=1{reference}paramList=2{reference}copy=3">x</a>')

    assert links(found) == ["https://a.example/x?a=1&paramList=2&copy=3"]


def test_references_in_plain_text_are_undone_too() -> None:
    assert links(plain("see https://a.example/x?a=1&amp;b=2")) == ["https://a.example/x?a=1&b=2"]


def test_the_words_of_a_link_beat_where_a_tracker_leads() -> None:
    (found,) = html(f'<a href="https://track.sendcloud.net/t/e30">{LINK}</a>')

    assert str(found.address) == LINK
    assert str(found.fallback) == "https://track.sendcloud.net/t/e30"


def test_words_that_are_split_are_put_together() -> None:
    assert (
        links(html('<a href="https://t.example/">https://dlj.51fapiao.cn/<wbr>dlj/<span>v7</span>/abc</a>'))[0] == LINK
    )


@pytest.mark.parametrize(
    "shown", ["https://dlj.51fapiao.cn/dlj/", "https://dlj.51fapiao.cn/d...", "https://dlj.51fapiao.cn/d…"]
)
def test_words_that_show_a_link_cut_short_do_not(shown: str) -> None:
    (found,) = html(f'<a href="{LINK}">{shown}</a>')

    assert (str(found.address), found.fallback) == (LINK, None)


@pytest.mark.parametrize("after", [*"，。；、）】》！”", ".", ",", ")", "'", "请下载", "<br>", " "])
def test_what_follows_a_bare_link_is_not_part_of_it(after: str) -> None:
    assert links(html(f"地址：https://a.example/x-_={after}点击")) == ["https://a.example/x-_="]


@pytest.mark.parametrize(
    ("written", "link"),
    [
        ("(https://a.example/x(1))", "x(1)"),
        ("https://a.example/x(1)。)", "x(1)"),
        ("https://a.example/x((1)", "x((1)"),
        ("[{https://a.example/x(1)]}).", "x(1)"),
        ("https://a.example/x[(1])", "x[(1])"),
        ("https://a.example/x))))", "x"),
    ],
)
def test_brackets_of_its_own_stay(written: str, link: str) -> None:
    assert links(plain(written)) == [f"https://a.example/{link}"]


def test_a_link_in_angle_brackets_may_span_lines() -> None:
    assert links(plain("下载 <https://a.example/x?a=1&\n  b=2>")) == ["https://a.example/x?a=1&b=2"]


def test_plain_text_that_has_a_link_cut_short_adds_nothing() -> None:
    texts = [MailText(text=LINK[:-3], html=False), MailText(text=f'<a href="{LINK}">x</a>', html=True)]

    assert links(candidates(texts)) == [LINK]


def test_pictures_are_never_links_but_what_a_qr_picture_holds_is() -> None:
    picture = "https://nnfp.jss.com.cn/allow/service/getEwmImg.do?content=https%3A%2F%2Fnnfp.jss.com.cn%2Fab-_CD12%3D"

    assert links(html(f'<img src="https://nnfp.jss.com.cn/logo.png"><img src="{picture}">')) == [
        "https://nnfp.jss.com.cn/ab-_CD12="
    ]


def test_a_gateway_that_checks_links_is_seen_through() -> None:
    outer = "https://x.safelinks.protection.outlook.com/?url=https%3A%2F%2Fa.example%2Fx%3Fa%3D1%26b%3D2&data=5"

    assert links(html(f'<a href="{outer}">x</a>'))[1] == "https://a.example/x?a=1&b=2"


def test_a_label_is_what_stands_at_a_link_and_on_its_line_before_it() -> None:
    found = html(
        '<p>下载地址(PDF)：<a href="https://a.example/1">点击</a> OFD：<a href="https://a.example/2">点击</a></p>'
        "<p>XML：https://a.example/3</p>"
    )

    assert [each.label for each in found] == ["下载地址(PDF)： 点击", "OFD： 点击", "XML："]


def test_chinese_in_an_address_is_encoded() -> None:
    assert links(html('<a href="https://a.example/发票.pdf?n=名">x</a>')) == [
        "https://a.example/%E5%8F%91%E7%A5%A8.pdf?n=%E5%90%8D"
    ]


@pytest.mark.parametrize(
    "target",
    [
        "mailto:a@b.example",
        "javascript:alert(1)",
        "/relative",
        "https://user@a.example/x",
        "https://a.example\\@b.example/",
        "https://127.0.0.1/x",
        "https://2130706433/x",
        "https://0x7f.1/x",
        "https://[::1]/x",
        "https://localhost/x",
        "https://a.example:99999/x",
        "https://a.ex\x01ample/x",
        "https://bücher.example/x",
        "ftp://a.example/x",
        "https://a.example/" + "x" * 9000,
    ],
)
def test_what_is_no_plain_https_address_is_no_candidate(target: str) -> None:
    assert html(f'<a href="{target}">x</a>') == []


def test_scripts_and_comments_are_not_read() -> None:
    assert html("<script>var a='https://a.example/1'</script><!-- https://a.example/2 --><style>x</style>") == []


@given(st.text(alphabet="<>a/\"'=&;#hrefts:. \n\0中", max_size=300), st.booleans())
def test_nothing_that_a_mail_holds_makes_it_fail(text: str, is_html: bool) -> None:
    candidates([MailText(text=f'{text}<a href="https://a.example/{text}', html=is_html)])


@pytest.mark.parametrize(
    "piece",
    [
        *("<b>", "<a href='", "<!--", "<a ", "https://", "<https://", "(" * 9 + "https://a.example/)", "&amp;"),
        pytest.param("<a href=x>http://a.example/" + ")" * 200_000, id="brackets in the words of a link"),
    ],
)
def test_a_megabyte_of_malice_is_read_in_seconds(piece: str) -> None:
    began = time.process_time()
    for each in (html, plain):
        each(piece * (1_000_000 // len(piece)))

    assert time.process_time() - began < 20
