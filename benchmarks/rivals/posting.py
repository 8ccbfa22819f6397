"""A bare HTTP client: posts so many requests for recognition from so many threads, each on a connection that it keeps.

python posting.py URL DOCUMENTS THREADS
"""

from __future__ import annotations

import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from benchmarks.rivals.script import session


def post(url: str, number: int) -> None:
    data = {
        "attachment_url": f"https://files.example/{number}.pdf",
        "purchase_invoice": "N",
        "create_expense": "Y",
        "user_code": "903851",
    }
    body = {"data": data, "bizId": str(uuid.uuid4()), "timestamp": int(time.time() * 1000)}
    answer = session().post(url, json=body, timeout=60)
    answer.raise_for_status()
    if answer.json()["resCode"] != 200000:
        raise SystemExit(answer.text)


def main() -> None:
    url, documents, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    print("ready", flush=True)
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(post, url, number) for number in range(documents)]:
            done.result()


if __name__ == "__main__":
    main()
