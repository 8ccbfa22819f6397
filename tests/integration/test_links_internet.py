"""With nothing replaced, links are followed to public addresses and to no other."""

from __future__ import annotations

import json
import os
import sys

from tests.support.servers.platform_plays import HOSTS, ID, NUMBER, TAX
from tests.support.servers.platforms import Platforms
from tests.support.small_internet import PUBLIC, inside
from watcher.config.sections import Limits, Links
from watcher.documents.links.fetcher import LinkFetcher
from watcher.ports import MailText

PRIVATE = "127.0.0.1"
PUBLIC_LINKS = [
    "https://nnfp.jss.com.cn/ab-_CD12=",
    f"https://{TAX}/kpfw/fpjfzz/v1/exportDzfpwjEwm?Wjgs=PDF&Jym=1&Fphm={NUMBER}&Kprq=20261101120000&Czsj=1",
]
PRIVATE_LINK = f"https://dlj.51fapiao.cn/dlj/v7/{ID}"


def test_links_are_followed_on_the_internet_and_nowhere_else() -> None:
    names = dict.fromkeys(HOSTS, PUBLIC) | {"dlj.51fapiao.cn": PRIVATE}

    done = inside([sys.executable, "-m", "tests.integration.test_links_internet", *PUBLIC_LINKS, PRIVATE_LINK], names)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["results"] == [["%PDF-", None], ["%PDF-", None], [None, "LINK_REFUSED"]]
    assert "dlj.51fapiao.cn" not in told["asked"]


def _fetch(links: list[str]) -> None:
    """Within the namespace: the platforms listen everywhere, and the fetcher is made as the daemon makes it."""
    listen = [(address, port) for address in (PUBLIC, PRIVATE) for port in (443, 8443)]
    with Platforms(listen=listen) as platforms:
        assert platforms.certificate is not None
        os.environ["SSL_CERT_FILE"] = str(platforms.certificate.ca_file)
        fetcher = LinkFetcher(links=Links(known=True), accept=["pdf"], limits=Limits())
        found = fetcher.fetch([MailText(text="\n".join(links), html=False)])
        results = [[each.file and each.file.content.head(5).decode(), each.reason] for each in found]
        sys.stdout.write(json.dumps({"results": results, "asked": sorted({asked.host for asked in platforms.asked})}))


if __name__ == "__main__":
    _fetch(sys.argv[1:])
