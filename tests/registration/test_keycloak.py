"""`fedhub register` at a Keycloak realm, beside one at CILogon."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from fedhub.idp.keycloak_clients.registry import ServiceAccount
from fedhub.idp.oa4mp.registry import AdminClient
from fedhub.registration.admin import AdminCredentials
from fedhub.registration.keycloak.client import KeycloakClients
from fedhub.registration.search import shown
from tests.registration.office import SECRETS, Office, pair

ACCOUNT = ServiceAccount("lab", "registrar", "account-s3cret")
LOGIN = """\
      {name}:
        authenticator: keycloak
        config:
          iam_url: {url}
          realm: lab
          allow_all: true
"""


@pytest.fixture
def lab(office: Office) -> Office:
    """An office with an administrator at Keycloak as well."""
    office.provider.add_service_account(ACCOUNT)
    office.encrypt(
        "enc-lab-admin.yaml", pair(AdminClient(ACCOUNT.client_id, ACCOUNT.client_secret))
    )
    settings = yaml.safe_load((office.values / "registration.yaml").read_text())
    settings["administrators"].append(
        {
            "iam_url": office.provider.url,
            "realm": "lab",
            "credentials": {"file": "enc-lab-admin.yaml"},
        }
    )
    (office.values / "registration.yaml").write_text(yaml.safe_dump(settings))
    return office


def keycloak_hub(office: Office, name: str = "lab", *, beside_cilogon: bool = False) -> None:
    """Write the values of a hub that logs people in at Keycloak."""
    office.hub(name, secrets=SECRETS)
    file = office.values / f"{name}.values.yaml"
    lines = file.read_text().splitlines(keepends=True)
    login = LOGIN.format(name="keycloak", url=office.provider.url)
    file.write_text("".join([*(lines if beside_cilogon else lines[:5]), login]))


def at_keycloak(office: Office) -> list[dict[str, Any]]:
    """Every client of the realm that a person made."""
    admin = AdminCredentials(ACCOUNT.client_id, SecretStr(ACCOUNT.client_secret))
    with KeycloakClients(admin, url=office.provider.url, realm="lab") as clients:
        found = [dict(one.attributes) for one in shown(clients)]
    return [one for one in found if one.get("redirect_uris")]


def test_its_life(lab: Office) -> None:
    keycloak_hub(lab)
    client_id = lab.did("create", "lab")["client_id"]
    (client,) = at_keycloak(lab)
    assert client["redirect_uris"] == ["https://lab.example.org/hub/oauth_callback"]
    assert lab.stored("lab", "keycloak")[0] == client_id  # type: ignore[index]
    assert lab.did("create", "lab")["did"] == "unchanged"
    assert lab.did("update", "lab")["did"] == "unchanged"
    assert lab.run("show", "lab").code == 0
    file = lab.values / "lab.values.yaml"
    file.write_text(file.read_text().replace("lab.example.org", "new.example.org"))
    lab.did("update", "lab", "--overlap")
    assert len(at_keycloak(lab)[0]["redirect_uris"]) == 2
    lab.did("update", "lab", "--finish")
    assert at_keycloak(lab)[0]["redirect_uris"] == ["https://new.example.org/hub/oauth_callback"]
    new = lab.did("rotate", "lab")["client_id"]
    assert new != client_id
    assert len(at_keycloak(lab)) == 2
    assert lab.did("rotate", "lab", "--unseen", "--now")["did"] == "rotated"
    assert len(at_keycloak(lab)) == 1
    lab.did("delete", "lab", "--force", "--yes")
    assert at_keycloak(lab) == []


def test_a_hub_with_both(lab: Office) -> None:
    keycloak_hub(lab, "both", beside_cilogon=True)
    said = lab.run("create", "both")
    assert said.code == 2
    assert "add --provider cilogon or --provider keycloak" in said.err
    for provider in ("cilogon", "keycloak"):
        lab.did("create", "both", "--provider", provider)
        assert lab.stored("both", provider)
    assert at_keycloak(lab)[0]["redirect_uris"] == [
        "https://both.example.org/hub/keycloak/oauth_callback"
    ]
    assert lab.run("sync", "--all").code == 0
    assert len(lab.run("show", "both", "--format", "json").json) == 2


def test_sync_goes_through_both(lab: Office) -> None:
    keycloak_hub(lab, "lab")
    lab.hub("campus")
    lab.did("sync", "--all", "--apply", "--yes")
    assert len(at_keycloak(lab)) == len(lab.registered()) == 1
    (lab.values / "lab.values.yaml").unlink()
    (lab.values / "enc-lab.secret.values.yaml").unlink()
    lab.did("sync", "--all", "--apply", "--yes")
    assert at_keycloak(lab) == []
    assert len(lab.registered()) == 1


def test_a_client_made_by_hand(lab: Office) -> None:
    keycloak_hub(lab)
    admin = AdminCredentials(ACCOUNT.client_id, SecretStr(ACCOUNT.client_secret))
    from fedhub.registration.tag import Tag

    with KeycloakClients(admin, url=lab.provider.url, realm="lab") as clients:
        tag = Tag.new("ops", "lab", "keycloak")
        made = clients.create(
            {"client_name": "x", "redirect_uris": ["https://a.example.org/"]}, tag
        )
        clients.update(made.client_id, {"comment": "by hand"})
    credentials = {
        "client_id": made.client_id,
        "client_secret": made.client_secret.get_secret_value(),
    }
    lab.encrypt(
        "enc-lab.secret.values.yaml", yaml.safe_dump({"credentials": {"keycloak": credentials}})
    )
    assert "`fedhub register import lab`" in lab.run("update", "lab").err
    lab.did("import", "lab", "--client-id", made.client_id)
    lab.did("update", "lab")
    assert lab.run("show", "lab").code == 0


def test_a_scope_that_the_realm_lacks(lab: Office) -> None:
    keycloak_hub(lab)
    file = lab.values / "lab.values.yaml"
    file.write_text(file.read_text() + "          scope: [openid, no-such-scope]\n")
    said = lab.run("create", "lab")
    assert said.code == 1
    assert "no-such-scope" in said.err
    assert not lab.journal("lab").exists()
