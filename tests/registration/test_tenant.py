"""`fedhub register tenant`: from the request to a hub that people log in to."""

from __future__ import annotations

import os
from typing import Any

import pytest
import yaml
from traitlets.config import Config

from tests.asynchronous import run_async
from tests.contract.custos_hubs import hub_configuration, log_in
from tests.providers import CALLBACK as LOCAL_CALLBACK
from tests.providers import ENTITY
from tests.registration.office import SECRETS, Office
from tests.registration.tenant_office import APPROVAL, CALLBACK, OWNER, PLAIN, TenantOffice
from tests.unit.authenticators.logins import running

CREDENTIALS = ("credentials", "custos")
BESIDE = ("global", "fedhub", "login", "custos", "config", "custos_client_secret")


@pytest.fixture
def desk(office: Office) -> TenantOffice:
    made = TenantOffice(office)
    made.hub()
    return made


def test_a_tenant_is_requested_as_the_hubs_values_ask(desk: TenantOffice) -> None:
    done = desk.did("request", "campus")
    (tenant,) = desk.tenants()
    assert (done["did"], done["client_id"]) == ("requested", tenant.client_id)
    assert APPROVAL in done["todo"][0]
    assert "`fedhub register tenant activate campus`" in done["todo"][0]
    assert tenant.status == "REQUESTED"
    asked = {
        "client_name": "campus.example.org",
        "domain": "campus.example.org",
        "redirect_uris": [CALLBACK],
        "client_uri": "https://campus.example.org",
        "scope": "openid email profile org.cilogon.userinfo",
        "requester_email": "ops@example.edu",
        "contacts": ["ops@example.edu"],
        "admin_username": "olga",
        "admin_first_name": "Olga",
        "admin_last_name": "Ops",
        "admin_email": "owner@example.edu",
    }
    assert {name: tenant.attributes[name] for name in asked} == asked
    assert tenant.tag is not None
    assert (tenant.tag.owner, tenant.tag.hub, tenant.tag.provider) == ("ops", "campus", "custos")
    assert desk.stored(*CREDENTIALS, "client_id") == tenant.client_id
    assert not desk.office.journal().exists()
    assert desk.office.litter() == []


def test_a_second_request_asks_for_nothing_new(desk: TenantOffice) -> None:
    first = desk.did("request", "campus")
    desk.office.provider.reset_counters()
    assert desk.did("request", "campus")["did"] == "unchanged"
    assert desk.did("request", "campus")["client_id"] == first["client_id"]
    assert desk.office.provider.requests("tenant-create") == 0


def test_other_keys_and_comments_stay(desk: TenantOffice) -> None:
    desk.office.encrypt("enc-campus.secret.values.yaml", SECRETS)
    desk.did("request", "campus")
    after = desk.office.decrypt("enc-campus.secret.values.yaml")
    assert "# stays the same" in after
    assert "c00kie-c00kie" in after


def test_a_dry_run_does_nothing(desk: TenantOffice) -> None:
    said = desk.run("request", "campus", "--dry-run")
    assert (said.code, CALLBACK in said.err, "owner@example.edu" in said.err) == (0, True, True)
    assert desk.tenants() == []
    desk.did("request", "campus")
    desk.settings(root=True)
    said = desk.run("activate", "campus", "--dry-run")
    assert (said.code, "approve custos-" in said.err) == (0, True)
    assert desk.tenants()[0].status == "REQUESTED"


# The wait


def test_until_it_is_approved_a_tenant_waits(desk: TenantOffice) -> None:
    assert desk.status()["state"] == "not requested"
    assert desk.run("activate", "campus").code == 1
    desk.did("request", "campus")
    found = desk.status()
    assert (found["state"], found["says"], found["stored"]) == ("waiting", "", False)
    assert APPROVAL in found["todo"][0]
    assert desk.run("status", "campus").code == 1
    said = desk.run("activate", "campus")
    assert (said.code, APPROVAL in said.err, "is not active" in said.err) == (1, True, True)


