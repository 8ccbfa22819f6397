"""Every section of the configuration, as contract.md's "Configuration" has it, key by key.

One file, and longer than others, because it is the reference: a key, its default and what it means stand in one place,
and the JSON Schema is made of it. What concerns several sections at once is checked in `consistency`.
"""

# ruff: noqa: FBT003 - Field(True, …) is how a default is written
# Annotations are no texts here: pydantic would compile each of them again, which takes a tenth of the models' time.

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from watcher.config.secret import Secret
from watcher.config.values import (
    Address,
    AnyDuration,
    AuthorityFile,
    Day,
    Domain,
    Duration,
    FilePath,
    HeaderName,
    HttpUrl,
    Name,
    NamedAddress,
    Rate,
    Regex,
    SenderPattern,
    Size,
    Text,
    TimeZone,
    base_of,
    can_be_host,
    can_have_server,
    placeholders,
    visible,
    web_address,
)
from watcher.durations import parse_duration
from watcher.model import Language

_LARGEST_PORT = 65535

Tls = Literal["implicit", "starttls", "none"]


class Section(BaseModel):
    """What all sections share: unknown keys are errors, text is not taken for a number, and values do not change."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True, hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _empty_blocks(cls, value: Any) -> Any:
        """A section of which every line is commented out is null in YAML, and means its defaults."""
        if not isinstance(value, dict):
            return value
        names = {field.alias or name: field for name, field in cls.model_fields.items()}
        return {key: part for key, part in value.items() if part is not None or not _is_block(names.get(key))}


def _is_block(field: Any) -> bool:
    """Whether a field is a section or list that has a default, and for which null means nothing of its own."""
    if field is None or type(None) in get_args(field.annotation):
        return False
    return isinstance(field.default, Section) or field.default in ([], {})


def _code(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError("not a code: write a number, or text in quotes")
    return value


def _expected(value: Any) -> Any:
    if not isinstance(value, (bool, int, str)):
        raise ValueError("must be a number, true, false, or text in quotes")
    return value


ExpectedValue = Annotated[int | str | bool, BeforeValidator(_expected)]
ResultCode = Annotated[
    int | str, BeforeValidator(_code), WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}]})
]


class Auth(Section):
    """How a token for the endpoint is got."""

    token_url: HttpUrl = Field(
        description="where a token is asked for, with GET ?grant_type=client_credentials&client_id=…&client_secret=…"
    )
    client_id: Text = Field(description="the client id that the endpoint's owner gave you")
    client_secret: Secret = Field(description="the secret that was given with client_id")
    token: Text = Field(
        "data.access_token", description="where the token stands in the answer: keys with dots between them"
    )
    expires_in: Text = Field(
        "data.expires_in", description="where the token's lifetime in seconds stands in the answer; absent there: 2h"
    )
    header: HeaderName = Field("access_token", description="the header in which the token is sent")
    refused: list[ResultCode] = Field([], description="resCodes that mean the token is refused though HTTP says 200")


class Retry(Section):
    """When a failed request is tried again: after `first`, then each time `factor` times later, at most `longest`."""

    first: Duration = Field(timedelta(seconds=30), description="how long to wait after the first failure")
    factor: float = Field(2, ge=1, le=1000, description="how much longer after each further failure")
    longest: Duration = Field(timedelta(hours=1), description="the longest wait")
    give_up_after: Duration = Field(
        timedelta(days=3), description="a document that still fails so long after its first failure is an error"
    )


class CodeRule(Section):
    """An answer of the endpoint, by its resCode and, where given, a text in its resMsg."""

    code: ResultCode = Field(description="the resCode, as a number or as text in quotes, as the endpoint writes it")
    message: Text | None = Field(None, description="a text that resMsg must contain; absent: any")


class Recognition(Section):
    """The recognition endpoint, and how it is used."""

    url: HttpUrl = Field(description="the address of ocrSyncWithConfig")
    ca_file: AuthorityFile | None = Field(
        None,
        description="certificates of a private authority, in PEM, for url and auth.token_url; no other is believed",
    )
    auth: Auth | None = Field(None, description="how a token is got; absent: none is sent")
    headers: dict[HeaderName, Secret] = Field({}, description="fixed headers of every request: name and value")
    purchase_invoice: bool = Field(False, description="what is sent as purchase_invoice: true is Y, false is N")
    create_expense: bool = Field(
        True,
        description="true: an expense is created for the employee (create_expense Y and user_code are sent); "
        "false: neither is sent, the invoices are only read, and what has no employee number is read as well",
    )
    connect_timeout: Duration = Field(
        timedelta(seconds=10), description="how long it may take until the endpoint is connected"
    )
    timeout: Duration = Field(
        timedelta(seconds=90), description="how long the answer may take, in total; the vendor advises 60 s or more"
    )
    concurrency: int = Field(8, ge=1, le=1024, description="requests under way at once, on this node")
    rate: Rate | None = Field(
        None, description="at most so many requests, such as 5/s or 100/m; null: as many as can be"
    )
    max_invoices_per_file: int = Field(
        3, ge=1, description="so many invoices of one file the endpoint reads; PDFs with more are cut into parts"
    )
    retry: Retry = Field(Retry(), description="when a failed request is tried again, and when no more")
    in_doubt: Literal["again", "hold"] = Field(
        "again",
        description="what follows a request of which it is not known whether it was carried out: "
        "again: sent again with the same bizId; hold: a person decides",
    )
    suspend_on: list[CodeRule] = Field(
        [CodeRule(code=400000, message="配置")],
        description="answers that close the gate: nothing is posted until the endpoint is mended, no try is counted",
    )
    retry_on: list[CodeRule] = Field(
        [],
        description="answers that pass by themselves, and are tried again like a failure, with in_doubt: hold as well; "
        "so only such at which nothing was booked",
    )
    probe: Duration = Field(
        timedelta(minutes=5), description="how often one document tries whether a closed gate can be opened"
    )


# ----------------------------------------------------------------------------------- stores


def _option(value: Any) -> Any:
    """OpenDAL takes text alone: a switch or number in YAML is written as it is there."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if type(value) is int else value


