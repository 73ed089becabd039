"""Authenticators beyond the worked examples run as they are configured."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.previews import Visitor, running_hub

UNI = "https://idp.uni.example.edu/shibboleth"
CUSTOS = {
    "legacy": "allowed_groups: [a-group]",
    "v1": f"flavour: v1, allowed_groups: [a-group], idps: ['{UNI}']",
    "keycloak": f"flavour: keycloak, allow_all: true, idps: ['{UNI}']",
    "auto": "flavour: auto, custos_host: custos.example.org, allow_all: true",
}

OAUTH = {
    "azuread": "AzureAdOAuthenticator: {tenant_id: lab, allow_all: true}",
    "gitlab": "GitLabOAuthenticator: {allow_all: true}",
    "globus": "GlobusOAuthenticator: {manage_groups: true, allowed_globus_groups: [a-group]}",
    "google": "GoogleOAuthenticator: {hosted_domain: [lab.org], allow_all: true}",
}


@pytest.mark.parametrize("name", OAUTH)
def test_somebody_gets_in(name: str, tmp_path: Path) -> None:
    file = tmp_path / "x.values.yaml"
    file.write_text(
        f"hub: {{config: {{JupyterHub: {{authenticator_class: {name}}}, {OAUTH[name]}}}}}"
    )
    with running_hub(file) as hub:
        allowed = [one for one in hub.personas.values() if one["expected"]["allowed"]]
        assert allowed
        with Visitor() as visitor:
            visitor.log_in(hub, allowed[0]["name"])
            user = visitor.user(hub)
        assert user is not None
        assert user["name"] == allowed[0]["expected"]["username"]


@pytest.mark.parametrize("flavour", CUSTOS)
def test_every_flavour_of_custos_can_be_tried(flavour: str, tmp_path: Path) -> None:
    file = tmp_path / "x.values.yaml"
    file.write_text(
        "hub: {config: {JupyterHub: {authenticator_class: custos}, "
        f"CustosOAuthenticator: {{client_id: custos-abc-1, {CUSTOS[flavour]}}}}}}}"
    )
    with running_hub(file) as hub:
        verdicts = {name: one["expected"]["allowed"] for name, one in hub.personas.items()}
        assert not any(allowed for name, allowed in verdicts.items() if "elsewhere" in name)
        allowed = [one for one in hub.personas.values() if one["expected"]["allowed"]]
        assert allowed
        with Visitor() as visitor:
            visitor.log_in(hub, allowed[0]["name"])
            user = visitor.user(hub)
        assert user is not None
        assert user["name"] == allowed[0]["expected"]["username"]


@pytest.mark.parametrize("name", ["dummy", "tmp"])
def test_an_authenticator_without_oauth_works_without_personas(name: str, tmp_path: Path) -> None:
    file = tmp_path / "x.values.yaml"
    everybody = "Authenticator: {allow_all: true}"
    file.write_text(
        f"hub: {{config: {{JupyterHub: {{authenticator_class: {name}}}, {everybody}}}}}"
    )
    with running_hub(file) as hub, Visitor() as visitor:
        assert hub.personas == {}
        assert visitor.follow(f"{hub.url}hub/login").status_code == 200
