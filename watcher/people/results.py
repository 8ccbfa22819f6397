"""What the results of a mail server prove."""

from __future__ import annotations

from collections.abc import Callable

from watcher.headers import Result, Results
from watcher.people.alignment import aligned, domain_of

Judge = Callable[[Results, str], tuple[bool, str]]


def judged(results: Results, from_domain: str) -> tuple[bool, str]:
    """Whether the results prove that From's domain, this one, stands for the mail, and by what or why not."""
    dmarc = [result for result in results.results if result.method == "dmarc"]
    if any(result.doubtful for result in dmarc):
        return False, "dmarc names one property twice"
    seen = [result.properties["header.from"] for result in dmarc if "header.from" in result.properties]
    if any(domain_of(author) != from_domain for author in seen):
        return False, "dmarc speaks of another From"
    if any(result.value != "pass" for result in dmarc):
        worst = next(result.value for result in dmarc if result.value != "pass")
        if worst not in ("none", "bestguesspass", "temperror"):
            return False, f"dmarc={worst}"
    elif dmarc and len(seen) == len(dmarc):
        return True, f"dmarc=pass for {from_domain}"
    return vouched(results, from_domain)


def vouched(results: Results, domain: str) -> tuple[bool, str]:
    """Whether this domain has signed or sent the mail, whatever DMARC says of From's."""
    for result in results.results:
        passed = _domain(result)
        if result.value == "pass" and passed is not None and aligned(passed, domain):
            return True, f"{result.method}=pass for {passed}"
    found = ", ".join(f"{result.method}={result.value}" for result in results.results) or "nothing"
    return False, f"{found[:80]}, and none of it stands for {domain}"


def sent_by(results: Results, domain: str) -> bool:
    """Whether the mail came from a host of this domain's; else it was signed at most, and anybody may have sent it."""
    passed = [_domain(result) for result in results.results if (result.method, result.value) == ("spf", "pass")]
    return any(one is not None and aligned(one, domain) for one in passed)


def _domain(result: Result) -> str | None:
    """The domain that a passed dkim or spf vouches for."""
    given = result.properties
    if result.method == "dkim":
        return domain_of(given.get("header.d") or given.get("header.i") or "")
    return domain_of(given.get("smtp.mailfrom", "")) if result.method == "spf" else None
