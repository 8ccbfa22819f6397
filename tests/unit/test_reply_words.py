"""The catalogues: every sentence is there, in both languages."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from tests.support.reply_kinds import ATTENTION, KINDS, failed, pending, surplus, writer
from tests.support.submissions import document, invoice, submission
from watcher.model import SUCCESS, Acknowledgement, Kind, Language, LeftOut, Outcome, Reason, SubmissionState, Thread
from watcher.replies import hints, words

LANGUAGES: tuple[Language, ...] = ("zh", "en")


def entries(language: Language) -> dict[str, Any]:
    from importlib import resources

    text = resources.files("watcher.replies").joinpath("catalogue", f"{language}.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def paths(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every sentence by its path; plural forms are one sentence."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict) and set(value) != {"one", "other"}:
            found |= paths(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def placeholders(sentence: Any) -> set[str]:
    text = sentence["other"] if isinstance(sentence, dict) else sentence
    return set(re.findall(r"\{(\w+)\}", text))


def test_both_catalogues_have_the_same_sentences_with_the_same_placeholders() -> None:
    chinese, english = paths(entries("zh")), paths(entries("en"))

    assert set(chinese) == set(english)
    assert {path: placeholders(s) for path, s in chinese.items()} == {
        path: placeholders(s) for path, s in english.items()
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_explanation_and_its_advice(reason: Reason, language: Language) -> None:
    advice = words.load(language).of_reason(reason, kinds="PDF")

    assert len(advice.what) > 8
    assert len(advice.todo) > 8
    assert "{" not in advice.what + advice.todo


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_explains_no_reason_that_does_not_exist(language: Language) -> None:
    assert set(entries(language)["reasons"]) == set(Reason.__members__)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("outcome", [*(outcome.value for outcome in Outcome), "pending"])
def test_every_outcome_has_its_label_and_its_advice(outcome: str, language: Language) -> None:
    found = words.load(language)

    assert found.say(f"outcomes.{outcome}.label")
    if outcome != Outcome.DONE:  # its label says it all
        assert found.of_outcome(outcome).what
        assert found.of_outcome(outcome).todo


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code_that_nobody_foresaw_is_explained_with_the_endpoints_own_words(language: Language) -> None:
    found = words.load(language)

    assert "格式{0}不支持" in found.of_code("499999", "格式{0}不支持").what
    assert "{" not in found.of_code("499999", None).what


@pytest.mark.parametrize(("n", "said"), [(1, "1 invoice booked"), (2, "2 invoices booked"), (0, "0 invoices booked")])
def test_english_counts_have_their_plural(n: int, said: str) -> None:
    assert words.load("en").say("verdict.booked", n=n) == said


# --------------------------------------------------------------------------------------------- what is read


def test_every_code_of_the_documentation_is_explained_and_no_other_is_made_up() -> None:
    assert set(entries("zh")["codes"]) == {"general", SUCCESS, words.NOT_SET_UP}


class Noting(words.Words):
    """Remembers what was asked for."""

    def __init__(self, catalogue: dict[str, Any]) -> None:
        super().__init__(catalogue)
        self.asked: set[str] = set()

    def _find(self, path: str) -> Any:
        self.asked.add(path)
        return super()._find(path)


def everything_is_said(noting: Noting) -> None:
    """Every kind of answer, about everything that documents can be and messages can mean."""
    by = writer.__wrapped__("zh")  # a new one, because layouts are read, with their words, but once
    by.__dict__["_words"] = {"zh": noting, "en": noting}
    for make in KINDS.values():
        make(by)
    odd = (
        *(replace(failed(1, "a", reason), outcome=outcome) for reason in Reason for outcome in Outcome),
        *(failed(2, "b", "E1", said) for said in (*messages(), "???", None)),
        *(failed(3, "c", code, said) for code in (words.NOT_SET_UP,) for said in ("!", None)),
        *(replace(failed(4, "d", "E1", said), invoices=(invoice(expense_id=None),)) for said in ("???", None)),
        failed(5, "e", "E1", None, duplicate_of=1),
        replace(failed(5, "e", "E1"), code=None),
        replace(ATTENTION, invoices=(invoice(expense_id=None, verified=False),), read=()),
        replace(ATTENTION, invoices=(invoice(), *(invoice(message=said, expense_id=None) for said in messages()))),
        document(6, invoices=(invoice(amount=None, number=None, name=None), invoice(code="1"))),
        document(7, outcome=Outcome.DUPLICATE),
        document(8, outcome=Outcome.DUPLICATE, duplicate_of=6),
        document(9, outcome=Outcome.SKIPPED, invoices=()),
        pending(10, "f"),
    )
    for each in odd:
        by.reply(submission(document(6, name="g"), each), 1)
        by.note(submission(each, kind=Kind.FILE, path="903851/a.pdf"))
    by.reply(submission(ATTENTION, document(8, outcome=Outcome.DUPLICATE, duplicate_of=ATTENTION.id)), 1)
    for name in ("李镕", None):
        by.note(submission(document(1), thread=Thread(by_delegate=True, delegate_name="Amy"), person_name=name))
    for nobody in (submission(pending(1, "a"), subject=None, person_name=None, state=SubmissionState.HELD),):
        by.reply(nobody, 1)
    for reason in ("NO_USER", "UNKNOWN_SENDER", None):
        by.reply(submission(reason=reason), 1)
    by.reply(submission(document(1, invoices=(invoice(expense_id=None),))), 1)
    by.reply(submission(document(1), left_out=(LeftOut(name="Fw", why="", missed=True, is_mail=True),)), 1)
    by.reply(submission(document(1), left_out=(LeftOut(name="a.pdf", why="", missed=True, is_link=True),)), 1)
    waiting = submission(*(pending(n, "a") for n in range(11)), subject=None)
    for anyway in (True, False):
        by.notice(Acknowledgement(submission=waiting, answered_anyway=anyway), "n")
    by.notice(surplus(), "n")


def messages() -> tuple[str, ...]:
    """One message for each thing that can be made out in them."""
    return tuple(signs[0] for _, signs in hints._SIGNS)


def test_no_sentence_is_left_that_nothing_says() -> None:
    noting = Noting(entries("zh"))

    everything_is_said(noting)

    # What is looked up as a whole says what is in it.
    whole = {path for path in noting.asked if path.startswith("reasons.")}
    assert {
        path for path in paths(entries("zh")) if path not in noting.asked and path.rpartition(".")[0] not in whole
    } == set()


JARGON = ("bizId", "endpoint", "token", "submission", "API", "JSON", "HTTP", "接口", "令牌", "网关", "幂等", "journal")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_read_is_short_and_has_no_word_of_ours(language: Language) -> None:
    for path, sentence in paths(entries(language)).items():
        for said in sentence.values() if isinstance(sentence, dict) else [sentence]:
            plain = re.sub(r"\{\w+\}", "", said)
            assert not [word for word in JARGON if word in plain], path
            assert len(said) <= (90 if language == "zh" else 240), path


@pytest.mark.parametrize("section", ["reasons", "codes", "hints", "outcomes", "surplus", "acknowledgement"])
def test_chinese_is_written_with_chinese_marks_and_whole_sentences(section: str) -> None:
    for path, said in paths(entries("zh")[section]).items():
        assert not re.search(r"[\u4e00-\u9fff][,.;:!?()]|[,.;:!?()][\u4e00-\u9fff]", said), path
        if path.rpartition(".")[2].startswith(("what", "todo")):
            assert said.endswith("。"), path


# ------------------------------------------------------------------------------------ the endpoint's own words


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("购买方名称与公司抬头不符", "title"),
        ("该发票已被使用，请勿重复报销", "claimed"),
        ("发票已存在", "claimed"),
        ("员工不存在", "person"),
        ("发票已作废", "void"),
        ("查无此票", "check"),
        ("发票查验失败", "check"),
        ("开票日期已跨年", "date"),
        ("超出差旅标准", "limit"),
        ("系统繁忙，请稍后再试", "busy"),
        ("文件格式不支持", "file"),
        ("图片模糊，无法识别", "file"),
        ("不支持的发票类型", "kind"),
        ("配置校验失败,请预先配置识别秘钥", "setup"),
        ("", None),
        ("其它", None),
        ("该发票已被其他员工报销", "claimed"),
        ("发票已被用户张三使用，不能重复提交", "claimed"),
        ("该员工的发票已作废", "void"),
        ("识别失败，请联系工作人员", "file"),
        ("尊敬的用户，图片模糊无法识别", "file"),
        ("文件参数错误：附件格式不支持", "file"),
        ("文件格式不符合标准", "file"),
        ("尊敬的用户，请核对", None),
        ("参数错误", "setup"),
        ("未找到员工", "person"),
        ("系统中无此用户", "person"),
    ],
)
def test_what_a_message_is_about_is_made_out_where_it_shows(message: str, hint: str | None) -> None:
    assert hints.hint_of(message) == hint
    assert hint is None or hint in hints.KEYS


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_hint_is_advice_and_none_on_a_booked_file_says_to_submit_it_again(language: Language) -> None:
    found = words.load(language)
    assert set(entries(language)["hints"]) == set(hints.KEYS)

    for key in set(hints.KEYS) - hints.ADVISE_AGAIN:
        said = found.hint(key, kinds="PDF")
        assert "重新提交" not in said.replace("不用重新提交", "")
        assert "submit it again" not in said.replace("do not submit it again", "").replace(
            "need not submit it again", ""
        )
