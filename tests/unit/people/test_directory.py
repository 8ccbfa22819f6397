"""The directory in a file, and its rules."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.unit.people.test_registers import Register
from watcher.config.sections import Directory, Rule
from watcher.errors import DirectoryUnavailable
from watcher.model import Person
from watcher.people import FileDirectory
from watcher.people.registers import DirectoryWithRegisters

ROWS = """\
email,user_code,name,language
li@corp.example,903851,李镕,zh
li.rong@other.example,903851,李镕,zh
smith@corp.example,000042,"Smith, J",en
wang,777,王,
"""


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _directory(
    path: Path | None, clock: Clock | None = None, *, age_seconds: float = 60.0, **section: object
) -> FileDirectory:
    """A directory to which a file that is written now looks `age_seconds` old."""
    return FileDirectory(
        Directory.model_validate({"file": path, **section}),
        clock=clock or Clock(),
        wall_clock=lambda: time.time() + age_seconds,
    )


def _file(tmp_path: Path, content: str | bytes = ROWS) -> Path:
    path = tmp_path / "employees.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _problems(directory: FileDirectory) -> list[str]:
    return [finding.message.rpartition(".csv")[2].lstrip(": ") for finding in directory.check() if not finding.ok]


def test_an_address_is_compared_whole_and_without_regard_to_case(tmp_path: Path) -> None:
    directory = _directory(_file(tmp_path))

    assert directory.by_address("LI@Corp.Example") == Person(user_code="903851", name="李镕", language="zh")
    assert directory.by_address("smith@corp.example") == Person(user_code="000042", name="Smith, J", language="en")
    assert directory.by_address("xli@corp.example") is None
    assert directory.by_address("li@corp.example.evil.example") is None
    assert directory.by_address("") is None


def test_a_person_may_have_several_addresses(tmp_path: Path) -> None:
    directory = _directory(_file(tmp_path))

    assert directory.by_address("li.rong@other.example") == directory.by_address("li@corp.example")
    assert directory.by_code("903851") == directory.by_address("li@corp.example")
    assert directory.by_code("903852") is None
    assert all(finding.ok for finding in directory.check())


def test_a_person_whose_rows_give_two_names_is_used_and_pointed_out(tmp_path: Path) -> None:
    directory = _directory(_file(tmp_path, ROWS + "wu@corp.example,903851,吴,zh\nli3@corp.example,903851,,\n"))

    assert [finding.message.rpartition(".csv: ")[2] for finding in directory.check() if finding.warning] == [
        "line 6: 903851 is 吴 here and 李镕 in line 2"
    ]
    assert all(finding.ok for finding in directory.check())
    for address in ("wu@corp.example", "li3@corp.example", "li@corp.example"):
        person = directory.by_address(address)
        assert person is not None
        assert person.user_code == "903851"


def test_a_login_is_an_email_cell_or_what_stands_before_the_at(tmp_path: Path) -> None:
    directory = _directory(
        _file(tmp_path, ROWS + "smith@third.example,5,Other Smith,en\nli@third.example,903851,李镕,zh\n")
    )

    assert directory.by_login("wang") == Person(user_code="777", name="王")
    assert directory.by_login("li") == Person(user_code="903851", name="李镕", language="zh")
    assert directory.by_login("smith") is None  # two people
    assert directory.by_login("root") is None


@pytest.mark.parametrize(
    "content",
    [
        ROWS.encode(),
        b"\xef\xbb\xbf" + ROWS.encode(),
        ROWS.encode("gb18030"),
        ROWS.replace("\n", "\r\n").encode(),
        ROWS.replace("email,user_code,name,language", "邮箱,工号,姓名,语言").encode("gb18030"),
        ROWS.replace("email,user_code,name,language", " Email , USER_CODE,name,language").encode(),
        ("\n\n" + ROWS + "\n,,,\n").encode(),
        b"name,x,language,user_code,email\n" + "李镕,?,zh,903851,li@corp.example\n".encode(),
        "email;user_code;name;language\nli@corp.example;903851;李镕;zh\n".encode(),
        ("sep=,\r\n" + ROWS).encode("utf-8-sig"),
        ("SEP=;\n" + ROWS.replace('smith@corp.example,000042,"Smith, J",en\n', "").replace(",", ";")).encode(),
        'email,user_code,name,language\nli@corp.example,="903851",李镕,zh\n'.encode(),
        '="email","=""user_code""",name,language\n="li@corp.example","=""903851""","=""李镕""",zh\n'.encode(),
    ],
)
def test_the_file_is_read_in_every_form_that_people_save_it_in(tmp_path: Path, content: bytes) -> None:
    directory = _directory(_file(tmp_path, content))

    assert directory.by_address("li@corp.example") == Person(user_code="903851", name="李镕", language="zh")
    assert _problems(directory) == []


