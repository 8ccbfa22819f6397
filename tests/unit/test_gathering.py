"""What is taken of a mail that has files, links, or both."""

from __future__ import annotations

import base64
import quopri
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from tests.support.archives import attachment, message, zipped
from tests.support.files import BytesLeaf
from tests.support.files import document as found
from tests.support.workplace import pdf
from watcher.config.sections import Limits
from watcher.documents.choosing import DocumentChooser
from watcher.documents.reader import DocumentReader
from watcher.errors import LinkUnavailable
from watcher.gathering import Gathered, Gathering
from watcher.headers import MailHeader, read_header
from watcher.model import LeftOut, Reason
from watcher.ports import FoundDocument, Leaf, Linked, MailText
from watcher.sources.mailbox.whole import whole_leaves, whole_texts
from watcher.spool import Spooled

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
JUST_NOW, LONG_AGO = NOW - timedelta(minutes=5), NOW - timedelta(hours=2)
TEXT = MailText(text="https://files.example/a", html=False)


_HEADER = read_header(b"Subject: x\r\n\r\n")


@dataclass(frozen=True, slots=True)
class Mail:
    """A parcel with these files."""

    files: Sequence[Leaf] = ()
    header: MailHeader | None = _HEADER
    user_code: str | None = None
    owner: str | None = None
    size: int | None = None
    html: Sequence[MailText] = ()
    said: Sequence[MailText] = (TEXT,)

    def leaves(self) -> Sequence[Leaf]:
        return self.files

    def texts(self) -> Sequence[MailText]:
        return self.said

    def pages(self) -> Sequence[MailText]:
        return self.html

    def whole(self) -> bytes:
        return b""


@dataclass(slots=True)
class Links:
    """Leads to what it was told; `asked` are the texts that it was shown."""

    documents: list[FoundDocument]
    later: tuple[str, ...] = ()
    asked: list[MailText] = field(default_factory=list)
    left_out: tuple[LeftOut, ...] = ()
    mails: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()

    def linked(self, texts: Iterable[MailText]) -> Linked:
        self.asked.extend(texts)
        return Linked(
            documents=self.documents, later=self.later, mails=self.mails, links=self.links, left_out=self.left_out
        )


def nowhere(reason: Reason = Reason.LINK_EXPIRED) -> FoundDocument:
    return FoundDocument(
        name="a platform",
        media_type="application/octet-stream",
        extension="",
        size=0,
        content=None,
        reason=reason,
        message="https://files.example/a",
    )


def gather(
    links: Links | None,
    *files: bytes,
    received_at: datetime = JUST_NOW,
    leaves: Sequence[Leaf] = (),
    accept: Sequence[str] = ("pdf",),
) -> Gathered:
    gathering = Gathering(
        reader=DocumentReader(accept=accept, limits=Limits()),
        chooser=DocumentChooser(inspector=None, most=3, limits=Limits()),
        links=links,
        now=lambda: NOW,
    )
    leaves = leaves or [BytesLeaf(content, name=f"{number}.pdf") for number, content in enumerate(files)]
    gathered = gathering.gather(gathering.harvest(Mail(leaves)), received_at)
    gathered.close()
    return gathered


def names(gathered: Gathered) -> list[tuple[str, Reason | None]]:
    return [(each.name, each.reason) for each in gathered.documents]


def test_what_is_attached_and_what_is_linked_come_together() -> None:
    links = Links([found(pdf("linked"), name="linked.pdf")])

    assert names(gather(links, pdf("attached"))) == [("0.pdf", None), ("linked.pdf", None)]
    assert links.asked == [TEXT]


def test_a_link_that_leads_nowhere_is_told_where_nothing_else_came() -> None:
    assert names(gather(Links([nowhere()]))) == [("a platform", Reason.LINK_EXPIRED)]


def test_a_link_that_leads_nowhere_is_only_noted_beside_a_document() -> None:
    gathered = gather(Links([nowhere()]), pdf("attached"))

    assert names(gathered) == [("0.pdf", None)]
    assert [(each.name, each.why) for each in gathered.left_out] == [("a platform", "LINK_EXPIRED")]


LINK_MAIL = (
    b"From: a@b.example\r\nSubject: your invoice\r\nMessage-ID: <1@b.example>\r\n\r\nhttps://files.example/a\r\n"
)


