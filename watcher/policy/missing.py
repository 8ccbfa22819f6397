"""What was left out of a submission although whoever sent it may take it for an invoice: then the answer names it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from watcher.model import LeftOut

_NUMBER = re.compile(r"(?<!\d)\d{20}(?!\d)")
_INVOICE_NAME = re.compile(r"发票|fapiao|invoice|dzfp", re.IGNORECASE)
_LIST_NAME = re.compile(r"明细|清单|汇总|.*\.(?:xls[xmb]?|ods|csv|et|p7s|sig)$", re.IGNORECASE)
_PACKED_NAME = re.compile(r".*\.(?:gz|tgz|tar|bz2|xz|lzh?|zst|arj|cab|iso|pgp|gpg|hqx|sitx?)", re.IGNORECASE)
# What is no invoice whatever it is called (发票抬头.txt): appointments, cards, notes, sound, films and programs.
_OTHER_THING_NAME = re.compile(
    r".*\.(?:ics|vcs|vcf|txt|md|log|css|js|ttf|otf|woff2?|exe|msi|apk|dmg|lnk"
    r"|mp[34]|m4[av]|mov|avi|mkv|wmv|flv|3gp|webm|mpe?g|wav|amr|aac|ogg|flac|silk)",
    re.IGNORECASE,
)
_MAILS = frozenset({"eml", "msg"})
# Of a mail that holds no document: most mails of the platforms have a link instead.
_MAIL_NAME = re.compile(
    r"发票|开票|票据|客票|电子票|专票|普票|收据|行程单|报销凭证|fapiao|invoice|(?<!read )(?<!return )receipt",
    re.IGNORECASE,
)
_DECORATION_NAME = re.compile(r"logo|banner|signature|avatar|qr_?code|ewm|icon|二维码|公众号|签名|头像", re.IGNORECASE)
_PICTURES = frozenset({"jpeg", "png", "bmp", "webp"})
_SCANS = frozenset({"tiff", "heic"})  # what scanners and phones make, and nobody's signature has
_SMALL_BYTES = 50_000  # logos, codes and signatures are smaller; a picture of an invoice that can be read is not
# What Outlook and Foxmail call a picture in the text: the banner of a signature, as every mail has it, or a pasted one.
_IN_THE_TEXT_NAME = re.compile(r"(?:image\d+|outlook-\w+|insertpic_.*)\.\w+", re.IGNORECASE)
_BANNER_BYTES = 150_000


def may_be_missed(name: str, form: str, size: int) -> bool:
    """Whether a file that is not accepted may be an invoice to a person. `form` is what its content says it is.

    The pictures under every mail are not: they are small, or are called what they are. Nor is what by its kind is none.
    Of a mail the subject counts.
    """
    if form in _MAILS:
        return _NUMBER.search(name) is not None or _MAIL_NAME.search(name) is not None
    if form == "other" and _OTHER_THING_NAME.fullmatch(name.strip()):
        return False
    if _NUMBER.search(name) or (_INVOICE_NAME.search(name) and not _LIST_NAME.search(name)):
        return True
    if form in _SCANS or _PACKED_NAME.fullmatch(name):
        return True
    least = _BANNER_BYTES if _IN_THE_TEXT_NAME.fullmatch(name) else _SMALL_BYTES
    return form in _PICTURES and size >= least and not _DECORATION_NAME.search(name)


class Placed(Struct, frozen=True):
    """A document's name, and the trail of the mail or archive that it is in."""

    name: str
    within: str = ""


def missed_beside(
    left_out: Sequence[LeftOut],
    documents: Collection[Placed],
    numbers: Collection[str],
    *,
    trails: Collection[str] = (),
) -> tuple[LeftOut, ...]:
    """The same, where nobody misses what is another form of a document: by its name, or by the number in its name.

    `numbers` are those of the invoices that were read in the documents. `trails` are those of
    the documents that are sent, and of the mails in the mail whose links led to one, and these links: a mail with such
    in it has a document, be it a small picture.
    """
    known = {*numbers, *(number for each in documents for number in _NUMBER.findall(each.name))}

    def is_missed(each: LeftOut) -> bool:
        has_document = bool(each.trail) and any(f"{trail}/".startswith(f"{each.trail}/") for trail in trails)
        return each.missed and not has_document and not _is_known(each, documents, known)

    return tuple(replace(each, missed=is_missed(each), trail="", mail="") for each in left_out)


def links_once(left_out: Sequence[LeftOut]) -> tuple[LeftOut, ...]:
    """The same, with each link once: a mail says it in HTML and in plain text.

    That does not tell the file's name, and may have the link cut short, by the end of a line.
    """
    links: dict[str, LeftOut] = {}
    for each in left_out:
        if each.is_link and (each.trail not in links or _has_no_name(links[each.trail])):
            links[each.trail] = each
    for short, whole in itertools.pairwise(sorted(links)):
        if whole.startswith(short) and _has_no_name(links[short]):
            del links[short]
    return tuple(each for each in left_out if not each.is_link or links.get(each.trail) is each)


def _has_no_name(link: LeftOut) -> bool:
    return link.trail.startswith(f"https://{link.name}")


def _is_known(one: LeftOut, documents: Iterable[Placed], numbers: Collection[str]) -> bool:
    """A photo that is called like a PDF may be another invoice (`1.pdf`, `1.jpg`): only what says more is known.

    A link is known by a file that is attached to the very mail, or to one around it, because several mails have each
    its own `发票.pdf`; but that may have any name: whoever was told that it is a link has attached it.
    """
    if found := _NUMBER.findall(one.name):
        return all(number in numbers for number in found)
    if one.is_link:
        documents = [each for each in documents if f"{one.mail}/".startswith(f"{each.within}/")]
        if any(each.name.casefold() == one.name.casefold() for each in documents):
            return True
    return bool(_INVOICE_NAME.search(one.name)) and any(_stem(each.name) == _stem(one.name) for each in documents)


def _stem(name: str) -> str:
    return (name.rpartition(".")[0] or name).casefold()
