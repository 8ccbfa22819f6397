"""Whether two domains belong to one organisation, as DMARC's relaxed mode has it (RFC 7489, section 3.2).

An organisation's domain is one label below a public suffix, by the list that browsers and mail servers use. All
of the list counts, the names too that a company lets its customers register below (``github.io``): whoever
has one of them is another person than whoever has the next. A domain that is a public suffix itself belongs to
nobody, and is aligned with itself alone. Siblings are aligned (``mail.corp.example``, ``hr.corp.example``).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

_DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST = 253

# Every tenant of Microsoft 365 gets mail addresses below one of these, and the list lacks them. The longer come first.
_TENANTS_OF = (
    "mail.onmicrosoft.com",
    "onmicrosoft.com",
    "onmicrosoft.us",
    "onmicrosoft.de",
    "partner.mail.onmschina.cn",
    "partner.onmschina.cn",
)


def domain_of(text: str) -> str | None:
    """The domain of an address or domain name, in lower case; None where it is none."""
    domain = text.strip().rpartition("@")[2].strip("<>").removesuffix(".").lower()
    return domain if len(domain) <= _LONGEST and _DOMAIN.fullmatch(domain) else None


def aligned(one: str, other: str) -> bool:
    """Whether two domains, as `domain_of` gives them, stand for one organisation."""
    if one == other:
        return True
    organisation = organisation_of(one)
    return organisation is not None and organisation == organisation_of(other)


def organisation_of(domain: str) -> str | None:
    """The domain that somebody has registered, at or above this one; None for what is a public suffix itself."""
    for shared in _TENANTS_OF:
        if domain == shared:
            return None
        if domain.endswith(f".{shared}"):
            return f"{domain.removesuffix(f'.{shared}').rpartition('.')[2]}.{shared}"
    return _public_suffixes().privatesuffix(domain)


@cache
def _public_suffixes() -> PublicSuffixList:
    """Read when it is first needed: it takes a tenth of a second, and most mails are of their very domain."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