def test_an_administrator_is_told_what_custos_calls_it(desk: TenantOffice) -> None:
    desk.did("request", "campus")
    desk.settings(root=True)
    found = desk.status()
    assert (found["state"], found["says"]) == ("waiting", "REQUESTED")
    assert found["todo"] == ["`fedhub register tenant activate campus`"]


# Taking it up


def traits(desk: TenantOffice, flavour: str, at: tuple[str, ...], beside: tuple[str, ...]) -> Any:
    """What the hub's process would have from the values."""
    found = {name: desk.stored(*at, name) for name in ("client_id", "client_secret")}
    found["flavour"] = flavour
    if secret := desk.stored(*beside):
        found["custos_client_secret"] = secret
    return found


def logs_in(c: Config) -> None:
    async def go() -> None:
        async with running(c) as (hub, visitor):
            reply = await log_in(visitor)
            assert reply.status_code == 302, reply.text
            assert [group.name for group in hub.users["ada"].groups] == ["group-1"]

    run_async(go())


@pytest.mark.parametrize("root", [False, True], ids=["approved by others", "approved here"])
@pytest.mark.parametrize("flavour", ["legacy", "v1", "keycloak", "auto"])
def test_a_hub_whose_tenant_is_taken_up_logs_people_in(
    desk: TenantOffice, flavour: str, root: bool
) -> None:
    desk.hub(flavour)
    text = (desk.office.values / "campus.values.yaml").read_text()
    callback = f"{text}          oauth_callback_url: {LOCAL_CALLBACK}\n"
    (desk.office.values / "campus.values.yaml").write_text(callback)
    desk.did("request", "campus")
    if root:
        desk.settings(root=True)
    else:
        desk.approve()
    done = desk.did("activate", "campus")
    # A legacy hub had all that it needs already.
    assert done["did"] == ("activated" if root or flavour in ("v1", "keycloak") else "unchanged")
    assert desk.run("status", "campus").code == 0
    found = traits(desk, flavour, CREDENTIALS, BESIDE)
    assert ("custos_client_secret" in found) == (flavour in ("v1", "keycloak"))
    logs_in(hub_configuration(desk.office.provider, **found))
    before = (desk.office.values / "enc-campus.secret.values.yaml").read_bytes()
    assert desk.did("activate", "campus")["did"] == "unchanged"
    assert (desk.office.values / "enc-campus.secret.values.yaml").read_bytes() == before


def test_a_plain_z2jh_hub_keeps_them_in_its_section(desk: TenantOffice) -> None:
    desk.hub("keycloak", PLAIN)
    desk.settings(root=True)
    desk.did("request", "campus")
    desk.did("activate", "campus")
    section = ("hub", "config", "CustosOAuthenticator")
    found = traits(desk, "keycloak", section, (*section, "custos_client_secret"))
    (tenant,) = desk.tenants()
    assert found["client_id"] == tenant.client_id
    assert len({found["client_secret"], found["custos_client_secret"], ""}) == 3
    assert desk.status()["stored"]


# Changes


@pytest.fixture
def active(desk: TenantOffice) -> TenantOffice:
    """A hub whose tenant is taken up."""
    desk.settings(root=True)
    desk.did("request", "campus")
    desk.did("activate", "campus")
    desk.settings()
    return desk


def test_an_update_moves_the_callback_and_keeps_what_others_set(active: TenantOffice) -> None:
    (before,) = active.tenants()
    with active.custos.by(active.custos.root) as root:
        root.update(before.client_id, {"logo_uri": "https://campus.example.org/logo.svg"})
    values = active.office.values / "campus.values.yaml"
    values.write_text(values.read_text().replace("campus.example.org", "new.example.org"))
    said = active.run("update", "campus", "--dry-run")
    assert (said.code, f"{CALLBACK} → https://new.example.org" in said.err) == (0, True)
    assert active.did("update", "campus")["did"] == "updated"
    (after,) = active.tenants()
    changed = {n for n in after.attributes if after.attributes[n] != before.attributes[n]}
    assert changed == {"redirect_uris", "client_uri", "client_name", "domain", "logo_uri"}
    assert after.attributes["redirect_uris"] == ["https://new.example.org/hub/oauth_callback"]
    assert active.did("update", "campus")["did"] == "unchanged"