def _attachment_url(value: Any) -> Any:
    """``presigned: 1d`` may be written as what it is in YAML, a mapping."""
    if isinstance(value, dict) and list(value) == ["presigned"]:
        value = f"presigned: {value['presigned']}"
    if not isinstance(value, str):
        raise ValueError("must be key, {presigned: 1d} or a web address with {key} in it")
    return value


class ObjectsStore(Section):
    """Documents are uploaded to an object store, by OpenDAL; a folder of this machine (`fs`) is written directly."""

    type: Literal["objects"] = Field(description="uploads to an object store")
    service: Literal["s3", "oss", "cos", "obs", "azblob", "gcs", "webdav", "fs"] = Field(
        description="the kind of store"
    )
    options: dict[str, Annotated[Secret, BeforeValidator(_option)]] = Field(
        {},
        description="the service's own options, as OpenDAL names them: bucket, endpoint, access_key_id …",
    )
    key: Text = Field(
        "invoices/{sha256}{ext}", description="the object's key; {sha256} must be in it, {ext} is .pdf and so on"
    )
    attachment_url: Annotated[
        str,
        BeforeValidator(_attachment_url),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "string"},
                    {
                        "type": "object",
                        "properties": {"presigned": {"type": "string"}},
                        "required": ["presigned"],
                        "additionalProperties": False,
                    },
                ],
                "examples": ["key", {"presigned": "1d"}, "https://files.example.com/{key}"],
            }
        ),
    ] = Field(
        "key",
        description="what the endpoint is given: key, the whole key in the bucket (options.root before it); "
        "{presigned: 1d}, a signed address, made anew for each try; or a web address with {key} in it",
    )

    @field_validator("key")
    @classmethod
    def _key_is_a_hash(cls, value: str) -> str:
        if "sha256" not in placeholders(value, ("sha256", "ext")):
            raise ValueError("must contain {sha256}, so that one content has one key")
        if value.startswith("/") or ".." in value.split("/"):
            raise ValueError("must not begin with / or contain ..")
        return value

    @field_validator("options")
    @classmethod
    def _root_is_absolute(cls, value: dict[str, Secret], info: ValidationInfo) -> dict[str, Secret]:
        root = value.get("root")
        if info.data.get("service") == "fs" and root is not None and root.plain and not root.reveal().startswith("/"):
            raise ValueError("root must be a whole path, from / on")
        return value

    @field_validator("options")
    @classmethod
    def _endpoint_has_a_server(cls, value: dict[str, Secret]) -> dict[str, Secret]:
        endpoint = value.get("endpoint")
        if endpoint is not None and endpoint.plain and "://" in endpoint.reveal():
            _endpoint(endpoint.reveal())
        return value

    @field_validator("attachment_url")
    @classmethod
    def _known_form(cls, value: str, info: ValidationInfo) -> str:
        form, _, lifetime = value.partition(":")
        if form == "presigned":
            _presigned(lifetime.strip(), info.data.get("service"))
        elif re.match(r"https?://\S+$", value):
            if "key" not in placeholders(value, ("key",)):
                raise ValueError("the address must contain {key}")
            web_address(value.replace("{key}", "key"))
        elif value != "key":
            raise ValueError("must be key, {presigned: 1d} or a web address with {key} in it")
        return value


