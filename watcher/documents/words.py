"""What people are told of a file that cannot be used, in both languages because nobody is asked here."""

from __future__ import annotations

LOCKED = "压缩包有密码，请去掉密码后重新发送 / the archive is locked by a password: send it without one"
DAMAGED = "文件已损坏，无法打开，请重新发送 / the file is damaged and cannot be opened: send it again"
TOO_DEEP = "压缩包嵌套层数过多，请直接发送发票文件 / archives within archives, too deep: send the files themselves"
BOMB = "压缩包解开后过大，请直接发送发票文件 / the archive would become too large: send the files themselves"
CROWDED = "压缩包内文件过多，请分批发送 / the archive holds too many files: send them in several lots"


def too_large(limit: int) -> str:
    return f"文件超过 {_shown(limit)} / the file is larger than {_shown(limit)}"


def together_too_large(limit: int) -> str:
    chinese = f"全部文件合计超过 {_shown(limit)}，请分批发送"
    return f"{chinese} / the files are larger than {_shown(limit)} together: send them in several lots"


def too_many(limit: int) -> str:
    chinese = f"一次最多 {limit} 个文件，其余未处理，请分批发送"
    return f"{chinese} / at most {limit} files at once; the rest was left out: send it in several lots"


def unsupported(form: str) -> str:
    chinese = f"无法打开 {form} 格式，请改用 zip 或直接发送发票文件"
    return f"{chinese} / {form} cannot be opened: send a zip or the files themselves"


def _shown(size: int) -> str:
    return f"{size / 1_000_000:g} MB"