def test_an_update_leaves_the_tenants_of_others_alone(active: TenantOffice) -> None:
    (tenant,) = active.tenants()
    with active.custos.by(active.custos.root) as root:
        root.update(tenant.client_id, {"comment": "made by hand"})
    active.office.provider.reset_counters()
    said = active.run("update", "campus")
    assert (said.code, "was not requested for campus (custos)" in said.err) == (1, True)
    assert active.office.provider.requests("tenant-update") == 0


def test_institutions_are_chosen_and_listed(active: TenantOffice) -> None:
    assert active.did("institutions", "campus") == {"only": [], "never": []}
    chosen = active.did("institutions", "campus", "--only", ENTITY)
    assert chosen == {"only": [{"entity_id": ENTITY, "name": "Example University"}], "never": []}
    assert active.did("institutions", "campus", "--only", ENTITY) == chosen
    said = active.run("institutions", "campus", "--never", ENTITY, "--dry-run")
    assert (said.code, f"leave out {ENTITY}" in said.err) == (0, True)
    assert active.did("institutions", "campus") == chosen
    assert active.did("institutions", "campus", "--never", ENTITY)["only"] == []
    assert ENTITY in active.run("institutions", "campus").out
    nothing = active.did("institutions", "campus", "--remove", ENTITY)
    assert nothing == {"only": [], "never": []}


@pytest.mark.parametrize("command", ["update", "institutions"])
def test_what_is_not_requested_can_not_be_changed(desk: TenantOffice, command: str) -> None:
    said = desk.run(command, "campus")
    assert (said.code, "tenant request campus" in said.err) == (1, True)
    desk.did("request", "campus")
    said = desk.run(command, "campus")
    assert (said.code, "once it is active" in said.err) == (1, True)


# Lost answers


@pytest.mark.parametrize("fault", ["answer-lost", "connection-reset", "server-error", "html"])
def test_a_lost_request_is_kept_in_mind(desk: TenantOffice, fault: str) -> None:
    desk.office.provider.inject(fault, endpoint="tenant-create", times=1)
    said = desk.run("request", "campus")
    (tag,) = {word for word in said.err.split("`") if word.startswith("fedhub/1 owner=ops")}
    assert (said.code, APPROVAL in said.err, "--again" in said.err) == (1, True, True)
    assert {str(one.tag) for one in desk.tenants()} <= {tag}
    desk.office.provider.reset_counters()
    again = desk.run("request", "campus")
    assert (again.code, tag in again.err) == (1, True)
    assert desk.office.provider.requests("tenant-create") == 0
    found = desk.status()
    assert (found["state"], tag in found["todo"][0]) == ("lost", True)
    for one in desk.tenants():  # Custos' administrators delete it
        with desk.custos.by(desk.custos.root) as root:
            root.delete(one.client_id)
    assert desk.did("request", "campus", "--again")["did"] == "requested"
    assert len(desk.tenants()) == 1
    assert not desk.office.journal().exists()


def test_an_administrator_takes_up_a_lost_tenant(desk: TenantOffice) -> None:
    desk.office.provider.inject("answer-lost", endpoint="tenant-create", times=1)
    assert desk.run("request", "campus").code == 1
    desk.settings(root=True)
    said = desk.run("request", "campus")
    assert (said.code, "tenant activate campus" in said.err) == (1, True)
    (tenant,) = desk.tenants()
    assert desk.status()["client_id"] == tenant.client_id
    assert desk.did("activate", "campus")["client_id"] == tenant.client_id
    assert desk.status()["state"] == "active"
    assert not desk.office.journal().exists()


