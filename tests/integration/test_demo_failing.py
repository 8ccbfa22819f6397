"""The demo says so when something does not end as it should."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from watcher.sandbox import demo, story
from watcher.sandbox.samples import sample_files, sample_mails
from watcher.sandbox.stage import ADDRESS, DONE, ERROR, Stage


@pytest.fixture(autouse=True)
def _below_the_tests_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_what_has_not_ended_in_time_is_named_with_the_end_of_the_log() -> None:
    with pytest.raises(demo.DemoFailed) as failed:
        demo.run(leave=True, deadline_seconds=0.0)

    assert "转发: 十月差旅发票: it has not been taken in" in str(failed.value)
    assert "daemon.log" in str(failed.value)


def test_a_daemon_that_ends_by_itself_is_told_with_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.sandbox.stage.EMPLOYEES", "no,csv\n")
    monkeypatch.setattr("watcher.sandbox.stage._configuration", lambda _stage: {"journal": "nonsense"})

    with pytest.raises(demo.DemoFailed, match="ended with status 78"):
        demo.run(leave=True)


def test_every_way_in_which_a_sample_can_end_wrongly_has_its_words(tmp_path: Path) -> None:
    mail, file = sample_mails(ADDRESS)[0], sample_files()[0]
    document: dict[str, Any] = {"name": "a.pdf", "outcome": "done", "code": None, "invoices": []}
    taken: dict[str, Any] = {"subject": mail.subject, "sender": mail.sender, "reason": None}
    stands = taken | {"state": "closed", "documents": [document, document]}

    with Stage(tmp_path) as stage:

        def problem(submission: dict[str, Any] | None) -> str | None:
            return story.of_mail(mail, [submission] if submission else [], stage).problem

        assert problem(None) == "it has not been taken in"
        assert problem(stands | {"state": "open"}) == "it is open, not closed"
        assert problem(stands | {"documents": [document]}) == "its documents ended as done, not as done, done"
        assert problem(stands) == f"it lies in no folder and not in {DONE}"
        stage.mailbox.append(ADDRESS, mail.raw, DONE)
        assert problem(stands) == "there is no reply"
        stage.mailbox.append(ADDRESS, mail.raw, ERROR)
        assert problem(stands) == f"it lies in {ERROR} and not in {DONE}"

        dropped = {"path": file.path, "reason": None, "state": "closed", "documents": [document]}
        stage.drop(file)
        assert story.of_file(file, [dropped], stage).problem == f"it is not in {stage.done / '903851'}"
        (stage.done / "903851").mkdir()
        (stage.inbox / file.path).rename(stage.done / file.path)
        assert story.of_file(file, [dropped], stage).problem is None
        (stage.done / f"{file.path}.txt").touch()
        assert story.of_file(file, [dropped], stage).problem == "a note lies beside it"
