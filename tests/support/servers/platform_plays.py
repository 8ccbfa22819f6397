"""What each platform does, as it was seen: by host and path.

An invoice file says in its text which request it answers: ``host path``, and the format.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.support.servers.platform_replies import (
    Asked,
    Reply,
    answer,
    expired,
    gbk_zipped,
    of_format,
    page,
    pdf,
    pdf_bytes,
    redirect,
)

NUMBER = "26442000001234567890"
PARAM_LIST = f"91440300MA5EXAMPLE!!!{NUMBER}!false"
HEX = "0123456789ABCDEF" * 8
ID = "0123456789abcdef0123456789abcdef0123"
JD = "eicore-invoice-12.s3.cn-north-1.jdcloud-oss.com"
ELEME = "fin-invoice-zbprod-zb1-oss-1.oss-cn-zhangjiakou.aliyuncs.com"
ATOUR = "yaduo-file-center-prod.oss-cn-hangzhou.aliyuncs.com"
PING_AN_FILES = "dscs-ucup-evp-core.pingan.com.cn"
TAX = "dppt.guangdong.chinatax.gov.cn:8443"
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(200))

Play = Callable[[Asked, "re.Match[str]"], Reply]


def _told(asked: Asked) -> str:
    return f"{asked.host} {asked.path}"


def _file(asked: Asked, _found: object) -> Reply:
    """The address is the file, in the format that its name says."""
    words = re.findall(r"(?:pdf|ofd|xml)", f"{asked.path}?{'&'.join(asked.query.values())}", re.IGNORECASE)
    return of_format(words[-1] if words else "pdf", _told(asked))


def _nuonuo(asked: Asked, _found: object) -> Reply:
    wanted = {"code", "aliView", "shortLinkSource", "invoiceDetailMiddleUri", "paramList"}
    fits = asked.form.keys() == wanted and asked.form["paramList"] == PARAM_LIST
    if not fits or "printQrcode" not in asked.headers.get("referer", ""):
        return answer({"status": "9999", "msg": "参数错误"})
    files = {
        "url": f"https://inv.jss.com.cn/fp2/{NUMBER}.pdf?a=1&b=2",
        "ofdDownloadUrl": f"https://inv.jss.com.cn/fp2/{NUMBER}.ofd",
        "xmlUrl": f"https://storage.nuonuo.com/{NUMBER}.xml",
    }
    return answer({"status": "0000", "data": {"invoiceSimpleVo": {"fphm": NUMBER, **files}}})


def _landing(path: str) -> Play:
    query = f"paramList={PARAM_LIST.replace('!', '%21')}&aliView=true&shortLinkSource=1&wxApplet=0"
    return lambda asked, found: redirect(f"{path}?{query}")


def _download_format(asked: Asked, _found: object) -> Reply:
    if asked.query.get("param") != HEX:
        return answer({"success": False, "message": "AES"})
    return of_format(asked.query["formatType"], _told(asked))


def _bwfp(asked: Asked, _found: object) -> Reply:
    if asked.query.get("paramList") != PARAM_LIST:
        return answer({"code": 500})
    return answer({"data": {"invoiceSimpleVo": {"url": "https://fp.baiwang.com/format/d?d=ABCDEF0123456789"}}})


def _bwjf(asked: Asked, _found: object) -> Reply:
    """Raw Chinese stands in the address that it redirects to."""
    seller = "深圳市某某有限公司"
    files = "&".join(
        f"{word}Url=https%3A%2F%2Ffp.bwjf.cn%2FdownSignInvoice%3FsellerName%3D{seller}%26jflx%3D{word}%26sign%3Dab%252Bc"
        for word in ("pdf", "ofd", "xml")
    )
    return redirect(f"https://www.bwjf.cn/allEleDeliverySuccess?sellerName={seller}&{files}".encode())


def _bwjf_file(asked: Asked, _found: object) -> Reply:
    if asked.query.get("sellerName") != "深圳市某某有限公司" or asked.query.get("sign") != "ab+c":
        return expired()
    return of_format(asked.query["jflx"], _told(asked))


def _tax(asked: Asked, _found: object) -> Reply:
    if not {"Jym", "Fphm", "Kprq", "Czsj"} <= asked.query.keys():
        return answer({"Response": {"Result": "FAIL"}})
    return of_format(asked.query["Wjgs"], _told(asked))


def _viewer(_asked: Asked, found: re.Match[str]) -> Reply:
    fields = {"dlj": found[1], "signatureString": "s+ig/n=="}
    return page("".join(f'<input type="hidden" id="{name}" value="{value}">' for name, value in fields.items()))


def _signed(asked: Asked, _found: object) -> Reply:
    return pdf(_told(asked)) if asked.query.get("signatureString") == "s+ig/n==" else page("login")


def _aisino(asked: Asked, _found: object) -> Reply:
    return pdf(_told(asked)) if asked.query.get("request", "").endswith("^end") else expired()


def _vpiaotong(asked: Asked, _found: object) -> Reply:
    return of_format(asked.query.get("fileType", ""), f"{_told(asked)} {asked.query['lsh']}")


def _apple(asked: Asked, _found: object) -> Reply:
    at = "https://www.fdfinvoice.com/files/"
    rows = [
        {"pdfUrl": f"{at}{name}.pdf", "isRed": red, "expireFlag": "0"}
        for name, red in (("1", False), ("2", True), ("3", 0))
    ]
    return answer({"code": 200, "data": rows if asked.data == {"orderRefNo": "W123"} else []})


def _huawei(asked: Asked, _found: object) -> Reply:
    known = asked.method == "POST" and asked.data in ({"token": "tok-1"}, {"invoiceId": "inv-1"})
    return answer({"data": [{"fileName": "发票 1.pdf"}]} if known else {"code": 401})


def _huawei_file(asked: Asked, _found: object) -> Reply:
    return pdf(_told(asked)) if asked.query.get("filename") == "发票 1.pdf" else expired()


def _three_links(asked: Asked, _found: object) -> Reply:
    links = "".join(f'<a href="/d?id=1&amp;type={word}">{word.upper()}下载</a>' for word in ("ofd", "pdf", "xml"))
    return page(f'<a href="/help">帮助</a><img src="/logo.png">{links}')


def _by_type(asked: Asked, _found: object) -> Reply:
    return of_format(asked.query.get("type", ""), _told(asked))


def _zip(asked: Asked, _found: object) -> Reply:
    return Reply(body=gbk_zipped({"发票一.pdf": pdf_bytes("one"), "发票二.pdf": pdf_bytes("two")}))


def _pdd_page(_asked: Asked, _found: object) -> Reply:
    return page('<a href="https://files.pdd-fapiao.com/invoice/1/pdf/a.pdf">下载PDF</a>')


def _ping_an_page(_asked: Asked, _found: object) -> Reply:
    address = f"https://{PING_AN_FILES}/ucup-evp-dmz/api/v1/preview?t=1&amp;v=3&amp;q=a%2Bb%3D"
    return page(f'<script>var invoiceUrl = "{address}"</script>')


def _ping_an(asked: Asked, _found: object) -> Reply:
    return pdf("ping an") if asked.query == {"t": "1", "v": "3", "q": "a+b="} else expired()


def _at(location: str) -> Play:
    return lambda asked, found: redirect(location)


def _says(value: object) -> Play:
    return lambda asked, found: answer(value)


def _shell(asked: Asked, _found: object) -> Reply:
    """A page that does all its work in the browser."""
    return page('<div id="app"></div><script src="/app.js"></script>')


_TABLE: list[tuple[str, str, Play]] = [
    ("nnfp.jss.com.cn", "/ab-_CD12=", _at("https://nnfp.jss.com.cn/hop")),
    ("nnfp.jss.com.cn", "/hop", _landing("/scan-invoice/printQrcode")),
    ("nnfp.jss.com.cn", "/gone12345", _shell),
    ("nnfp.jss.com.cn", "/scan-invoice/printQrcode", _shell),
    ("nnfp.jss.com.cn", "/scan2/getIvcDetailShow.do", _nuonuo),
    ("of1.cn", "/s1h2o3r4t", _at("https://nnfp.nuonuo.com/hop")),
    ("nnfp.nuonuo.com", "/hop", _landing("/scan-invoice/printQrcode")),
    ("nnfp.nuonuo.com", "/scan-invoice/printQrcode", _shell),
    ("nnfp.nuonuo.com", "/sapi/scan2/getIvcDetailShow.do", _nuonuo),
    ("inv.jss.com.cn", "/.*", _file),
    ("storage.nuonuo.com", "/.*", _file),
    ("pis.baiwang.com", "/smkp-vue/previewInvoiceAllEle", _shell),
    ("pis.baiwang.com", "/bwmg/mix/bw/downloadFormat", _download_format),
    ("u.baiwang.com", "/k1a2", _at(f"http://pis.baiwang.com/smkp-vue/previewInvoiceAllEle?param={HEX}")),
    ("bwfp.baiwang.com", "/t0ken", _landing("/scan")),
    ("bwfp.baiwang.com", "/sapi/invoice/issue-scan/get-detail.do", _bwfp),
    ("fp.baiwang.com", "/(?:format|fp)/d", _file),
    ("i.baiwang.com", "/api/forward/cloud/invoices", _says({"resultData": [
        {"einvoiceUrl": "https://fp.baiwang.com/format/d?d=AAAAAAAAAAAAAAAA"},
        {"einvoiceUrl": "http://fp.baiwang.com/fp/d?d=BBBBBBBBBBBBBBBB"}]})),
    ("fp.bwjf.cn", "/u/[a-z0-9]+", _bwjf),
    ("www.bwjf.cn", "/allEleDeliverySuccess", lambda a, f: Reply(status=502)),
    ("fp.bwjf.cn", "/downSignInvoice", _bwjf_file),
    ("xz.bwfapiao.com", "/qdp/.*", _file),
    (TAX, "/kpfw/fpjfzz/v1/exportDzfpwjEwm", _tax),
    ("dlj.51fapiao.cn", f"/dlj/v7/downloadFile/{ID}", lambda a, f: pdf(f"{a.host} {a.path}")),
    ("dlj.51fapiao.cn", "/dlj/v7/(f{36})", _viewer),
    ("dlj.51fapiao.cn", "/dlj/v7/downloadFile/f{36}", _signed),
    ("a.51fapiao.cn", "/v/c0de", _at(f"https://dlj.51fapiao.cn/dlj/v7/{ID}")),
    ("www.fapiao.com", "/dzfp-web/pdf/download", _aisino),
    ("scan.vpiaotong.com", "/Aloe/tp/scan-invoice/getElectronicInvoice.pt", _vpiaotong),
    ("fpkj.vpiaotong.com", "/d/.*", _file),
    ("s.xforceplus.com", "/pdf1", _at("https://files.xforceplus.com/1.pdf")),
    ("files.xforceplus.com", "/1.pdf", _file),
    ("saas.xforceplus.com", "/api/invoice-sharing/delivery/receive", _file),
    ("roc.jcsk100.com", "/external/.*", _file),
    ("rocgw.jcsk100.com", "/external/.*", _file),
    ("invoice.keruyun.com", "/s/k1", _at(f"https://rocgw.jcsk100.com/external/d/v/44_{NUMBER}_1_pdf")),
    (JD, "/digital-invoice/.*", _file),
    ("storage.jd.com", "/.*", _file),
    ("einvoice.taobao.com", "/api/invoice/downloadMailInvoice", _zip),
    (ELEME, "/.*[.]jpg", lambda a, f: Reply(body=JPEG)),
    (ELEME, "/.*[.]zip", _zip),
    ("mdn.alipayobjects.com", "/aliinvoicecore/.*", _file),
    ("files.pdd-fapiao.com", "/.*", _file),
    ("www.hxpdd.com", "/s/direct", _file),
    ("www.hxpdd.com", "/s/page", _pdd_page),
    ("etd.kpbyd.com", "/hub/files/download", _file),
    ("yun.ekaikai.cn", f"/v2/tax/iapix/invoice/urlInfo/0/{NUMBER}", _says({"data": {"urlList": [
        {"type": "ofd", "link": f"https://file.ekaikai.cn/{NUMBER}.ofd"},
        {"type": "pdf", "link": f"https://file.ekaikai.cn/{NUMBER}.pdf"}]}})),
    ("file.ekaikai.cn", "/.*", _file),
    ("gateway.bigfintax.com", "/sopinv/invoice/out/fusion/templateDownload/1/i1saas", _file),
    ("gateway.bigfintax.com", "/xxApi/api/v2/electronInvoice/invoiceBatchDownload", _zip),
    ("vat.huazhu.com", "/gp/invoice/download/.*", _file),
    ("finance.17u.cn", "/invoicecloud/d/q1", _at("/invoicecloud/h5?token=t-0123456789")),
    ("finance.17u.cn", "/invoicecloud/d/q2", _at("/invoicecloud/h5/t-0123456789")),
    ("finance.17u.cn", "/invoicecloud/h5.*", _shell),
    ("finance.17u.cn", "/invoicecloud/gateway/invoice/batchDownLoadFiles/t-0123456789", _zip),
    ("www.pingan.com", "/dzfp/1", _at("/dzfp/view?q=a%2Bb%3D")),
    ("www.pingan.com", "/dzfp/view", _shell),
    ("vms-pvms.pa18.com", "/x", _ping_an_page),
    (PING_AN_FILES, "/ucup-evp-dmz/api/v1/preview", _ping_an),
    ("m-itravel.hwht.com", "/restapi/invoicecenter/service/invoice_url/query", _huawei),
    ("m-itravel.hwht.com", "/restapi/mobile-bff/service/file/download", _huawei_file),
    ("fp.zjaphp.com", "/ZZSKP/skfw/fpView/toDownloadQdPdf.htm", _file),
    ("www.fdfinvoice.com", "/prod-api/output/unauth/getDeliverDataByOrderRefNo", _apple),
    ("www.fdfinvoice.com", "/files/.*", _file),
    ("upload.fapiaoer.cn", "/.*", _file),
    (ATOUR, "/inv-file/.*", _file),
    ("finance-files.pupumall.com", "/.*", _file),
    ("images.wosaimg.com", "/.*", _file),
    ("fp51.cn", "/c0de", _three_links),
    ("fp51.cn", "/d", _by_type),
    ("zhuanstatic.com", "/.*", _file),
]  # fmt: skip

PLAYS = [(host, re.compile(path), play) for host, path, play in _TABLE]
HOSTS = sorted({host.partition(":")[0] for host, _, _ in _TABLE} | {"files.corp.example", "cdn.corp.example"})
