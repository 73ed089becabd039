"""Our client for CILogon's client management, against the embedded one, in both releases."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from fedhub.errors import FedhubError, UsageError
from fedhub.registration.admin import AdminCredentials
from fedhub.registration.cilogon.client import ClientManagement
from fedhub.registration.clients import Credentials
from fedhub.registration.errors import (
    CredentialsError,
    QuotaError,
    RateLimitedError,
    RegistrationError,
    UncertainError,
    UnknownClientError,
    UnreachableError,
)
from fedhub.registration.search import find
from fedhub.registration.tag import Tag
from fedhub.registration.wanted import Wanted
from tests.contract.oa4mp_endpoint import ADMIN, OTHER_ADMIN, UNAPPROVED, Endpoint, bearer
from tests.contract.test_oa4mp_logins import Hub
from tests.providers import CALLBACK

WANTED = Wanted(
    name="Campus hub",
    redirect_uris=(CALLBACK,),
    scopes=("openid", "email", "org.cilogon.userinfo"),
    refresh_tokens=True,
    contact="ops@example.edu",
)
TAG = Tag("ops", "campus", "cilogon", "0" * 32)
NEW_CALLBACK = "https://new.example.org/hub/oauth_callback"
LOST = ("server-error", "answer-lost", "connection-reset", "html", "malformed-json", "slow")
"""Faults after which nobody knows whether the server acted."""
ACTED = ("answer-lost", "html", "malformed-json")
"""Those after which it did."""


class Waits(list[float]):
    """How long it would have slept."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


def management(endpoint: Endpoint, waits: Waits, **more: Any) -> ClientManagement:
    admin = endpoint.admin
    credentials = AdminCredentials(admin.client_id, SecretStr(admin.client_secret))
    settings = {"address": endpoint.address, "timeout": 30, "wait": waits} | more
    return ClientManagement(credentials, **settings)


@pytest.fixture
def clients(endpoint: Endpoint, waits: Waits) -> Iterator[ClientManagement]:
    with management(endpoint, waits) as ours:
        yield ours


def patience(fault: str, seconds: float = 2) -> float:
    """The timeout: short only where it has to run out."""
    return seconds if fault == "slow" else 30


def break_once(endpoint: Endpoint, fault: str, where: str, times: int | None = 1) -> None:
    # What is slow waits until the provider is stopped.
    endpoint.provider.inject(fault, endpoint=where, times=times, seconds=30)


# Without faults


def test_what_is_created_logs_people_in(
    clients: ClientManagement, endpoint: Endpoint, sign_in: Callable[..., dict[str, str]]
) -> None:
    made = clients.create(WANTED.attributes(), TAG)
    said = {"client_id": made.client_id, "client_secret": made.client_secret.get_secret_value()}
    assert "refresh_token" in Hub(endpoint, said, sign_in).log_in()


def test_what_is_created_is_shown_listed_and_found(clients: ClientManagement) -> None:
    made = clients.create(WANTED.attributes(), TAG)
    other = clients.create(
        replace(WANTED, name="Other").attributes(), Tag.new("ops", "campus", "cilogon")
    )
    shown = clients.show(made.client_id)
    assert shown.tag == TAG
    assert shown.attributes["redirect_uris"] == [CALLBACK]
    assert shown.attributes["contacts"] == ["ops@example.edu"]
    assert {one.client_id: one.name for one in clients.list()} == {
        made.client_id: "Campus hub",
        other.client_id: "Other",
    }
    assert [one.client_id for one in find(clients, TAG)] == [made.client_id]


@pytest.mark.parametrize(
    "comment",
    [
        f"{TAG} ",
        f"x{TAG}",
        str(TAG)[:-1],
        f"{TAG}0",
        f"see {TAG}",
        "",
        5,
        None,
    ],
)
def test_a_comment_is_a_tag_as_a_whole_or_not_at_all(
    clients: ClientManagement, endpoint: Endpoint, comment: object
) -> None:
    endpoint.registered(comment=comment)
    assert find(clients, TAG) == ()
    assert Tag.parse(comment) is None


@pytest.mark.parametrize("name", ["", "a b", "a\nb", "a=b c", "-a", "campus hub=x"])
def test_a_tag_of_odd_names_is_refused(name: str) -> None:
    for names in ((name, "campus", "cilogon"), ("ops", name, "cilogon"), ("ops", "campus", name)):
        with pytest.raises(ValueError, match="letters"):
            Tag.new(*names)