def test_a_dry_run_leaves_the_record_of_a_lost_request(desk: TenantOffice) -> None:
    desk.office.provider.inject("answer-lost", endpoint="tenant-create", times=1)
    assert desk.run("request", "campus").code == 1
    record = desk.office.journal().read_bytes()
    (tenant,) = desk.tenants()
    pair = {"client_id": tenant.client_id, "client_secret": "told-by-mail"}
    secrets = yaml.safe_dump({"credentials": {"custos": pair}})
    desk.office.encrypt("enc-campus.secret.values.yaml", secrets)
    assert desk.did("request", "campus", "--dry-run")["did"] == "unchanged"
    assert desk.office.journal().read_bytes() == record
    assert desk.did("request", "campus")["did"] == "unchanged"
    assert not desk.office.journal().exists()


def test_an_administrator_waits_for_a_request_that_may_still_arrive(desk: TenantOffice) -> None:
    desk.office.provider.inject("connection-reset", endpoint="tenant-create", times=1)
    assert desk.run("request", "campus").code == 1
    desk.settings(root=True)
    said = desk.run("request", "campus")
    assert (said.code, "may still arrive" in said.err) == (1, True)
    said = desk.run("activate", "campus")
    assert (said.code, "there is no tenant" in said.err) == (1, True)


def test_a_refused_request_leaves_nothing(desk: TenantOffice) -> None:
    desk.office.provider.inject("rate-limited", endpoint="tenant-create", times=1, seconds=60)
    assert desk.run("request", "campus").code == 1
    assert not desk.office.journal().exists()
    assert desk.did("request", "campus")["did"] == "requested"


def test_a_lost_activation_may_be_repeated(desk: TenantOffice) -> None:
    desk.settings(root=True)
    desk.did("request", "campus")
    desk.office.provider.inject("connection-reset", endpoint="tenant-status", times=1)
    assert desk.run("activate", "campus").code == 1
    assert desk.did("activate", "campus")["did"] == "activated"


# Mistakes


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"custos": []}, "names no custos for custos"),
        ({"contact": None}, "names no contact"),
        ({"custos": [{"custos_host": "a", "custos_url": "https://b"}]}, "owner"),
    ],
)
def test_settings_that_do_not_do_are_told(
    desk: TenantOffice, settings: dict[str, Any], words: str
) -> None:
    desk.settings(**settings)
    said = desk.run("request", "campus")
    assert (said.code, words in said.err) == (1, True), said.err
    assert desk.tenants() == []


def test_the_owners_credentials_may_come_from_a_variable(
    desk: TenantOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.settings(owner_from={"environment": "TENANT_OWNER"})
    said = desk.run("request", "campus")
    assert (said.code, "{username: …, password: …}" in said.err) == (1, True)
    monkeypatch.setenv("TENANT_OWNER", "{username: olga}")
    said = desk.run("request", "campus")
    assert (said.code, "does not give username and password" in said.err) == (1, True)
    monkeypatch.setenv("TENANT_OWNER", yaml.safe_dump(OWNER))
    desk.did("request", "campus")
    assert "TENANT_OWNER" not in os.environ  # children would inherit it
    assert desk.tenants()[0].attributes["admin_username"] == "olga"


def test_a_hub_without_custos_is_sent_elsewhere(desk: TenantOffice) -> None:
    desk.office.hub("other")
    said = desk.run("request", "other")
    assert (said.code, "fedhub register create" in said.err) == (1, True)
    said = desk.office.run("create", "campus")
    assert (said.code, "fedhub register tenant request" in said.err) == (1, True)
    assert desk.run("request", "campus", "--provider", "nobody").code == 2


def test_no_secret_is_printed(desk: TenantOffice) -> None:
    desk.hub("keycloak")
    said = [desk.run("request", "campus"), desk.run("status", "campus")]
    desk.settings(root=True)
    said += [desk.run("activate", "campus"), desk.run("status", "campus", "--format", "json")]
    everything = "".join(one.out + one.err for one in said)
    secrets = [desk.stored(*CREDENTIALS, "client_secret"), desk.stored(*BESIDE)]
    secrets += [desk.custos.root.password.get_secret_value(), "0wner-passw0rd"]
    assert [secret for secret in secrets if secret in everything] == []
