"""What people are told of a file that cannot be used, in both languages because nobody is asked here."""

from __future__ import annotations

from watcher.seen import Mark

LOCKED = "压缩包有密码，请去掉密码后重新发送 / the archive is locked by a password: send it without one"
LOCKED_PDF = "PDF 有打开密码，请去掉密码后重新发送 / the PDF is locked by a password: send it without one"
SIGNATURE_IMAGE = "邮件签名里的小图片 / a small picture, as stand under mails"
DAMAGED = "文件已损坏，无法打开，请重新发送 / the file is damaged and cannot be opened: send it again"
BY_REFERENCE = (
    "附件只是一个云端链接，文件不在邮件里，请下载后作为普通附件重新发送 "
    "/ the attachment is only a link into the cloud, and the file is not in the mail: download it, and attach the file"
)
PORTFOLIO = (
    "PDF 文件包打不开，请把其中的发票逐个另存成文件后发送 "
    "/ the PDF portfolio cannot be opened: save the invoices in it as files, and send these"
)
EMPTY_PORTFOLIO = (
    "PDF 文件包里没有找到发票文件，请把其中的发票逐个另存成文件后发送 "
    "/ no invoice file was found in the PDF portfolio: save the invoices in it as files, and send these"
)
EMPTY = "there is no document in it"  # for whoever asks what became of it, as `not_accepted`
UNSPLIT = "文件无法按发票拆分，请每张发票单独发送 / the file cannot be split by its invoices: send each by itself"
SEALED = "已加密，没有密钥打不开，请不要加密，重新发送 / it is encrypted, and there is no key here: send it unencrypted"
FRAGMENT = (
    "邮件被拆成了几封，这只是其中一段，无法打开：请不要拆分邮件，整封重新发送；附件太大就分几封发送 "
    "/ the mail was cut into several, of which this is one piece: send it in one, or fewer files at once"
)
TOO_DEEP = "嵌套层数过多，请直接发送发票文件 / packed within one another too deep: send the files themselves"
SLOW = "解开所需时间过长，请直接发送发票文件 / unpacking takes too long: send the files themselves"
BOMB = "压缩包解开后过大，请直接发送发票文件 / the archive would become too large: send the files themselves"
CROWDED = "压缩包内文件过多，请分批发送 / the archive holds too many files: send them in several lots"


_NAMES = {
    Mark.TRIP_SHEET: "行程单 / a trip sheet",
    Mark.FOLIO: "酒店水单 / a hotel's folio",
    Mark.TOLL_SUMMARY: "通行费汇总单 / a summary of tolls",
    Mark.GOODS_LIST: "明细清单 / a list of goods",
}


def no_invoice(mark: Mark) -> str:
    """What a document is instead of an invoice."""
    return _NAMES[mark]


def same_invoice(name: str) -> str:
    return f"与「{name}」是同一张发票 / the same invoice as “{name}”"


def too_large(limit: int) -> str:
    return f"文件超过 {_shown(limit)} / the file is larger than {_shown(limit)}"


def together_too_large(limit: int) -> str:
    chinese = f"全部文件合计超过 {_shown(limit)}，请分批发送"
    return f"{chinese} / the files are larger than {_shown(limit)} together: send them in several lots"


def too_many(limit: int) -> str:
    chinese = f"一次最多 {limit} 个文件，其余未处理，请分批发送"
    return f"{chinese} / at most {limit} files at once; the rest was left out: send it in several lots"


def not_accepted(form: str) -> str:
    """Why something is no document here; shown to whoever asks what became of it."""
    return "it is no document" if form == "other" else f"{form} is not accepted"


def not_that(form: str) -> str:
    chinese = f"内容不是 {form}（可能是空文件、网页或下载不完整），请重新下载后发送"
    return f"{chinese} / its content is no {form} (empty, a web page, or cut off): download it anew and send it again"


def picture_for(form: str) -> str:
    """Of a picture that is called something else: to download it anew would give the same."""
    chinese = f"内容不是 {form} 而是图片（只改了文件名？），请发送发票原件"
    return f"{chinese} / its content is no {form} but a picture (was only its name changed?): send the original"


def unsupported(form: str) -> str:
    chinese = f"无法打开 {form} 格式，请改用 zip 或直接发送发票文件"
    return f"{chinese} / {form} cannot be opened: send a zip or the files themselves"


def _shown(size: int) -> str:
    return f"{size / 1_000_000:g} MB"