@pytest.mark.parametrize("overlap", [True, False])
def test_a_tag_is_read_as_it_was_written(overlap: bool) -> None:
    tag = replace(Tag.new("ops", "campus", "cilogon"), overlap=overlap)
    assert Tag.parse(str(tag)) == tag


def test_an_update_keeps_what_others_set(clients: ClientManagement, endpoint: Endpoint) -> None:
    cfg = {"tokens": {"identity": {"type": "identity"}}}
    said = endpoint.registered(
        comment=str(TAG), cfg=cfg, contacts=["ada@example.edu"], own={"x": [1]}, at_lifetime=600
    )
    before = endpoint.shown(said["client_id"])
    new = clients.update(said["client_id"], {"redirect_uris": [CALLBACK, NEW_CALLBACK]})
    after = endpoint.shown(said["client_id"])
    assert new.attributes == after
    assert after["redirect_uris"] == [CALLBACK, NEW_CALLBACK]
    changed = {n for n in before | after if before.get(n) != after.get(n)}
    assert changed <= {"redirect_uris", "client_id_issued_at"}


def test_an_update_keeps_keys(clients: ClientManagement, endpoint: Endpoint) -> None:
    address = "https://hub.example.org/keys"
    said = endpoint.registered(token_endpoint_auth_method="private_key_jwt", jwks_uri=address)
    for name in ("one", "two"):
        clients.update(said["client_id"], {"client_name": name})
    shown = endpoint.shown(said["client_id"])
    assert (shown["jwks_uri"], shown["is_service_client"]) == (address, True)
    assert list(shown).index("jwks_uri") == 4  # as keys, not as an extra attribute


def test_an_update_that_changes_nothing_sends_nothing(
    clients: ClientManagement, endpoint: Endpoint
) -> None:
    made = clients.create(WANTED.attributes(), TAG)
    clients.update(made.client_id, WANTED.attributes())
    assert endpoint.provider.requests("client-update") == 0


def test_an_update_takes_away(clients: ClientManagement, endpoint: Endpoint) -> None:
    made = clients.create(WANTED.attributes(), TAG)
    clients.update(made.client_id, {"comment": None})
    assert "comment" not in endpoint.shown(made.client_id)


def test_an_update_that_was_not_kept_is_told(clients: ClientManagement, endpoint: Endpoint) -> None:
    made = clients.create(WANTED.attributes(), TAG)
    with pytest.raises(RegistrationError, match="did not keep"):
        clients.update(made.client_id, {"contacts": ["first@example.edu", "second@example.edu"]})


def test_an_old_servers_latin_1_is_read(clients: ClientManagement) -> None:
    made = clients.create(replace(WANTED, name="Zürich").attributes(), TAG)
    assert clients.show(made.client_id).attributes["client_name"] == "Zürich"
    assert [one.name for one in clients.list()] == ["Zürich"]


def test_what_is_deleted_is_gone_and_may_be_deleted_again(clients: ClientManagement) -> None:
    made = clients.create(WANTED.attributes(), TAG)
    clients.delete(made.client_id)
    clients.delete(made.client_id)
    assert clients.list() == ()
    for call in (clients.show, lambda one: clients.update(one, {"client_name": "x"})):
        with pytest.raises(UnknownClientError):
            call(made.client_id)


def test_the_defaults(clients: ClientManagement) -> None:
    assert clients.defaults()["use_server_default"] == -1


# Refusals


def test_a_full_quota_is_told(clients: ClientManagement, endpoint: Endpoint) -> None:
    endpoint.provider.add_admin_client(replace(ADMIN, max_clients=0))
    clients.create(WANTED.attributes(), TAG)
    with pytest.raises(QuotaError, match=r"Max client count of 0 exceeded\..*higher quota"):
        clients.create(WANTED.attributes(), TAG)


@pytest.mark.parametrize(
    "admin",
    [
        replace(ADMIN, client_id="nobody"),
        replace(ADMIN, client_secret="wrong"),
        UNAPPROVED,
        replace(ADMIN, client_secret=""),
    ],
    ids=["unknown", "wrong secret", "unapproved", "no secret"],
)
def test_bad_credentials_are_told(endpoint: Endpoint, waits: Waits, admin: Any) -> None:
    client_id = endpoint.registered()["client_id"]
    with management(endpoint.as_(admin), waits) as bad:
        calls: list[Callable[[], object]] = [
            lambda: bad.create(WANTED.attributes(), TAG),
            bad.list,
            lambda: bad.delete(client_id),
            lambda: bad.update(client_id, {"client_name": "new"}),
        ]
        # An old server shows any client to anybody.
        calls += [lambda: bad.show(client_id)] if endpoint.release == "6.3.2" else []
        for call in calls:
            with pytest.raises(CredentialsError, match="administrative client's id and secret"):
                call()
    assert waits == []
    assert endpoint.shown(client_id)["client_name"] == "hub one"


