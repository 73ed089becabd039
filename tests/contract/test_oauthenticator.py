"""oauthenticator's own classes log in at the faces of the identity provider, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from oauthenticator.cilogon import CILogonOAuthenticator
from oauthenticator.generic import GenericOAuthenticator
from oauthenticator.github import GitHubOAuthenticator
from oauthenticator.globus import GlobusOAuthenticator
from oauthenticator.google import GoogleOAuthenticator
from oauthenticator.oauth2 import OAuthLoginHandler, _deserialize_state, _serialize_state
from tornado.httpclient import HTTPClientError
from tornado.web import HTTPError
from traitlets.config import Config

from fedhub.idp.server import IdentityProvider
from tests.asynchronous import run_async
from tests.providers import (
    CALLBACK,
    CLIENT_IDS,
    ENTITY,
    SECRET,
    Clock,
    authorize_url,
    callback_query,
)

SignIn = Callable[..., dict[str, str]]


class CallbackHandler:
    """What an authenticator reads of the hub's callback request."""

    def __init__(self, query: dict[str, str], state_cookie: str) -> None:
        self.query = query
        self.state_cookie = state_cookie

    def get_argument(self, name: str, default: str = "") -> str:
        return self.query.get(name, default)

    def get_state_cookie(self) -> str:
        return self.state_cookie


class User:
    """A hub user who has logged in before."""

    name = "ada"

    def __init__(self, auth_state: dict[str, Any]) -> None:
        self.auth_state = auth_state

    async def get_auth_state(self) -> dict[str, Any]:
        return self.auth_state


def configured(cls: type, face: str, traits: dict[str, Any]) -> Any:
    common = {
        "client_id": CLIENT_IDS[face],
        "client_secret": SECRET,
        "oauth_callback_url": CALLBACK,
        "allow_all": True,
        "enable_auth_state": True,
    }
    return cls(config=Config({cls.__name__: common | traits}))


def make(name: str, url: str, **traits: Any) -> tuple[Any, str]:
    """An authenticator by its nickname, with its addresses at the provider; and its face."""
    realm = f"{url}/realms/hubtest/protocol/openid-connect"
    issuer = f"{url}/oidc/oidc"
    at_issuer = {
        "authorize_url": f"{issuer}/authorize",
        "token_url": f"{issuer}/token",
        "userdata_url": f"{issuer}/userinfo",
    }
    table: dict[str, tuple[type, str, dict[str, Any]]] = {
        "cilogon": (
            CILogonOAuthenticator,
            "cilogon",
            {
                "idps": {ENTITY: {"username_derivation": {"username_claim": "eppn"}}},
                "authorize_url": f"{url}/authorize",
                "token_url": f"{url}/oauth2/token",
                "userdata_url": f"{url}/oauth2/userinfo",
            },
        ),
        "keycloak": (
            GenericOAuthenticator,
            "keycloak",
            {
                "authorize_url": f"{realm}/auth",
                "token_url": f"{realm}/token",
                "userdata_url": f"{realm}/userinfo",
                "username_claim": "preferred_username",
                "scope": ["openid", "email", "profile"],
            },
        ),
        "generic": (
            GenericOAuthenticator,
            "oidc",
            at_issuer
            | {
                "username_claim": "preferred_username",
                "scope": ["openid", "profile"],
                "manage_groups": True,
                "auth_state_groups_key": "oauth_user.groups",
            },
        ),
        "google": (GoogleOAuthenticator, "oidc", at_issuer | {"hosted_domain": ["example.edu"]}),
        "globus": (
            GlobusOAuthenticator,
            "oidc",
            at_issuer
            | {
                "globus_groups_url": f"{issuer}/v2/groups/my_groups",
                "allowed_globus_groups": {"team-a"},
                "username_from_email": True,
            },
        ),
        "github": (
            GitHubOAuthenticator,
            "github",
            {
                "github_url": url,
                "scope": ["read:org", "user:email"],
                "allowed_organizations": {"physics:lab"},
                "allow_all": False,
                "populate_teams_in_auth_state": True,
            },
        ),
    }
    cls, face, own = table[name]
    return configured(cls, face, own | traits), face


def log_in(authenticator: Any, face: str, sign_in: SignIn, **form: str) -> Any:
    """The redirect the login handler makes, a persona's choice, and the hub's whole decision.

    Returns:
        The hub's model of the user; None when the user is not let in.
    """
    verifier, challenge = OAuthLoginHandler._generate_pkce_params(None)
    cookie = _serialize_state({"state_id": "st1", "code_verifier": verifier})
    query = sign_in(
        authorize_url(
            authenticator.authorize_url,
            face,
            scope=" ".join(authenticator.scope),
            code_challenge=challenge,
            code_challenge_method="S256",
            **authenticator.extra_authorize_params,
        ),
        f"ada-{face}",
        **form,
    )
    assert query["state"] == "st1"
    assert _deserialize_state(cookie)["code_verifier"] == verifier
    return run_async(authenticator.get_authenticated_user(CallbackHandler(query, cookie), None))


@pytest.mark.parametrize(
    ("name", "username"),
    [
        ("cilogon", "ada@example.edu"),
        ("keycloak", "ada"),
        ("generic", "ada"),
        ("google", "ada"),
        ("globus", "ada"),
        ("github", "ada"),
    ],
)
def test_a_persona_logs_in(
    provider: IdentityProvider, sign_in: SignIn, name: str, username: str
) -> None:
    authenticator, face = make(name, provider.url)
    assert log_in(authenticator, face, sign_in)["name"] == username


