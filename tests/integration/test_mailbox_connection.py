"""Connecting: TLS, logins, what providers want, and what follows when a connection fails."""

# ruff: noqa: SIM117 - what raises stands within what is only there for it
from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.imap_script import Farewell, Refusal, ScriptedImap, silence
from tests.support.mailboxes import arrivals, leaves, mailbox, scripted, settings
from tests.support.mails import PDF, mail, part
from tests.support.servers.certificates import make_certificate
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.servers.fault_proxy import Fault, FaultProxy, Kind, Way
from tests.support.submissions import submission
from tests.support.tokens import TokenServer
from watcher.errors import LoginRefused, SourceUnavailable, Vanished
from watcher.sources.mailbox import MailboxSource


@pytest.fixture
def account(dovecot: Dovecot) -> Account:
    return dovecot.account()


def refuse(text: str) -> Any:
    def answer(_: str) -> list[bytes] | None:
        raise Refusal(text)

    return answer


# --------------------------------------------------------------------------------------------- TLS


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_tls_with_a_private_ca_works(account: Account, tls: str) -> None:
    account.append(mail(part(PDF)))
    port = account.server.tls_port if tls == "implicit" else account.server.port

    with mailbox(account, tls=tls, port=port, ca_file=account.server.ca_file) as source:
        assert leaves(source) == [("a.pdf", "application/pdf", PDF)]


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_certificate_of_another_ca_is_refused(account: Account, tls: str, tmp_path: Path) -> None:
    port = account.server.tls_port if tls == "implicit" else account.server.port

    with mailbox(account, tls=tls, port=port, ca_file=make_certificate(tmp_path).ca_file) as source:
        with pytest.raises(SourceUnavailable, match="certificate is not trusted"):
            arrivals(source)


def test_the_systems_certificates_do_not_cover_a_private_ca(account: Account) -> None:
    with mailbox(account, tls="implicit", port=account.server.tls_port) as source:
        with pytest.raises(SourceUnavailable, match="ca_file"):
            arrivals(source)


def test_a_ca_file_that_is_missing_is_named(account: Account, tmp_path: Path) -> None:
    with mailbox(account, tls="implicit", port=account.server.tls_port, ca_file=tmp_path / "no.pem") as source:
        with pytest.raises(SourceUnavailable, match=r"ca_file .*no\.pem"):
            arrivals(source)


def test_no_password_is_sent_where_starttls_is_not_to_be_had() -> None:
    with ScriptedImap() as server, scripted(server, tls="starttls") as source:
        with pytest.raises(SourceUnavailable):
            arrivals(source)

    assert "LOGIN" not in server.names()


# ------------------------------------------------------------------------------------------- logins


def test_a_refused_login_is_told_as_such_and_without_the_password(account: Account) -> None:
    with mailbox(account, password="a wrong one") as source:
        with pytest.raises(LoginRefused) as refused:
            arrivals(source)

    assert "a wrong one" not in str(refused.value)
    assert account.username in str(refused.value)


def test_a_refused_login_is_not_tried_again_at_once_on_either_connection() -> None:
    with ScriptedImap({"LOGIN": refuse("NO password password is wrong")}) as server, scripted(server) as source:
        with pytest.raises(LoginRefused) as refused:
            arrivals(source)
        with pytest.raises(LoginRefused):
            source.move(submission(), None, None)

    assert server.names().count("LOGIN") == 1
    assert "*** *** is wrong" in str(refused.value)


def test_a_server_that_cannot_log_in_anybody_now_has_not_refused() -> None:
    with ScriptedImap({"LOGIN": refuse("NO [UNAVAILABLE] later")}) as server, scripted(server) as source:
        with pytest.raises(SourceUnavailable) as failed:
            arrivals(source)

    assert not isinstance(failed.value, LoginRefused)


def test_what_the_server_says_is_cleaned() -> None:
    with ScriptedImap({"LOGIN": refuse("NO \x1b[31mLogin\u202e fail")}) as server, scripted(server) as source:
        with pytest.raises(LoginRefused) as refused:
            arrivals(source)

    assert "\x1b" not in str(refused.value)
    assert "\u202e" not in str(refused.value)
    assert "Login fail" in str(refused.value)


def test_a_password_beyond_ascii_is_sent_by_authenticate() -> None:
    challenge: dict[str, Any] = {"AUTHENTICATE": lambda _: [b"+ "]}
    with (
        ScriptedImap(challenge, capabilities="IMAP4rev1 AUTH=PLAIN") as server,
        scripted(server, password="pässword") as source,
    ):
        arrivals(source)

    assert "AUTHENTICATE PLAIN" in server.said


