"""The employees' file: CSV with the columns email, user_code, name, language."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from watcher.headers import clean
from watcher.model import Language, Person
from watcher.people.entries import is_code

LARGEST_BYTES = 50_000_000

_COLUMNS = ("email", "user_code", "name", "language")
_CHINESE = {"邮箱": "email", "工号": "user_code", "姓名": "name", "语言": "language"}
_SEPARATOR = re.compile(r"sep=.?", re.IGNORECASE)  # a first line that tells Excel which sign parts the columns
_IN_POWERS = re.compile(r"\d(?:[.,]\d+)?[Ee]\+?\d+")
_KEPT_AS_TEXT = re.compile(r'="([^"]*)"')  # how spreadsheet programs are had to leave zeros alone
_LANGUAGES: dict[str, Language] = {"zh": "zh", "en": "en", "中文": "zh", "英文": "en"}


class BrokenFile(Exception):
    """No employee can be read from it; `str()` says why."""


class Employees(Struct, frozen=True, kw_only=True):
    """The file's contents. Addresses and logins are in case-folded form.

    An address that stands there for two different employees belongs to neither: `problems` says so,
    as it does of every row that cannot be used, with its line. Several addresses of one employee number are
    one person; `doubts` has those whose rows give them different names, where a number may be mistyped, and
    numbers that a spreadsheet program has spoilt.
    """

    by_address: Mapping[str, Person] = field(default_factory=dict)
    by_code: Mapping[str, Person] = field(default_factory=dict)
    by_folded_code: Mapping[str, Person | None] = field(default_factory=dict)  # None: several have it in some case
    by_local_part: Mapping[str, Person | None] = field(default_factory=dict)  # None: several people have it
    contested: frozenset[str] = frozenset()  # addresses that belong to neither of several
    problems: Sequence[str] = ()
    doubts: Sequence[str] = ()
    encoding: str = "UTF-8"


class _Row(Struct, frozen=True, kw_only=True):
    line: int
    email: str  # an address, or a login name
    person: Person


def read_employees(data: bytes) -> Employees:
    """Raises BrokenFile where there is no header row, no usable row, or no text at all."""
    if len(data) > LARGEST_BYTES:
        raise BrokenFile("it is larger than 50 MB")
    problems: list[str] = []
    text, encoding = _text(data)
    rows = list(_rows(text, problems))
    if not rows:
        raise BrokenFile("it has no employee in it" + "".join(f"; {problem}" for problem in problems[:1]))
    by_address = _addresses(rows, problems)
    by_code = {row.person.user_code: row.person for row in reversed(rows)}
    contested = frozenset(row.email for row in rows) - by_address.keys()
    return Employees(
        by_address=by_address,
        by_code=by_code,
        by_folded_code=_one_each((code.casefold(), person) for code, person in by_code.items()),
        by_local_part=_local_parts(by_address, contested),
        contested=contested,
        problems=tuple(problems),
        doubts=(*_two_names(rows), *_spoilt_codes(rows)),
        encoding=encoding,
    )


def _text(data: bytes) -> tuple[str, str]:
    """The text, and the name of its encoding."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        raise BrokenFile("it is no CSV in UTF-8 or GB18030 (is it UTF-16, or a spreadsheet?)")
    for encoding, name in (("utf-8-sig", "UTF-8"), ("gb18030", "GB18030, as Excel writes it")):
        try:
            return data.decode(encoding), name
        except UnicodeDecodeError:
            continue
    raise BrokenFile("it is neither UTF-8 nor GB18030")


