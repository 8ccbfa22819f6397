"""The standard security handler of PDF (RC4, 128 bits), by which files that anybody may open are locked nonetheless."""

from __future__ import annotations

import hashlib

_PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
_PERMISSIONS = -44
_IDENTITY = bytes(range(16))


class Lock:
    """Of a file that has an owner's password, and opens with `password`: the empty one is asked of nobody."""

    def __init__(self, password: str = "") -> None:
        padded = _padded(password)
        owner = _md5(_padded("the owner"), times=51)
        self._owner = padded
        for number in range(20):
            self._owner = rc4(_mixed(owner, number), self._owner)
        seed = padded + self._owner + _PERMISSIONS.to_bytes(4, "little", signed=True) + _IDENTITY
        self._key = _md5(seed, times=51)

    @property
    def trailer(self) -> str:
        """What the trailer has of it."""
        user = hashlib.md5(_PADDING + _IDENTITY, usedforsecurity=False).digest()
        for number in range(20):
            user = rc4(_mixed(self._key, number), user)
        return (
            f"/Encrypt<</Filter/Standard/V 2/R 3/Length 128/P {_PERMISSIONS}/O<{self._owner.hex()}>"
            f"/U<{user.hex()}{'00' * 16}>>>/ID[<{_IDENTITY.hex()}><{_IDENTITY.hex()}>]"
        )

    def locked(self, number: int, data: bytes) -> bytes:
        """A stream of the object of that number."""
        key = hashlib.md5(self._key + number.to_bytes(3, "little") + bytes(2), usedforsecurity=False).digest()
        return rc4(key, data)


def rc4(key: bytes, data: bytes) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def _padded(password: str) -> bytes:
    return (password.encode() + _PADDING)[:32]


def _md5(data: bytes, *, times: int) -> bytes:
    for _ in range(times):
        data = hashlib.md5(data, usedforsecurity=False).digest()
    return data


def _mixed(key: bytes, number: int) -> bytes:
    return bytes(byte ^ number for byte in key)
