"""A daemon that is killed at random moments while files and mails arrive."""

from __future__ import annotations

import hashlib
import random
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.support.workplace import ZHANG, pdf
from tests.torture.oracle import errors_of_ours, strays, submissions_of
from tests.torture.scenario import DONE, Scenario, Servers
from watcher.model import Outcome, SubmissionState

_LONGEST_LIFE_SECONDS = 4.0
_OLD_ONES = 0.25  # of what arrives has come before


class _Load:
    """What has arrived so far."""

    def __init__(self, scenario: Scenario, chance: random.Random) -> None:
        self._scenario = scenario
        self._chance = chance
        self.contents: list[bytes] = []
        self.files: dict[str, bytes] = {}

    def arrive(self) -> None:
        content = self._content()
        if self._chance.random() < 0.6:
            name = f"{len(self.files)}.pdf"
            self.files[name] = content
            self._scenario.workplace.drop(name, content)
        else:
            self._scenario.send(f"mail {len(self._scenario.mails)}", content)

    def _content(self) -> bytes:
        if self.contents and self._chance.random() < _OLD_ONES:
            return self._chance.choice(self.contents)
        self.contents.append(pdf(f"{self._scenario.mark} {len(self.contents)}"))
        return self.contents[-1]


def kill_at_random(root: Path, servers: Servers, *, kills: int, seed: int) -> list[str]:
    """What is wrong in the end; nothing, where all is well. The same seed has the same arrivals, at the same pauses."""
    chance = random.Random(seed)
    with Scenario(root, f"random {seed}", servers) as scenario:
        scenario.begin_empty()
        scenario.endpoint.behave(latency=(0.01, 0.5))
        load = _Load(scenario, chance)
        for _ in range(kills):
            _live_and_die(scenario, load, chance)
        if (status := scenario.recover()) != 0:
            return [f"the recovery ended with status {status}: {scenario.said('recovery')[-500:]}"]
        return [*_judge(scenario, load), *strays(scenario), *errors_of_ours(scenario.said("recovery"))]


def _live_and_die(scenario: Scenario, load: _Load, chance: random.Random) -> None:
    daemon = scenario.daemon()
    try:
        for _ in range(chance.randint(1, 6)):
            load.arrive()
            time.sleep(chance.uniform(0, _LONGEST_LIFE_SECONDS / 6))  # the moment of the kill is what is tried here
    finally:
        daemon.signal(signal.SIGKILL)
        assert daemon.status(10.0) == -signal.SIGKILL, scenario.said("daemon")
        daemon.close()


def _judge(scenario: Scenario, load: _Load) -> Iterator[str]:
    submissions = submissions_of(scenario)
    if len(submissions) != len(load.files) + len(scenario.mails):
        yield f"{len(submissions)} submissions of {len(load.files)} files and {len(scenario.mails)} mails"
    for one in submissions:
        if one.state is not SubmissionState.CLOSED:
            yield f"{one.path or one.subject} is {one.state}"
    outcomes = [document.outcome for one in submissions for document in one.documents]
    if outcomes.count(Outcome.DONE) != len(load.contents):
        yield f"{outcomes.count(Outcome.DONE)} are done of {len(load.contents)} contents"
    if set(outcomes) - {Outcome.DONE, Outcome.DUPLICATE}:
        yield f"there are the outcomes {set(outcomes)}"
    done = {path.name: path.read_bytes() for path in (scenario.workplace.done / ZHANG).glob("*.pdf")}
    if done != load.files or list(scenario.workplace.inbox.rglob("*.pdf")):
        yield f"the files differ: {sorted(set(done) ^ set(load.files))}"
    mails = sorted(one.raw for one in scenario.account.messages(DONE))
    if mails != sorted(scenario.mails.values()) or scenario.account.messages():
        yield f"{len(mails)} mails are in {DONE} of {len(scenario.mails)}"
    yield from _judge_replies(scenario)
    yield from _judge_requests(scenario, load)


def _judge_replies(scenario: Scenario) -> Iterator[str]:
    ids = defaultdict(set)
    for reply in scenario.replies():
        ids[reply.message["In-Reply-To"]].add(reply.message["Message-ID"])
    for name in scenario.mails:
        if len(ids[scenario.message_id(name)]) != 1:
            yield f"{name} has the Message-IDs {ids[scenario.message_id(name)]}"


def _judge_requests(scenario: Scenario, load: _Load) -> Iterator[str]:
    names = {hashlib.sha256(content).hexdigest() for content in load.contents}
    ids = defaultdict(set)
    for request in scenario.endpoint.requests:
        ids[next(name for name in names if name in (request.attachment_url or ""))].add(request.biz_id)
        if request.overlapped:
            yield f"{request.attachment_url} was posted twice at once"
    if sorted(map(len, ids.values())) != [1] * len(names) or len(scenario.endpoint.bookings) != len(names):
        yield f"{len(scenario.endpoint.bookings)} bookings of {len(names)} contents, under the bizIds {dict(ids)}"