@pytest.mark.parametrize("basic", [True, False])
@pytest.mark.parametrize("name", ["cilogon", "keycloak", "generic"])
def test_client_credentials_travel_in_the_header_or_in_the_form(
    provider: IdentityProvider, sign_in: SignIn, name: str, basic: bool
) -> None:
    authenticator, face = make(name, provider.url, basic_auth=basic)
    assert log_in(authenticator, face, sign_in)["name"]


@pytest.mark.parametrize("name", ["cilogon", "keycloak", "generic", "google", "github"])
def test_a_wrong_secret_does_not_log_in(
    provider: IdentityProvider, sign_in: SignIn, name: str
) -> None:
    authenticator, face = make(name, provider.url, client_secret="wrong")
    with pytest.raises((HTTPError, HTTPClientError)):
        log_in(authenticator, face, sign_in)


@pytest.mark.parametrize("name", ["cilogon", "keycloak", "generic"])
def test_a_hub_renews_an_expired_access_token(
    provider: IdentityProvider, sign_in: SignIn, clock: Clock, name: str
) -> None:
    authenticator, face = make(name, provider.url)
    before = log_in(authenticator, face, sign_in)["auth_state"]
    clock.offset = {"cilogon": 1000, "keycloak": 400, "generic": 4000}[name]
    after = run_async(authenticator.refresh_user(User(before)))
    assert after["auth_state"]["access_token"] != before["access_token"]


def test_a_hub_asks_for_a_new_login_when_the_refresh_token_expired_too(
    provider: IdentityProvider, sign_in: SignIn, clock: Clock
) -> None:
    authenticator, face = make("keycloak", provider.url)
    before = log_in(authenticator, face, sign_in)["auth_state"]
    clock.offset = 2000
    assert run_async(authenticator.refresh_user(User(before))) is False


def test_cilogon_sends_the_institution_that_vouches(
    provider: IdentityProvider, sign_in: SignIn
) -> None:
    authenticator, face = make("cilogon", provider.url)
    user = log_in(authenticator, face, sign_in)["auth_state"]["cilogon_user"]
    assert (user["idp"], user["idp_name"]) == (ENTITY, "Example University")


def test_a_person_of_another_institution_is_refused_by_the_hub(
    provider: IdentityProvider, sign_in: SignIn
) -> None:
    other = {"https://other.example.org/idp": {"username_derivation": {"username_claim": "eppn"}}}
    authenticator, face = make("cilogon", provider.url, idps=other)
    with pytest.raises(HTTPError) as refused:
        log_in(authenticator, face, sign_in)
    assert refused.value.status_code == 403


def test_generic_groups_become_the_hubs(provider: IdentityProvider, sign_in: SignIn) -> None:
    authenticator, face = make("generic", provider.url)
    assert log_in(authenticator, face, sign_in)["groups"] == ["team-a"]


def test_an_organisation_lets_in_its_members_only(
    provider: IdentityProvider, sign_in: SignIn
) -> None:
    for organisation, expected in (("astro", True), ("Astro", True), ("biology", False)):
        wanted = {organisation}
        authenticator, face = make("github", provider.url, allowed_organizations=wanted)
        assert (log_in(authenticator, face, sign_in) is not None) is expected


def test_private_memberships_need_read_org(provider: IdentityProvider, sign_in: SignIn) -> None:
    authenticator, face = make("github", provider.url, populate_teams_in_auth_state=False)
    authenticator.set_trait("scope", [])
    assert log_in(authenticator, face, sign_in) is None


def test_every_page_of_teams_arrives(provider: IdentityProvider, sign_in: SignIn) -> None:
    authenticator, face = make("github", provider.url, allow_all=True)
    teams = ", ".join(f'"physics:lab{number}"' for number in range(230))
    claims = f'{{"preferred_username": "ada", "groups": [{teams}]}}'
    model = log_in(authenticator, face, sign_in, claims=claims)
    assert len(model["auth_state"]["teams"]) == 230


def test_google_refuses_another_domain(provider: IdentityProvider, sign_in: SignIn) -> None:
    authenticator, face = make("google", provider.url)
    claims = '{"email": "ada@example.org", "hd": "example.org"}'
    assert log_in(authenticator, face, sign_in, claims=claims) is None


def test_google_refuses_an_unverified_address(provider: IdentityProvider, sign_in: SignIn) -> None:
    authenticator, face = make("google", provider.url, allow_all=False)
    claims = '{"email": "ada@example.edu", "email_verified": false, "hd": "example.edu"}'
    with pytest.raises(HTTPError, match="unverified email"):
        log_in(authenticator, face, sign_in, claims=claims)


def test_refusing_reaches_the_hub_as_access_denied(
    provider: IdentityProvider, visitor: httpx.Client
) -> None:
    for name in ("cilogon", "keycloak", "generic", "github"):
        authenticator, face = make(name, provider.url)
        address = authorize_url(authenticator.authorize_url, face)
        query = callback_query(visitor.post(address, data={"cancel": "1"}))
        assert (query["error"], query["state"]) == ("access_denied", "st1")