def _endpoint(value: str) -> None:
    try:
        web_address(value)
    except ValueError as error:
        raise ValueError(f"endpoint is {error} (write https://host or https://host:port)") from error


def _presigned(lifetime: str, service: str | None) -> None:
    if parse_duration(lifetime) <= timedelta(0):
        raise ValueError("a presigned address must live for some time, such as 1d")
    if service in ("fs", "webdav"):
        raise ValueError(f"{service} cannot sign addresses: write a web address with {{key}} in it")


class HttpStore(Section):
    """Documents are uploaded by a multipart POST, with recognition.auth's token."""

    type: Literal["http"] = Field(description="uploads by a multipart POST")
    url: HttpUrl = Field(description="where to post the file")
    ca_file: AuthorityFile | None = Field(
        None, description="certificates of a private authority, in PEM; no other is believed"
    )
    field: Text = Field("file", description="the form field that carries the file")
    form: dict[str, str] = Field({}, description="further form fields: name and text")
    attachment_url: Text = Field(
        "data.attachment_url", description="where the attachment URL stands in the answer: keys with dots between them"
    )
    success: dict[str, ExpectedValue] = Field(
        {"resCode": 200000}, description="what the answer must say to count as taken: where, and what stands there"
    )


class ResolveStore(Section):
    """Nothing is uploaded: a file in the folder already has a URL."""

    type: Literal["resolve"] = Field(description="uploads nothing: the file already has a URL")
    base_url: HttpUrl = Field(description="the URL is this and the file's path in the folder, percent-encoded")
    parts: Text | None = Field(
        None,
        description="the store for what has no URL of its own (files from archives, parts of a split); "
        "absent: such a file is an error",
    )


def _store_type(value: Any) -> str | None:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return f"<{kind}>" if kind in ("objects", "http", "resolve") else None


Store = Annotated[
    Annotated[ObjectsStore, Tag("<objects>")]
    | Annotated[HttpStore, Tag("<http>")]
    | Annotated[ResolveStore, Tag("<resolve>")],
    Discriminator(
        _store_type,
        custom_error_type="store",
        custom_error_message="a store needs a type: objects, http or resolve",
    ),
]


# -------------------------------------------------------------------------------- directory

_GROUP = re.compile(r"\\(?:g<(\w+)>|([1-9]\d?)|(.?))", re.DOTALL)


class Rule(Section):
    """Turns an address into an employee number."""

    match: Regex = Field(description="must match the whole address, in lower case")
    user_code: Text = Field(description="the employee number; \\1 is the first group of match")

    @field_validator("user_code")
    @classmethod
    def _groups_exist(cls, value: str, info: ValidationInfo) -> str:
        pattern = info.data.get("match")
        for name, number, other in _GROUP.findall(value):
            if other or not (name or number):
                raise ValueError("a backslash must be followed by the number of a group, as in \\1")
            if pattern is not None and not _has_group(pattern, name or number):
                raise ValueError(f"match has no group {name or number}")
        return value


def _has_group(pattern: re.Pattern[str], group: str) -> bool:
    return int(group) <= pattern.groups if group.isdecimal() else group in pattern.groupindex


