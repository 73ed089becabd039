"""GET at `/oauth2/oidc-cm`: each row of what was read from OA4MP's source, for both releases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.oa4mp_endpoint import (
    ADMIN,
    OTHER_ADMIN,
    UNAPPROVED,
    Endpoint,
    json_error,
    plain_error,
)
from tests.providers import CALLBACK

UNKNOWN = "cilogon:/client_id/0"
KEYS = {
    "5.5": [
        "registration_client_uri",
        "client_id",
        "client_name",
        "redirect_uris",
        "id_token_lifetime",
        "max_id_token_lifetime",
        "at_lifetime",
        "max_at_lifetime",
        "rt_lifetime",
        "max_rt_lifetime",
        "ea_support",
        "scope",
        "client_uri",
        "strict_scopes",
        "skip_server_scripts",
        "proxy_claims_list",
        "forward_scopes_to_proxy",
        "proxy_request_scopes",
        "is_service_client",
        "service_client_users",
        "rt_grace_period",
        "extends_provisioners",
        "ersatz_client",
        "ersatz_inherit_id_token",
        "client_id_issued_at",
        "contacts",
    ],
    "6.3.2": [
        "registration_client_uri",
        "client_id",
        "client_name",
        "redirect_uris",
        "rt_lifetime",
        "max_rt_lifetime",
        "max_id_token_lifetime",
        "at_lifetime",
        "max_at_lifetime",
        "id_token_lifetime",
        "ea_support",
        "scope",
        "client_uri",
        "strict_scopes",
        "use_server_scopes",
        "skip_server_scripts",
        "forward_scopes_to_proxy",
        "is_service_client",
        "service_client_users",
        "rt_grace_period",
        "extends_provisioners",
        "ersatz_client",
        "ersatz_inherit_id_token",
        "client_id_issued_at",
        "contacts",
    ],
}


def not_administered(client_id: str) -> tuple[int, str, str]:
    words = f'this admin client does not administer the client with ID "{client_id}".'
    return 500, "server_error", words


def test_all_are_listed_by_id_and_name(endpoint: Endpoint) -> None:
    first, nameless = endpoint.registered(), endpoint.registered(client_name="")
    endpoint.as_(OTHER_ADMIN).registered()
    reply = endpoint.get()
    assert reply.status_code == 200
    assert reply.json() == {
        "clients": [
            {"client_id": first["client_id"], "name": "hub one"},
            {"client_id": nameless["client_id"]},
        ]
    }


def test_one_is_shown_with_the_keys_of_the_release(endpoint: Endpoint) -> None:
    said = endpoint.registered()
    shown = endpoint.shown(said["client_id"])
    assert list(shown) == KEYS[endpoint.release]
    assert shown["redirect_uris"] == [CALLBACK]
    assert shown["scope"] == ["openid", "email", "profile"]
    assert (shown["rt_lifetime"], shown["at_lifetime"]) == (0, -1)
    assert shown["registration_client_uri"] == said["registration_client_uri"]
    assert said["client_secret"] not in str(shown)


def test_what_is_set_is_shown_where_it_belongs(endpoint: Endpoint) -> None:
    said = endpoint.registered(
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        cfg={"tokens": {}},
        contacts=["ada@example.edu", "second@example.edu"],
        comment="ours",
        at_lifetime=600,
    )
    shown = endpoint.shown(said["client_id"])
    keys = list(shown)
    assert keys[4:6] == ["grant_types", "response_types"]
    assert keys[-4:] == ["client_id_issued_at", "cfg", "contacts", "comment"]
    assert shown["contacts"] == ["ada@example.edu"]
    assert (shown["at_lifetime"], shown["rt_lifetime"]) == (600, -1)


def test_a_public_client_says_so(endpoint: Endpoint) -> None:
    said = endpoint.registered(token_endpoint_auth_method="none", scope="openid")
    assert endpoint.shown(said["client_id"])["token_endpoint_auth_method"] == "none"


def test_the_old_release_writes_latin_1(endpoint: Endpoint) -> None:
    said = endpoint.registered(client_name="Zürich 宇宙")
    reply = endpoint.get(said["client_id"])
    if endpoint.release == "5.5":
        assert '"Zürich ??"' in reply.content.decode("latin-1")
    else:
        assert reply.json()["client_name"] == "Zürich 宇宙"


def test_an_unknown_client(endpoint: Endpoint) -> None:
    reply = endpoint.get(UNKNOWN)
    if endpoint.release == "5.5":
        assert json_error(reply) == (400, "invalid_request", "no such client")
    else:
        assert plain_error(reply) == not_administered(UNKNOWN)


def test_a_client_of_another(endpoint: Endpoint) -> None:
    theirs = endpoint.as_(OTHER_ADMIN).registered()["client_id"]
    reply = endpoint.get(theirs)
    if endpoint.release == "5.5":
        assert reply.json()["client_id"] == theirs  # anybody's, to any
    else:
        assert plain_error(reply) == not_administered(theirs)


def test_an_unknown_admin_client(endpoint: Endpoint) -> None:
    client_id = endpoint.registered()["client_id"]
    stranger = endpoint.as_(replace(ADMIN, client_id="nobody"))
    if endpoint.release == "5.5":
        assert stranger.shown(client_id)["client_id"] == client_id
        assert plain_error(stranger.get()) == (500, "server_error", "Null pointer")
    else:
        words = 'the given id of "nobody" is not recognized as an admin client.'
        expected = (500, "server_error", f"{words}, anonymous access denied")
        assert plain_error(stranger.get(client_id)) == plain_error(stranger.get()) == expected


@pytest.mark.parametrize(
    "admin", [replace(ADMIN, client_secret="wrong"), UNAPPROVED], ids=["wrong secret", "unapproved"]
)
def test_a_bad_admin_client(endpoint: Endpoint, admin: Any) -> None:
    client_id = endpoint.registered()["client_id"]
    bad = endpoint.as_(admin)
    null_pointer = (500, "server_error", "Null pointer")
    assert plain_error(bad.get()) == null_pointer
    if endpoint.release == "5.5":
        assert bad.shown(client_id)["client_id"] == client_id
    else:
        assert plain_error(bad.get(client_id)) == null_pointer


def test_no_authorization(endpoint: Endpoint) -> None:
    said = plain_error(endpoint.get(headers={"Authorization": None}))
    words = "Missing/unknown authorization method., anonymous access denied"
    assert said == (500, "server_error", words)


def test_the_defaults(endpoint: Endpoint) -> None:
    query = {"query": "org.oa4mp:/server#defaults"}
    reply = endpoint.ask("GET", query=query)
    said = reply.json()
    assert reply.status_code == 200
    assert said["use_server_default"] == -1
    assert {"rt_lifetime", "at_lifetime", "id_token_lifetime"} <= said.keys()
    new = endpoint.release == "6.3.2"
    assert ("api_versions" in said, said.get("oa4mp_version")) == (new, "6.3.2" if new else None)
    # It answers whoever's secret is wrong, too.
    wrong = endpoint.as_(replace(ADMIN, client_secret="wrong"))
    assert wrong.ask("GET", query=query).json() == said
