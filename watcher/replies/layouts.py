"""The layouts of answers: read once for each language, with its words and styles filled in, and then filled by views.

A template is written in two passes. What every answer of a language has stands in ``<< >>`` and ``<% %>`` and is filled
in when the layout is read; anew for each answer it cost more than all the rest of a page. What stands in ``{{ }}`` and
``{% %}`` is of one answer; anything from outside stands only there, and is escaped in HTML.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from itertools import product
from typing import Any, Literal, get_args

from jinja2 import BaseLoader, Environment, FunctionLoader, PackageLoader, StrictUndefined, Template, select_autoescape

from watcher.model import Language
from watcher.replies.view import AnswerView
from watcher.replies.words import Words

Form = Literal["txt", "html"]
_RULE = "=" * 60


class Layouts:
    """The templates that ship with the package. Safe to use from many threads."""

    def __init__(self, words: Mapping[Language, Words]) -> None:
        self._words = words
        self._shared = _environment(
            Environment, PackageLoader("watcher.replies"),
            block_start_string="<%", block_end_string="%>", variable_start_string="<<", variable_end_string=">>",
            comment_start_string="<#", comment_end_string="#>",
        )  # fmt: skip
        self._answers = _environment(_OfAnswers, FunctionLoader(self._of_language))
        self._read: dict[tuple[Form, Language], Template] = {}

    def read_all(self) -> None:
        """Those of every language, which else are read when they are first filled."""
        for form, language in product(get_args(Form), get_args(Language)):
            self._layout(form, language)

    def filled(self, form: Form, view: AnswerView, language: Language) -> str:
        """The answer in this form, with a line end at its end."""
        layout = self._layout(form, language)
        context = layout.new_context({"view": view}, shared=True)  # without jinja's globals: none is used
        return "".join(layout.root_render_func(context)) + "\n"

    def _layout(self, form: Form, language: Language) -> Template:
        layout = self._read.get((form, language))
        if layout is None:
            layout = self._read[form, language] = self._answers.get_template(f"{language}/reply.{form}.j2")
        return layout

    def _of_language(self, name: str) -> str:
        """A template such as ``zh/reply.html.j2`` after its first pass."""
        said, _, template = name.partition("/")
        language: Language = "zh" if said == "zh" else "en"
        say = self._words[language].say
        return self._shared.get_template(template).render(language=language, say=say, rule=_RULE)


class _OfAnswers(Environment):
    """Looks at values directly, which saves a call for each: a name that no view has is an error in any case."""

    getattr = getattr  # type: ignore[assignment] # it takes the same arguments
    getitem = operator.getitem  # type: ignore[assignment] # likewise


def _environment(kind: type[Environment], loader: BaseLoader, **signs: Any) -> Environment:
    return kind(
        loader=loader,
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        auto_reload=False,  # else each reply looks whether they have changed
        **signs,
    )
