"""From pieces of text with a place on the page to lines as a reader sees them.

Files hold text in any order: often all labels first and all values after them.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from msgspec import Struct

# Of a piece's height: how far apart pieces of one word, and words of one column, may stand.
_WORD = 0.2
_COLUMN = 1.2
# Two pieces stand on one line where their middles are nearer than this part of the lower one's height.
_SAME_LINE = 0.5


class Piece(Struct, frozen=True, kw_only=True):
    """Text at its place. The unit is the file's own; `top` is less than `bottom`: y grows downward."""

    text: str
    left: float
    right: float
    top: float
    bottom: float

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2

    @property
    def height(self) -> float:
        return self.bottom - self.top


def laid_out(pieces: Iterable[Piece]) -> str:
    """The lines from top to bottom; within a line a tab stands between columns and a blank between words."""
    lines: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda piece: piece.middle):
        if lines and _on_one_line(lines[-1][-1], piece):
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return "\n".join(_line(sorted(line, key=lambda piece: piece.left)) for line in lines)


def _on_one_line(one: Piece, other: Piece) -> bool:
    return abs(one.middle - other.middle) <= _SAME_LINE * min(one.height, other.height)


def _line(pieces: list[Piece]) -> str:
    text = pieces[0].text
    end = pieces[0].right
    for before, piece in pairwise(pieces):
        if _is_drawn_again(before, piece):
            continue
        gap, height = piece.left - end, max(min(before.height, piece.height), 0.1)
        text += "\t" if gap > _COLUMN * height else " " if gap > _WORD * height else ""
        text += piece.text
        end = max(end, piece.right)
    return text


def _is_drawn_again(before: Piece, piece: Piece) -> bool:
    """Bold letters are often the same ones twice, a hair apart."""
    return piece.text == before.text and piece.left - before.left < _WORD * piece.height
