"""One link, followed by its recipe to the files that it leads to."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from urllib.parse import urlencode

from msgspec import Struct, field

from watcher.documents.links.address import Address, NotAnAddress, read_address
from watcher.documents.links.answers import anchors_of, by_format, fields_of, found_at, is_set, read_json, text_at
from watcher.documents.links.markup import unescaped
from watcher.documents.links.pages import Browser, Page
from watcher.documents.links.recipes import (
    FORMATS,
    Anchors,
    Ask,
    Capture,
    File,
    FileFormat,
    Flip,
    Inputs,
    Question,
    Step,
    Visit,
)
from watcher.documents.links.results import LinkedFile, NotHad
from watcher.documents.links.routing import Route
from watcher.documents.links.template import Lacking, Template
from watcher.documents.links.wire import Request
from watcher.model import Reason

_MOST_FILES = 20  # of one link: a list of invoices


class _Row(Struct, kw_only=True):
    """What is known of one invoice, and how it went."""

    variables: dict[str, str]
    failure: NotHad | None = None
    file: LinkedFile | None = None

    def fail(self, failure: NotHad) -> None:
        self.failure = failure if self.failure is None else _graver(self.failure, failure)


class _Arrived(Exception):
    """A page that was visited is the document itself."""

    def __init__(self, file: LinkedFile) -> None:
        self.file = file


class Errand(Struct, kw_only=True):
    """Runs the steps of one route."""

    browser: Browser
    route: Route
    page: Page | None = None
    rows: list[_Row] = field(default_factory=list)

    def run(self) -> list[LinkedFile | NotHad]:
        """For each invoice that the link leads to its file, or why there is none. Never empty, and never raises."""
        first = _Row(variables={**self.route.variables, "link": str(self.route.address)})
        self.rows = [first]
        try:
            for step in self.route.rule.steps:
                self._do(step)
        except _Arrived as arrived:
            return [arrived.file]
        except Lacking:
            self._fail(NotHad(Reason.LINK_EXPIRED, "the link lacks what its recipe needs"))
        except NotHad as failure:
            self._fail(failure)
        return [row.file or row.failure or _nothing() for row in self.rows]

    # -------------------------------------------------------------------------------------- steps

    def _do(self, step: Step) -> None:
        match step:
            case Visit():
                self._visit(step)
            case Ask():
                self._ask(step)
            case Inputs():
                found = fields_of(self._text)
                self._learn({name: found[name] for name in step.inputs if name in found})
            case Anchors():
                self._learn(anchors_of(self._text))
            case Capture():
                self._capture(step)
            case File():
                for row in self._waiting():
                    self._try(row, self._of_file(step, row))
            case Flip():
                for row in self._waiting():
                    self._try(row, self._flipped(step))

    def _visit(self, step: Visit) -> None:
        page = self.browser.get(self._address(step.visit, self.rows[0]), referer=None)
        if page.file is not None:
            raise _Arrived(page.file)
        self.page = page
        self._learn(page.address.parameters)
        if page.failure is not None:
            self.rows[0].fail(page.failure)

    def _ask(self, step: Ask) -> None:
        known = self.rows[0].variables
        answers = [self._answer(step, known)]
        if step.rows is not None:
            answers = [each for found in found_at(answers[0], step.rows) for each in _listed(found)]
        answers = [each for each in answers if not _is_marked(each, step.unless)]
        if not answers:
            raise NotHad(Reason.LINK_EXPIRED, "the platform names no invoice")
        self.rows = [_Row(variables=known | _kept(step, each)) for each in answers[:_MOST_FILES]]
        if len(answers) > _MOST_FILES:
            self.rows.append(_Row(variables={}, failure=NotHad(Reason.TOO_MANY, "the link leads to too many invoices")))

    def _capture(self, step: Capture) -> None:
        text = f"{self._here}\n{unescaped(self._text)}"
        found = step.capture.search(text)
        self._learn(found.groupdict("") if found else {})

    def _learn(self, found: Mapping[str, str]) -> None:
        for row in self.rows:
            row.variables |= {name: value for name, value in found.items() if value}

    # -------------------------------------------------------------------------------------- files

    def _try(self, row: _Row, addresses: Iterable[str]) -> None:
        """Each address, until one is a document."""
        for written in addresses:
            try:
                page = self.browser.get(_read(written, self._here), referer=self._here)
            except NotHad as failure:
                row.fail(failure)
                continue
            if page.file is not None:
                row.file = page.file
                return
            row.fail(page.failure or _nothing())

    def _of_file(self, step: File, row: _Row) -> Iterator[str]:
        if not isinstance(step.file, Template):
            for each in self._formats(step.file):
                yield from _filled(step.file[each], row.variables)
        elif not step.words:
            yield from _filled(step.file, row.variables)
        else:
            for each in self._formats(step.words):
                yield from _filled(step.file, row.variables | {"format": step.words[each]})

    def _flipped(self, step: Flip) -> list[str]:
        link = str(self.route.address)
        return [step.flip.sub(step.words[each], link) for each in self._formats(step.words)]

    def _formats(self, known: Collection[FileFormat]) -> list[FileFormat]:
        return [each for each in FORMATS if each in self.browser.accept and each in known]

    # -------------------------------------------------------------------------------------- asking

    def _answer(self, step: Ask, known: Mapping[str, str]) -> object:
        """The JSON that is as expected. Raises NotHad."""
        failure = NotHad(Reason.LINK_EXPIRED, "the platform does not know the invoice")
        for question in step.ask:
            try:
                answer = read_json(self.browser.get_text(self._request(question, known)))
            except Lacking:
                continue
            except NotHad as not_had:
                failure = _graver(failure, not_had)
                continue
            if answer is not None and _is_expected(step, answer):
                return answer
        raise failure

    def _request(self, question: Question, known: Mapping[str, str]) -> Request:
        address = _read(question.template.address(known), self._here)
        if question.post is None:
            return Request(address=address, referer=self._here)
        values = {key: each.value(known) for key, each in (question.form or question.data or {}).items()}
        as_json = question.data is not None
        return Request(
            address=address,
            referer=self._here,
            body=(json.dumps(values) if as_json else urlencode(values, errors="surrogateescape")).encode(),
            content_type="application/json" if as_json else "application/x-www-form-urlencoded; charset=UTF-8",
        )

    # ------------------------------------------------------------------------------------- places

    @property
    def _here(self) -> Address:
        return self.page.address if self.page is not None else self.route.address

    def _address(self, template: Template, row: _Row) -> Address:
        return _read(template.address(row.variables), self._here)

    @property
    def _text(self) -> str:
        return self.page.text if self.page is not None else ""

    def _fail(self, failure: NotHad) -> None:
        for row in self._waiting():
            row.fail(failure)

    def _waiting(self) -> list[_Row]:
        return [row for row in self.rows if row.file is None]


def _graver(first: NotHad, second: NotHad) -> NotHad:
    """What may succeed later outweighs all; what says something, that there is no document."""

    def weight(failure: NotHad) -> int:
        return 2 if failure.again else int(failure.reason is not Reason.LINK_EXPIRED)

    return second if weight(second) > weight(first) else first


def _filled(template: Template, variables: Mapping[str, str]) -> Iterator[str]:
    try:
        yield template.address(variables)
    except Lacking:
        return


def _is_marked(answer: object, marks: Iterable[str]) -> bool:
    return any(is_set(value) for mark in marks for value in found_at(answer, mark))


def _listed(found: object) -> list[object]:
    return found if isinstance(found, list) else [found]


def _kept(step: Ask, answer: object) -> dict[str, str]:
    found = {name: text_at(answer, paths) for name, paths in step.keep.items()}
    kept = {name: value for name, value in found.items() if value is not None}
    if step.formats is not None:
        addresses = [each for each in found_at(answer, step.formats) if isinstance(each, str)]
        kept |= {str(name): value for name, value in by_format((each, "") for each in addresses).items()}
    return kept


def _is_expected(step: Ask, answer: object) -> bool:
    return all(text_at(answer, [path]) == value for path, value in step.expect.items())


def _read(written: str, base: Address) -> Address:
    try:
        return read_address(written, base)
    except NotAnAddress as error:
        raise NotHad(Reason.LINK_REFUSED, "it leads to what is no address of ours") from error


def _nothing() -> NotHad:
    return NotHad(Reason.LINK_EXPIRED, "there is no document")