def _rows(text: str, problems: list[str]) -> Iterator[_Row]:
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = next((sign for sign in ",;\t，" if sign in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns: dict[str, int] | None = None
    try:
        for cells in reader:
            if columns is None and any(cells) and not _SEPARATOR.fullmatch(cells[0]):
                columns = _columns(cells)
            elif columns is not None and any(cell.strip() for cell in cells):
                row = _row(cells, columns, reader.line_num, problems)
                if row is not None:
                    yield row
    except csv.Error as error:
        # What follows a quote that is never closed cannot be told apart: half a file is not the file.
        raise BrokenFile(f"line {reader.line_num}: {error}") from error


def _columns(cells: list[str]) -> dict[str, int]:
    names = [_plain(cell).lower() for cell in cells]
    columns = {_CHINESE.get(name, name): index for index, name in reversed(list(enumerate(names)))}
    missing = [name for name in _COLUMNS[:2] if name not in columns]
    if missing:
        raise BrokenFile(
            f"its first row must name the columns: email,user_code,name,language ({missing[0]} is missing)"
        )
    return columns


def _row(cells: list[str], columns: Mapping[str, int], line: int, problems: list[str]) -> _Row | None:
    email, code, name, language = (_cell(cells, columns.get(column)) for column in _COLUMNS)
    if not email or any(sign.isspace() or not sign.isprintable() for sign in email) or email.count("@") > 1:
        problems.append(f"line {line}: no mail address in the column email; the row is passed over")
        return None
    if not is_code(code):
        problems.append(f"line {line}: no employee number in the column user_code; the row is passed over")
        return None
    if language and language.lower()[:2] not in _LANGUAGES:
        problems.append(f"line {line}: the language must be zh or en; the default is used")
    person = Person(user_code=code, name=clean(name) or None, language=_LANGUAGES.get(language.lower()[:2]))
    return _Row(line=line, email=email.casefold(), person=person)


def _cell(cells: list[str], index: int | None) -> str:
    return _plain(cells[index]) if index is not None and index < len(cells) else ""


def _plain(cell: str) -> str:
    kept = _KEPT_AS_TEXT.fullmatch(cell.strip())
    return (cell if kept is None else kept[1]).strip()


def _addresses(rows: Sequence[_Row], problems: list[str]) -> dict[str, Person]:
    found: dict[str, _Row] = {}
    contested = set()
    for row in rows:
        first = found.setdefault(row.email, row)
        if first is row:
            continue
        shown = clean(row.email)
        if first.person.user_code == row.person.user_code:
            problems.append(f"line {row.line}: {shown} stands in line {first.line} already")
        else:
            contested.add(row.email)
            problems.append(
                f"line {row.line}: {shown} has another employee number in line {first.line}; neither is used"
            )
    return {email: row.person for email, row in found.items() if email not in contested}


def _two_names(rows: Sequence[_Row]) -> Iterator[str]:
    found: dict[str, _Row] = {}
    for row in rows:
        if row.person.name is None:
            continue
        first = found.setdefault(row.person.user_code, row)
        if first.person.name != row.person.name:
            code = clean(row.person.user_code)
            yield f"line {row.line}: {code} is {row.person.name} here and {first.person.name} in line {first.line}"


def _spoilt_codes(rows: Sequence[_Row]) -> Iterator[str]:
    """Spreadsheet programs write long numbers as 1.23E+11, and may leave a formula in the place of its value."""
    for row in rows:
        if row.person.user_code.startswith("="):
            yield f"line {row.line}: the employee number {clean(row.person.user_code)} is a formula, and no number"
        if _IN_POWERS.fullmatch(row.person.user_code):
            yield f"line {row.line}: the employee number {row.person.user_code} was shortened by a spreadsheet program"


def _local_parts(by_address: Mapping[str, Person], contested: Iterable[str]) -> dict[str, Person | None]:
    addresses = ((*address.partition("@")[:2], person) for address, person in by_address.items())
    found = _one_each((local, person) for local, at, person in addresses if at)
    return {**found, **dict.fromkeys(address.partition("@")[0] for address in contested)}


def _one_each(named: Iterable[tuple[str, Person]]) -> dict[str, Person | None]:
    """Whom each name means; None where that is more than one."""
    found: dict[str, Person | None] = {}
    for name, person in named:
        other = found.setdefault(name, person)
        if other is None or other.user_code != person.user_code:
            found[name] = None
    return found