def test_login_is_not_used_where_it_is_disabled() -> None:
    challenge: dict[str, Any] = {"AUTHENTICATE": lambda _: [b"+ "]}
    with (
        ScriptedImap(challenge, capabilities="IMAP4rev1 LOGINDISABLED AUTH=PLAIN") as server,
        scripted(server) as source,
    ):
        arrivals(source)

    assert "LOGIN" not in server.names()
    assert "AUTHENTICATE PLAIN" in server.said


def test_where_only_tls_would_allow_a_login_that_is_said() -> None:
    with ScriptedImap(capabilities="IMAP4rev1 LOGINDISABLED") as server, scripted(server) as source:
        with pytest.raises(SourceUnavailable, match="set tls"):
            arrivals(source)


def test_a_secret_that_cannot_be_read_is_named(account: Account, tmp_path: Path) -> None:
    with mailbox(account, password={"file": str(tmp_path / "secret")}) as source:
        with pytest.raises(SourceUnavailable, match="password cannot be read"):
            arrivals(source)


# ------------------------------------------------------------------------------------ what providers want


def test_id_is_sent_after_the_login_and_before_the_folder_is_opened() -> None:
    with ScriptedImap() as server, scripted(server) as source:
        arrivals(source)

    names = server.names()
    assert names.index("LOGIN") < names.index("ID") < names.index("EXAMINE")


def test_id_is_not_sent_where_it_is_not_advertised() -> None:
    """QQ drops the connection at a command that it does not know."""
    with ScriptedImap(capabilities="IMAP4rev1") as server, scripted(server) as source:
        arrivals(source)

    assert "ID" not in server.names()


def test_an_unsafe_login_is_told_as_a_refused_one() -> None:
    with (
        ScriptedImap({"EXAMINE": refuse("NO EXAMINE Unsafe Login. Please contact kefu@188.com")}) as server,
        scripted(server) as source,
    ):
        with pytest.raises(LoginRefused, match="Unsafe Login"):
            arrivals(source)


def test_a_server_that_answers_searches_for_keywords_with_no_or_nothing_hides_no_mail() -> None:
    for script in ({"UID SEARCH": _only_simple_searches}, {}):
        with ScriptedImap(script) as server, scripted(server) as source:
            assert len(arrivals(source)) == 1


def _only_simple_searches(command: str) -> list[bytes]:
    if "KEYWORD" in command:
        raise Refusal("BAD what is a keyword")
    return [b"* SEARCH 7"]


def test_one_connection_is_kept_for_many_looks() -> None:
    with ScriptedImap() as server, scripted(server) as source:
        for _ in range(3):
            arrivals(source)

    assert server.connections == 1


# -------------------------------------------------------------------------------------------- OAuth 2


@pytest.fixture(scope="module")
def oauth_server() -> Iterator[Dovecot]:
    with Dovecot(oauth2=True) as server:
        yield server


def by_token(tokens: TokenServer, **more: Any) -> dict[str, Any]:
    oauth2 = {"token_url": tokens.url, "client_id": "client", "client_secret": "hush", "scope": "imap"}
    return {"password": None, "oauth2": oauth2 | more}


def test_a_token_logs_in_and_is_kept_for_the_next_connection(oauth_server: Dovecot) -> None:
    account = oauth_server.account()
    account.append(mail(part(PDF)))
    with TokenServer(lambda: oauth_server.grant(account.username)) as tokens:
        with mailbox(account, done="done", **by_token(tokens)) as source:
            [arrival] = arrivals(source)
            source.move(submission(place=arrival.place, fingerprint=arrival.fingerprint), "done", None)

    assert len(account.messages("done")) == 1
    assert tokens.forms == [
        {"grant_type": "client_credentials", "client_id": "client", "client_secret": "hush", "scope": "imap"}
    ]


def test_a_refresh_token_is_used_and_its_successor_after_it(oauth_server: Dovecot) -> None:
    account = oauth_server.account()
    with TokenServer(lambda: oauth_server.grant(account.username), expires_in=0.2, successor="second") as tokens:
        with mailbox(account, **by_token(tokens, refresh_token="first")) as source:
            arrivals(source)
            tokens.wait_until_expired()
            with pytest.raises(Vanished):
                source.move(submission(place="1:1"), None, None)

    assert [form["refresh_token"] for form in tokens.forms] == ["first", "second"]
    assert {form["grant_type"] for form in tokens.forms} == {"refresh_token"}


