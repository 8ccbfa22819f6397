"""What chat robots answer, which HTTP calls a success."""

from __future__ import annotations

import pytest

from watcher.alerts.answers import refusal

WECOM = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k"
DINGTALK = "https://oapi.dingtalk.com/robot/send?access_token=t"
FEISHU = "https://open.feishu.cn/open-apis/bot/v2/hook/t"


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (WECOM, b'{"errcode":0,"errmsg":"ok"}'),
        (DINGTALK, b'{"errcode":0,"errmsg":"ok"}'),
        (FEISHU, b'{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}'),
        (FEISHU, b'{"Extra":null,"StatusCode":0,"StatusMessage":"success"}'),
        ("https://example.com/hook", b'{"errcode":1,"code":200}'),
        ("https://example.com/hook", b"thanks"),
    ],
)
def test_a_message_that_was_taken_is_no_refusal(url: str, body: bytes) -> None:
    assert refusal(url, body) is None


@pytest.mark.parametrize(
    ("url", "body", "said"),
    [
        (WECOM, b'{"errcode":93000,"errmsg":"invalid webhook url"}', "refused with 93000 invalid webhook url"),
        (DINGTALK, '{"errcode":310000,"errmsg":"关键词不匹配"}'.encode(), "refused with 310000 关键词不匹配"),
        (FEISHU, b'{"code":19024,"msg":"Key Words Not Found"}', "refused with 19024 Key Words Not Found"),
        (WECOM, b"<html>a proxy's page</html>", "the answer is not a robot's"),
        (WECOM, b"[]", "the answer is not a robot's"),
    ],
)
def test_a_refusal_in_a_successful_answer_is_one(url: str, body: bytes, said: str) -> None:
    assert refusal(url, body) == said
