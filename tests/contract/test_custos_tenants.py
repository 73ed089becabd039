"""Our client for Custos' tenants, against the embedded Custos."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from fedhub.errors import FedhubError, UsageError
from fedhub.idp.server import IdentityProvider
from fedhub.registration.clients import Credentials
from fedhub.registration.custos.administration import Person, TenantAdministration
from fedhub.registration.custos.client import TENANTS, TenantClient
from fedhub.registration.errors import (
    CredentialsError,
    RateLimitedError,
    RegistrationError,
    UncertainError,
    UnknownClientError,
    UnreachableError,
)
from tests.asynchronous import run_async
from tests.contract.custos_hubs import hub_configuration, log_in
from tests.contract.custos_tenants import (
    PASSWORD,
    ROOT_PASSWORD,
    TAG,
    WANTED,
    Installation,
    Waits,
)
from tests.providers import CALLBACK, ENTITY, Clock
from tests.unit.authenticators.logins import running

WRONG = SecretStr("wr0ng-passw0rd")
NEW_CALLBACK = "https://new.example.org/hub/oauth_callback"
LOST = ("server-error", "answer-lost", "connection-reset", "html", "malformed-json", "slow")
"""Faults after which nobody knows whether the server acted."""
ACTED = ("answer-lost", "html", "malformed-json")
"""Those after which it did."""


@pytest.fixture
def custos(provider: IdentityProvider) -> Installation:
    return Installation.begun(provider)


@pytest.fixture
def tenant(custos: Installation) -> Credentials:
    """An active tenant, whose owner is olga."""
    return custos.active()


def owner_of(tenant: Credentials) -> Person:
    return Person(tenant, "olga", PASSWORD)


def patience(fault: str, seconds: float = 2) -> float:
    """The timeout: short only where it has to run out."""
    return seconds if fault == "slow" else 30


def break_once(custos: Installation, fault: str, where: str, times: int | None = 1) -> None:
    # What is slow waits until the provider is stopped.
    custos.provider.inject(fault, endpoint=where, times=times, seconds=30)


# From the request to the login


def traits(flavour: str, custos: Installation, tenant: Credentials) -> dict[str, Any]:
    """What a hub is configured with, after its tenant is active."""
    with custos.as_(tenant) as client:
        both = client.credentials(tenant.client_id)
    used = both.custos if flavour == "legacy" else both.keycloak
    secret = used.client_secret.get_secret_value()
    found = {"client_id": used.client_id, "client_secret": secret, "flavour": flavour}
    if flavour == "keycloak":
        found["custos_client_secret"] = both.custos.client_secret.get_secret_value()
    return found


@pytest.mark.parametrize("flavour", ["legacy", "v1", "keycloak"])
def test_a_tenant_that_was_requested_and_activated_logs_people_in(
    custos: Installation, flavour: str
) -> None:
    made = custos.requested()
    with custos.by(custos.root) as root:
        assert root.activate(made.client_id) == "ACTIVE"
    c = hub_configuration(custos.provider, **traits(flavour, custos, made))

    async def go() -> None:
        async with running(c) as (hub, visitor):
            reply = await log_in(visitor)
            assert reply.status_code == 302, reply.text
            assert [group.name for group in hub.users["ada"].groups] == ["group-1"]

    run_async(go())


def authorize(custos: Installation, tenant: Credentials, **more: str) -> httpx.Response:
    """A browser that is sent to the tenant's realm."""
    realm = tenant.client_id.rpartition("-")[2]
    asked = {"client_id": tenant.client_id, "redirect_uri": CALLBACK, "response_type": "code"}
    address = f"{custos.provider.url}/auth/realms/{realm}/protocol/openid-connect/auth"
    return httpx.post(
        address, params=asked | {"scope": "openid"} | more, data={"persona": "ada-custos"}
    )


def test_until_then_nobody_logs_in(custos: Installation) -> None:
    made = custos.requested()
    assert authorize(custos, made).status_code == 404  # there is no realm
    with custos.as_(made) as client, pytest.raises(CredentialsError, match="once it is active"):
        client.credentials(made.client_id)


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        ({"admin_username": "Ada"}, "User with username ada already exists"),
        ({"admin_email": "ADA@example.edu"}, "User with email ada@example.edu already exists"),
    ],
)
def test_the_owner_who_comes_from_an_institution_is_stopped(
    custos: Installation, owner: dict[str, str], words: str
) -> None:
    """airavata-custos issue 265: activation makes the owner's account, without a link."""
    reply = authorize(custos, custos.active(**owner))
    assert reply.status_code == 400
    assert words in reply.text
    assert authorize(custos, custos.active()).status_code == 302


