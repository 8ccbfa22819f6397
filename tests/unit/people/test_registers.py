"""How long the answers of a service are believed."""

from __future__ import annotations

import pytest

from watcher.errors import DirectoryUnavailable
from watcher.model import Finding, Person
from watcher.people.entries import LONGEST_CODE, code_of, language_of
from watcher.people.registers import Remembering


class Register:
    """Knows whom it is told to, and counts who asks."""

    subject = "register"

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.asked = 0
        self.down = False

    def find(self, address: str) -> Person | None:
        self.asked += 1
        if self.down:
            raise DirectoryUnavailable("down")
        return self.people.get(address)

    def check(self) -> list[Finding]:
        return []


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_an_answer_is_believed_until_its_time_is_over() -> None:
    register, clock = Register(), Clock()
    register.people["li@corp.example"] = Person(user_code="1")
    remembering = Remembering(register, seconds=3600, clock=clock)

    assert remembering.find("li@corp.example") == remembering.find("li@corp.example") == Person(user_code="1")
    assert register.asked == 1

    register.people["li@corp.example"] = Person(user_code="2")
    clock.now += 3600
    assert remembering.find("li@corp.example") == Person(user_code="2")


def test_that_somebody_is_unknown_is_believed_for_a_minute_alone() -> None:
    register, clock = Register(), Clock()
    remembering = Remembering(register, seconds=3600, clock=clock)
    assert remembering.find("new@corp.example") is None
    register.people["new@corp.example"] = Person(user_code="1")

    assert remembering.find("new@corp.example") is None
    clock.now += 60
    assert remembering.find("new@corp.example") == Person(user_code="1")


@pytest.mark.parametrize("people", [{"li@corp.example": Person(user_code="1")}, {}])
def test_while_the_service_is_down_its_answers_are_believed_until_their_time_is_over_and_then_it_is_left_open(
    people: dict[str, Person],
) -> None:
    register, clock = Register(), Clock()
    register.people = people
    remembering = Remembering(register, seconds=60, clock=clock)
    known = remembering.find("li@corp.example")
    register.down = True

    assert remembering.find("li@corp.example") == known
    with pytest.raises(DirectoryUnavailable):
        remembering.find("new@corp.example")
    clock.now += 60
    for _ in range(2):  # that it could not be told is not remembered either
        with pytest.raises(DirectoryUnavailable):
            remembering.find("li@corp.example")

    register.down = False
    assert remembering.find("li@corp.example") == known


def test_nothing_is_believed_where_the_cache_is_off() -> None:
    register = Register()
    remembering = Remembering(register, seconds=0, clock=Clock())

    remembering.find("li@corp.example")
    remembering.find("li@corp.example")

    assert register.asked == 2


def test_codes_and_languages_are_read_from_what_services_write() -> None:
    codes: list[object] = [903851, " 042 ", "", None, True, [], "a\nb"]
    languages: list[object] = ["zh-CN", "EN", "fr", None, 5]

    assert [code_of(code) for code in codes] == ["903851", "042", None, None, None, None, None]
    assert code_of("9" * LONGEST_CODE) is not None
    assert code_of("9" * (LONGEST_CODE + 1)) is None
    assert [language_of(language) for language in languages] == ["zh", "en", None, None, None]
