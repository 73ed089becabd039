"""Logins at a provider that answers with a given ID token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from oauthenticator.tests.mocks import MockAsyncHTTPClient, setup_oauth_mock

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import (
    GENERIC,
    ISSUER,
    NONCE,
    PUBLIC_KEY,
    authenticator_of,
    configured,
    one,
)

OPENID = GENERIC | {
    "scope": ["openid"],
    "username_claim": "name",
    "allow_all": True,
    "client_id": "the-hub",
    "client_secret": "s3cret",
    "issuer": ISSUER,
}
GOOD = {"sub": "ada-1", "aud": "the-hub", "nonce": NONCE}
USER = {"sub": "ada-1", "name": "ada"}
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def login(
    authenticator: Any,
    token: Any,
    user: Any = USER,
    keys: Any = None,
    key_set: Any = None,
    asked: list[str] | None = None,
    token_endpoint: str = "https://oidc.example.org/token",
) -> Any:
    """Log in where the provider answers with a given ID token."""

    async def go() -> Any:
        client = MockAsyncHTTPClient(force_instance=True)
        setup_oauth_mock(client, "oidc.example.org", "/token", "/userinfo")
        seen = asked if asked is not None else []
        published = [PUBLIC_KEY] if keys is None else keys

        def page(name: str, answer: Callable[[], Any]) -> Any:
            def handle(_: Any) -> Any:
                seen.append(name)
                return answer()

            return handle

        metadata = {
            "issuer": ISSUER,
            "jwks_uri": f"{ISSUER}/jwks",
            "token_endpoint": token_endpoint,
        }
        client.add_host(
            "issuer.example.org",
            [
                ("/.well-known/openid-configuration", page("discovery", lambda: metadata)),
                ("/jwks", page("keys", lambda: key_set or {"keys": published})),
            ],
        )
        authenticator.http_client = client
        handler = client.handler_for_user(user | ({} if token is None else {"id_token": token}))
        return await authenticator.get_authenticated_user(handler, None)

    return run_async(go())


def openid(**traits: Any) -> Any:
    return authenticator_of(configured(one("generic-oauth", OPENID | traits)))
