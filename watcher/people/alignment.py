"""Whether two domains belong to one organisation, without a list of all public suffixes.

Two domains are aligned when they are equal, or when one lies below the other and the upper one can
belong to an organisation: it has two labels at least and is no suffix below which anybody can register
(``com.cn``, ``co.uk``, any ``xx.yy`` of two letters each, some hosting names). Two domains that only lie
beside each other below a third are not aligned. That is stricter than DMARC's relaxed mode, never laxer
for the suffixes known here.
"""

from __future__ import annotations

import re

_DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST = 253
_ORGANISATION_LABELS = 2
_COUNTRY = 2  # letters of a country's top-level domain

# What countries use as their second level, beside all that have two letters (ac, co, bj, gd …).
_SECOND_LEVELS = frozenset(
    "adv art asn asso biz com conf edu firm gob gouv gov govt gub idv ind info int law ltd mil muni name net nhs nic "
    "nom org orgn plc police pro pub res sch school store tech web".split()
)
_SHARED = frozenset(
    "appspot.com azurewebsites.net blogspot.com cloudfront.net eu.org github.io gitlab.io herokuapp.com myshopify.com "
    "netlify.app onmicrosoft.com pages.dev sharepoint.com uk.com us.com cn.com vercel.app web.app workers.dev".split()
)


def domain_of(text: str) -> str | None:
    """The domain of an address or domain name, in lower case; None where it is none."""
    domain = text.strip().rpartition("@")[2].strip("<>").removesuffix(".").lower()
    return domain if len(domain) <= _LONGEST and _DOMAIN.fullmatch(domain) else None


def aligned(one: str, other: str) -> bool:
    """Whether two domains, as `domain_of` gives them, stand for one organisation."""
    if one == other:
        return True
    upper, lower = sorted((one, other), key=len)
    return lower.endswith(f".{upper}") and _is_organisation(upper)


def _is_organisation(domain: str) -> bool:
    labels = domain.split(".")
    if len(labels) < _ORGANISATION_LABELS or domain in _SHARED:
        return False
    second, top = labels[-2:]
    shared = len(top) == _COUNTRY and (len(second) <= _COUNTRY or second in _SECOND_LEVELS)
    return len(labels) > _ORGANISATION_LABELS or not shared
