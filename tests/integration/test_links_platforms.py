"""Every platform's links lead to its invoices, played by a local server as the platforms were seen to behave."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.support.servers.platform_plays import (
    ATOUR,
    ELEME,
    HEX,
    ID,
    JD,
    JPEG,
    NUMBER,
    PARAM_LIST,
    TAX,
)
from tests.support.servers.platform_replies import Reply
from tests.support.servers.platforms import Platforms
from watcher.config.sections import Limits, Links
from watcher.documents.links.address import read_address
from watcher.documents.links.fetcher import LinkFetcher
from watcher.documents.links.reading import LinkedDocumentReader
from watcher.documents.links.recipes import built_in_recipes
from watcher.documents.links.results import LinkResult
from watcher.documents.reader import DocumentReader
from watcher.model import Reason
from watcher.ports import MailText

RECIPES = built_in_recipes()
TAX_QUERY = f"Jym=1a2b&Fphm={NUMBER}&Kprq=20261101120000&Czsj=1790000000000"

# link, and what the file that was had says of the request that it answers
DOWNLOADS = {
    "nuonuo": ("http://nnfp.jss.com.cn/ab-_CD12=", f"inv.jss.com.cn /fp2/{NUMBER}.pdf"),
    "nuonuo, short, by its other API": ("https://of1.cn/s1h2o3r4t", f"inv.jss.com.cn /fp2/{NUMBER}.pdf"),
    "nuonuo, landing": (
        f"https://nnfp.jss.com.cn/scan-invoice/printQrcode?paramList={PARAM_LIST}&aliView=true",
        f"inv.jss.com.cn /fp2/{NUMBER}.pdf",
    ),
    "nuonuo, file": ("https://inv.jss.com.cn/group3/M00/01/a.pdf", "inv.jss.com.cn /group3/M00/01/a.pdf"),
    "baiwang": (
        f"https://pis.baiwang.com/smkp-vue/previewInvoiceAllEle?param={HEX}",
        "pis.baiwang.com /bwmg/mix/bw/downloadFormat",
    ),
    "baiwang, short": ("http://u.baiwang.com/k1a2", "pis.baiwang.com /bwmg/mix/bw/downloadFormat"),
    "baiwang, bwfp": ("https://bwfp.baiwang.com/t0ken", "fp.baiwang.com /format/d"),
    "baiwang, file": ("http://fp.baiwang.com/format/d?d=0123456789ABCDEF", "fp.baiwang.com /format/d"),
    "bwjf": ("https://fp.bwjf.cn/u/a1b2", "fp.bwjf.cn /downSignInvoice"),
    "bwjf, file": (
        "https://fp.bwjf.cn/downSignInvoice?sellerName=深圳市某某有限公司&jflx=xml&sign=ab%2Bc",
        "fp.bwjf.cn /downSignInvoice",
    ),
    "bwfapiao": (
        "http://xz.bwfapiao.com/qdp/2026/dzfp_1.pdf?Expires=2000000000&OSSAccessKeyId=k&Signature=a%2Bb",
        "xz.bwfapiao.com /qdp/2026/dzfp_1.pdf",
    ),
    "tax authority": (
        f"https://{TAX}/kpfw/fpjfzz/v1/exportDzfpwjEwm?Wjgs=XML&{TAX_QUERY}",
        f"{TAX} /kpfw/fpjfzz/v1/exportDzfpwjEwm",
    ),
    "51fapiao": (f"https://dlj.51fapiao.cn/dlj/v7/{ID}", f"dlj.51fapiao.cn /dlj/v7/downloadFile/{ID}"),
    "51fapiao, signed": (
        f"https://dlj.51fapiao.cn/dlj/v7/{'f' * 36}",
        f"dlj.51fapiao.cn /dlj/v7/downloadFile/{'f' * 36}",
    ),
    "51fapiao, short": ("https://a.51fapiao.cn/v/c0de", f"dlj.51fapiao.cn /dlj/v7/downloadFile/{ID}"),
    "aisino": (
        f"http://www.fapiao.com/dzfp-web/pdf/view?request={'a' * 100}%5Eend",
        "www.fapiao.com /dzfp-web/pdf/download",
    ),
    "vpiaotong": (
        "https://fpkj.vpiaotong.com/tp/scan-invoice/view/1234567.pt",
        "scan.vpiaotong.com /Aloe/tp/scan-invoice/getElectronicInvoice.pt 1234567",
    ),
    "vpiaotong, status": (
        "https://scan.vpiaotong.com/#/invoiceStatus/765?sbyy=1",
        "scan.vpiaotong.com /Aloe/tp/scan-invoice/getElectronicInvoice.pt 765",
    ),
    "vpiaotong, board": (
        "https://scan.vpiaotong.com/#/boardFile?lsh=42",
        "scan.vpiaotong.com /Aloe/tp/scan-invoice/getElectronicInvoice.pt 42",
    ),
    "vpiaotong, file": ("https://fpkj.vpiaotong.com/d/MTIz.pt", "fpkj.vpiaotong.com /d/MTIz.pt"),
    "xforceplus": ("https://s.xforceplus.com/pdf1", "files.xforceplus.com /1.pdf"),
    "xforceplus, saas": (
        "https://saas.xforceplus.com/api/invoice-sharing/delivery/receive?id=1",
        "saas.xforceplus.com /api/invoice-sharing/delivery/receive",
    ),
    "jcsk100": ("https://roc.jcsk100.com/external/d/a/1_ofd", "roc.jcsk100.com /external/d/a/1_pdf"),
    "keruyun": ("https://invoice.keruyun.com/s/k1", f"rocgw.jcsk100.com /external/d/v/44_{NUMBER}_1_pdf"),
    "jd": (
        f"https://{JD}/digital-invoice/digital_{NUMBER}.pdf?AWSAccessKeyId=k&Expires=2700000000&Signature=s",
        f"{JD} /digital-invoice/digital_{NUMBER}.pdf",
    ),
    "jd, older": (
        "https://storage.jd.com/eicore-fm.jd.com/04400190-12345678.pdf?Expires=1&AccessKey=k&Signature=s",
        "storage.jd.com /eicore-fm.jd.com/04400190-12345678.pdf",
    ),
    "alipay": (
        f"https://mdn.alipayobjects.com/aliinvoicecore/uri/file/a/invoice_{NUMBER}.pdf?af_fileName=x.pdf",
        f"mdn.alipayobjects.com /aliinvoicecore/uri/file/a/invoice_{NUMBER}.pdf",
    ),
    "pdd": ("https://files.pdd-fapiao.com/invoice/1/ofd/a.ofd", "files.pdd-fapiao.com /invoice/1/pdf/a.pdf"),
    "pdd, short": ("https://www.hxpdd.com/s/direct", "www.hxpdd.com /s/direct"),
    "pdd, short, page": ("https://www.hxpdd.com/s/page", "files.pdd-fapiao.com /invoice/1/pdf/a.pdf"),
    "kpbyd": ("https://etd.kpbyd.com/hub/files/download?fileCode=c1_xml", "etd.kpbyd.com /hub/files/download"),
    "ekaikai": (f"https://yun.ekaikai.cn/#/qdjfy?fpdm=0&fphm={NUMBER}", f"file.ekaikai.cn /{NUMBER}.pdf"),
    "bigfintax": (
        "https://gateway.bigfintax.com/scanning-invoice/checkInvoice?id=i1",
        "gateway.bigfintax.com /sopinv/invoice/out/fusion/templateDownload/1/i1saas",
    ),
    "huazhu": (
        "https://vat.huazhu.com/invoice/queryFiles/0a1b2c3d-0000",
        "vat.huazhu.com /gp/invoice/download/0a1b2c3d-0000.pdf",
    ),
    "pingan": ("https://www.pingan.com/dzfp/1", "ping an"),
    "pingan, inline": ("https://vms-pvms.pa18.com/x", "ping an"),
    "huawei": (
        "https://m-itravel.hwht.com/invoiceViewDownload?token=tok-1",
        "m-itravel.hwht.com /restapi/mobile-bff/service/file/download",
    ),
    "huawei, by id": (
        "https://m-itravel.hwht.com/invoiceViewDownload?invoiceId=inv-1",
        "m-itravel.hwht.com /restapi/mobile-bff/service/file/download",
    ),
    "zjaphp": (
        "https://fp.zjaphp.com/ZZSKP/skfw/fpView/toQdfpyl.htm?id=7",
        "fp.zjaphp.com /ZZSKP/skfw/fpView/toDownloadQdPdf.htm",
    ),
    "fapiaoer": ("https://upload.fapiaoer.cn/upload/fp_file/1.pdf", "upload.fapiaoer.cn /upload/fp_file/1.pdf"),
    "atour": (f"https://{ATOUR}/inv-file/2026/abc", f"{ATOUR} /inv-file/2026/abc"),
    "pupu": (
        "https://finance-files.pupumall.com/INVOICE_REQUEST/1.pdf",
        "finance-files.pupumall.com /INVOICE_REQUEST/1.pdf",
    ),
    "shouqianba": ("https://images.wosaimg.com/ab/c.pdf", "images.wosaimg.com /ab/c.pdf"),
    "zhenpiaoyun": ("https://fp51.cn/c0de", "fp51.cn /d"),
    "zhuanzhuan": ("https://zhuanstatic.com/i/1.pdf", "zhuanstatic.com /i/1.pdf"),
}
ZIPS = {
    "taobao": "https://einvoice.taobao.com/api/invoice/downloadMailInvoice?id=1",
    "eleme": f"https://{ELEME}/a/1.zip?Expires=1&OSSAccessKeyId=k&Signature=s",
    "bigfintax": "https://gateway.bigfintax.com/scanning-invoice/checkInvoice?id=i2",
    "tongcheng, in the query": "https://finance.17u.cn/invoicecloud/d/q1",
    "tongcheng, in the path": "https://finance.17u.cn/invoicecloud/d/q2",
}
SEVERAL = {
    "baiwang, i": ("https://i.baiwang.com/kaipiao/previewInvoice?invoiceId=5", ["/format/d", "/fp/d"]),
    "apple": ("https://www.fdfinvoice.com/delivery?orderRefNo=W123", ["/files/1.pdf", "/files/3.pdf"]),
}
MANUAL = {
    f"https://{TAX}/v/2_{NUMBER}_20261101120000abc": Reason.LINK_BROWSER,
    "https://invoice.taobao.com/detail?token=1": Reason.LINK_LOGIN,
    "https://sdapi.fpyun.com.cn/invoice/qd/download/getInvoiceFile?fptqm=1": Reason.LINK_BROWSER,
    "https://pms.maycur.com/supply/#/invoice-download?code=1": Reason.LINK_BROWSER,
    "https://webapp.crestv.com/x": Reason.LINK_BROWSER,
    "https://www.newtimeai.com/preview/1": Reason.LINK_BROWSER,
    "https://wxaurl.cn/abc": Reason.LINK_BROWSER,
    "https://icloud-efapiao.gzdata.com.cn/1": Reason.LINK_BROWSER,
    "https://www.e-inv.cn/login": Reason.LINK_LOGIN,
}
NEVER = [
    "https://fp.nuonuo.com/scan",
    "https://nnfp.jss.com.cn/scan-invoice/invoiceShow",
    "https://www.baiwang.com/",
    "https://ad.efapiao.com/api/affair/maillink?x=1",
    "https://bdopcs.bwjf.cn/v1/userEventTransForGet?u=1",
    "https://tupian.bwfapiao.com/qrcode/1.png",
    "https://inv-veri.chinatax.gov.cn/index.html?fphm=1",
    "https://www.51fapiao.cn/tydl-login/index",
    "https://fpkj.vpiaotong.com/tp/scan/index/1.pt",
    "https://tr.jd.com/x",
    "https://other.jdcloud-oss.com/digital-invoice/1.pdf",
    "https://evil.aliyuncs.com/1.pdf",
    "https://mdn.alipayobjects.com/other/1.pdf",
    "https://nnfp.jss.com.cn.evil.example/ab-_CD12=",
    "https://nnfp.jss.com.cn@evil.example/ab-_CD12=",
    "https://dppt.guangdong.chinatax.gov.cn:9443/v/2_1",
    "https://unknown.example/1.pdf",
]


@pytest.fixture(scope="module")
def _server() -> Iterator[Platforms]:
    with Platforms() as server:
        yield server


@pytest.fixture
def platforms(_server: Platforms) -> Platforms:
    _server.clear()
    return _server


def _fetcher(platforms: Platforms, accept: tuple[str, ...]) -> LinkFetcher:
    return LinkFetcher(
        links=Links(known=True),
        accept=accept,
        limits=Limits(),
        network=platforms.network(),
        tls=platforms.tls,
        recipes=RECIPES,
    )


def fetched(platforms: Platforms, link: str, accept: tuple[str, ...] = ("pdf", "ofd")) -> list[LinkResult]:
    return _fetcher(platforms, accept).fetch([MailText(text=f'<p><a href="{link}">下载</a></p>', html=True)])


def content(result: LinkResult) -> bytes:
    assert result.file is not None, (result.reason, result.host)
    with closing(result.file) as file, closing(file.fetch()) as spooled:
        return spooled.read()


@pytest.mark.parametrize(("link", "told"), DOWNLOADS.values(), ids=DOWNLOADS)
def test_a_link_leads_to_its_pdf(platforms: Platforms, link: str, told: str) -> None:
    (result,) = fetched(platforms, link)

    found = content(result)
    assert found.startswith(b"%PDF-")
    assert f"% {told}\n".encode() in found
    assert result.platform is not None
    assert {asked.method for asked in platforms.asked} <= {"GET", "POST"}


@pytest.mark.parametrize("link", ZIPS.values(), ids=ZIPS)
def test_a_link_may_lead_to_an_archive(platforms: Platforms, link: str) -> None:
    (result,) = fetched(platforms, link)

    assert content(result).startswith(b"PK\x03\x04")


def test_what_links_lead_to_is_read_like_what_was_attached(platforms: Platforms) -> None:
    links = [
        ZIPS["taobao"],
        "https://pms.maycur.com/supply/#/invoice-download?code=1",
        "https://nnfp.jss.com.cn/gone12345",
    ]
    reader = LinkedDocumentReader(_fetcher(platforms, ("pdf",)), DocumentReader(accept=["pdf"], limits=Limits()))

    linked = reader.linked([MailText(text="\n".join(links), html=False)])

    assert linked.later == ()
    assert [(each.name, each.reason, each.message) for each in linked.documents] == [
        ("发票一.pdf", None, None),
        ("发票二.pdf", None, None),
        ("诺诺发票 · Nuonuo", Reason.LINK_EXPIRED, links[2]),
        ("每刻云票 · Maycur", Reason.LINK_BROWSER, links[1]),
    ]
    for each in linked.documents:
        if each.content is not None:
            each.content.close()


def test_the_mails_in_a_mail_whose_links_led_to_a_document_are_told(platforms: Platforms) -> None:
    reader = LinkedDocumentReader(_fetcher(platforms, ("pdf",)), DocumentReader(accept=["pdf"], limits=Limits()))
    several = [ZIPS["taobao"], next(iter(DOWNLOADS.values()))[0]]

    told: list[tuple[int, object]] = []
    for mails in (["", ""], ["/1", "/1"], ["/1", "/2"], ["", "/2"]):
        said = [MailText(text=link, html=False, mail=mail) for link, mail in zip(several, mails, strict=True)]
        linked = reader.linked([*said, MailText(text="https://nobody.example/a", html=False, mail="/3")])
        told.append((sum(each.content is not None for each in linked.documents), linked.mails))
        for each in linked.documents:
            if each.content is not None:
                each.content.close()

    assert told == [(3, set()), (3, {"/1"}), (3, {"/1", "/2"}), (3, {"/2"})]


def test_a_platform_that_does_not_answer_is_named(platforms: Platforms) -> None:
    platforms.play("nnfp.jss.com.cn", "/gone12345", lambda asked, found: Reply(status=503))
    reader = LinkedDocumentReader(_fetcher(platforms, ("pdf",)), DocumentReader(accept=["pdf"], limits=Limits()))

    linked = reader.linked([MailText(text="https://nnfp.jss.com.cn/gone12345", html=False)])

    assert linked.later == ("nnfp.jss.com.cn",)
    assert [each.reason for each in linked.documents] == [Reason.LINK_UNREACHABLE]


@pytest.mark.parametrize(("link", "paths"), SEVERAL.values(), ids=SEVERAL)
def test_a_link_may_lead_to_several_invoices(platforms: Platforms, link: str, paths: list[str]) -> None:
    results = fetched(platforms, link)

    assert [path for each, path in zip(results, paths, strict=True) if f"{path}\n".encode() in content(each)] == paths


@pytest.mark.parametrize(("link", "reason"), MANUAL.items())
def test_what_only_a_person_can_open_is_told_and_not_touched(platforms: Platforms, link: str, reason: Reason) -> None:
    (result,) = fetched(platforms, link)

    assert (result.file, result.reason, result.again) == (None, reason, False)
    assert result.link.startswith(link.partition("?")[0])
    assert not platforms.asked


@pytest.mark.parametrize("link", NEVER)
def test_what_is_no_link_to_an_invoice_is_left_alone(platforms: Platforms, link: str) -> None:
    assert fetched(platforms, link) == []
    assert not platforms.asked


def test_a_picture_counts_where_the_platform_hands_out_pictures(platforms: Platforms) -> None:
    link = f"https://{ELEME}/a/1.jpg?Expires=1&OSSAccessKeyId=k&Signature=s"

    (taken,) = fetched(platforms, link, accept=("pdf", "image"))
    (left,) = fetched(platforms, link)

    assert content(taken) == JPEG
    assert left.reason is Reason.LINK_EXPIRED


def test_the_format_is_one_that_is_accepted(platforms: Platforms) -> None:
    (result,) = fetched(platforms, DOWNLOADS["tax authority"][0], accept=("ofd",))

    assert content(result).startswith(b"PK\x03\x04")
    assert [asked.query["Wjgs"] for asked in platforms.asked] == ["OFD"]


def test_every_rule_of_every_recipe_has_a_link_that_is_tried_here() -> None:
    links = [
        *(link for link, _ in DOWNLOADS.values()),
        *ZIPS.values(),
        *(link for link, _ in SEVERAL.values()),
        *MANUAL,
    ]
    addresses = [read_address(link) for link in links]
    rules = [(recipe.platform.en, rule) for recipe in RECIPES for rule in (*recipe.links, *recipe.manual)]

    untried = [name for name, rule in rules if not any(rule.match(address) is not None for address in addresses)]

    assert untried == []