class HttpDirectory(Section):
    """A web service that knows the employees."""

    url: HttpUrl = Field(description="asked with GET; {address} becomes the sender's address")
    ca_file: AuthorityFile | None = Field(
        None, description="certificates of a private authority, in PEM; no other is believed"
    )
    headers: dict[HeaderName, Secret] = Field({}, description="fixed headers of every request")
    user_code: Text = Field("data.code", description="where the employee number stands in the answer")
    language: Text | None = Field("data.lang", description="where the language (zh or en) stands in the answer")
    cache: AnyDuration = Field(timedelta(hours=1), description="how long an answer is kept and not asked for again")

    @field_validator("url")
    @classmethod
    def _asks_for_the_address(cls, value: str) -> str:
        if "address" not in placeholders(value, ("address",)):
            raise ValueError("must contain {address}")
        return value


def _ldap_url(value: str) -> str:
    if not re.match(r"ldaps?://[^\s/]+", value):
        raise ValueError("not an LDAP address: it must begin with ldaps:// or ldap://")
    if not can_have_server(value):
        raise ValueError("not an LDAP address: its host or port cannot be (write ldaps://host or ldaps://host:port)")
    return value


class LdapDirectory(Section):
    """An LDAP server (or Active Directory) that knows the employees."""

    url: Annotated[str, AfterValidator(_ldap_url)] = Field(description="ldap://host or ldaps://host")
    ca_file: AuthorityFile | None = Field(
        None, description="certificates of a private authority, in PEM; no other is believed"
    )
    bind_dn: Text | None = Field(None, description="who logs in; absent: nobody, an anonymous query")
    password: Secret | None = Field(None, description="the password of bind_dn")
    base: Text = Field(description="the entry below which is searched")
    filter: Text = Field("(mail={address})", description="what is searched for; {address} becomes the sender's address")
    user_code: Text = Field("employeeNumber", description="the attribute that holds the employee number")
    language: Text | None = Field("preferredLanguage", description="the attribute that holds the language")

    @field_validator("filter")
    @classmethod
    def _asks_for_the_address(cls, value: str) -> str:
        if "address" not in placeholders(value, ("address",)):
            raise ValueError("must contain {address}")
        return value


class Directory(Section):
    """Who may submit, and their employee numbers. Asked in this order: file, rules, http, ldap."""

    file: FilePath | None = Field(
        None, description="a CSV file with the columns email,user_code,name,language; read again when it changes"
    )
    rules: list[Rule] = Field([], description="employee numbers that can be read off the address")
    delegates: list[Address] = Field(
        [], description="who may submit for others: #903851 in the subject, or fapiao+903851@ as the address"
    )
    http: HttpDirectory | None = Field(None, description="a web service that knows the employees")
    ldap: LdapDirectory | None = Field(None, description="an LDAP server that knows the employees")


class Limits(Section):
    """What is more than this is not taken in, and answered so."""

    document: Size = Field(20_000_000, description="the largest document")
    submission: Size = Field(50_000_000, description="the largest mail, or file with all that is in it")
    documents: int = Field(50, ge=1, description="the most documents of one submission")
    archive_ratio: int = Field(100, ge=1, description="how many times its own size an archive may unpack to")


class Links(Section):
    """Download links in mails."""

    hosts: list[Domain] = Field(
        [], description="hosts whose links are followed, over https; hosts below them are others"
    )
    known: bool = Field(
        False, description="true: the links of the invoice platforms that are built in are followed, too"
    )

    @property
    def are_followed(self) -> bool:
        """Whether any link is: otherwise no text of a mail is read."""
        return self.known or bool(self.hosts)


# -------------------------------------------------------------------------------- mailboxes


class OAuth2(Section):
    """How an access token for the mail server is got, instead of a password."""

    token_url: HttpUrl = Field(description="where access tokens are issued, asked with POST")
    ca_file: AuthorityFile | None = Field(
        None, description="certificates of a private authority, in PEM, for token_url; no other is believed"
    )
    client_id: Text = Field(description="the id under which this program is registered with the provider")
    client_secret: Secret | None = Field(None, description="the secret of that registration; absent: none is sent")
    scope: Text | None = Field(None, description="what the token is for, as the provider names it; absent: not sent")
    refresh_token: Secret | None = Field(
        None,
        description="a token is asked for with this (grant_type refresh_token); absent: with client_id and "
        "client_secret alone (client_credentials)",
    )