def test_columns_beyond_the_number_may_be_missing(tmp_path: Path) -> None:
    directory = _directory(_file(tmp_path, "user_code,email\n7,li@corp.example\n"))

    assert directory.by_address("li@corp.example") == Person(user_code="7")


def test_rows_that_cannot_be_used_are_told_with_their_line_and_the_others_are_used(tmp_path: Path) -> None:
    rows = ROWS + (
        "no address,1,x,zh\n"
        "a@b@c,1,x,zh\n"
        "new@corp.example,,x,zh\n"
        "LI@corp.example,903851,again,zh\n"
        "smith@corp.example,5,another,en\n"
        'quoted@corp.example,6,"two\nlines",fr\n'
    )
    directory = _directory(_file(tmp_path, rows))

    assert _problems(directory) == [
        "line 6: no mail address in the column email; the row is passed over",
        "line 7: no mail address in the column email; the row is passed over",
        "line 8: no employee number in the column user_code; the row is passed over",
        "line 12: the language must be zh or en; the default is used",
        "line 9: li@corp.example stands in line 2 already",
        "line 10: smith@corp.example has another employee number in line 4; neither is used",
    ]
    assert directory.by_address("smith@corp.example") is None
    assert directory.by_address("li@corp.example") is not None
    assert directory.by_address("quoted@corp.example") is not None


def test_a_number_is_known_in_whatever_case_and_as_the_file_writes_it(tmp_path: Path) -> None:
    directory = _directory(
        _file(tmp_path, "email,user_code,name\na@x.example,E9,A\nb@x.example,F1,B\nc@x.example,f1,C\n")
    )

    assert [directory.by_code(code) for code in ("E9", "e9")] == [Person(user_code="E9", name="A")] * 2
    assert directory.by_code("f1") == Person(user_code="f1", name="C")
    assert directory.by_code("F1") == Person(user_code="F1", name="B")
    assert directory.by_code("E8") is None


def test_an_address_that_the_file_has_for_two_people_is_nobody_s_whatever_else_says_whose_it_is(
    tmp_path: Path,
) -> None:
    rows = (
        "email,user_code\n903851@corp.example,1\n903851@corp.example,2\nli@corp.cn,3\nli@x.example,4\nli@x.example,5\n"
    )
    rules = [{"match": r"(\d{6})@corp\.example", "user_code": r"\1"}]
    directory = _directory(_file(tmp_path, rows), rules=rules)
    register = Register()
    register.people = {address: Person(user_code="9") for address in ("903851@corp.example", "new@corp.example")}
    with_register = DirectoryWithRegisters(directory, [register])

    for each in (directory, with_register):
        assert each.by_address("903851@Corp.example") is None
        assert each.by_login("li") is None
    assert with_register.by_address("new@corp.example") == Person(user_code="9")
    assert directory.by_address("903852@corp.example") == Person(user_code="903852")


def test_a_change_is_seen_within_a_second(tmp_path: Path) -> None:
    clock, path = Clock(), _file(tmp_path)
    directory = _directory(path, clock)
    assert directory.by_address("new@corp.example") is None

    path.write_text(ROWS + "new@corp.example,8,New,en\n")

    assert directory.by_address("new@corp.example") is None
    clock.now += 1.0
    assert directory.by_address("new@corp.example") == Person(user_code="8", name="New", language="en")


def test_a_replaced_file_of_the_same_size_and_time_is_seen(tmp_path: Path) -> None:
    clock, path = Clock(), _file(tmp_path)
    directory = _directory(path, clock)
    assert directory.by_code("000042") is not None
    status = path.stat()

    other = tmp_path / "other.csv"
    other.write_text(ROWS.replace("000042", "000043"))
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)
    clock.now += 1.0

    assert directory.by_code("000043") is not None


