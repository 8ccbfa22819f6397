"""A wish to stop is heard whenever it comes."""

from __future__ import annotations

import os
import signal
import threading

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


def test_no_signal_is_missed_by_a_process_whose_threads_are_busy() -> None:
    # Given threads that leave the main thread little time, and a wish made at the moment when it begins to wait
    stopping, waits, over = Stopping(), threading.Semaphore(0), threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    given_up = threading.Timer(30, stopping.ask, [Stop.FAILED])

    def be_busy() -> None:
        while not over.is_set():
            sum(range(1000))

    def send() -> None:
        while waits.acquire() and not over.is_set():
            os.kill(os.getpid(), signal.SIGHUP)

    threads = [threading.Thread(target=work) for work in (be_busy, be_busy, send)]
    stopping.catch_signals()
    try:
        for thread in (*threads, given_up):
            thread.start()
        # When that happens very often, then each of them is heard
        for _ in range(300):
            waits.release()
            assert stopping.wait(lambda: True) is Stop.RELOAD
    finally:
        over.set()
        waits.release()
        given_up.cancel()
        for thread in (*threads, given_up):
            thread.join()
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)
