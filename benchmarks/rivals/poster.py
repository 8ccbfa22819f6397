"""Posts so many bodies for recognition from so many threads, and does nothing else: what an HTTP client can do.

python poster.py URL COUNT WORKERS
"""

from __future__ import annotations

import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import requests

_local = threading.local()


def post(url: str, number: int) -> None:
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
    address = f"https://files.example/invoices/{number}.pdf"
    data = {"attachment_url": address, "purchase_invoice": "N", "create_expense": "Y", "user_code": "903851"}
    body = {"data": data, "bizId": str(uuid.uuid4()), "timestamp": int(time.time() * 1000)}
    answer = _local.session.post(url, json=body, timeout=90)
    answer.raise_for_status()
    answer.json()


def main() -> None:
    url, count, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    print("ready", flush=True)
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(lambda number: post(url, number), range(count)):
            pass


if __name__ == "__main__":
    main()