class VerifySender(Section):
    """What proves that a mail's sender is who it says."""

    results_from: Text | None = Field(
        None,
        description="whose Authentication-Results are believed: the name (authserv-id) that your mail server writes "
        "first in them; topmost: those that stand above all others; null: nobody's",
    )
    dkim: bool = Field(True, description="the DKIM signatures of mails are verified here")


class PerSender(Section):
    """How much one sender may submit in an hour; the surplus waits, and the sender is told once."""

    submissions: int = Field(60, ge=1, description="mails in an hour")
    bytes: Size = Field(200_000_000, description="their sizes in an hour, added up")


class ReplyChoice(Section):
    """Which outcomes are answered by mail."""

    done: bool = Field(True, description="reply where all is well")
    attention: bool = Field(True, description="reply where something was booked and somebody should look")
    error: bool = Field(True, description="reply where something was not booked")
    duplicate: bool = Field(True, description="reply where something was booked before")
    unknown: bool = Field(
        False, description="tell senders so whom the directory lacks; only those of the mailbox's own domain"
    )
    acknowledge_after: AnyDuration | None = Field(
        timedelta(minutes=15), description="what takes longer is acknowledged first; null: never"
    )


def _verification(value: Any) -> str | None:
    if value is False:
        return "<off>"
    return "<on>" if isinstance(value, (dict, VerifySender)) else None


SenderCheck = Annotated[
    Annotated[VerifySender, Tag("<on>")] | Annotated[Literal[False], Tag("<off>")],
    Discriminator(
        _verification,
        custom_error_type="verify_sender",
        custom_error_message="must be false, or {results_from: …, dkim: true}",
    ),
]


class Mailbox(Section):
    """A mailbox that is watched."""

    name: Name = Field(description="what it is called here, in lists and logs")
    host: Text = Field(description="the IMAP server")
    port: int | None = Field(None, ge=1, le=_LARGEST_PORT, description="where absent, 993 with tls implicit, else 143")
    tls: Tls = Field(
        "implicit", description="implicit: TLS from the first byte; starttls: TLS after a greeting; none: not encrypted"
    )
    ca_file: AuthorityFile | None = Field(
        None, description="certificates of a private authority, in PEM; no other is believed"
    )
    username: Text = Field(description="the login name, at most providers the whole address")
    password: Secret | None = Field(
        None, description="the password; Chinese providers want an authorisation code (授权码)"
    )
    oauth2: OAuth2 | None = Field(None, description="instead of a password: how an access token for the login is got")
    folder: Text = Field("INBOX", description="the mail folder that is watched")
    since: Day | None = Field(
        None,
        description="mail that arrived before this date is left alone; null: all that is in the folder is taken in",
    )
    done: Text | None = Field(
        None, description="where answered mails go; null: left where they are, flagged \\Seen and $InvoiceDone"
    )
    error: Text | None = Field(
        None, description="where mails go of which nothing was booked; null: left where they are"
    )
    idle: bool = Field(True, description="the server announces new mail (IDLE), where it can")
    poll: Duration = Field(timedelta(seconds=60), description="how often is looked in any case")
    store: Text = Field("default", description="the store that documents go to")
    user_code: Text | None = Field(
        None, description="a fixed employee number for all that arrives here; then senders is required"
    )
    senders: list[SenderPattern] | None = Field(
        None, min_length=1, description="addresses or *@domain that are taken in at all; null: whom the directory knows"
    )
    verify_sender: SenderCheck = Field(
        VerifySender(), description="what proves that the sender is who the mail says; false believes everybody"
    )
    arc_sealers: list[Domain] = Field([], description="domains whose ARC seal is believed")
    forwarded_for: bool = Field(False, description="believe Resent-From and X-Forwarded-For for who submits")
    unverified: Literal["hold", "refuse"] = Field("hold", description="what happens to mail whose sender is not proven")
    held_after: Duration = Field(timedelta(days=1), description="a mail held longer than this raises an alert")
    unknown: Literal["refuse", "hold"] = Field(
        "refuse", description="what happens to mail of a sender that the directory lacks"
    )
    per_sender: PerSender | None = Field(
        PerSender(), description="how much one sender may submit in an hour; null: anything"
    )
    reply: ReplyChoice = Field(ReplyChoice(), description="which outcomes are answered by mail")

    @property
    def effective_port(self) -> int:
        return self.port or (993 if self.tls == "implicit" else 143)


