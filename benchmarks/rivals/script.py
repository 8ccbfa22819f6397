"""The script that an administrator would write in an afternoon, with the libraries that the daemon has.

    python script.py folder --inbox DIR --done DIR --error DIR --ocr URL [--upload URL | --base-url URL] [--workers N]
    python script.py mailbox --host HOST --port N --user U --password P --employees FILE --ocr URL --upload URL …

It uploads, posts, and moves the file, or replies and moves the mail; with `--save DIR` it only puts a copy there. It
keeps no journal, proves no sender, tries nothing again, and what it was doing when it is killed is lost or booked
twice. It says "ready" when it is loaded, and has dealt with the files that lay there.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import smtplib
import threading
import time
import urllib.parse
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path

import requests
from imap_tools import AND, MailBoxUnencrypted, MailMessage
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

_local = threading.local()


def session() -> requests.Session:
    """One for each thread, so that connections are kept."""
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
    return _local.session  # type: ignore[no-any-return]


def upload(url: str, name: str, data: bytes) -> str:
    answer = session().post(url, files={"file": (name, data, "application/pdf")}, timeout=60)
    answer.raise_for_status()
    return str(answer.json()["data"]["attachment_url"])


def recognise(url: str, attachment_url: str, user_code: str) -> list[str]:
    """The expenses that were created; none where it failed."""
    data = {"attachment_url": attachment_url, "purchase_invoice": "N", "create_expense": "Y", "user_code": user_code}
    body = {"data": data, "bizId": str(uuid.uuid4()), "timestamp": int(time.time() * 1000)}
    answer = session().post(url, json=body, timeout=90)
    answer.raise_for_status()
    found = answer.json()
    if found["resCode"] != 200000:
        return []
    return [str(item["expense_result"]["expense_id"]) for item in found["data"] if "expense_result" in item]


# -------------------------------------------------------------------------------------------------- folder


class Dropped(FileSystemEventHandler):
    """Deals with each file that was closed after writing, or renamed into its name."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.pool = ThreadPoolExecutor(given.workers) if given.workers > 1 else None

    def on_closed(self, event: FileSystemEvent) -> None:
        self.take(Path(str(event.src_path)))

    def on_moved(self, event: FileSystemEvent) -> None:
        self.take(Path(str(event.dest_path)))

    def take(self, path: Path) -> None:
        if path.suffix != ".pdf":
            return
        if self.pool is None:
            self.deal_with(path)
        else:
            self.pool.submit(self.deal_with, path)

    def deal_with(self, path: Path) -> None:
        given, user_code = self.given, path.parent.name
        if given.save is not None:
            shutil.copy(path, given.save / path.name)
            return
        if given.base_url:
            address = given.base_url + urllib.parse.quote(str(path.relative_to(given.inbox)))
        else:
            address = upload(given.upload, path.name, path.read_bytes())
        target = given.done if recognise(given.ocr, address, user_code) else given.error
        (target / user_code).mkdir(parents=True, exist_ok=True)
        shutil.move(path, target / user_code / path.name)


def watch(given: argparse.Namespace) -> None:
    handler, observer = Dropped(given), Observer()
    observer.schedule(handler, str(given.inbox), recursive=True)
    observer.start()
    for path in given.inbox.rglob("*.pdf"):
        handler.take(path)
    print("ready", flush=True)  # not before: what comes while it looks would be taken twice
    observer.join()


# ------------------------------------------------------------------------------------------------- mailbox


def book(given: argparse.Namespace, people: dict[str, str], message: MailMessage) -> tuple[MailMessage, list[str]]:
    expenses = []
    for attachment in message.attachments:
        if attachment.filename.lower().endswith(".pdf"):
            if given.save is not None:
                (given.save / f"{message.uid}-{attachment.filename}").write_bytes(attachment.payload)
            else:
                address = upload(given.upload, attachment.filename, attachment.payload)
                expenses += recognise(given.ocr, address, people[message.from_])
    return message, expenses


def reply(message: MailMessage, expenses: list[str]) -> EmailMessage:
    answer = EmailMessage()
    answer["From"], answer["To"] = "fapiao@corp.example", message.from_
    answer["Subject"] = f"Re: {message.subject}"
    answer["In-Reply-To"] = message.obj["Message-ID"]
    answer["Auto-Submitted"] = "auto-replied"
    answer.set_content(f"已创建消费记录: {', '.join(expenses)}" if expenses else "未能识别发票")
    return answer


def empty(given: argparse.Namespace) -> None:
    """Deal with all that is unread in the INBOX, once."""
    with Path(given.employees).open(encoding="utf-8", newline="") as rows:
        people = {row["email"]: row["user_code"] for row in csv.DictReader(rows)}
    print("ready", flush=True)
    with MailBoxUnencrypted(given.host, given.port).login(given.user, given.password) as box:
        found = box.fetch(AND(seen=False), mark_seen=given.save is not None)
        if given.workers > 1:
            with ThreadPoolExecutor(given.workers) as pool:
                answer(given, box, pool.map(lambda message: book(given, people, message), found))
        else:
            answer(given, box, (book(given, people, message) for message in found))


def answer(given: argparse.Namespace, box: MailBoxUnencrypted, booked: Iterable[tuple[MailMessage, list[str]]]) -> None:
    if given.save is not None:
        for _ in booked:
            pass
        return
    with smtplib.SMTP(given.smtp_host, given.smtp_port) as smtp:
        for message, expenses in booked:
            smtp.send_message(reply(message, expenses))
            box.move(str(message.uid), "Done" if expenses else "Failed")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["folder", "mailbox"])
    for name in ("inbox", "done", "error", "save", "employees"):
        parser.add_argument(f"--{name}", type=Path)
    for name in ("ocr", "upload", "base-url", "host", "user", "password", "smtp-host"):
        parser.add_argument(f"--{name}")
    for name in ("port", "smtp-port"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    if given.what == "folder":
        watch(given)
    else:
        empty(given)


if __name__ == "__main__":
    main()
