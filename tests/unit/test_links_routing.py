"""Which links are followed, by which recipe, and which of them are one invoice."""

from __future__ import annotations

import pytest

from watcher.config.sections import Links
from watcher.documents.links.address import read_address
from watcher.documents.links.candidates import candidates
from watcher.documents.links.recipes import built_in_recipes, read_recipes
from watcher.documents.links.routing import Plan, Routing
from watcher.ports import MailText

RECIPES = built_in_recipes()
TAX = "https://dppt.beijing.chinatax.gov.cn:8443/kpfw/fpjfzz/v1/exportDzfpwjEwm"


def plan(
    *anchors: tuple[str, str], known: bool = True, hosts: list[str] | None = None, accept: str = "pdf ofd"
) -> Plan:
    """Of a mail with these links: label and target."""
    text = "".join(f'<p>{label}：<a href="{target}">点击</a></p>' for label, target in anchors)
    routing = Routing(Links(known=known, hosts=hosts or []), RECIPES)
    return routing.plan(candidates([MailText(text=text, html=True)]), accept.split())


def invoices(found: Plan) -> list[list[str]]:
    return [[str(route.address) for route in routes] for routes in found.invoices]


def tax(number: str, word: str) -> str:
    return f"{TAX}?Wjgs={word}&Jym=1a2b&Fphm={number}&Kprq=20261101120000&Czsj=1790000000000"


def test_three_formats_of_one_invoice_are_one_and_the_pdf_comes_first() -> None:
    first, second = "1" * 20, "2" * 20
    found = plan(*(("下载", tax(number, word)) for number in (first, second) for word in ("OFD", "XML", "PDF")))

    assert [routes[0] for routes in invoices(found)] == [tax(first, "PDF"), tax(second, "PDF")]


def test_signed_siblings_are_one_invoice_though_their_signatures_differ() -> None:
    at = "https://eicore-invoice-7.s3.cn-north-1.jdcloud-oss.com/digital-invoice/digital_1"
    found = plan(*(("x", f"{at}.{word}?Signature={word}s") for word in ("ofd", "xml", "pdf")))

    assert [routes[0] for routes in invoices(found)] == [f"{at}.pdf?Signature=pdfs"]


def test_labels_tell_the_formats_of_short_links_and_where_the_next_invoice_begins() -> None:
    at = "https://s.xforceplus.com/"
    words = ["OFD", "PDF", "XML", "PDF", "OFD"]
    found = plan(*((f"发票下载地址({word})", f"{at}code{index}") for index, word in enumerate(words)))

    assert invoices(found) == [[f"{at}code1", f"{at}code0", f"{at}code2"], [f"{at}code3", f"{at}code4"]]


def test_two_invoices_of_one_day_are_two() -> None:
    at = "https://files.pdd-fapiao.com/invoice/2026/pdf/"

    assert len(invoices(plan(("x", f"{at}a.pdf"), ("x", f"{at}b.pdf")))) == 2


def test_parameters_tell_invoices_apart() -> None:
    at = "https://files.corp.example/download.pdf?id="

    assert len(invoices(plan(("x", f"{at}1"), ("x", f"{at}2"), hosts=["files.corp.example"]))) == 2


def test_the_accepted_format_comes_first() -> None:
    found = plan(("x", tax("1" * 20, "PDF")), ("x", tax("1" * 20, "OFD")), accept="ofd")

    assert invoices(found)[0][0] == tax("1" * 20, "OFD")


def test_parameters_of_a_link_that_has_a_recipe_are_no_links_of_their_own() -> None:
    inner = "https%3A%2F%2Ffp.bwjf.cn%2FdownSignInvoice%3Fjflx%3Dpdf%26sign%3D1"

    assert len(invoices(plan(("x", f"https://www.bwjf.cn/allEleDeliverySuccess?pdfUrl={inner}")))) == 1


def test_what_is_no_platforms_is_left_unless_its_host_is_configured() -> None:
    links = [("x", "https://files.corp.example/1"), ("x", "https://other.corp.example/1")]

    assert invoices(plan(*links)) == []
    assert invoices(plan(*links, hosts=["files.corp.example"])) == [["https://files.corp.example/1"]]


def test_a_configured_host_that_has_a_recipe_is_followed_by_it() -> None:
    found = plan(("x", tax("1" * 20, "PDF")), ("x", "https://fp51.cn/c0de"), known=False, hosts=["fp51.cn"])

    assert [routes[0].recipe.platform.en for routes in found.invoices if routes[0].recipe] == ["Zhenpiaoyun"]


def test_other_ports_than_the_usual_one_are_none_of_ours() -> None:
    assert invoices(plan(("x", "https://files.corp.example:8443/1"), hosts=["files.corp.example"])) == []
    assert invoices(plan(("x", tax("1" * 20, "PDF").replace(":8443", "")))) == []


@pytest.mark.parametrize(
    "host",
    ["nnfp.jss.com.cn.evil.example", "xnnfp.jss.com.cn", "evil-bwjf.cn", "aliyuncs.com", "x.jdcloud-oss.com"],
)
def test_a_host_is_matched_whole(host: str) -> None:
    routing = Routing(Links(known=True), RECIPES)

    assert not any(routing.allows(recipe, read_address(f"https://{host}/")) for recipe in RECIPES)


@pytest.mark.parametrize(
    "recipe",
    [
        {"platform": {"zh": "x", "en": "x"}, "links": [{"host": ["a.example"], "step": []}]},
        {"platform": {"zh": "x"}},
        {"platform": {"zh": "x", "en": "x"}, "links": [{"host": ["https://a.example"]}]},
        {"platform": {"zh": "x", "en": "x"}, "links": [{"host": ["~("]}]},
        {"platform": {"zh": "x", "en": "x"}, "links": [{"host": ["a.example"], "steps": [{"file": "{a"}]}]},
        {"platform": {"zh": "x", "en": "x"}, "links": [{"host": ["a.example"], "steps": [{"file": "{format}"}]}]},
        {"platform": {"zh": "x", "en": "x"}, "links": [{"host": ["a.example"], "steps": [{"ask": [{}]}]}]},
        {"platform": {"zh": "x", "en": "x"}, "links": [{"host": ["a.example"], "path": "["}]},
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(recipe: object) -> None:
    with pytest.raises(ValueError):
        read_recipes([recipe])