class Smtp(Section):
    """The server that sends the replies."""

    host: Text = Field(description="the SMTP server")
    port: int | None = Field(
        None, ge=1, le=_LARGEST_PORT, description="where absent, 465 with tls implicit, 587 with starttls, else 25"
    )
    tls: Tls = Field(
        "implicit", description="implicit: TLS from the first byte; starttls: TLS after a greeting; none: not encrypted"
    )
    ca_file: AuthorityFile | None = Field(
        None, description="certificates of a private authority, in PEM; no other is believed"
    )
    username: Text | None = Field(None, description="the login name; absent: no login")
    password: Secret | None = Field(None, description="the password")
    oauth2: OAuth2 | None = Field(None, description="instead of a password: how an access token for the login is got")
    sender: NamedAddress = Field(
        alias="from", description="the From of the replies: an address, with a name where wanted"
    )

    @property
    def effective_port(self) -> int:
        return self.port or {"implicit": 465, "starttls": 587, "none": 25}[self.tls]


# ---------------------------------------------------------------------------------- folders


class FromFilename(Section):
    """The employee number is in the file's name."""

    source: Literal["filename"] = Field(alias="from", description="the employee number is in the file's name")
    pattern: Regex = Field(description="found in the file's name; its first group is the employee number")

    @field_validator("pattern")
    @classmethod
    def _has_a_group(cls, value: re.Pattern[str]) -> re.Pattern[str]:
        if value.groups < 1:
            raise ValueError("needs a group, in round brackets, for the employee number")
        return value


class FromPlace(Section):
    """The employee number is the first folder below path, or what the directory has for the file's owner."""

    source: Literal["subfolder", "owner"] = Field(
        alias="from",
        description="subfolder: the first folder below path; owner: looked up by the login name of the file's owner",
    )


class FixedCode(Section):
    """One employee number for all files."""

    fixed: Text = Field(description="the employee number")


def _code_source(value: Any) -> str | None:
    if isinstance(value, Section):
        return {"FromFilename": "<filename>", "FromPlace": "<place>", "FixedCode": "<fixed>"}.get(type(value).__name__)
    if not isinstance(value, dict):
        return None
    if "fixed" in value and "from" not in value:
        return "<fixed>"
    source = value.get("from")
    return {"filename": "<filename>", "subfolder": "<place>", "owner": "<place>"}.get(str(source))


UserCodeSource = Annotated[
    Annotated[FromPlace, Tag("<place>")]
    | Annotated[FromFilename, Tag("<filename>")]
    | Annotated[FixedCode, Tag("<fixed>")],
    Discriminator(
        _code_source,
        custom_error_type="user_code",
        custom_error_message="write {from: subfolder}, {from: filename, pattern: '^(\\d+)_'}, {from: owner} "
        'or {fixed: "903851"}',
    ),
]


def _network(value: Any) -> Any:
    if not isinstance(value, bool) and value != "auto":
        raise ValueError("must be true, false or auto")
    return value


