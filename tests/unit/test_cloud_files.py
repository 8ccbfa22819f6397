"""Files that mail providers keep in their cloud: the mail says that they are attached, and has a link alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import quote

import pytest

from watcher.documents.cloud import cloud_files
from watcher.documents.links.markup import markup
from watcher.ports import MailText

QQ = "https://mail.qq.com/cgi-bin/ftnExs_download?t=exs_ftn_download&amp;k=3a6f&amp;code=1b2c"
NETEASE = "https://mail.163.com/large-attachment-download/index.html?file=djAy"
ONEDRIVE = "https://corp-my.sharepoint.com/:b:/g/personal/x/Eabc?e=1"


def found(html: str, *, accept: tuple[str, ...] = ("pdf", "ofd")) -> list[tuple[str, bool]]:
    named = cloud_files([MailText(text=html, html=True)], accept)
    assert all(each.is_link and each.trail for each in named)
    return [(each.name, each.missed) for each in named]


def block(link: str, name: str) -> str:
    """As webmails write it: an icon, the name with size and expiry, and a button, all with the same link."""
    return (
        f'<div><b>从邮箱发来的超大附件</b><a href="{link}"><img src="x.png"></a>'
        f'<a href="{link}">{name}</a><span> (80.96M, 2026年12月17日 0:49 到期)</span><a href="{link}">下载</a></div>'
    )


@pytest.mark.parametrize(
    "link",
    [
        QQ,
        "http://mail.qq.com/cgi-bin/ftnExs_download?k=1",
        "https://exmail.qq.com/cgi-bin/ftnExs_download?k=1",
        "https://wx.mail.qq.com/ftn/download?func=3&amp;key=1",
        NETEASE,
        "https://dashi.163.com/html/cloud-attachment-download/?key=1",
        "https://fs.163.com/fs/display/?file=1",
        "https://edisk.qiye.163.com/api/biz/attachment/download?identity=1",
        "https://mail.sina.com.cn/filecenter/download.php?id=1",
        "https://mail.sina.cn/filecenter/download.php?id=1",
        "https://download.cloud.189.cn/file/downloadFile.action?id=1",
        "https://www.icloud.com/attachment/?u=1",
        "https://icloud.com/attachment/?u=1",
        ONEDRIVE,
        "https://corp.sharepoint.cn/:b:/s/x",
        "https://1drv.ms/b/s!A",
        "https://onedrive.live.com/redir?resid=1",
        "https://drive.google.com/file/d/1/view",
        "https://drive.weixin.qq.com/s?k=1",
    ],
)
def test_a_cloud_attachment_is_told_once_by_its_name(link: str) -> None:
    assert found(block(link, "五月<wbr>发票.pdf") + block(link, "五月发票.pdf")) == [("五月发票.pdf", True)]


def test_two_attachments_are_two() -> None:
    assert found(block(QQ, "1.pdf") + block(NETEASE, "2.zip")) == [("1.pdf", True), ("2.zip", True)]


@pytest.mark.parametrize(
    ("name", "is_missed"),
    [
        ("a.ofd", True),
        ("a.rar", True),
        ("发票.docx", True),
        ("IMG_1.jpg", False),
        ("方案.pptx", False),
        ("片.mp4", False),
    ],
)
def test_what_may_be_an_invoice_is_missed(name: str, *, is_missed: bool) -> None:
    assert found(block(QQ, name)) == [(name, is_missed)]


def test_pictures_are_missed_where_they_are_accepted() -> None:
    assert found(block(QQ, "IMG_1.jpg"), accept=("pdf", "image")) == [("IMG_1.jpg", True)]


def test_a_plain_text_tells_a_link_by_where_it_is() -> None:
    text = f"超大附件：发票.pdf\n下载：{NETEASE}。另见 {ONEDRIVE} 与 https://mail.qq.com/\n{NETEASE}"

    assert [(each.name, each.missed) for each in cloud_files([MailText(text=text, html=False)], ["pdf"])] == [
        ("mail.163.com", True)
    ]


@pytest.mark.parametrize("link", [ONEDRIVE, "https://1drv.ms/b/s!A"])
def test_a_link_within_the_link_of_a_gateway_is_one(link: str) -> None:
    gateway = f"https://apc01.safelinks.protection.outlook.com/?url={quote(link, safe='')}&amp;data=05"

    assert found(block(gateway, "五月发票.pdf")) == [("五月发票.pdf", True)]


def test_an_attachment_without_a_name_is_told_by_where_it_is() -> None:
    assert found(f'<a href="{QQ}">进入下载页面</a>') == [("mail.qq.com", True)]


@pytest.mark.parametrize(
    "html",
    [
        f'see <a href="{ONEDRIVE}">the travel policy</a>',
        f'<a href="{ONEDRIVE}">{ONEDRIVE}</a>',
        '<a href="https://mail.qq.com/">发票.pdf</a>',
        '<a href="https://mail.qq.com.evil.example/cgi-bin/ftnExs_download?k=1">发票.pdf</a>',
        '<a href="https://evil.example/?https://mail.qq.com/cgi-bin/ftnExs_download">发票.pdf</a>',
        '<a href="javascript:mail.qq.com/ftn/download">发票.pdf</a>',
        f'<img src="{QQ}">',
        "",
    ],
)
def test_other_links_are_none(html: str) -> None:
    assert found(html) == []


def test_what_a_name_has_from_outside_is_cleaned() -> None:
    assert found(f'<a href="{QQ}">a\u202efdp.pdf</a>')[0][0].isprintable()


def test_a_page_of_one_long_word_is_read_in_time() -> None:
    began = time.thread_time()
    assert found("a." * 250_000 + "a" * 500_000) == []
    assert time.thread_time() - began < 2


def test_a_page_without_any_is_not_parsed() -> None:
    html = "<p>发票<b>" * 50_000

    def seconds(work: Callable[[], object]) -> float:
        began = time.thread_time()
        work()
        return time.thread_time() - began

    assert seconds(lambda: found(html)) < seconds(lambda: markup(html)) / 5


def test_very_many_are_bounded() -> None:
    assert len(found("".join(f'<a href="{QQ}{number}">{number}.pdf</a>' for number in range(5000)))) == 50
