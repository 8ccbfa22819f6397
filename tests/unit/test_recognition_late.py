"""What is loaded when it is first needed: once, and not to be closed."""

from __future__ import annotations

import threading

from watcher.recognition.late import Late


class Built:
    """Counts what was made and closed."""

    made = 0
    closed = 0

    def __init__(self) -> None:
        type(self).made += 1

    def close(self) -> None:
        type(self).closed += 1


def counting() -> type[Built]:
    class Counting(Built):
        pass

    return Counting


def test_it_is_built_when_it_is_asked_for_and_not_before() -> None:
    kind = counting()
    late = Late(kind)
    assert kind.made == 0

    first, second = late(), late()

    assert first is second
    assert kind.made == 1


def test_what_was_never_asked_for_is_not_built_to_be_closed() -> None:
    kind = counting()

    Late(kind).close()

    assert (kind.made, kind.closed) == (0, 0)


def test_what_was_built_is_closed() -> None:
    kind = counting()
    late = Late(kind)
    late()

    late.close()

    assert kind.closed == 1


def test_all_threads_that_ask_at_once_get_the_same() -> None:
    kind, at_once = counting(), threading.Barrier(8)
    late = Late(kind)

    def ask() -> None:
        at_once.wait(timeout=10)
        late()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert kind.made == 1


def test_what_could_not_be_built_is_tried_again_by_the_next_who_asks() -> None:
    outcomes = iter([OSError("no room"), None])
    kind = counting()

    def build() -> Built:
        if (error := next(outcomes)) is not None:
            raise error
        return kind()

    late = Late(build)
    try:
        late()
    except OSError as error:
        said = str(error)

    assert said == "no room"
    assert isinstance(late(), kind)
