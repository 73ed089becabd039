"""oauthenticator's security advisories: what each let happen must not happen here.

Each through our classes, alone and as one of several, at login and at the next refresh.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from oauthenticator.tests.mocks import MockAsyncHTTPClient, setup_oauth_mock
from tornado.web import HTTPError
from traitlets.config import Config

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import (
    DOMAIN,
    ENTITY,
    GENERIC,
    User,
    authenticator_of,
    configured,
    one,
)
from tests.unit.authenticators.mocked import PROVIDERS, Person, Provider, attach

SETTINGS = ("alone", "one of several")
OTHER = {"authenticator": "generic-oauth", "config": GENERIC | {"username_claim": "sub"}}


class Hub:
    """A hub with a provider, alone or beside another."""

    def __init__(self, provider: Provider, traits: Mapping[str, Any], setting: str) -> None:
        self.provider = provider
        config = {**provider.config, **traits}
        if setting == "alone":
            c = configured(one(provider.authenticator, config))
            self.whole = self.own = authenticator_of(c)
        else:
            campus = {"authenticator": provider.authenticator, "config": config}
            login = {"campus": campus, "other": OTHER}
            self.whole = authenticator_of(configured({"domain": DOMAIN, "login": login}))
            self.own = self.whole.authenticators["campus"]
        self.whole.enable_auth_state = self.own.enable_auth_state = True

    def log_in(self, claims: Mapping[str, Any]) -> dict[str, Any] | None:
        """What the hub makes of somebody, None where it refuses them."""

        async def go() -> Any:
            client = attach(self.provider, self.own, Person(claims))
            handler = client.handler_for_user(dict(claims))
            return await self.own.get_authenticated_user(handler, None)

        try:
            model: dict[str, Any] | None = run_async(go())
        except HTTPError as error:
            assert error.status_code in (403, 502)
            return None
        return model

    def stays(self, model: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
        """Whether somebody who got in stays, once the provider says this of them."""

        async def go() -> Any:
            client = attach(self.provider, self.own, Person(claims))
            token = model["auth_state"]["token_response"]["access_token"]
            client.access_tokens[token] = dict(claims)
            return await self.whole.refresh_user(User(model["name"], model["auth_state"]), None)

        return isinstance(run_async(go()), dict)


# --- GHSA-384w-5v3f-q499 (oauthenticator 0.12.0) ------------------------------------------------


@pytest.mark.parametrize("section", ["Authenticator", "OAuthenticator", "GitHubOAuthenticator"])
def test_ghsa_384w_5v3f_q499_an_old_name_of_a_rule_is_not_ignored(section: str) -> None:
    """A hub with `whitelist`, as `allowed_users` was called, let in everybody with an account."""
    c = Config()
    c[section].whitelist = {"ada"}
    authenticator = authenticator_of(configured(one("github", {}), c))
    hub = Hub(PROVIDERS["github"], {}, "alone")
    hub.whole = hub.own = authenticator
    authenticator.enable_auth_state = True
    ada, eve = (
        {"login": name, "id": number, "email": None} for number, name in ((1, "ada"), (2, "eve"))
    )
    model = hub.log_in(ada)
    assert model is not None
    assert hub.log_in(eve) is None
    assert hub.stays(model, ada)
    authenticator.allowed_users = set()
    assert not hub.stays(model, ada)


@pytest.mark.parametrize("old", ["whitelist", "allowed_users"])
def test_ghsa_384w_5v3f_q499_an_old_name_of_a_rule_lets_nobody_in_at_another_provider(
    old: str,
) -> None:
    """With several providers, the rule names the hub's users: `ada` is nobody's, prefix and all."""
    c = Config()
    c.Authenticator[old] = {"ada", "campus:bob"}
    login = {"campus": {"authenticator": "github", "config": {}}, "other": OTHER}
    whole = authenticator_of(configured({"domain": DOMAIN, "login": login}, c))
    hub = Hub(PROVIDERS["github"], {}, "alone")
    hub.whole, hub.own = whole, whole.authenticators["campus"]
    assert hub.log_in({"login": "ada", "id": 1, "email": None}) is None
    bob = hub.log_in({"login": "bob", "id": 2, "email": None})
    assert bob is not None
    assert bob["name"] == "campus:bob"


# --- GHSA-r7v4-jwx9-wx43 (oauthenticator < 15, CILogon) -----------------------------------------


@pytest.mark.parametrize("setting", SETTINGS)
def test_ghsa_r7v4_jwx9_wx43_an_institution_decides_and_not_a_domain(setting: str) -> None:
    """CILogon's users of any institution got in whose e-mail address had an allowed domain.

    `allowed_idps` held domains, and was compared with what stood behind the `@` of a claim that
    another institution, or a social account, may fill as it likes.
    """
    rule = {"username_derivation": {"username_claim": "email"}, "allow_all": True}
    provider = replace(PROVIDERS["cilogon"], config={"idps": {ENTITY: rule}})
    hub = Hub(provider, {}, setting)
    ada = {"sub": "1", "idp": ENTITY, "email": "ada@uni.example.edu"}
    eve = ada | {"sub": "2", "idp": "http://google.com/accounts/o8/id"}
    model = hub.log_in(ada)
    assert model is not None
    assert hub.log_in(eve) is None
    assert not hub.stays(model, eve)
    assert not hub.stays(model, ada | {"idp": eve["idp"]})


@pytest.mark.parametrize("trait", ["idps", "allowed_idps"])
def test_ghsa_r7v4_jwx9_wx43_a_domain_is_no_institution(trait: str) -> None:
    """The old way of writing it must stop the hub, not be taken for something else."""
    rule = {"username_derivation": {"username_claim": "email"}}
    with pytest.raises(Exception, match="EntityID"):
        authenticator_of(configured(one("cilogon", {trait: {"uni.example.edu": rule}})))


# --- GHSA-55m3-44xf-hg4h (oauthenticator < 16.3, Google) ----------------------------------------


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("hd", [..., "", None, "evil.example", ["lab.example"]])
def test_ghsa_55m3_44xf_hg4h_an_address_makes_nobody_a_member_of_a_workspace(
    hd: Any, setting: str
) -> None:
    """A Google account may have been made with an address of the domain, outside its workspace.

    `hosted_domain` was compared with the address, where Google's claim `hd` tells.
    """
    traits = {"hosted_domain": ["lab.example"], "allow_all": True, "admin_users": ["ada"]}
    hub = Hub(PROVIDERS["google"], traits, setting)
    ada = {"sub": "1", "email": "ada@lab.example", "verified_email": True, "hd": "lab.example"}
    outside = ada | {"hd": hd}
    if hd is ...:
        del outside["hd"]
    model = hub.log_in(ada)
    assert model is not None
    assert hub.log_in(outside) is None
    assert not hub.stays(model, outside)


# --- GHSA-gprj-3p75-f996 (oauthenticator < 16.3.1, Globus) --------------------------------------


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("username", ["ada@evil.example", "ada@globusid.org", "ada", None, 1])
def test_ghsa_gprj_3p75_f996_allow_all_does_not_undo_the_institution(
    username: Any, setting: str
) -> None:
    """With `allow_all`, JupyterHub 5 does not ask `check_allowed`, where `identity_provider` was.

    So people of every institution of Globus got in.
    """
    traits = {"identity_provider": "uni.example.edu", "allow_all": True, "admin_users": ["ada"]}
    hub = Hub(PROVIDERS["globus"], traits, setting)
    ada = {"sub": "1", "preferred_username": "ada@uni.example.edu"}
    model = hub.log_in(ada)
    assert model is not None
    outside = ada | {"preferred_username": username}
    assert hub.log_in(outside) is None
    assert not hub.stays(model, outside)


# --- GHSA-rrvg-cxh4-qhrv, CVE-2026-33175 (oauthenticator < 17.4, Auth0) -------------------------


def _auth0(authenticator: Any, client: MockAsyncHTTPClient, person: Person) -> None:
    setup_oauth_mock(client, "tenant.auth0.com", "/oauth/token", "/userinfo")


AUTH0 = Provider(
    "auth0",
    {"auth0_domain": "tenant.auth0.com", "username_claim": "email", "scope": ["openid", "email"]},
    Person({"sub": "auth0|1", "email": "ada@uni.example.edu", "email_verified": True}),
    "ada@uni.example.edu",
    _auth0,
)
UNVERIFIED = [..., False, None, "", "false", "true", 1, [True]]


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("rule", [{"allow_all": True}, {"allowed_users": ["ada@uni.example.edu"]}])
@pytest.mark.parametrize("verified", UNVERIFIED)
def test_ghsa_rrvg_cxh4_qhrv_an_unverified_address_is_nobodys(
    verified: Any, rule: dict[str, Any], setting: str
) -> None:
    """Anybody could sign up at Auth0 with somebody else's address, and was them on the hub.

    Upstream asks since 17.4, in `check_allowed`: with `allow_all`, JupyterHub 5 never does.
    """
    hub = Hub(AUTH0, rule, setting)
    eve = {**AUTH0.ada.claims, "email_verified": verified}
    if verified is ...:
        del eve["email_verified"]
    model = hub.log_in(AUTH0.ada.claims)
    assert model is not None
    assert hub.log_in(eve) is None
    assert not hub.stays(model, eve)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("verified", UNVERIFIED)
def test_ghsa_rrvg_cxh4_qhrv_holds_for_google_too(verified: Any, setting: str) -> None:
    """The same, where upstream asks for `verified_email` in `check_allowed` as well."""
    hub = Hub(PROVIDERS["google"], {"allow_all": True}, setting)
    ada = {"sub": "1", "email": "ada@lab.example", "verified_email": True}
    eve = ada | {"verified_email": verified}
    if verified is ...:
        del eve["verified_email"]
    model = hub.log_in(ada)
    assert model is not None
    assert hub.log_in(eve) is None
    assert not hub.stays(model, eve)


def test_ghsa_rrvg_cxh4_qhrv_the_operator_may_say_otherwise() -> None:
    """`allow_unverified_email` is upstream's own switch, for tests."""
    hub = Hub(AUTH0, {"allow_all": True, "allow_unverified_email": True}, "alone")
    assert hub.log_in({**AUTH0.ada.claims, "email_verified": False}) is not None
