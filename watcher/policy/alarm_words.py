"""The sentences of alerts, in both languages: what is wrong, since when, and what to do."""

from __future__ import annotations

from watcher.headers import clean
from watcher.model import Language

_REASON_LIMIT = 160  # characters of what a server said
# As they stand in plain text: chats make mentions and mark-up of the others.
_HARMLESS = str.maketrans({"<": "\u2039", ">": "\u203a", "@": "\uff20"})

_SENTENCES: dict[str, dict[Language, str]] = {
    "booked-twice": {
        "zh": "同一单据产生了两笔费用，请在费用系统中核对并作废一笔：{where}",
        "en": "One document has two expenses; look into the expense system and void one: {where}",
    },
    "journal": {
        "zh": "台账数据库无法使用，暂停收取和提交：{reason}。检查磁盘和数据库：invoice-watcher check",
        "en": "The journal cannot be used, so that nothing is taken in or posted: {reason}. "
        "Look after disk and database: invoice-watcher check",
    },
    "gate": {
        "zh": "自 {since} 起停止提交，识别接口不可用：{reason}。排除后自动恢复；查看：invoice-watcher status",
        "en": "Nothing is posted since {since}, because the endpoint cannot be used: {reason}. "
        "It goes on by itself once that is mended; see: invoice-watcher status",
    },
    "source": {
        "zh": "来源 {name} 自 {since} 起无法使用：{reason}。检查：invoice-watcher check",
        "en": "Source {name} cannot be used since {since}: {reason}. Try: invoice-watcher check",
    },
    "login": {
        "zh": "邮箱 {name} 自 {since} 起拒绝登录：{reason}。请更新其密码（许多邮箱要用授权码，而不是登录密码），"
        "然后 systemctl restart invoice-watcher",
        "en": "Mailbox {name} refuses the login since {since}: {reason}. Mend its password (many providers want an app "
        "password there), then systemctl restart invoice-watcher",
    },
    "mailer": {
        "zh": "SMTP 服务器拒绝登录，回复发不出去：{reason}。请更新 smtp 的用户名和密码（许多邮箱要用授权码），"
        "然后 systemctl restart invoice-watcher",
        "en": "The SMTP server refuses the login, so that no reply is sent: {reason}. Mend smtp.username and "
        "smtp.password (many providers want an app password there), then systemctl restart invoice-watcher",
    },
    "web": {
        "zh": "网页和指标无法提供：{reason}。单据照常处理；请检查 web.listen 的端口是否被占用",
        "en": "Page and metrics cannot be served: {reason}. Documents go on; see who has the port of web.listen",
    },
    "worker": {
        "zh": "守护进程的一部分没有响应：{name}。在 systemd 下会自动重启，否则请手动重启。"
        "查看日志：journalctl -u invoice-watcher",
        "en": "A part of the daemon gives no sign of life: {name}. systemd restarts it; else restart it yourself. "
        "See: journalctl -u invoice-watcher",
    },
    "intake": {
        "zh": "来源 {name} 有内容暂时收不进来：{reason}。检查：invoice-watcher check",
        "en": "Source {name} has what cannot be taken in now: {reason}. Try: invoice-watcher check",
    },
    "clock": {
        "zh": "时钟（台账所用，PostgreSQL 时为数据库服务器的）从 {was} 被调到 {now}。如果现在的时间不对，"
        "请在半天内校正，此后会照常删除过期的记录：timedatectl",
        "en": "The clock that the journal goes by (the database server's, on PostgreSQL) was set from {was} to {now}. "
        "If that is wrong, set it right within half a day, after which what is old is deleted again: timedatectl",
    },
    "held": {
        "zh": "来源 {name} 有 {count} 件等待人工决定，最早自 {since} 起。"
        "查看：invoice-watcher list --state held，然后 release 或 refuse",
        "en": "Source {name} has {count} held for a decision, the oldest since {since}. "
        "See: invoice-watcher list --state held, then release or refuse",
    },
    "overdue": {
        "zh": "来源 {name} 有 {count} 份单据迟迟没有结果，最早自 {since} 起。查看：invoice-watcher status",
        "en": "Source {name} has {count} documents without an outcome for long, the oldest since {since}. "
        "See: invoice-watcher status",
    },
    "answers": {
        "zh": "来源 {name} 有 {count} 件已有结果却无法答复，最早自 {since} 起。查看：invoice-watcher status",
        "en": "Source {name} has {count} with an outcome that cannot be answered, the oldest since {since}. "
        "See: invoice-watcher status",
    },
    "stray": {
        "zh": "来源 {name} 有 {count} 件尚未办结（最早自 {since} 起），但本节点的配置中没有这个来源，"
        "也没有节点在处理它。如果是改了名，请改回原名；查看：invoice-watcher status",
        "en": "{name} is no source of this node's configuration, and no node looks after it, but {count} of its "
        "submissions are not finished, the oldest since {since}. Where it was renamed, give it back its name; "
        "see: invoice-watcher status",
    },
    "more": {"zh": "- 另有 {count} 项，查看：invoice-watcher status", "en": "- {count} more: invoice-watcher status"},
    "subject": {"zh": "invoice-watcher 告警：{count} 项", "en": "invoice-watcher: {count} to look at"},
    "subject-over": {"zh": "invoice-watcher 恢复：{count} 项", "en": "invoice-watcher: {count} over"},
}

_OVER: dict[str, dict[Language, str]] = {
    "journal": {"zh": "已恢复：台账数据库可以使用", "en": "Over: the journal can be used"},
    "gate": {"zh": "已恢复：重新开始提交", "en": "Over: documents are posted again"},
    "source": {"zh": "已恢复：来源 {name} 可以使用", "en": "Over: source {name} can be used"},
    "login": {"zh": "已恢复：邮箱 {name} 可以登录", "en": "Over: mailbox {name} lets us in again"},
    "mailer": {"zh": "已恢复：可以发送回复", "en": "Over: the SMTP server lets us in again"},
    "web": {"zh": "已恢复：网页和指标可以访问", "en": "Over: page and metrics are served"},
    "clock": {"zh": "已恢复：时钟半天内未再被调整", "en": "Over: the clock was not set again for half a day"},
    "worker": {"zh": "已恢复：{name} 有响应", "en": "Over: {name} gives signs of life again"},
    "held": {"zh": "已处理：来源 {name} 没有超时等待决定的了", "en": "Over: source {name} has none held for too long"},
    "overdue": {"zh": "已恢复：来源 {name} 的单据不再积压", "en": "Over: source {name} has no overdue documents"},
    "stray": {
        "zh": "已处理：来源 {name} 没有无人处理的了",
        "en": "Over: source {name} has nothing left that nobody has",
    },
    "answers": {"zh": "已恢复：来源 {name} 的结果均可答复", "en": "Over: source {name} can be answered"},
}


def say(kind: str, language: Language, **values: object) -> str:
    """The sentence of that kind; what comes from outside must be `harmless` already."""
    return _SENTENCES[kind][language].format(**values)


def over(kind: str, name: str, language: Language) -> str:
    """That it is over."""
    return _OVER[kind][language].format(name=name)


def harmless(said: str | None) -> str:
    """What a server said: one short line that mentions nobody and is no mark-up, in any chat."""
    return clean(said, _REASON_LIMIT).translate(_HARMLESS) or "?"
