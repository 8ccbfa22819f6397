"""What people look at, and what they decide there."""

from __future__ import annotations

from flask import Blueprint, abort, request, url_for
from werkzeug.wrappers import Response as Answer

from watcher.decisions import is_code
from watcher.errors import UsageError
from watcher.model import Outcome, Submission, SubmissionState
from watcher.ports import Journal
from watcher.web.access import Access, from_where
from watcher.web.deciding import DEEDS, Wish, carry_out, confirmation, needs_code, possible, stand
from watcher.web.front import Current
from watcher.web.listing import find, only_one_meant, read_asked, row_of
from watcher.web.overview import SPANS, overview
from watcher.web.remembered import Remembered
from watcher.web.visit import Notice, Visits
from watcher.web.whole import whole_of

_STAND = "stand"
_LONGEST_WORDS = 200


class Pages:
    """Each view is handed what is there now, and the journal."""

    def __init__(self, access: Access, visits: Visits, remembered: Remembered) -> None:
        self._access = access
        self._visits = visits
        self._remembered = remembered

    def join(self, pages: Blueprint) -> None:
        reading = self._visits.reading
        pages.add_url_rule("/", "overview", reading(self.overview))
        pages.add_url_rule("/submissions", "list", reading(self.list))
        pages.add_url_rule("/submissions/<identifier>", "show", reading(self.show))
        deeds = f"/submissions/<identifier>/<any({', '.join(DEEDS)}):deed>"
        pages.add_url_rule(deeds, "ask", reading(self.ask))
        pages.add_url_rule(deeds, "act", reading(self.act), methods=["POST"])

    # --------------------------------------------------------------------------------------- looking

    def overview(self, current: Current, journal: Journal) -> Answer:
        chosen = request.args.get("span", "")
        span = chosen if chosen in SPANS else next(iter(SPANS))
        shown = overview(journal, current.configuration, self._visits.speech, self._remembered, span)
        return self._visits.page("overview", view=shown, outcomes=list(Outcome), spans=list(SPANS))

    def list(self, current: Current, journal: Journal) -> Answer:
        """Where what is searched for can only mean one submission, that one at once."""
        speech = self._visits.speech
        asked = read_asked(request.args, speech.zone)
        found = find(journal, asked)
        meant = only_one_meant(found, asked.filter.search)
        if meant is not None and asked.below is None and not asked.narrowed:
            return self._visits.leave(url_for("pages.show", identifier=meant.id, q=asked.words["q"]))
        return self._visits.page(
            "list",
            asked=asked,
            rows=[row_of(each, speech) for each in found.submissions],
            below=found.below,
            words={key: value for key, value in asked.words.items() if value},
            states=list(SubmissionState),
            outcomes=list(Outcome),
            sources=[section.name for section in current.configuration.sources],
        )

    def show(self, _: Current, journal: Journal, identifier: str) -> Answer:
        submission = _one(journal, identifier)
        if submission.id != identifier:
            return self._visits.leave(url_for("pages.show", identifier=submission.id))
        view = whole_of(submission, self._visits.speech, journal.holder)
        found_by = request.args.get("q", "")[:_LONGEST_WORDS]
        return self._visits.page("show", view=view, deeds=possible(submission), found_by=found_by)

    # -------------------------------------------------------------------------------------- deciding

    def ask(self, _: Current, journal: Journal, identifier: str, deed: str) -> Answer:
        return self._confirm(_one(journal, identifier), deed)

    def act(self, current: Current, journal: Journal, identifier: str, deed: str) -> Answer:
        submission = _one(journal, identifier)
        say, code = self._visits.speech.say, request.form.get("user_code", "").strip()
        if code and not is_code(code):
            return self._confirm(submission, deed, say("release.user_code_bad"))
        if deed == "release" and not code and needs_code(submission):
            return self._confirm(submission, deed, say("release.user_code_needed"))
        confirmed = self._access.sessions.is_signature(request.form.get(_STAND, ""), _STAND, stand(submission))
        if not confirmed:  # something has happened to it since: a second click, another person, the daemon
            return self._told(submission, Notice(key="result.changed", values={}))
        wish = Wish(deed=deed, new=request.form.get("new") == "1", user_code=code or None)
        return self._told(submission, carry_out(current, journal, wish, submission, from_where()))

    def _confirm(self, submission: Submission, deed: str, wrong: str | None = None) -> Answer:
        asked = confirmation(deed, submission, self._visits.speech)
        if asked is None:
            return self._told(submission, Notice(key="result.cannot", values={}))
        view = whole_of(submission, self._visits.speech, lambda _: None)
        sealed = self._access.sessions.signature(_STAND, stand(submission))
        return self._visits.page("confirm", 422 if wrong else 200, asked=asked, view=view, stand=sealed, wrong=wrong)

    def _told(self, submission: Submission, notice: Notice) -> Answer:
        return self._visits.leave(url_for("pages.show", identifier=submission.id), notice)


def _one(journal: Journal, identifier: str) -> Submission:
    try:
        return journal.submission(identifier)
    except UsageError:
        abort(404)