def test_a_refused_token_is_replaced_once(oauth_server: Dovecot) -> None:
    account = oauth_server.account()
    granted = iter(["withdrawn", oauth_server.grant(account.username)])
    with TokenServer(lambda: next(granted)) as tokens:
        with mailbox(account, **by_token(tokens)) as source:
            assert arrivals(source) == []

    assert len(tokens.forms) == 2


def test_a_token_that_is_refused_again_is_a_refused_login(oauth_server: Dovecot) -> None:
    with TokenServer(lambda: "never granted") as tokens:
        with mailbox(oauth_server.account(), **by_token(tokens)) as source:
            with pytest.raises(LoginRefused):
                arrivals(source)

    assert len(tokens.forms) == 2


@pytest.mark.parametrize(
    ("status", "error"), [(400, LoginRefused), (401, LoginRefused), (429, SourceUnavailable), (503, SourceUnavailable)]
)
def test_a_token_server_that_gives_none_is_told(
    oauth_server: Dovecot, status: int, error: type[SourceUnavailable]
) -> None:
    with TokenServer(lambda: "", status=status) as tokens:
        with mailbox(oauth_server.account(), **by_token(tokens)) as source:
            with pytest.raises(SourceUnavailable, match="invalid_grant") as failed:
                arrivals(source)

    assert type(failed.value) is error
    assert "hush" not in str(failed.value)


# --------------------------------------------------------------------------------------------- failures


def test_after_a_restart_of_the_server_the_mailbox_works_again() -> None:
    with Dovecot() as server:
        account = server.account()
        account.append(mail(part(PDF)))
        with mailbox(account) as source:
            [before] = arrivals(source)
            server.stop()
            with pytest.raises(SourceUnavailable):
                arrivals(source)
            server.start()

            assert arrivals(source) == [before]


def test_a_connection_that_was_cut_while_unused_is_made_anew_at_once(account: Account) -> None:
    with ScriptedImap() as server, scripted(server) as source:
        arrivals(source)
        session = source._watching.open_session()
        assert session is not None
        session._cut_off()  # as a firewall does
        with pytest.raises(SourceUnavailable):
            arrivals(source)

        assert len(arrivals(source)) == 1


def test_a_server_that_does_not_answer_is_given_up_after_the_timeout(account: Account) -> None:
    with silence() as listening:
        configured = settings(account, port=listening.getsockname()[1])
        source = MailboxSource(configured, own_addresses=[], timeout_seconds=0.2)
        with pytest.raises(SourceUnavailable):
            arrivals(source)
        source.close()


def test_an_answer_that_trickles_is_given_up_and_the_mailbox_is_asked_anew(account: Account) -> None:
    account.append(mail(part(PDF)))
    # Given a server of whose answer every piece comes in time
    with FaultProxy(account.server.port) as proxy, mailbox(account, port=proxy.port, timeout_seconds=1.0) as source:
        assert len(arrivals(source)) == 1
        armed = proxy.meet(Fault(kind=Kind.DRIBBLE, of=Way.DOWN, pause=0.2))
        # When the whole takes longer than any answer should
        with pytest.raises(SourceUnavailable, match="did not come to the end of its answer"):
            arrivals(source)
        # Then it is asked anew
        assert armed.fired == 1
        proxy.heal()
        assert len(arrivals(source)) == 1


@pytest.mark.parametrize("command", ["LOGIN", "EXAMINE", "UID SEARCH", "UID FETCH"])
def test_a_server_that_takes_leave_within_a_command_is_found_again(command: str) -> None:
    farewells = ["shutting down"]

    def bye(said: str) -> list[bytes] | None:
        if farewells:
            raise Farewell(farewells.pop())
        return server._defaults()[command](said) if command in server._defaults() else []

    with ScriptedImap({command: bye}) as server, scripted(server) as source:
        with pytest.raises(SourceUnavailable) as told:
            arrivals(source)
        assert not told.value.refuses_us
        assert len(arrivals(source)) == 1


def test_closing_from_another_thread_ends_whatever_is_under_way(account: Account) -> None:
    with mailbox(account) as source:
        arrivals(source)
        waiting = threading.Thread(target=source.wait, args=(60,))
        waiting.start()
        source.close()
        waiting.join(10)

        assert not waiting.is_alive()
        with pytest.raises(SourceUnavailable):
            arrivals(source)