def test_a_client_of_another_is_left_alone(endpoint: Endpoint, waits: Waits) -> None:
    client_id = endpoint.registered()["client_id"]
    with management(endpoint.as_(OTHER_ADMIN), waits) as other:
        with pytest.raises(RegistrationError, match="access denied"):
            other.delete(client_id)
        with pytest.raises(RegistrationError):
            other.update(client_id, {"client_name": "theirs"})
    assert endpoint.shown(client_id)["client_name"] == "hub one"


def test_a_refused_body_is_told_in_the_servers_words(clients: ClientManagement) -> None:
    wild = replace(WANTED, redirect_uris=("https://*.example.org/",))
    with pytest.raises(RegistrationError, match="wildcards not allows") as caught:
        clients.create(wild.attributes(), TAG)
    assert not isinstance(caught.value, UncertainError)


# Faults


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_post_is_sent_once_and_its_client_is_found(
    endpoint: Endpoint, waits: Waits, fault: str
) -> None:
    with management(endpoint, waits, timeout=patience(fault)) as clients:
        break_once(endpoint, fault, "client-create")
        with pytest.raises(UncertainError, match="may or may not have"):
            clients.create(WANTED.attributes(), TAG)
        assert endpoint.provider.requests("client-create") == 1
        found = find(clients, TAG)
        if fault in ACTED:
            assert [client.tag for client in found] == [TAG]
            clients.delete(found[0].client_id)
        assert clients.list() == ()


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("call", ["list", "show", "delete", "defaults"])
def test_what_does_no_harm_is_tried_again(
    endpoint: Endpoint, waits: Waits, fault: str, call: str
) -> None:
    client_id = endpoint.registered()["client_id"]
    where = "client-delete" if call == "delete" else "client-show"
    with management(endpoint, waits, timeout=patience(fault)) as clients:
        break_once(endpoint, fault, where)
        arguments = [client_id] if call in ("show", "delete") else []
        getattr(clients, call)(*arguments)
    harmless = call == "delete" and fault in ("html", "malformed-json")  # it has no body to spoil
    assert waits == ([] if harmless else [0.5])


@pytest.mark.parametrize("fault", LOST)
def test_it_gives_up_in_the_end(endpoint: Endpoint, waits: Waits, fault: str) -> None:
    with management(endpoint, waits, timeout=patience(fault, 0.2)) as clients:
        break_once(endpoint, fault, "client-show", times=None)
        with pytest.raises(UnreachableError, match="can't be asked to list the clients"):
            clients.list()
    assert waits == [0.5, 1.0]
    assert endpoint.provider.requests("client-show") == 3


@pytest.mark.parametrize("fault", ["server-error", "answer-lost", "connection-reset"])
def test_a_delete_without_an_answer_is_uncertain(
    endpoint: Endpoint, clients: ClientManagement, fault: str
) -> None:
    client_id = endpoint.registered()["client_id"]
    break_once(endpoint, fault, "client-delete", times=None)
    with pytest.raises(UncertainError):
        clients.delete(client_id)


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_put_is_sent_once_and_looked_after(
    endpoint: Endpoint, waits: Waits, fault: str
) -> None:
    client_id = endpoint.registered(comment=str(TAG))["client_id"]
    changes = {"redirect_uris": [NEW_CALLBACK]}
    with management(endpoint, waits, timeout=patience(fault)) as clients:
        break_once(endpoint, fault, "client-update")
        if fault in ACTED:
            new = clients.update(client_id, changes)
            assert new.attributes["redirect_uris"] == [NEW_CALLBACK]
        else:
            with pytest.raises(UncertainError):
                clients.update(client_id, changes)
            clients.update(client_id, changes)  # may be repeated
    assert endpoint.provider.requests("client-update") == (1 if fault in ACTED else 2)
    shown = endpoint.shown(client_id)
    assert (shown["redirect_uris"], shown["comment"]) == ([NEW_CALLBACK], str(TAG))


