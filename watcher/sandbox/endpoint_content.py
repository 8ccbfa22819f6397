"""The invoices that the sandbox finds: made up, but always the same ones for the same attachment URL.

Keys, their order and the JSON within JSON are those of the examples in api/ocrSyncWithConfig.txt; amounts
are written with two decimals there (43.50), and without trailing zeros in the check's total (43.5).
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

_MARK = "\ue000"
_MARKED = re.compile(f'"{_MARK}([^"]*)"')
_CHINA = timezone(timedelta(hours=8))

_BUYER = {"Name": "云岭示例科技有限公司", "TaxCode": "91310000MA1SAMPLE1"}
_SELLERS = (
    ("上海示例出行科技有限公司", "91310114MA1DEMO01X", "*运输服务*客运服务费"),
    ("北京样本餐饮管理有限公司", "91110105MA1DEMO02Y", "*餐饮服务*餐费"),
    ("杭州演示酒店有限公司", "91330106MA1DEMO03Z", "*住宿服务*住宿费"),
    ("广州范例办公用品有限公司", "91440101MA1DEMO04W", "*文具*办公用品"),
    ("成都试用软件有限公司", "91510100MA1DEMO05V", "*信息技术服务*软件服务费"),
)


def number(text: str) -> str:
    """A JSON number that is to be written exactly so."""
    return _MARK + text


def to_json(value: Any) -> str:
    """Compact JSON, with `number`s as they are."""
    return _MARKED.sub(r"\1", json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def invoice(attachment_url: str, index: int, *, verified: bool = True, check: bool = True) -> dict[str, Any]:
    """The `index`-th invoice of a document: its ocr_result and, where wanted, its check_result."""
    seed = int.from_bytes(hashlib.sha256(f"{attachment_url}\n{index}".encode()).digest()[:16], "big")
    seller, seller_code, goods = _SELLERS[seed % len(_SELLERS)]
    total = 1000 + seed // 7 % 500_000
    facts = {
        "number": f"26{seed // 11 % 10**18:018d}",
        "day": date(2026, 1, 1) + timedelta(days=seed // 13 % 180),
        "total": _amount(total),
        "net": _amount(total - total * 3 // 103),
        "tax": _amount(total * 3 // 103),
        "seller": seller,
        "seller_code": seller_code,
        "goods": goods,
        "log_id": number(str(1_825_818_122_664_000_000 + seed // 17 % 10**9)),
    }
    found = {"ocr_result": _ocr(attachment_url, facts)}
    return found | {"check_result": _check(facts, verified=verified)} if check else found


def _amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _ocr(attachment_url: str, facts: dict[str, Any]) -> dict[str, Any]:
    day: date = facts["day"]
    midnight = datetime(day.year, day.month, day.day, tzinfo=_CHINA).astimezone(UTC)
    total, tax = number(facts["total"]), number(facts["tax"])
    entered = {"No": facts["number"], "Code": None, "VCode": "", "Amount": total, "Date": f"{day:%Y%m%d}"}
    place = {"original_url": attachment_url, "location": {"direction": "0"}, "created_by": 0}
    return {
        "source": "interface",
        "source_file": "Y",
        "invoice_input": to_json(entered),
        "invoice_type": "21",
        "invoice_status": "R",
        "invoice_attachments": to_json([place | {"attachment_url": attachment_url, "direction": "0"}]),
        "log_id": facts["log_id"],
        "invoice_num": facts["number"],
        "invoice_serial": "",
        "amount": total,
        "currency": "CNY",
        "tax_amount": tax,
        "receipt_date": int(midnight.timestamp() * 1000),
        "buyer_name": _BUYER["Name"],
        "buyer_tax_code": _BUYER["TaxCode"],
        "seller_name": facts["seller"],
        "seller_tax_code": facts["seller_code"],
        "name": "电子发票(普通发票)",
        "shop_name": facts["seller"],
        "status": "0",
        "abnormal_status": "0",
        "invoice_detail": to_json(_detail(facts)),
        "items": to_json([_item(facts)]),
        "valid_amount": total,
        "attachment_url": attachment_url,
    }


def _detail(facts: dict[str, Any]) -> dict[str, Any]:
    item: dict[str, Any] = {
        "TaxAmount": number(facts["tax"]),
        "Price": number(facts["net"]),
        "Amount": number(facts["net"]),
    }
    item |= {"TaxRate": 3, "Quantity": 1, "Specification": "", "Unit": "", "Name": facts["goods"]}
    return {
        "Status": 0,
        "No": facts["number"],
        "Amount": number(facts["net"]),
        "SummaryAmount": number(facts["total"]),
        "Buyer": {"TaxCode": _BUYER["TaxCode"], "AccountBank": "", "AddressPhone": "", "Name": _BUYER["Name"]},
        "Date": f"{facts['day']} 00:00:00",
        "Remark": "",
        "TaxAmount": number(facts["tax"]),
        "Saler": {"TaxCode": facts["seller_code"], "AccountBank": "", "AddressPhone": "", "Name": facts["seller"]},
        "invoiceType": "21",
        "Items": [item],
        "VCode": "",
    }


def _item(facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "amount": number(facts["net"]),
        "material_name": facts["goods"],
        "name": facts["goods"],
        "price": number(facts["net"]),
        "quantity": 1,
        "specification": "",
        "taxAmount": number(facts["tax"]),
        "taxRate": 3,
        "unit": "",
    }


def _check(facts: dict[str, Any], *, verified: bool) -> dict[str, Any]:
    line: dict[str, Any] = {"item_name": facts["goods"], "specification": "无", "unit": "次", "quantity": 1}
    return {
        "result": 1 if verified else 0,
        "invoice_type": "21",
        "buyer_name": _BUYER["Name"],
        "buyer_tax_code": _BUYER["TaxCode"],
        "seller_name": facts["seller"],
        "seller_tax_code": facts["seller_code"],
        "invoice_code": "",
        "invoice_number": facts["number"],
        "total_amount": number(facts["total"].rstrip("0").rstrip(".")),
        "amount": number(facts["net"]),
        "tax_amount": number(facts["tax"]),
        "receipt_detail_list": [line | {"unit_price": number(facts["net"]), "amount": number(facts["net"])}],
    }
