"""Every section of the configuration, as contract.md's "Configuration" has it, key by key."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from watcher.config.values import Duration, Rate, Regex, Secret, Size
from watcher.model import Language

Tls = Literal["implicit", "starttls", "none"]


def _zone(value: Any) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise ValueError("not a time zone: write a name such as Asia/Shanghai") from error


TimeZone = Annotated[
    ZoneInfo, BeforeValidator(_zone), WithJsonSchema({"type": "string", "examples": ["Asia/Shanghai"]})
]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
HttpUrl = Annotated[str, Field(pattern=r"^https?://[^\s/?#]+")]


class Section(BaseModel):
    """What all sections share: unknown keys are errors, and values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Auth(Section):
    token_url: HttpUrl
    client_id: str
    client_secret: Secret
    token: str = "data.access_token"  # noqa: S105 - a path in an answer
    expires_in: str = "data.expires_in"
    header: str = "access_token"
    refused: list[int | str] = []


class Retry(Section):
    first: Duration = timedelta(seconds=30)
    factor: float = Field(2, ge=1)
    longest: Duration = timedelta(hours=1)
    give_up_after: Duration = timedelta(days=3)


class CodeRule(Section):
    """A resCode, and a text that its message must contain."""

    code: int | str
    message: str | None = None


class Recognition(Section):
    url: HttpUrl
    auth: Auth | None = None
    headers: dict[str, Secret] = {}
    purchase_invoice: bool = False
    create_expense: bool = True
    connect_timeout: Duration = timedelta(seconds=10)
    timeout: Duration = timedelta(seconds=90)
    concurrency: int = Field(8, ge=1, le=1024)
    rate: Rate | None = None
    max_invoices_per_file: int = Field(3, ge=1)
    retry: Retry = Retry()
    in_doubt: Literal["again", "hold"] = "again"
    suspend_on: list[CodeRule] = [CodeRule(code=400000, message="配置")]
    retry_on: list[CodeRule] = []
    probe: Duration = timedelta(minutes=5)


class ObjectsStore(Section):
    type: Literal["objects"]
    service: Literal["s3", "oss", "cos", "obs", "azblob", "gcs", "webdav", "fs"]
    options: dict[str, Secret] = {}
    key: str = "invoices/{sha256}{ext}"
    attachment_url: str = "key"  # key | presigned: 1d | a URL with {key}


class HttpStore(Section):
    type: Literal["http"]
    url: HttpUrl
    field: str = "file"
    form: dict[str, str] = {}
    attachment_url: str = "data.attachment_url"
    success: dict[str, int | str | bool] = {"resCode": 200000}


class ResolveStore(Section):
    type: Literal["resolve"]
    base_url: HttpUrl
    parts: str | None = None


Store = Annotated[ObjectsStore | HttpStore | ResolveStore, Field(discriminator="type")]


class Rule(Section):
    match: Regex
    user_code: str


class HttpDirectory(Section):
    url: HttpUrl
    headers: dict[str, Secret] = {}
    user_code: str = "data.code"
    language: str | None = "data.lang"
    cache: Duration = timedelta(hours=1)


class LdapDirectory(Section):
    url: str
    bind_dn: str | None = None
    password: Secret | None = None
    base: str
    filter: str = "(mail={address})"
    user_code: str = "employeeNumber"
    language: str | None = "preferredLanguage"


class Directory(Section):
    file: Path | None = None
    rules: list[Rule] = []
    delegates: list[str] = []
    http: HttpDirectory | None = None
    ldap: LdapDirectory | None = None


class Limits(Section):
    document: Size = 20_000_000
    submission: Size = 50_000_000
    documents: int = Field(50, ge=1)
    archive_ratio: int = Field(100, ge=1)


class Links(Section):
    hosts: list[str] = []
    known: bool = False


class OAuth2(Section):
    token_url: HttpUrl
    client_id: str
    client_secret: Secret | None = None
    scope: str | None = None
    refresh_token: Secret | None = None


