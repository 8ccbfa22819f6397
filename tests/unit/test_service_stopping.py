"""A wish to stop is heard whenever it comes."""

from __future__ import annotations

from watcher.service.stopping import Stop, Stopping


def test_a_termination_that_comes_while_a_reload_is_denied_is_not_forgotten() -> None:
    stopping = Stopping()

    def deny() -> bool:
        stopping.ask(Stop.TERMINATED)
        return False

    stopping.ask(Stop.RELOAD)
    assert stopping.wait(deny) is Stop.TERMINATED


def test_a_termination_that_comes_between_two_services_ends_the_next_one() -> None:
    stopping = Stopping()
    stopping.ask(Stop.RELOAD)
    assert stopping.wait(lambda: True) is Stop.RELOAD
    stopping.ask(Stop.TERMINATED)
    assert stopping.wait(lambda: True) is Stop.TERMINATED


def test_a_termination_during_a_granted_reload_wins_over_it() -> None:
    stopping = Stopping()

    def grant() -> bool:
        stopping.ask(Stop.TERMINATED)
        return True

    stopping.ask(Stop.RELOAD)
    assert stopping.wait(grant) is Stop.TERMINATED


def test_a_reload_that_is_denied_is_forgotten_and_the_next_one_is_asked_for_anew() -> None:
    stopping = Stopping()
    answers = [False, True]
    stopping.ask(Stop.RELOAD)
    stopping.ask(Stop.RELOAD)
    assert stopping.wait(lambda: answers.pop(0)) is Stop.RELOAD
    assert answers == []


def test_of_several_reasons_to_end_the_first_counts() -> None:
    stopping = Stopping()
    stopping.ask(Stop.FAILED)
    stopping.ask(Stop.TERMINATED)
    assert stopping.wait(lambda: True) is Stop.FAILED
    assert stopping.final is Stop.FAILED
