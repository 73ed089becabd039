"""Authlib's clients, which know nothing of this provider, find everything by discovery."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from fedhub.idp.server import IdentityProvider
from tests.providers import CALLBACK, CLIENT_IDS, LOGGED_OUT, SECRET, Clock

SignIn = Callable[..., dict[str, str]]
ISSUERS = {
    "cilogon": "",
    "keycloak": "/realms/hubtest",
    "keycloak-before-17": "/auth/realms/hubtest",
    "oidc": "/oidc/oidc",
}


class Hub:
    """A relying party of Authlib's: discovery, PKCE, nonce, ID token validation, refresh."""

    def __init__(self, issuer: str, face: str, sign_in: SignIn, method: str) -> None:
        self.face = face
        self.sign_in = sign_in
        self.metadata = OpenIDProviderMetadata(
            httpx.get(f"{issuer}/.well-known/openid-configuration").json()
        )
        self.nonce = secrets.token_urlsafe(16)
        self.client = OAuth2Client(
            CLIENT_IDS[face],
            SECRET,
            scope="openid email profile",
            redirect_uri=CALLBACK,
            token_endpoint=self.metadata["token_endpoint"],
            token_endpoint_auth_method=method,
            code_challenge_method="S256",
        )

    def log_in(self) -> dict[str, Any]:
        verifier = secrets.token_urlsafe(48)
        address, state = self.client.create_authorization_url(
            self.metadata["authorization_endpoint"], nonce=self.nonce, code_verifier=verifier
        )
        query = self.sign_in(address, f"ada-{self.face}")
        assert query["state"] == state
        token = self.client.fetch_token(
            self.metadata["token_endpoint"], code=query["code"], code_verifier=verifier
        )
        return dict(token)

    def id_token(self, token: dict[str, Any]) -> CodeIDToken:
        keys = KeySet.import_key_set(httpx.get(self.metadata["jwks_uri"]).json())
        signed = jwt.decode(token["id_token"], keys, ["RS256"])
        claims = CodeIDToken(
            signed.claims,
            signed.header,
            {
                "iss": {"essential": True, "value": self.metadata["issuer"]},
                "aud": {"essential": True, "value": CLIENT_IDS[self.face]},
            },
            {"nonce": self.nonce, "client_id": CLIENT_IDS[self.face], **token},
        )
        claims.validate()
        return claims

    def userinfo(self) -> dict[str, Any]:
        reply = self.client.get(self.metadata["userinfo_endpoint"])
        reply.raise_for_status()
        claims: dict[str, Any] = reply.json()
        return claims


@pytest.fixture(params=["client_secret_basic", "client_secret_post"])
def method(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture(params=sorted(ISSUERS))
def hub(
    request: pytest.FixtureRequest, provider: IdentityProvider, sign_in: SignIn
) -> Iterator[Hub]:
    issuer = provider.url + ISSUERS[request.param]
    face = request.param.partition("-")[0]
    hub = Hub(issuer, face, sign_in, "client_secret_post")
    with hub.client:
        yield hub


def test_discovery_is_valid_and_about_the_address_it_was_found_at(
    hub: Hub, provider: IdentityProvider
) -> None:
    over_tls = json.dumps(hub.metadata).replace("http://", "https://")  # Authlib insists on it
    OpenIDProviderMetadata(json.loads(over_tls)).validate()
    assert hub.metadata["issuer"] in {provider.url + path for path in ISSUERS.values()}
    addresses = [v for k, v in hub.metadata.items() if k.endswith(("_endpoint", "_uri"))]
    assert all(address.startswith(f"{provider.url}/") for address in addresses)


def test_a_login_brings_an_id_token_that_validates_and_agrees_with_userinfo(hub: Hub) -> None:
    claims = hub.id_token(hub.log_in())
    told = hub.userinfo()
    assert (claims["sub"], claims["email"]) == (told["sub"], told["email"])
    assert claims["email"] == "ada@example.edu"


def test_either_way_to_authenticate_works(
    provider: IdentityProvider, sign_in: SignIn, method: str
) -> None:
    for name, path in ISSUERS.items():
        if name == "cilogon" and method == "client_secret_basic":
            continue  # oauthenticator's tests cover ids with colons
        hub = Hub(provider.url + path, name.partition("-")[0], sign_in, method)
        with hub.client:
            assert hub.log_in()["access_token"]


def test_a_refresh_brings_a_token_that_works(hub: Hub, clock: Clock) -> None:
    first = hub.log_in()
    clock.offset = 10
    second = hub.client.refresh_token(hub.metadata["token_endpoint"])
    assert second["access_token"] != first["access_token"]
    assert hub.userinfo()["sub"] == "ada-sub"


def test_a_revoked_refresh_token_is_worth_nothing(hub: Hub) -> None:
    token = hub.log_in()
    endpoint = hub.metadata["revocation_endpoint"]
    assert hub.client.revoke_token(endpoint, token["refresh_token"]).status_code == 200
    with pytest.raises(OAuthError):
        hub.client.refresh_token(hub.metadata["token_endpoint"])


def test_a_refused_code_raises_authlibs_error(hub: Hub) -> None:
    with pytest.raises(OAuthError):
        hub.client.fetch_token(hub.metadata["token_endpoint"], code="nonsense")


@pytest.mark.parametrize(
    "fault",
    [
        "wrong-nonce",
        "wrong-issuer",
        "wrong-audience",
        "wrong-azp",
        "extra-audience",
        "bad-signature",
        "unknown-kid",
        "alg-none",
        "hs256",
        "expired-id-token",
        "missing-claim",
    ],
)
def test_authlib_catches_each_lie_about_the_id_token(
    hub: Hub, provider: IdentityProvider, fault: str
) -> None:
    provider.inject(fault, claim="sub", times=1)
    token = hub.log_in()
    with pytest.raises((JoseError, ValueError)):
        hub.id_token(token)
    hub.id_token(hub.log_in())


def test_rotated_keys_are_found_by_fetching_them_again(
    hub: Hub, provider: IdentityProvider
) -> None:
    old = hub.log_in()
    provider.inject("rotated-keys")
    with pytest.raises((JoseError, ValueError)):
        hub.id_token(old)
    hub.id_token(hub.log_in())


def test_end_session_ends_it(provider: IdentityProvider, sign_in: SignIn, visitor: Any) -> None:
    hub = Hub(provider.url + ISSUERS["keycloak"], "keycloak", sign_in, "client_secret_post")
    with hub.client:
        token = hub.log_in()
        out = {"id_token_hint": token["id_token"], "post_logout_redirect_uri": LOGGED_OUT}
        done = visitor.get(hub.metadata["end_session_endpoint"], params=out)
        assert (done.status_code, done.headers["location"]) == (302, LOGGED_OUT)
        with pytest.raises(OAuthError):
            hub.client.refresh_token(hub.metadata["token_endpoint"])