@pytest.mark.parametrize("linked", [(), ("/1",), ("/2",), ("/1", "/2"), ("/3", "/4"), ("/1/5",), ("/11",)])
def test_each_mail_without_a_document_is_missed_unless_a_link_in_it_led_to_one(linked: tuple[str, ...]) -> None:
    links = Links(
        [found(pdf(f"linked {number}"), name=f"{number}.pdf") for number in range(3)], mails=frozenset(linked)
    )
    leaves = [BytesLeaf(LINK_MAIL + trail.encode(), trail=trail) for trail in ("/1", "/2")]

    gathered = gather(links, leaves=leaves)

    has = ["/1" in linked or "/1/5" in linked, "/2" in linked]
    assert [each.missed for each in gathered.left_out] == sorted((not one for one in has), reverse=True)
    assert {(each.name, each.trail) for each in gathered.left_out} == {("your invoice", "")}


_BRINGS: dict[str, tuple[bytes, ...]] = {
    "a document": (attachment(pdf("inner"), b"inner.pdf"),),
    "a file that is none": (attachment(b"PK\x03\x04" + bytes(22) + b"\x13\0\0\0[Content_Types].xml", b"note.docx"),),
    "a picture that is no decoration": (attachment(b"\xff\xd8\xff\xe0" + bytes(80_000), b"logo.jpg", b"image/jpeg"),),
    "nothing": (),
    "another mail with a document": (
        b"Content-Type: message/rfc822\r\n\r\n" + message(attachment(pdf("deep"), b"deep.pdf")).replace(b"=b", b"=d"),
    ),
}


@pytest.mark.parametrize("kind", ["message/rfc822", "application/octet-stream"])
@pytest.mark.parametrize("way", ["mail", "eml"])
@pytest.mark.parametrize(("brings", "is_missed"), [(each, "document" not in each) for each in _BRINGS])
def test_a_mail_in_the_mail_is_judged_by_what_it_brings_itself(
    kind: str, way: str, brings: str, *, is_missed: bool
) -> None:
    """Beside another one that brings a document, and has a link that led to another: neither stands for it."""
    said = b"Content-Type: text/plain\r\n\r\nhttps://files.example/a"
    good = message(said, attachment(pdf("a")), subject="your invoice 1").replace(b"=b", b"=c")
    judged = message(said, *_BRINGS[brings], subject="your invoice 2").replace(b"=b", b"=c")
    head = f'Content-Type: {kind}; name="1.eml"\r\n\r\n'.encode()
    whole = message(head + good, head + judged)

    with closing(Spooled([whole])) as content:
        if way == "mail":
            leaves: Sequence[Leaf] = list(whole_leaves(content))
        else:
            leaves = [BytesLeaf(whole, name="all.eml", trail="")]
        first = {text.mail for text in whole_texts(content) if text.mail} if kind == "message/rfc822" else {"/0"}
        links = Links([found(pdf("linked"), name="linked.pdf")], mails=frozenset(sorted(first, key=_begin)[:1]))
        gathered = gather(links, leaves=leaves)

    assert [each.name for each in gathered.left_out if each.missed] == (["your invoice 2"] if is_missed else [])


def _begin(mail: str) -> int:
    return int(mail.split("/")[1])


@pytest.mark.parametrize("linked", [1, 2])
def test_a_mail_whose_link_led_to_a_document_is_known_by_its_trail(linked: int) -> None:
    head = b"Content-Type: message/rfc822\r\n\r\n"
    mails = [
        message(b"Content-Type: text/plain\r\n\r\nhttps://files.example/a", subject=f"your invoice {number}").replace(
            b"=b", b"=c"
        )
        for number in (1, 2)
    ]
    with closing(Spooled([message(*(head + each for each in mails))])) as content:
        said = sorted({text.mail for text in whole_texts(content) if text.mail}, key=_begin)
        links = Links([found(pdf("linked"), name="linked.pdf")], mails=frozenset([said[linked - 1]]))
        gathered = gather(links, leaves=list(whole_leaves(content)))

    assert [each.name for each in gathered.left_out if each.missed] == [f"your invoice {3 - linked}"]


def test_what_came_beside_the_documents_behind_a_link_is_told() -> None:
    left_out = (LeftOut(name="26317000000012345678.xml", why="", missed=True),)
    links = Links([found(pdf("linked"), name="linked.pdf")], left_out=left_out)

    assert [(each.name, each.missed) for each in gather(links).left_out] == [(left_out[0].name, True)]


