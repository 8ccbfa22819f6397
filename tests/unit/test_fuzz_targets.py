"""The fuzz targets hold for what the fuzzer starts from, whole, cut off and damaged: so that they do not rot."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
def test_no_seed_breaks_a_promise_however_it_is_damaged(target: Callable[[bytes], None]) -> None:
    for seed in seeds():
        for data in _damaged(seed):
            target(data)


def _damaged(seed: bytes) -> Iterator[bytes]:
    chance = random.Random(seed)
    yield seed
    for _ in range(6):
        yield seed[: chance.randrange(len(seed))]
        changed = bytearray(seed)
        for _ in range(3):
            changed[chance.randrange(len(seed))] = chance.randrange(256)
        yield bytes(changed)