class VerifySender(Section):
    results_from: str | None = None
    dkim: bool = True


class PerSender(Section):
    submissions: int = Field(60, ge=1)
    bytes: Size = 200_000_000


class ReplyChoice(Section):
    done: bool = True
    attention: bool = True
    error: bool = True
    duplicate: bool = True
    unknown: bool = False
    acknowledge_after: Duration | None = timedelta(minutes=15)


class Mailbox(Section):
    name: Name
    host: str
    port: int | None = Field(None, ge=1, le=65535)
    tls: Tls = "implicit"
    ca_file: Path | None = None
    username: str
    password: Secret | None = None
    oauth2: OAuth2 | None = None
    folder: str = "INBOX"
    since: date | None = None
    done: str | None = None
    error: str | None = None
    idle: bool = True
    poll: Duration = timedelta(seconds=60)
    store: str = "default"
    user_code: str | None = None
    senders: list[str] | None = None
    verify_sender: VerifySender | Literal[False] = VerifySender()
    arc_sealers: list[str] = []
    forwarded_for: bool = False
    unverified: Literal["hold", "refuse"] = "hold"
    held_after: Duration = timedelta(days=1)
    unknown: Literal["refuse", "hold"] = "refuse"
    per_sender: PerSender | None = PerSender()
    reply: ReplyChoice = ReplyChoice()

    @model_validator(mode="after")
    def _consistent(self) -> Mailbox:
        if (self.password is None) == (self.oauth2 is None):
            raise ValueError("give either password or oauth2")
        if self.user_code is not None and self.senders is None:
            raise ValueError("user_code books for whoever writes: name the senders that may")
        return self

    @property
    def effective_port(self) -> int:
        return self.port or (993 if self.tls == "implicit" else 143)


class Smtp(Section):
    host: str
    port: int | None = Field(None, ge=1, le=65535)
    tls: Tls = "implicit"
    ca_file: Path | None = None
    username: str | None = None
    password: Secret | None = None
    oauth2: OAuth2 | None = None
    sender: str = Field(alias="from")

    @property
    def effective_port(self) -> int:
        return self.port or {"implicit": 465, "starttls": 587, "none": 25}[self.tls]


class FromFilename(Section):
    source: Literal["filename"] = Field(alias="from")
    pattern: Regex


class FromPlace(Section):
    source: Literal["subfolder", "owner"] = Field(alias="from")


class FixedCode(Section):
    fixed: str


class Folder(Section):
    name: Name
    path: Path
    done: str | None = None
    error: str | None = None
    recursive: bool = True
    user_code: FromPlace | FromFilename | FixedCode
    network: bool | Literal["auto"] = "auto"
    poll: Duration = timedelta(seconds=30)
    settle: Duration = timedelta(seconds=5)
    marker: str | None = None
    store: str = "default"


class Alerts(Section):
    urls: list[Secret] = []
    after: Duration = timedelta(minutes=10)
    operators: list[str] = []


class Web(Section):
    listen: str = "127.0.0.1:8750"
    password: Secret | None = None


class Log(Section):
    format: Literal["auto", "json"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Retention(Section):
    closed: Duration = timedelta(days=400)


class Configuration(Section):
    """The whole file."""

    journal: str = Field(pattern=r"^(sqlite:///|postgresql://)")
    language: Language = "zh"
    timezone: TimeZone = ZoneInfo("Asia/Shanghai")
    recognition: Recognition
    stores: dict[Name, Store] = Field(min_length=1)
    directory: Directory = Directory()
    accept: list[Literal["pdf", "ofd", "image", "xml"]] = ["pdf", "ofd"]
    limits: Limits = Limits()
    links: Links = Links()
    mailboxes: list[Mailbox] = []
    smtp: Smtp | None = None
    folders: list[Folder] = []
    alerts: Alerts | None = None
    web: Web | None = None
    log: Log = Log()
    retention: Retention = Retention()