def test_a_tenant_below_an_active_one_is_active_at_once(
    custos: Installation, tenant: Credentials
) -> None:
    with custos.as_(tenant) as parent:
        made = parent.request({**WANTED, "client_name": "Second"}, PASSWORD)
        assert made.active
        both = parent.credentials(made.credentials.client_id)
    assert both.custos == made.credentials
    assert authorize(custos, made.credentials).status_code == 302
    with custos.by(owner_of(tenant)) as owner:
        assert owner.show(made.credentials.client_id).attributes["client_name"] == "Second"


# Show, update, delete


def test_what_was_requested_is_shown_without_the_password(custos: Installation) -> None:
    made = custos.requested()
    with custos.by(custos.root) as root:
        shown = root.show(made.client_id)
    assert (shown.status, shown.tag) == ("REQUESTED", TAG)
    asked = {**WANTED, "redirect_uris": [CALLBACK]}
    assert {name: shown.attributes[name] for name in asked} == asked
    assert "admin_password" not in shown.attributes


def test_an_update_keeps_the_rest_and_its_realm_follows(
    custos: Installation, tenant: Credentials
) -> None:
    with custos.by(custos.root) as root:
        before = root.show(tenant.client_id).attributes
    with custos.by(owner_of(tenant)) as owner:
        after = owner.update(tenant.client_id, {"redirect_uris": [NEW_CALLBACK]})
    assert after.attributes == {**before, "redirect_uris": [NEW_CALLBACK]}
    assert authorize(custos, tenant).status_code == 400
    moved = authorize(custos, tenant, redirect_uri=NEW_CALLBACK)
    assert parse_qs(urlsplit(moved.headers["location"]).query)["code"]
    with custos.by(owner_of(tenant)) as again:  # the password is kept
        assert again.show(tenant.client_id).status == "ACTIVE"


def test_an_update_that_changes_nothing_sends_nothing(
    custos: Installation, tenant: Credentials
) -> None:
    with custos.by(owner_of(tenant)) as owner:
        turned = [*reversed(WANTED["contacts"])]
        owner.update(tenant.client_id, {"contacts": turned, "logo_uri": None})
    assert custos.provider.requests("tenant-update") == 0


def test_an_update_that_was_refused_is_told_in_custos_words(
    custos: Installation, tenant: Credentials
) -> None:
    with (
        custos.by(owner_of(tenant)) as owner,
        pytest.raises(RegistrationError, match="Client name should not be null") as caught,
    ):
        owner.update(tenant.client_id, {"client_name": None})
    assert not isinstance(caught.value, UncertainError)


def test_what_is_deleted_is_gone_and_may_be_deleted_again(
    custos: Installation, tenant: Credentials
) -> None:
    with custos.by(custos.root) as root:
        root.delete(tenant.client_id)
        root.delete(tenant.client_id)
        with pytest.raises(UnknownClientError):
            root.show(tenant.client_id)
        with pytest.raises(UnknownClientError):
            root.activate(tenant.client_id)
    assert authorize(custos, tenant).status_code == 404


def test_an_administrator_finds_what_somebody_requested(custos: Installation) -> None:
    made = [custos.requested(comment=f"{n}").client_id for n in range(3)]
    custos.requested(requester_email="else@example.edu")
    with custos.by(custos.root) as root:
        found = root.tenants("ops@example.edu")
        everything = root.tenants()
    assert [one.client_id for one in found] == made[::-1]
    assert {one.attributes["requester_email"] for one in everything} == {
        "ops@example.edu",
        "else@example.edu",
        "root@example.org",
    }