def test_an_empty_archive_is_missed_whatever_links_led_to() -> None:
    empty = BytesLeaf(zipped(("a.txt", b"see there")), name="invoice.zip")
    gathered = gather(Links([found(pdf("linked"), name="linked.pdf")]), leaves=[empty])
    assert [each.name for each in gathered.left_out if each.missed] == ["invoice.zip"]


@pytest.mark.parametrize("kind", ["message/rfc822", "application/octet-stream"])
@pytest.mark.parametrize(("name", "is_missed"), [("IMG_1.jpg", False), ("image001.jpg", True)])
def test_a_mail_in_the_mail_has_a_document_where_a_small_picture_in_it_is_sent_as_one(
    kind: str, name: str, *, is_missed: bool
) -> None:
    picture = attachment(b"\xff\xd8\xff\xe0" + bytes(40_000), name.encode(), b"image/jpeg")
    nested = message(b"Content-Type: text/plain\r\n\r\nhello", picture, subject="your invoice").replace(b"=b", b"=c")
    inner = f'Content-Type: {kind}; name="2.eml"\r\n\r\n'.encode() + nested

    gathered = gather(None, leaves=[BytesLeaf(message(attachment(pdf("a")), inner))], accept=["pdf", "image"])

    assert [(each.name, each.skipped) for each in gathered.documents] == [("a.pdf", False), (name, is_missed)]
    assert [(each.name, each.missed, each.trail) for each in gathered.left_out if each.is_mail] == [
        ("your invoice", is_missed, "")
    ]


def test_of_very_many_files_that_were_left_out_the_rest_is_counted() -> None:
    photos = [BytesLeaf(b"\xff\xd8\xff" + bytes(60_000), name=f"IMG_{number}.jpg") for number in range(70)]
    notes = [BytesLeaf(b"see there", name=f"{number}.txt") for number in range(60)]

    gathered = gather(None, leaves=[*notes, BytesLeaf(pdf("attached"), name="a.pdf"), *photos])

    assert sum(each.count for each in gathered.left_out if each.missed) == 70
    assert sum(each.count for each in gathered.left_out if not each.missed) == 60
    assert len(gathered.left_out) == 52


def test_one_link_that_leads_somewhere_is_enough() -> None:
    links = Links([nowhere(Reason.LINK_LOGIN), found(pdf("linked"), name="linked.pdf")], later=("files.example",))

    assert names(gather(links)) == [("linked.pdf", None)]


@pytest.mark.parametrize("files", [(), (pdf("attached"),)], ids=["another link", "an attachment"])
def test_a_link_whose_platform_does_not_answer_is_waited_for_and_then_told_whatever_else_came(
    files: tuple[bytes, ...],
) -> None:
    def links() -> Links:
        came = [] if files else [found(pdf("linked"), name="0.pdf")]
        return Links([*came, nowhere(Reason.LINK_UNREACHABLE), nowhere(Reason.LINK_LOGIN)], later=("files.example",))

    with pytest.raises(LinkUnavailable, match=r"files\.example"):
        gather(links(), *files)

    late = gather(links(), *files, received_at=LONG_AGO)
    assert [reason for _, reason in names(late)] == [None, Reason.LINK_UNREACHABLE]
    assert [each.why for each in late.left_out] == [Reason.LINK_LOGIN]


def test_what_a_link_led_to_and_cannot_be_used_is_told() -> None:
    large = found(pdf("x"), name="large.pdf")
    refused = Links([replace(large, reason=Reason.TOO_LARGE, content=None)])

    assert names(gather(refused, pdf("attached"))) == [("0.pdf", None), ("large.pdf", Reason.TOO_LARGE)]


def test_a_platform_that_does_not_answer_is_asked_again_while_the_mail_is_young() -> None:
    content = found(pdf("x"))
    unusable = replace(content, reason=Reason.UNREADABLE)
    links = Links([unusable, nowhere(Reason.LINK_UNREACHABLE)], later=("files.example",))

    with pytest.raises(LinkUnavailable, match=r"files\.example"):
        gather(links)
    assert content.content is not None
    with pytest.raises(ValueError, match="closed"):
        content.content.read()


def test_a_platform_that_does_not_answer_for_an_hour_is_told() -> None:
    links = Links([nowhere(Reason.LINK_UNREACHABLE)], later=("files.example",))

    assert names(gather(links, received_at=LONG_AGO)) == [("a platform", Reason.LINK_UNREACHABLE)]