def test_a_lost_put_stays_uncertain_where_nobody_can_look(
    endpoint: Endpoint, clients: ClientManagement
) -> None:
    client_id = endpoint.registered()["client_id"]
    shown = endpoint.provider
    shown.inject("answer-lost", endpoint="client-update", times=1)
    original = clients.show
    looks: list[str] = []

    def once(wanted: str) -> Any:
        looks.append(wanted)
        if len(looks) > 1:
            shown.inject("connection-reset", endpoint="client-show")
        return original(wanted)

    clients.show = once  # type: ignore[method-assign]
    with pytest.raises(UncertainError, match="update"):
        clients.update(client_id, {"client_name": "new"})


@pytest.mark.parametrize(("seconds", "waited"), [(7, [7.0]), (30, [30.0])])
def test_retry_after_is_heeded(
    endpoint: Endpoint, clients: ClientManagement, waits: Waits, seconds: int, waited: list[float]
) -> None:
    endpoint.provider.inject("rate-limited", endpoint="client-show", times=1, seconds=seconds)
    clients.list()
    assert waits == waited


@pytest.mark.parametrize("method", ["list", "create"])
def test_a_long_retry_after_is_told(
    endpoint: Endpoint, clients: ClientManagement, waits: Waits, method: str
) -> None:
    endpoint.provider.inject("rate-limited", seconds=3600)
    with pytest.raises(RateLimitedError, match="try again in 3600 seconds"):
        clients.list() if method == "list" else clients.create(WANTED.attributes(), TAG)
    assert waits == []
    assert endpoint.provider.requests() == 1


def test_a_post_does_not_wait_for_a_limit(
    endpoint: Endpoint, clients: ClientManagement, waits: Waits
) -> None:
    endpoint.provider.inject("rate-limited", endpoint="client-create", times=1, seconds=1)
    with pytest.raises(RateLimitedError):
        clients.create(WANTED.attributes(), TAG)
    assert waits == []


def test_a_server_that_is_not_there_did_nothing(endpoint: Endpoint, waits: Waits) -> None:
    endpoint.provider.stop()
    with management(endpoint, waits) as clients, pytest.raises(UnreachableError):
        clients.create(WANTED.attributes(), TAG)


# Secrets


def test_no_secret_is_sent_in_the_open() -> None:
    admin = AdminCredentials("id", SecretStr("s"))
    for address in ("http://cilogon.org/oauth2/oidc-cm", "cilogon.org/oauth2/oidc-cm"):
        with pytest.raises(UsageError, match="https://"):
            ClientManagement(admin, address=address)


def test_secrets_stay_out_of_logs_errors_and_representations(
    endpoint: Endpoint, waits: Waits, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    made: list[Credentials] = []
    with management(endpoint, waits, timeout=30) as clients:
        made.append(clients.create(WANTED.attributes(), TAG))
        said += [repr(clients), repr(vars(clients)), repr(made[0]), str(made[0])]
        said += [repr(AdminCredentials("id", SecretStr(ADMIN.client_secret)))]
        for fault in [one for one in (*LOST, "rate-limited") if one != "slow"]:
            for where in ("client-create", "client-show", "client-update", "client-delete"):
                break_once(endpoint, fault, where)
                for call in (
                    lambda: made.append(clients.create(WANTED.attributes(), TAG)),
                    lambda: clients.update(made[0].client_id, {"client_name": "new"}),
                    lambda: clients.delete("cilogon:/client_id/0"),
                ):
                    try:
                        call()
                    except FedhubError as error:
                        said += [str(error), repr(error), *traceback.format_exception(error)]
                endpoint.provider.clear_faults()
    everything = "\n".join([*said, caplog.text])
    assert "may or may not" in everything
    header = bearer(ADMIN.client_id, ADMIN.client_secret).removeprefix("Bearer ")
    secrets = [ADMIN.client_secret, header, *(one.client_secret.get_secret_value() for one in made)]
    assert [secret for secret in secrets if secret in everything] == []


# Servers that the embedded one does not play


def answering(
    monkeypatch: pytest.MonkeyPatch, waits: Waits, *replies: httpx.Response
) -> ClientManagement:
    """A server that gives these answers, the last one from then on."""
    left = list(replies)

    def answer(self: object, request: httpx.Request) -> httpx.Response:
        reply = left.pop(0) if len(left) > 1 else left[0]
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", answer)
    admin = AdminCredentials("id", SecretStr("s3cret"))
    return ClientManagement(admin, wait=waits)


def test_a_server_before_5_2_9_answers_200_without_a_scope(
    monkeypatch: pytest.MonkeyPatch, waits: Waits
) -> None:
    reply = httpx.Response(200, json={"client_id": "a", "client_secret": "b"})
    made = answering(monkeypatch, waits, reply).create(WANTED.attributes(), TAG)
    assert (made.client_id, made.client_secret.get_secret_value()) == ("a", "b")


@pytest.mark.parametrize("said", [{}, {"client_id": "a"}, {"client_id": "", "client_secret": "b"}])
def test_an_answer_without_credentials_is_uncertain(
    monkeypatch: pytest.MonkeyPatch, waits: Waits, said: dict[str, str]
) -> None:
    with pytest.raises(UncertainError):
        answering(monkeypatch, waits, httpx.Response(201, json=said)).create(
            WANTED.attributes(), TAG
        )


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            httpx.Response(
                400, text='error="invalid_request"\nerror_description="Error%3A+no+client+name"\n'
            ),
            "update x: no client name;",
        ),
        (httpx.Response(400, json={"error": "invalid_request"}), "update x: invalid_request;"),
        (
            httpx.Response(415, json={"error": "e", "description": "Unsupported\x1b[2J"}),
            r"update x: Unsupported \[2J;",
        ),
    ],
)
def test_every_form_of_an_error_is_read(
    monkeypatch: pytest.MonkeyPatch, waits: Waits, reply: httpx.Response, words: str
) -> None:
    shown = httpx.Response(200, json={"client_id": "x"})
    clients = answering(monkeypatch, waits, shown, reply)
    with pytest.raises(RegistrationError, match=words):
        clients.update("x", {"client_name": "new"})


