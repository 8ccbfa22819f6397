"""Employee numbers and languages as services of employees write them."""

from __future__ import annotations

from watcher.model import Language

LONGEST_CODE = 200  # characters: more than any number has, and what every database can look up by


def language_of(text: object) -> Language | None:
    """``zh-CN`` is zh; what is neither Chinese nor English is None."""
    known: dict[str, Language] = {"zh": "zh", "en": "en"}
    return known.get(text.strip().lower()[:2]) if isinstance(text, str) else None


def code_of(value: object) -> str | None:
    """An employee number as text; None where there is none."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not is_code(text.strip()):
        return None
    return text.strip()


def is_code(text: str) -> bool:
    """Whether it may be an employee number."""
    return 0 < len(text) <= LONGEST_CODE and text.isprintable()