@pytest.mark.parametrize(
    "broken",
    [b"", b"\n\n", b"email,user_code\n", b"nothing\n", b"\xff\xfee\x00", b"PK\x03\x04\x00\x00", b"\x81\x20,1\n",
     b'email,user_code\na@b.example,1\n"c@d.example,2\n'],
)  # fmt: skip
def test_a_broken_version_is_told_and_the_last_good_one_stays(
    tmp_path: Path, broken: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    clock, path = Clock(), _file(tmp_path)
    directory = _directory(path, clock)
    assert directory.by_code("777") is not None

    path.write_bytes(broken)
    for _ in range(3):
        clock.now += 1.0
        assert directory.by_code("777") is not None

    assert [record.levelname for record in caplog.records].count("ERROR") == 1
    (problem,) = _problems(directory)
    assert "the last good version is in use" in problem

    path.write_text(ROWS.replace("777", "778"))
    clock.now += 1.0
    assert directory.by_code("778") is not None
    assert _problems(directory) == []


@pytest.mark.parametrize("unfinished", ["", "email,user_code\n", ROWS[:60], ROWS + "new@corp.example,90"])
def test_a_file_that_is_being_written_is_not_believed(
    tmp_path: Path, unfinished: str, caplog: pytest.LogCaptureFixture
) -> None:
    clock, path = Clock(), _file(tmp_path)
    directory = _directory(path, clock, age_seconds=0.0)
    assert directory.by_code("777") is not None

    path.write_text(unfinished)
    clock.now += 1.0
    assert directory.by_code("777") is not None
    assert directory.by_code("90") is None
    assert all(record.levelname == "INFO" for record in caplog.records)

    path.write_text(ROWS + "new@corp.example,9038\n")
    clock.now += 1.0
    assert directory.by_code("9038") is not None


@pytest.mark.parametrize("unfinished", [ROWS[:60], ROWS + "new@corp.example,90"])
def test_a_file_of_a_server_whose_clock_is_ahead_is_believed_once_it_was_seen_to_stand_still(
    tmp_path: Path, unfinished: str
) -> None:
    clock, path = Clock(), _file(tmp_path)
    directory = _directory(path, clock, age_seconds=-300.0)
    assert directory.by_code("777") is not None

    path.write_text(unfinished)
    for _ in range(2):
        clock.now += 1.0
        assert directory.by_code("777") is not None
        assert directory.by_code("90") is None
    clock.now += 2.0
    assert (directory.by_code("777") is None) == (unfinished == ROWS[:60])
    assert (directory.by_code("90") is None) == (unfinished == ROWS[:60])


def test_half_a_file_is_not_believed_at_a_start_either(tmp_path: Path) -> None:
    clock, path = Clock(), _file(tmp_path, ROWS + "new@corp.example,90")
    directory = _directory(path, clock, age_seconds=0.0)
    with pytest.raises(DirectoryUnavailable, match="cut off"):
        directory.by_address("li@corp.example")

    path.write_text(ROWS + "new@corp.example,9038\n")
    clock.now += 1.0
    assert directory.by_code("9038") is not None
    assert _problems(directory) == []


def test_a_file_without_a_last_line_end_is_believed_soon_after_a_start(tmp_path: Path) -> None:
    clock, path = Clock(), _file(tmp_path, ROWS + "new@corp.example,9038")
    directory = _directory(path, clock, age_seconds=0.0)
    for _ in range(2):
        with pytest.raises(DirectoryUnavailable):
            directory.by_code("9038")
        clock.now += 1.0
    clock.now += 1.0
    assert directory.by_code("9038") is not None


def test_a_file_that_stood_still_without_a_last_line_end_is_believed(tmp_path: Path) -> None:
    clock, path = Clock(), _file(tmp_path)
    directory = _directory(path, clock)
    assert directory.by_code("777") is not None

    path.write_text("email,user_code\nnew@corp.example,90")
    clock.now += 1.0

    assert directory.by_code("90") is not None
    assert directory.by_code("777") is None


def test_a_file_that_disappears_leaves_its_last_version(tmp_path: Path) -> None:
    clock, path = Clock(), _file(tmp_path)
    directory = _directory(path, clock)
    assert directory.by_code("777") is not None

    hidden = path.rename(tmp_path / "hidden")
    clock.now += 1.0
    assert directory.by_code("777") is not None
    assert _problems(directory) == ["cannot be used: No such file or directory (the last good version is in use)"]

    hidden.rename(path)
    clock.now += 1.0
    assert directory.by_code("777") is not None
    assert _problems(directory) == []


def test_a_file_whose_folder_disappears_or_that_becomes_a_folder_leaves_its_last_version(tmp_path: Path) -> None:
    clock, folder = Clock(), tmp_path / "share"
    folder.mkdir()
    path = _file(folder)
    directory = _directory(path, clock)
    assert directory.by_code("777") is not None

    hidden = folder.rename(tmp_path / "unmounted")
    clock.now += 1.0
    assert directory.by_code("777") is not None
    path.mkdir(parents=True)
    clock.now += 1.0
    assert directory.by_code("777") is not None
    assert _problems(directory) == ["cannot be used: Is a directory (the last good version is in use)"]

    path.rmdir()
    folder.rmdir()
    hidden.rename(folder)
    clock.now += 1.0
    assert directory.by_code("777") is not None
    assert _problems(directory) == []


def test_without_any_usable_version_nobody_can_be_looked_up(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "employees.csv"
    directory = _directory(path, clock, rules=[{"match": "(.*)@corp.example", "user_code": r"\1"}])

    for look_up in (directory.by_address, directory.by_code, directory.by_login):
        with pytest.raises(DirectoryUnavailable, match="No such file"):
            look_up("li@corp.example")
    assert _problems(directory) == ["cannot be used: No such file or directory"]
    assert "make the file, or mend its place in directory.file" in str(directory.check()[0].mend)

    path.write_text(ROWS)
    clock.now += 1.0
    assert directory.by_address("li@corp.example") is not None


def test_rules_read_the_number_off_the_address_after_the_file(tmp_path: Path) -> None:
    rules = [
        {"match": r"(\d{6})@corp\.example", "user_code": r"\1"},
        {"match": r"(?P<who>.*)@sub\.corp\.example", "user_code": r"S-\g<who>"},
        {"match": r"li@corp\.example", "user_code": "never"},
    ]
    directory = _directory(_file(tmp_path), rules=rules)

    assert directory.by_address("012345@CORP.example") == Person(user_code="012345")
    assert directory.by_address("Wu@sub.corp.example") == Person(user_code="S-wu")
    assert directory.by_address("li@corp.example") == Person(user_code="903851", name="李镕", language="zh")
    assert directory.by_address("1234567@corp.example") is None
    assert directory.by_address("012345@corp.example.evil.example") is None


def test_a_rule_that_leaves_no_number_is_passed_over() -> None:
    section = Directory(rules=[Rule.model_validate({"match": "(x)?(.*)@corp.example", "user_code": r"\1"})])

    assert FileDirectory(section).by_address("li@corp.example") is None
    assert FileDirectory(section).by_address("xli@corp.example") == Person(user_code="x")


def test_delegates_may_submit_for_others() -> None:
    directory = _directory(None, delegates=["Assistant@corp.example"])

    assert directory.may_submit_for_others("assistant@CORP.example")
    assert not directory.may_submit_for_others("li@corp.example")


def test_a_directory_of_rules_alone_needs_no_file() -> None:
    directory = _directory(None, rules=[{"match": "(.*)@corp.example", "user_code": r"\1"}])

    assert directory.by_code("7") is None
    assert [finding.ok for finding in directory.check()] == [True]


def test_check_counts_people_and_addresses(tmp_path: Path) -> None:
    path = _file(tmp_path)

    (finding,) = _directory(path).check()
    assert finding.message == f"4 addresses of 3 employees in {path} (UTF-8)"


def test_check_tells_the_encoding_and_numbers_that_a_spreadsheet_has_spoilt(tmp_path: Path) -> None:
    path = _file(tmp_path)
    path.write_bytes("邮箱;工号;姓名\r\nli@corp.example;9.03851E+11;李镕\r\n".encode("gbk"))

    counted, spoilt = _directory(path).check()

    assert "GB18030, as Excel writes it" in counted.message
    assert spoilt.warning
    assert "line 2: the employee number 9.03851E+11" in spoilt.message


def test_a_number_that_a_spreadsheet_was_had_to_keep_as_text_has_its_zeros_and_a_formula_is_pointed_out(
    tmp_path: Path,
) -> None:
    directory = _directory(_file(tmp_path, 'email,user_code\nli@corp.example,="0123"\nwang@corp.example,=A1\n'))

    _, formula = directory.check()

    assert directory.by_address("li@corp.example") == Person(user_code="0123")
    assert formula.warning
    assert "line 3: the employee number =A1 is a formula" in formula.message


def test_many_wrong_rows_are_told_shortly(tmp_path: Path) -> None:
    directory = _directory(_file(tmp_path, ROWS + "x y,1\n" * 100))

    problems = _problems(directory)

    assert len(problems) == 21
    assert problems[-1] == "and 80 more rows like these"