def test_a_plain_500_of_other_words_leaves_a_post_uncertain(
    monkeypatch: pytest.MonkeyPatch, waits: Waits
) -> None:
    reply = httpx.Response(500, text='error="server_error"\nerror_description="Null+pointer"\n')
    with pytest.raises(UncertainError, match="Null pointer"):
        answering(monkeypatch, waits, reply).create(WANTED.attributes(), TAG)


@pytest.mark.parametrize(
    ("given", "waited"),
    [
        ("Thu, 01 Jan 1970 00:00:00 GMT", [0.0]),
        ("soon", [0.5]),
        ("-5", [0.5]),
        ("", [0.5]),
        ("1" * 5000, None),
    ],
)
def test_odd_retry_after(
    monkeypatch: pytest.MonkeyPatch, waits: Waits, given: str, waited: list[float] | None
) -> None:
    limited = httpx.Response(429, headers={"Retry-After": given})
    clients = answering(monkeypatch, waits, limited, httpx.Response(200, json={"clients": []}))
    if waited is None:
        with pytest.raises(RateLimitedError):
            clients.list()
    else:
        assert clients.list() == ()
        assert waits == waited


@pytest.mark.parametrize(
    "said", [[], {}, {"clients": None}, {"clients": [1]}, {"clients": [{"client_id": 1}]}]
)
def test_a_list_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, waits: Waits, said: object
) -> None:
    with pytest.raises(UnreachableError):
        answering(monkeypatch, waits, httpx.Response(200, json=said)).list()


def test_another_client_is_not_taken_for_the_one_asked_for(
    monkeypatch: pytest.MonkeyPatch, waits: Waits
) -> None:
    reply = httpx.Response(200, json={"client_id": "y"})
    with pytest.raises(UnreachableError):
        answering(monkeypatch, waits, reply).show("x")


def test_what_one_attempt_may_have_done_a_later_failure_does_not_undo(
    monkeypatch: pytest.MonkeyPatch, waits: Waits
) -> None:
    failures: list[Exception] = [httpx.ReadError("lost"), *[httpx.ConnectError("down")] * 2]

    def fail(self: object, request: httpx.Request) -> httpx.Response:
        raise failures.pop(0)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", fail)
    admin = AdminCredentials("id", SecretStr("s3cret"))
    with pytest.raises(UncertainError, match="ReadError"):
        ClientManagement(admin, wait=waits).delete("x")


def test_a_redirect_is_not_followed(monkeypatch: pytest.MonkeyPatch, waits: Waits) -> None:
    away = httpx.Response(302, headers={"Location": "https://elsewhere.example.org/"})
    with pytest.raises(UncertainError):
        answering(monkeypatch, waits, away).create(WANTED.attributes(), TAG)
