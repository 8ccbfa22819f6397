"""What takes too long to unpack is given up, and told, however small it is."""

from __future__ import annotations

import itertools

import pytest

from tests.support.archives import PDF, attachment, message, zipped
from tests.support.outlook_files import tnef, tnef_attribute
from tests.support.rar_files import seven_zip
from tests.support.servers.process import program
from watcher.config.sections import Limits
from watcher.documents.formats import Format
from watcher.documents.openers import OPENERS
from watcher.documents.unpacking import Allowance, Entry
from watcher.errors import DocumentRefused
from watcher.model import Reason
from watcher.spool import Spooled

_LEVELS = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(90))

SLOW = {
    "a mail of lines that look like boundaries": (Format.MESSAGE, _LEVELS + b"--b\r\n" * 2_000_000),
    "a mail of many parts": (Format.MESSAGE, message(*[b"\r\nx"] * 9000)),
    "winmail.dat of empty attributes": (Format.TNEF, tnef(tnef_attribute(1, 0x8004, b"") * 500_000)),
    "S/MIME of empty pieces": (
        Format.SIGNED,
        bytes.fromhex("308006092a864886f70d010702a0803080020101310030800609")
        + bytes.fromhex("2a864886f70d010701a0802480")
        + b"\x04\x00" * 500_000,
    ),
    "a zip of many entries": (Format.ZIP, zipped(*((f"{number}.txt", b"x") for number in range(9000)))),
}


@pytest.mark.parametrize("what", SLOW)
def test_what_is_slow_and_not_large_is_given_up(what: str) -> None:
    form, data = SLOW[what]
    # Given a tenth of a second of computing
    allowance = Allowance(accept=["pdf"], limits=Limits(), seconds=0.1)
    content = Spooled([data])
    # When it is opened
    with pytest.raises(DocumentRefused) as refused:
        list(OPENERS[form](content, allowance))
    # Then that is said, and it took no more than it had
    assert refused.value.reason is Reason.TOO_LARGE
    assert "时间过长" in str(refused.value)
    assert allowance.seconds_left() > -1
    content.close()


def test_the_time_is_that_of_all_containers_together() -> None:
    seconds = itertools.count()
    allowance = Allowance(accept=["pdf"], limits=Limits(), seconds=20, clock=lambda: float(next(seconds)))
    mail = Spooled([message(attachment(PDF))])
    opened = [_opened(mail, allowance) for _ in range(3)]
    with pytest.raises(DocumentRefused):
        [_opened(mail, allowance) for _ in range(20)]
    mail.close()
    assert opened == [1, 1, 1]


def _opened(mail: Spooled, allowance: Allowance) -> int:
    """How many files are in it."""
    count = 0
    for one in OPENERS[Format.MESSAGE](mail, allowance):
        assert isinstance(one, Entry)
        one.content.close()
        count += 1
    return count


def test_what_a_program_takes_is_counted() -> None:
    program("bsdtar", "libarchive-tools")
    allowance = Allowance(accept=["pdf"], limits=Limits(), clock=lambda: 0.0)
    before = allowance.seconds_left()
    content = Spooled([seven_zip(("a.txt", b"x"))])
    assert list(OPENERS[Format.SEVEN_ZIP](content, allowance)) == []
    assert 0 < before - allowance.seconds_left() < before
    content.close()