def test_where_no_links_are_followed_a_mail_has_what_is_attached() -> None:
    assert names(gather(None, pdf("attached"))) == [("0.pdf", None)]
    assert gather(None).holds_nothing


CLOUD = "https://mail.qq.com/cgi-bin/ftnExs_download?k=1"
PAGE = MailText(text=f'<a href="{CLOUD}">1.pdf</a>', html=True)


def gathered_with_page(links: Links | None, *files: bytes) -> Gathered:
    gathering = Gathering(
        reader=DocumentReader(accept=["pdf"], limits=Limits()),
        chooser=DocumentChooser(inspector=None, most=3, limits=Limits()),
        links=links,
        now=lambda: NOW,
    )
    leaves = [BytesLeaf(content, name=f"{number}.pdf") for number, content in enumerate(files)]
    harvest = gathering.harvest(Mail(leaves, html=[PAGE], said=[PAGE]))
    gathered = (gathering.gather_plainly(harvest) if links is None else None) or gathering.gather(harvest, JUST_NOW)
    gathered.close()
    return gathered


@pytest.mark.parametrize("files", [(), (pdf("attached"),)], ids=["alone", "beside a document"])
@pytest.mark.parametrize("follows", [False, True])
def test_a_file_that_is_but_linked_to_is_told_whether_links_are_followed_or_not(
    files: tuple[bytes, ...], *, follows: bool
) -> None:
    gathered = gathered_with_page(Links([]) if follows else None, *files)

    assert [(each.name, each.missed, each.is_link, each.trail) for each in gathered.left_out] == [
        ("1.pdf", True, True, "")
    ]
    assert len(gathered.documents) == len(files)


_BLOCK = f'<a href="{CLOUD}">1.pdf</a>'.encode()
_IN_HTML = b"Content-Type: text/html\r\n\r\n" + _BLOCK
_IN_PLAIN = b"Content-Type: text/plain\r\n\r\n" + f"1.pdf: {CLOUD}".encode()
_ENCODED = b"Content-Transfer-Encoding: base64\r\n\r\n"


def _as_file(kind: bytes, mail: bytes) -> bytes:
    return b'Content-Type: %b; name="1.eml"\r\n%b%b' % (kind, _ENCODED, base64.encodebytes(mail))


def _inner(*parts: bytes) -> bytes:
    return message(*parts, subject="for you").replace(b"=b", b"=c").replace(b"--b", b"--c")


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ([_as_file(b"message/rfc822", _inner(_IN_HTML))], "1.pdf"),
        ([_as_file(b"application/octet-stream", _inner(_IN_HTML))], "1.pdf"),
        ([_as_file(b"application/octet-stream", _inner(_IN_PLAIN, _IN_HTML))], "1.pdf"),
        ([_as_file(b"application/octet-stream", _inner(_IN_PLAIN))], "mail.qq.com"),
        ([_IN_PLAIN], "mail.qq.com"),
        ([_IN_PLAIN, _IN_HTML], "1.pdf"),
    ],
)
@pytest.mark.parametrize("files", [(), (attachment(pdf("attached"), b"a.pdf"),)], ids=["alone", "beside a document"])
@pytest.mark.parametrize("follows", [False, True])
def test_a_link_to_a_file_is_told_once_wherever_a_mail_says_it(
    parts: list[bytes], name: str, files: tuple[bytes, ...], *, follows: bool
) -> None:
    with closing(Spooled([message(*parts, *files)])) as content:
        texts = whole_texts(content)
        pages = [each for each in whole_texts(content, 0) if each.html]
        gathering = Gathering(
            reader=DocumentReader(accept=["pdf"], limits=Limits()),
            chooser=DocumentChooser(inspector=None, most=3, limits=Limits()),
            links=Links([]) if follows else None,
            now=lambda: NOW,
        )
        harvest = gathering.harvest(Mail(list(whole_leaves(content)), html=pages, said=texts))
        gathered = gathering.gather(harvest, JUST_NOW)
        gathered.close()

    assert [(each.name, each.trail) for each in gathered.left_out if each.missed] == [(name, "")]
    assert len(gathered.documents) == len(files)


def _left_out(*parts: bytes) -> list[tuple[str, bool]]:
    """Of a mail with these parts, whose links nobody follows: what is a link, and whether it is missed."""
    with closing(Spooled([message(*parts)])) as content:
        gathering = Gathering(
            reader=DocumentReader(accept=["pdf"], limits=Limits()),
            chooser=DocumentChooser(inspector=None, most=3, limits=Limits()),
            links=None,
            now=lambda: NOW,
        )
        pages = [each for each in whole_texts(content, 0) if each.html]
        gathered = gathering.gather(gathering.harvest(Mail(list(whole_leaves(content)), html=pages)), JUST_NOW)
        gathered.close()
    return [(each.name, each.missed) for each in gathered.left_out if each.is_link]