def test_all_pages_of_a_list_are_read(
    custos: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedhub.registration.custos.administration.PAGE", 2)
    made = [custos.requested().client_id for _ in range(5)]
    with custos.by(custos.root) as root:
        assert [one.client_id for one in root.tenants("ops@example.edu")] == made[::-1]


# Institutions


def test_the_list_of_institutions_decides_what_people_are_shown(
    custos: Installation, tenant: Credentials
) -> None:
    with custos.as_(tenant) as client:
        client.add_institutions([ENTITY])
        assert [one.entity_id for one in client.institutions()] == [ENTITY]
        assert client.institutions("BACKLIST") == ()
        with pytest.raises(RegistrationError, match="Duplicate entry") as caught:
            client.add_institutions([ENTITY, "urn:other"])
        assert not isinstance(caught.value, UncertainError)
        client.remove_institutions([ENTITY, "urn:other"])
        assert client.institutions() == ()


# Refusals


def test_bad_credentials_are_told(custos: Installation, tenant: Credentials) -> None:
    wrong = Credentials(tenant.client_id, SecretStr("wrong"))
    with custos.as_(wrong) as client:
        for call in (
            lambda: client.credentials(tenant.client_id),
            client.institutions,
            lambda: client.add_institutions([ENTITY]),
            lambda: client.remove_institutions([ENTITY]),
            lambda: client.request(WANTED, PASSWORD),
            lambda: client.sign_in("olga", PASSWORD),
        ):
            with pytest.raises(CredentialsError, match="whose credentials"):
                call()
    assert custos.waits == []


@pytest.mark.parametrize(
    "person",
    [
        lambda tenant: Person(tenant, "olga", WRONG),
        lambda tenant: Person(tenant, "nobody", PASSWORD),
    ],
)
def test_a_wrong_name_or_password_is_told(
    custos: Installation, tenant: Credentials, person: Callable[[Credentials], Person]
) -> None:
    with (
        custos.by(person(tenant)) as somebody,
        pytest.raises(CredentialsError, match="user name and the password"),
    ):
        somebody.show(tenant.client_id)


def test_only_an_administrator_of_the_super_tenant_activates(
    custos: Installation, tenant: Credentials
) -> None:
    waiting = custos.requested()
    with custos.by(owner_of(tenant)) as owner:
        for call in (
            lambda: owner.activate(waiting.client_id),
            lambda: owner.show(waiting.client_id),
            lambda: owner.update(waiting.client_id, {"client_name": "mine"}),
            lambda: owner.delete(waiting.client_id),
            lambda: owner.tenants("ops@example.edu"),
        ):
            with pytest.raises(CredentialsError):
                call()
    with custos.as_(tenant) as client:
        token, _ = client.sign_in("olga", PASSWORD)
    header = {"Authorization": f"Bearer {token.get_secret_value()}"}
    status = {"client_id": waiting.client_id, "status": "ACTIVE"}
    reply = httpx.post(f"{custos.provider.url}{TENANTS}/status", json=status, headers=header)
    assert (reply.status_code, reply.json()["code"]) == (401, 16)
    with custos.by(custos.root) as root:
        assert root.show(waiting.client_id).status == "REQUESTED"


def test_there_is_one_super_tenant(custos: Installation) -> None:
    made = custos.requested()
    said = {"client_id": made.client_id, "status": "ACTIVE", "super_tenant": True}
    address = f"{custos.provider.url}{TENANTS}/status"
    assert httpx.post(address, json={**said, "updatedBy": "olga"}).status_code == 401
    with custos.by(custos.root) as root:
        assert root.show(made.client_id).status == "REQUESTED"


def test_a_request_that_lacks_something_is_told_in_custos_words(custos: Installation) -> None:
    for name in ("client_name", "redirect_uris", "admin_email", "domain"):
        with (
            custos.as_(None) as nobody,
            pytest.raises(RegistrationError, match="should not be null") as caught,
        ):
            nobody.request({**WANTED, name: type(WANTED[name])()}, PASSWORD)
        assert not isinstance(caught.value, UncertainError)


# Faults


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_request_is_sent_once(custos: Installation, fault: str) -> None:
    custos.provider.reset_counters()
    break_once(custos, fault, "tenant-create")
    with (
        custos.as_(None, timeout=patience(fault)) as nobody,
        pytest.raises(UncertainError, match="may or may not have"),
    ):
        nobody.request(WANTED, PASSWORD)
    assert custos.provider.requests("tenant-create") == 1
    assert custos.waits == []
    with custos.by(custos.root) as root:
        found = root.tenants("ops@example.edu")
    assert [one.tag for one in found] == ([TAG] if fault in ACTED else [])


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("call", ["credentials", "institutions", "remove_institutions"])
def test_what_does_no_harm_is_tried_again(
    custos: Installation, tenant: Credentials, fault: str, call: str
) -> None:
    where = {
        "credentials": "credentials",
        "institutions": "institutions-kept",
        "remove_institutions": "institutions-remove",
    }[call]
    break_once(custos, fault, where)
    with custos.as_(tenant, timeout=patience(fault)) as client:
        if call == "credentials":
            client.credentials(tenant.client_id)
        elif call == "institutions":
            client.institutions()
        else:
            client.remove_institutions([ENTITY])
    assert custos.waits == [0.5]


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_put_is_sent_once_and_looked_after(
    custos: Installation, tenant: Credentials, fault: str
) -> None:
    changes = {"redirect_uris": [NEW_CALLBACK]}
    with custos.by(owner_of(tenant), timeout=patience(fault)) as owner:
        break_once(custos, fault, "tenant-update")
        if fault in ACTED:
            assert owner.update(tenant.client_id, changes).attributes["comment"] == str(TAG)
        else:
            with pytest.raises(UncertainError):
                owner.update(tenant.client_id, changes)
        assert custos.provider.requests("tenant-update") == 1
        assert owner.update(tenant.client_id, changes).attributes["redirect_uris"] == [NEW_CALLBACK]


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_activation_is_sent_once_and_looked_after(custos: Installation, fault: str) -> None:
    made = custos.requested()
    custos.provider.reset_counters()
    with custos.by(custos.root, timeout=patience(fault)) as root:
        break_once(custos, fault, "tenant-status")
        if fault in ACTED:
            assert root.activate(made.client_id) == "ACTIVE"
        else:
            with pytest.raises(UncertainError):
                root.activate(made.client_id)
        assert custos.provider.requests("tenant-status") == 1
        assert root.activate(made.client_id) == "ACTIVE"  # may be repeated


@pytest.mark.parametrize("fault", ["server-error", "answer-lost", "connection-reset"])
def test_a_delete_without_an_answer_is_uncertain(
    custos: Installation, tenant: Credentials, fault: str
) -> None:
    break_once(custos, fault, "tenant-delete", times=None)
    with custos.by(custos.root) as root, pytest.raises(UncertainError):
        root.delete(tenant.client_id)


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_sign_in_changed_nothing(
    custos: Installation, tenant: Credentials, fault: str
) -> None:
    break_once(custos, fault, "token")
    with custos.by(owner_of(tenant), timeout=patience(fault)) as owner:
        with pytest.raises(UnreachableError, match="sign olga in"):
            owner.delete(tenant.client_id)
        assert owner.show(tenant.client_id).status == "ACTIVE"


def test_a_token_is_renewed_in_time(
    custos: Installation, tenant: Credentials, clock: Clock
) -> None:
    custos.provider.reset_counters()
    with custos.by(owner_of(tenant), clock=clock) as owner:
        for seconds, asked in ((0, 1), (1700, 1), (1745, 2), (5000, 3)):
            clock.offset = seconds
            owner.show(tenant.client_id)
            assert custos.provider.requests("token") == asked


def test_retry_after_is_heeded_where_that_is_safe(
    custos: Installation, tenant: Credentials
) -> None:
    custos.provider.inject("rate-limited", endpoint="credentials", times=1, seconds=7)
    with custos.as_(tenant) as client:
        client.credentials(tenant.client_id)
    assert custos.waits == [7.0]
    custos.provider.inject("rate-limited", endpoint="tenant-create", times=1, seconds=1)
    with custos.as_(None) as nobody, pytest.raises(RateLimitedError, match="did not request"):
        nobody.request(WANTED, PASSWORD)
    assert custos.waits == [7.0]


# Secrets


def test_no_secret_is_sent_in_the_open() -> None:
    tenant = Credentials("id", SecretStr("s"))
    for address in ("http://custos.example.org", "custos.example.org"):
        for asked in (
            TenantClient,
            lambda at: TenantClient(at, tenant),
            lambda at: TenantAdministration(at, owner_of(tenant)),
        ):
            with pytest.raises(UsageError, match="https://"):
                asked(address)


def test_secrets_stay_out_of_logs_errors_and_representations(
    custos: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tenant = custos.active()
    owner = owner_of(tenant)
    with custos.as_(tenant) as client, custos.by(owner) as person:
        both = client.credentials(tenant.client_id)
        token, _ = client.sign_in("olga", PASSWORD)
        said = [repr(one) for one in (owner, tenant, both, token, vars(client), vars(person))]
        said.append(repr(person.show(tenant.client_id)))
        for fault in [one for one in (*LOST, "rate-limited") if one != "slow"]:
            for call in (
                lambda: client.request(WANTED, PASSWORD),
                lambda: client.credentials(tenant.client_id),
                lambda: client.sign_in("olga", PASSWORD),
                lambda fault=fault: person.update(tenant.client_id, {"client_name": fault}),
                lambda: custos.by(Person(tenant, "olga", WRONG)).show("x"),
            ):
                custos.provider.inject(fault, times=1)
                try:
                    said.append(repr(call()))
                except FedhubError as error:
                    said += [str(error), repr(error), *traceback.format_exception(error)]
                custos.provider.clear_faults()
    everything = "\n".join([*said, caplog.text])
    assert "may or may not" in everything
    secrets = [PASSWORD, ROOT_PASSWORD, WRONG, token, tenant.client_secret]
    secrets += [both.keycloak.client_secret]
    assert [one for one in secrets if one.get_secret_value() in everything] == []


# Servers that the embedded one does not play


def answering(monkeypatch: pytest.MonkeyPatch, *replies: httpx.Response) -> TenantClient:
    """A server that gives these answers, the last one from then on."""
    left = list(replies)

    def answer(self: object, request: httpx.Request) -> httpx.Response:
        reply = left.pop(0) if len(left) > 1 else left[0]
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", answer)
    return TenantClient("https://custos.example.org", wait=Waits())


def refusal(code: int, message: str, status: int = 400) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "message": message, "details": []})