class Folder(Section):
    """A folder that is watched."""

    name: Name = Field(description="what it is called here, in lists and logs")
    path: FilePath = Field(
        description="the folder that is watched; it lies in no other one that is, unless that has recursive: false"
    )
    done: Text | None = Field(
        None, description="where answered files go; {yyyy} {mm} {dd} are today; null: they stay where they are"
    )
    error: Text | None = Field(None, description="where files go of which nothing was booked; null: they stay")
    recursive: bool = Field(True, description="files in subfolders count, too")
    user_code: UserCodeSource = Field(
        FromPlace.model_validate({"from": "subfolder"}), description="how the employee number of a file is found"
    )
    network: Annotated[
        bool | Literal["auto"], BeforeValidator(_network), WithJsonSchema({"enum": [True, False, "auto"]})
    ] = Field(
        "auto", description="true: a network drive, where file events are not relied on; false: none; auto: found out"
    )
    poll: Duration = Field(timedelta(seconds=30), description="how often the folder is scanned in any case")
    settle: AnyDuration = Field(
        timedelta(seconds=5),
        description="how long size and time must stand still where nothing else shows that a file is complete",
    )
    marker: Text | None = Field(
        None, description="a file in path that must be there, else the share counts as not mounted; null: none"
    )
    store: Text = Field("default", description="the store that documents go to")

    @field_validator("done", "error")
    @classmethod
    def _template(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        placeholders(value, ("yyyy", "mm", "dd"))
        base = base_of(info)
        return value if base is None else str(base / value)


# --------------------------------------------------------------------------------- the rest


class Alerts(Section):
    """Who is told when something is wrong."""

    urls: list[Secret] = Field([], description="apprise URLs: WeCom, DingTalk and Feishu robots, and many more")
    after: AnyDuration = Field(timedelta(minutes=10), description="what mends itself sooner raises no alert")
    operators: list[Address] = Field([], description="mail addresses that are told too; needs smtp")


def _listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not re.fullmatch(r"\d{1,5}", port, re.ASCII) or int(port) > _LARGEST_PORT:
        raise ValueError("must be host:port, such as 127.0.0.1:8750")
    if not can_be_host(host.strip("[]")):
        raise ValueError("no host can have this name: write host:port, such as 127.0.0.1:8750")
    return value


class Web(Section):
    """The status pages, health and metrics."""

    listen: Annotated[str, AfterValidator(_listen), WithJsonSchema({"type": "string"})] = Field(
        "127.0.0.1:8750", description="the address and port that the pages are served at"
    )
    password: Secret | None = Field(None, description="the password of the pages; absent: none is asked")


class Log(Section):
    """What is logged, and how."""

    format: Literal["auto", "json"] = Field(
        "auto",
        description="auto: journald priorities under systemd, colour on a terminal, else plain; json: JSON Lines",
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="what is less than this is not logged"
    )


class Retention(Section):
    """How long what is over is kept; bookings are kept for ever."""

    closed: Duration = Field(timedelta(days=400), description="answered submissions older than this are deleted")


_WRITE_JOURNAL = "write sqlite:////path/to/journal.db or postgresql://user@host/database"
_NO_JOURNAL = f"not a journal: {_WRITE_JOURNAL}"


def _journal(value: str, info: ValidationInfo) -> str:
    if "%00" in visible(value):  # a path is decoded, and then has a byte in it that no system call takes
        raise ValueError("has %00 in it, which no file or database can have in its name: take it out")
    if re.match(r"postgresql://\S+$", value):
        return _postgresql(value)
    path = value.removeprefix("sqlite:///")
    if path == value or not path or path == ":memory:":
        raise ValueError(_NO_JOURNAL)
    if Path(path.partition("?")[0]).name in ("", ".."):
        raise ValueError(f"names a folder, and no file in it: {_WRITE_JOURNAL}")
    base = base_of(info)
    return value if base is None else f"sqlite:///{base / path}"


def _postgresql(url: str) -> str:
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError(_NO_JOURNAL) from None  # the cause would quote the address, and the password in it
    return url


class Configuration(Section):
    """The configuration of invoice-watcher."""

    journal: Annotated[
        str,
        AfterValidator(_journal),
        WithJsonSchema({"type": "string", "pattern": "^(sqlite:///|postgresql://)"}),
    ] = Field(
        description="the database: sqlite:////path/to/journal.db on a local disk, or postgresql://user@host/database"
    )
    language: Language = Field(
        "zh", description="the language of answers and pages; a person's own language in the directory wins"
    )
    timezone: TimeZone = Field(
        ZoneInfo("Asia/Shanghai"),
        description="the time zone of the pages, and of dates that the endpoint gives as milliseconds",
    )
    recognition: Recognition = Field(
        description="the recognition endpoint, and how it is used",
        examples=[
            {
                "url": "https://openapi.example.com/common/InvoiceOCR/ocrSyncWithConfig",
                "auth": {
                    "token_url": "https://openapi.example.com/common/unAuth/tokens/get",
                    "client_id": "my-client",
                    "client_secret": {"credential": "client-secret"},
                },
                "concurrency": 8,
                "rate": "5/s",
            }
        ],
    )
    stores: dict[Name, Store] = Field(
        min_length=1,
        description="what gives documents the address that the endpoint fetches them from; a source that names none "
        "uses the one called default",
        examples=[
            {
                "default": {
                    "type": "objects",
                    "service": "oss",
                    "options": {
                        "bucket": "invoices",
                        "endpoint": "https://oss-cn-shanghai.aliyuncs.com",
                        "access_key_id": {"env": "OSS_ID"},
                        "access_key_secret": {"env": "OSS_SECRET"},
                    },
                    "attachment_url": {"presigned": "1d"},
                },
                "platform": {"type": "http", "url": "https://openapi.example.com/common/files/upload"},
                "drive": {"type": "resolve", "base_url": "https://files.example.com/invoices/", "parts": "default"},
            }
        ],
    )
    directory: Directory = Field(
        Directory(),
        description="who may submit, and their employee numbers; asked in this order: file, rules, http, ldap",
        examples=[
            {
                "file": "employees.csv",
                "rules": [{"match": r"(\d{6})@corp\.example", "user_code": r"\1"}],
                "delegates": ["assistant@corp.example"],
            }
        ],
    )
    accept: list[Literal["pdf", "ofd", "image", "xml"]] = Field(
        ["pdf", "ofd"],
        min_length=1,
        description="what counts as a document; archives and nested mails are always opened",
    )
    limits: Limits = Field(
        Limits(),
        description="what is more than this is not taken in, and answered so",
        examples=[{"document": "20MB", "submission": "50MB", "documents": 50}],
    )
    inspect: bool = Field(
        True,
        description="true: documents are looked into, in a process without rights, where that decides what is sent; "
        "false: only the names of files tell",
    )
    links: Links = Field(
        Links(),
        description="which download links in mails are followed; none by default",
        examples=[{"known": True, "hosts": ["invoices.vendor.example"]}],
    )
    mailboxes: list[Mailbox] = Field(
        [],
        description="the mailboxes that are watched",
        examples=[
            [
                {
                    "name": "fapiao",
                    "host": "imap.exmail.qq.com",
                    "username": "fapiao@corp.example",
                    "password": {"credential": "imap-password"},
                    "done": "发票/已处理",
                    "error": "发票/失败",
                }
            ]
        ],
    )
    smtp: Smtp | None = Field(
        None,
        description="the server that sends the replies; absent: no mail is answered",
        examples=[
            {
                "host": "smtp.exmail.qq.com",
                "username": "fapiao@corp.example",
                "password": {"credential": "imap-password"},
                "from": "发票助手 <fapiao@corp.example>",
            }
        ],
    )
    folders: list[Folder] = Field(
        [],
        description="the folders that are watched",
        examples=[
            [
                {
                    "name": "shared",
                    "path": "/srv/invoices/inbox",
                    "done": "/srv/invoices/done/{yyyy}-{mm}",
                    "error": "/srv/invoices/error",
                    "user_code": {"from": "subfolder"},
                }
            ]
        ],
    )
    alerts: Alerts | None = Field(
        None,
        description="who is told when something is wrong; absent: nobody",
        examples=[{"urls": [{"credential": "wecom-url"}], "operators": ["admin@corp.example"], "after": "10m"}],
    )
    web: Web | None = Field(
        None,
        description="the pages, health and metrics; absent: none",
        examples=[{"listen": "127.0.0.1:8750", "password": {"credential": "web-password"}}],
    )
    log: Log = Field(Log(), description="what is logged, and how", examples=[{"format": "json", "level": "info"}])
    retention: Retention = Field(
        Retention(),
        description="how long what is over is kept; bookings are kept for ever, so that nothing is booked twice",
        examples=[{"closed": "400d"}],
    )

    @property
    def sources(self) -> tuple[Mailbox | Folder, ...]:
        """Every mailbox, then every folder."""
        return (*self.mailboxes, *self.folders)
