"""What PyYAML says of a text that is no YAML, in words for an administrator, at the line where the mistake is.

PyYAML often stumbles a line later. Nothing of the text is quoted: it may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import yaml

BACKSLASH = "a backslash in double quotes: use single quotes"
# The beginnings of what PyYAML says, and what a person is told instead.
_NO_COLON = "could not find expected ':'"
_SECOND_COLON = "mapping values are not allowed"
_UNCLOSED_QUOTE = "found unexpected end of stream"
_UNCLOSED_BRACKET = "expected ',' or"
_MORE_TEXT = "expected <block end>"
_DOCUMENT_OVER = "expected '<document start>'"
_LACKS_COLON = "a key without its colon, or without the blank after the colon"
_PLAIN = (
    ("found character '\\t'", "a tab stands here: write spaces"),
    ("found character", "a value cannot begin with this sign: put it in quotes"),
    (_SECOND_COLON, "a colon too many, or wrong indentation: put a value with a colon in quotes"),
    (_NO_COLON, _LACKS_COLON),
    ("found undefined alias", "a value cannot begin with *: put it in quotes"),
    ("expected alphabetic or numeric", "a value cannot begin with * or &: put it in quotes"),
    ("found duplicate anchor", "an anchor (&) of this name was set before"),
    (_UNCLOSED_QUOTE, "a quote that is opened and never closed"),
    ("found unknown escape character", BACKSLASH),
    ("but found another document", "only one document: take out the line with ---"),
    (_DOCUMENT_OVER, "a text behind the end: take out a line with ... or one that begins with %"),
    (_MORE_TEXT, "wrong indentation, or a text after a closing quote or bracket"),
    (_UNCLOSED_BRACKET, "a bracket that is opened and never closed, or a comma is missing"),
    ("expected the node content", "a value is missing, or wants quotes, or a bracket is opened and never closed"),
    ("sequence entries are not allowed", "a list begins in a line of its own; a value that begins with - wants quotes"),
    ("mapping keys are not allowed", "a value cannot begin with ?: put it in quotes"),
    ("expected chomping or indentation", "a value cannot begin with | or >: put it in quotes"),
    ("expected a comment or a line break", "a value cannot begin with | or >: put it in quotes"),
)

STRANGE_INDENTATION = "a blank that is no ordinary one stands before a key: indent with spaces"

# Signs that a Chinese keyboard writes, and a web page that is copied from; YAML takes them for letters.
_FOREIGN = {
    "：": "a full-width colon: write : and a blank",
    "，": "a full-width comma: write , and a blank",
    "｛": "a full-width brace: write { and }",
    "｝": "a full-width brace: write { and }",
    "［": "a full-width bracket: write [ and ]",
    "］": "a full-width bracket: write [ and ]",
    "【": "a full-width bracket: write [ and ]",
    "】": "a full-width bracket: write [ and ]",
    "“": 'a curly quote: write "',
    "”": 'a curly quote: write "',
    "＂": 'a full-width quote: write "',
    "‘": "a curly quote: write '",
    "’": "a curly quote: write '",
    "＇": "a full-width quote: write '",
    "＃": "a full-width #: write # and a blank before it",
    "\N{NO-BREAK SPACE}": "a blank that only looks like one: write an ordinary space",
    "\N{IDEOGRAPHIC SPACE}": "a full-width blank: write an ordinary space",
}
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_STUCK_HYPHEN = re.compile(r" *-[\w\"']")
_PARTED = re.compile(r":(?:\s|$)")
_MARGIN = re.compile(r" *(?:- +)*")
_OPEN_QUOTE = re.compile(r"(?:^|[-:,\[{])\s*[\"']")


def fault(error: yaml.MarkedYAMLError, text: str) -> tuple[int, str]:
    """The line of the mistake, 1 for the first one, and what it is."""
    lines = text.splitlines()
    said, line = error.problem or "", _line(error)
    indented = next((n for n, each in enumerate(lines[:line], 1) if is_strangely_indented(each)), None)
    if indented is not None:
        return indented, STRANGE_INDENTATION
    if said.startswith(_SECOND_COLON) and (above := _stuck_hyphen(lines, line)):
        return above, "a blank is missing after the hyphen of a list"
    plain = next((plain for start, plain in _PLAIN if said.startswith(start)), "wrong YAML syntax")
    if said.startswith((_SECOND_COLON, _DOCUMENT_OVER, _MORE_TEXT)) and (above := _lacks_colon_above(lines, line)):
        line, plain = above, _LACKS_COLON
    return line, plain + _opening(error, line) + _open_quote(said, lines, line) + _foreign(lines[line - 1 : line])


def _line(error: yaml.MarkedYAMLError) -> int:
    """Of a key without its colon PyYAML names the line behind it, of a quote without its end the last one."""
    is_where_it_began = (error.problem or "").startswith((_NO_COLON, _UNCLOSED_QUOTE))
    mark = (error.context_mark if is_where_it_began else None) or error.problem_mark or error.context_mark
    return mark.line + 1 if mark else 1


def _opening(error: yaml.MarkedYAMLError, line: int) -> str:
    """Of a bracket that ends many lines away, or nowhere."""
    opened = error.context_mark
    is_elsewhere = (error.problem or "").startswith(_UNCLOSED_BRACKET) and opened and opened.line + 1 != line
    return f" (it is opened in line {opened.line + 1})" if opened and is_elsewhere else ""


def is_strangely_indented(line: str) -> bool:
    indentation = line[: len(line) - len(line.lstrip())]
    return any(sign in _FOREIGN for sign in indentation)


def _stuck_hyphen(lines: Sequence[str], line: int) -> int | None:
    """The line with text right above, where that is an item of a list without its blank."""
    above = _text_above(lines, line)
    return above if above and _STUCK_HYPHEN.match(lines[above - 1]) else None


def _lacks_colon_above(lines: Sequence[str], line: int) -> int | None:
    """The same, where that stands as far to the right as the one key of its line, and is none for want of a colon.

    It may be the first one of a group, and then goes on below.
    """
    above = _text_above(lines, line)
    if above is None or len(_PARTED.findall(_bare(lines[line - 1]))) != 1:
        return None
    if lines[above - 1].startswith(("...", "%")) or _PARTED.search(_bare(lines[above - 1])):
        return None
    return above if _margin(lines[above - 1]) == _margin(lines[line - 1]) else None


def _open_quote(said: str, lines: Sequence[str], line: int) -> str:
    """Of one that the next quote has closed, lines below."""
    if not said.startswith((_MORE_TEXT, _UNCLOSED_BRACKET)):
        return ""
    opened = next((n for n in range(line - 1, 0, -1) if _OPEN_QUOTE.search(_bare(lines[n - 1]))), None)
    return f" (perhaps the quote that is opened in line {opened} is never closed)" if opened else ""


def _text_above(lines: Sequence[str], line: int) -> int | None:
    return next((n for n in range(line - 1, 0, -1) if _COMMENT.sub("", lines[n - 1]).strip()), None)


def _margin(line: str) -> int:
    """Where its text begins, behind the hyphen of a list."""
    found = _MARGIN.match(line)
    return found.end() if found else 0


def _bare(line: str) -> str:
    return _COMMENT.sub("", _QUOTED.sub("", line))


def _foreign(lines: Sequence[str]) -> str:
    """What sign of another kind stands in the line, outside of quotes and comments."""
    found = next((_FOREIGN[sign] for sign in _bare("".join(lines)) if sign in _FOREIGN), None)
    return f" (this line has {found})" if found else ""