def test_a_request_that_failed_half_way_is_uncertain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Custos calls it an invalid argument, though the tenant may be kept already."""
    said = refusal(3, "Error occurred at createTenant INTERNAL: Operation failed")
    with pytest.raises(UncertainError, match="may have kept"):
        answering(monkeypatch, said).request(WANTED, PASSWORD)


@pytest.mark.parametrize(
    "said",
    [{}, {"client_id": "a"}, {"client_id": "", "client_secret": "b"}, {"client_id": 1}],
)
def test_an_answer_without_credentials_is_uncertain(
    monkeypatch: pytest.MonkeyPatch, said: dict[str, Any]
) -> None:
    with pytest.raises(UncertainError, match="did not tell"):
        answering(monkeypatch, httpx.Response(200, json=said)).request(WANTED, PASSWORD)


def test_a_failed_activation_says_where_the_tenant_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    token = httpx.Response(200, json={"access_token": "t", "expires_in": 1800})
    waiting = httpx.Response(200, json={"client_id": "x", "tenant_status": "REQUESTED"})
    failed = refusal(1, "Tenant Activation task failed java.lang.RuntimeException", 499)
    answering(monkeypatch, token, waiting, failed)
    person = Person(Credentials("root", SecretStr("s")), "root", ROOT_PASSWORD)
    with pytest.raises(RegistrationError, match="CANCELLED now") as caught:
        TenantAdministration("https://custos.example.org", person, wait=Waits()).activate("x")
    assert not isinstance(caught.value, UncertainError)


def test_words_from_custos_are_printable(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RegistrationError, match=r"Unsupported \[2J;"):
        answering(monkeypatch, refusal(3, "Unsupported\x1b[2J")).request(WANTED, PASSWORD)


def test_a_page_that_is_not_custos_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    page = httpx.Response(404, html="<h1>nginx</h1>")
    with pytest.raises(UnreachableError, match="HTTP 404, not from Custos"):
        answering(monkeypatch, page).request(WANTED, PASSWORD)


def test_another_tenants_credentials_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"custos_client_id": "y", "iam_client_id": "y"}
    said |= {"custos_client_secret": "s", "iam_client_secret": "t"}
    with pytest.raises(UnreachableError):
        answering(monkeypatch, httpx.Response(200, json=said)).credentials("x")
