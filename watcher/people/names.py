"""TXT records from the name servers of this machine."""

from __future__ import annotations

from watcher.errors import DirectoryUnavailable

_LOOK_UP_SECONDS = 5.0
_KINDS = (b"v=DKIM1", b"v=DMARC1")


def look_up_text(name: str) -> bytes | None:
    """The one TXT record of a name (of several the one DKIM key or DMARC record), or None where there is none.

    Raises DirectoryUnavailable where the name servers cannot be asked now; takes 5 s at most.
    """
    import dns.exception
    import dns.resolver

    try:
        answer = dns.resolver.Resolver().resolve(f"{name.rstrip('.')}.", "TXT", lifetime=_LOOK_UP_SECONDS, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.resolver.YXDOMAIN):
        return None
    except (dns.exception.Timeout, dns.resolver.NoNameservers, dns.resolver.NoResolverConfiguration, OSError) as error:
        raise DirectoryUnavailable(f"the name servers cannot be asked now: {type(error).__name__}") from error
    except dns.exception.DNSException:
        return None  # no name at all: too long a label, for one
    records = [b"".join(record.strings) for record in answer]
    keys = records if len(records) == 1 else [record for record in records if record.startswith(_KINDS)]
    return keys[0] if len(keys) == 1 else None
