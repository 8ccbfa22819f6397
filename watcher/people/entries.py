"""Employee numbers and languages as services of employees write them."""

from __future__ import annotations

from watcher.model import Language


def language_of(text: object) -> Language | None:
    """``zh-CN`` is zh; what is neither Chinese nor English is None."""
    known: dict[str, Language] = {"zh": "zh", "en": "en"}
    return known.get(text.strip().lower()[:2]) if isinstance(text, str) else None


def code_of(value: object) -> str | None:
    """An employee number as text; None where there is none."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not text.strip() or not text.strip().isprintable():
        return None
    return text.strip()
