"""What the endpoint's free words are about, as far as they show it: its codes are not documented, its words are plain.

A hint adds one piece of advice to the endpoint's own words, which are always shown. So a wrong guess costs little; and
none of the advice does harm where it is wrong.
"""

from __future__ import annotations

# The first that fits. Keys under `hints` in the catalogue, and what stands in a message (compared in lower case). What
# tells of the invoice or its file comes before what would say that its submitter need do nothing.
_SIGNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("void", ("作废", "红冲", "冲红", "红字", "失控")),
    ("claimed", ("重复", "已报销", "已存在", "已使用", "已被", "被使用", "已提交", "已入账", "已关联", "duplicate",
                 "already")),
    ("setup", ("配置", "秘钥", "密钥", "子账号", "余额不足", "欠费", "次数不足")),
    ("busy", ("繁忙", "稍后", "超时", "系统异常", "系统错误", "内部错误", "服务异常", "网络异常", "busy", "timeout")),
    ("person", ("工号", "员工编号", "员工号", "员工不存在", "员工信息", "无此员工", "到员工", "用户不存在", "无此用户",
                "权限", "employee", "user_code")),
    ("title", ("抬头", "购买方", "购方", "税号", "识别号", "buyer", "title")),
    ("count", ("张数", "超过3张", "多张")),
    ("check", ("查验", "验真", "真伪", "查无", "verif")),
    ("date", ("过期", "超期", "逾期", "跨年", "期限", "有效期", "expired")),
    ("limit", ("超标", "超额", "预算", "限额", "旅标准", "费标准", "用标准", "销标准", "budget")),
    ("kind", ("票种", "发票类型", "票据类型", "类型不支持", "invoice type")),
    ("file", ("格式", "文件", "附件", "下载", "图片", "模糊", "清晰", "损坏", "无法识别", "识别失败", "format")),
    ("setup", ("参数", "签名")),
)  # fmt: skip

KEYS = (*dict.fromkeys(key for key, _ in _SIGNS), "not_booked")
# These advise to submit the file again, which nobody may do with one that is booked.
ADVISE_AGAIN = frozenset({"busy", "count", "file"})
# Nothing that the submitter does to the file mends these.
OTHERS_MEND = frozenset({"setup", "person"})


def hint_of(message: str | None) -> str | None:
    """The key of what the words are about; None where nothing shows it."""
    said = (message or "").lower()
    return next((key for key, signs in _SIGNS if any(sign in said for sign in signs)), None)