@pytest.mark.parametrize(
    ("charset", "name"),
    [("gbk", "五月发票.pdf"), ("big5", "五月發票.pdf"), ("shift_jis", "請求書.pdf"), ("utf-16", "五月发票.pdf")],
)
@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_the_name_of_a_link_is_read_by_the_character_set_that_a_mail_declares(
    charset: str, name: str, encoding: str
) -> None:
    html = f'<a href="{CLOUD}">{name}</a>'.encode(charset)
    body = base64.encodebytes(html) if encoding == "base64" else quopri.encodestring(html)
    part = f"Content-Type: text/html; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()

    assert _left_out(_as_file(b"message/rfc822", _inner(part + body).replace(b"=cig5", b"=big5"))) == [(name, True)]


def test_a_link_that_the_plain_text_has_cut_short_is_told_once() -> None:
    whole = f"{CLOUD}&code=1b2c"
    page = b"Content-Type: text/html\r\n\r\n" + f'<a href="{whole}">1.pdf</a>'.encode()
    plain = b"Content-Type: text/plain\r\n\r\n" + f"> 1.pdf <{whole[:-4]}\n> {whole[-4:]}>".encode()

    assert _left_out(plain, page) == [("1.pdf", True)]


@pytest.mark.parametrize("inner", [False, True], ids=["in the same mail", "in the quoted one"])
def test_who_attaches_the_file_of_a_link_is_not_told_of_it_again(*, inner: bool) -> None:
    page = _as_file(b"message/rfc822", _inner(_IN_HTML)) if inner else _IN_HTML

    assert _left_out(page, attachment(pdf("attached"), b"1.PDF")) == [("1.pdf", False)]


def test_a_file_of_another_mail_in_the_mail_is_not_that_of_the_link() -> None:
    page = b"Content-Type: text/html\r\n\r\n" + f'<a href="{CLOUD}">{"发票.pdf"}</a>'.encode()
    other = _inner(attachment(pdf("other"), "发票.pdf".encode()))

    assert _left_out(_as_file(b"message/rfc822", _inner(page)), _as_file(b"message/rfc822", other)) == [
        ("发票.pdf", True)
    ]


def test_a_file_that_is_linked_to_and_was_fetched_is_not() -> None:
    links = Links([found(pdf("linked"), name="linked.pdf")], links=frozenset([CLOUD]))

    assert [each.missed for each in gathered_with_page(links).left_out] == [False]


def test_what_another_link_led_to_is_not_the_file_of_this_one() -> None:
    page = MailText(text=f'<a href="{CLOUD}">发票.pdf</a>', html=True)
    gathering = Gathering(
        reader=DocumentReader(accept=["pdf"], limits=Limits()),
        chooser=DocumentChooser(inspector=None, most=3, limits=Limits()),
        links=Links([replace(found(pdf("linked"), name="发票.pdf"), trail="link 0")]),
        now=lambda: NOW,
    )
    gathered = gathering.gather(gathering.harvest(Mail(said=[page])), JUST_NOW)
    gathered.close()

    assert [(each.name, each.missed) for each in gathered.left_out] == [("发票.pdf", True)]


def test_a_file_that_is_cut_into_parts_is_still_that_of_the_link() -> None:
    came = found(pdf("attached"), name="1.pdf")
    parts = [replace(came, name="1 p1-3.pdf", trail="/2"), replace(came, name="1 p4.pdf", trail="/2")]

    class Cutting(DocumentChooser):
        def choose(self, documents: Sequence[FoundDocument]) -> list[FoundDocument]:
            return parts if documents else []

    gathering = Gathering(
        reader=DocumentReader(accept=["pdf"], limits=Limits()),
        chooser=Cutting(inspector=None, most=3, limits=Limits()),
        links=None,
        now=lambda: NOW,
    )
    mail = Mail([BytesLeaf(pdf("attached"), name="1.pdf", trail="/2")], html=[PAGE])
    gathered = gathering.gather(gathering.harvest(mail), JUST_NOW)
    gathered.close()

    assert [(each.name, each.missed) for each in gathered.left_out] == [("1.pdf", False)]
