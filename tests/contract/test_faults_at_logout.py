"""Whatever fails at the provider, who logs out is out of the hub, and no token is told.

And a script's token opens nothing while the provider can't say what it is worth.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from fedhub_authenticators.exchange_page import ExchangePage
from fedhub_authenticators.failures import Failures

from fedhub.idp.server import IdentityProvider
from tests.asynchronous import run_async
from tests.contract.overheard import (
    BROKEN,
    EVERYWHERE,
    Secrets,
    a_hub,
    forget_issuer,
    log_in,
    name_of,
)

AT_LOGOUT = {
    "cilogon": ("discovery", "revoke"),
    "keycloak": ("discovery", "revoke"),
    "oidc": ("discovery", "revoke"),
    "custos": ("logout",),
    "custos-v1": ("logout",),
}
"""What a logout asks for at a face."""

AT_EXCHANGE = {
    "cilogon": ("discovery", "introspect", "userinfo"),
    "keycloak": ("certs", "userinfo"),
    "oidc": ("discovery", "introspect", "userinfo"),
}
"""What a script's token makes the hub ask for; Keycloak's are signed, the others say nothing."""

EXCHANGE = "/hub/api/fedhub/token_exchange"


@pytest.mark.parametrize("face", AT_LOGOUT)
def test_faults_at_logout(provider: IdentityProvider, face: str) -> None:
    secrets = Secrets(provider)
    # Where keys are learned from tokens, there is an issuer to ask only after a login.
    more = {"issuer": f"{provider.url}/oidc/oidc"} if face == "oidc" else {}

    async def go() -> None:
        async with a_hub(face, provider, secrets, **more) as (hub, visitor):
            for what, endpoint in product(BROKEN, AT_LOGOUT[face]):
                forget_issuer(hub.authenticator)  # one that failed is not asked again at once
                assert (await log_in(visitor, face, secrets)).status_code == 302
                forget_issuer(hub.authenticator)
                fault = provider.inject(what, endpoint=endpoint, seconds=0.01)
                page = await visitor.get("/hub/logout")
                provider.clear_faults()
                assert fault.struck or what not in EVERYWHERE, (what, endpoint)
                assert page.status_code in (200, 302), (what, endpoint)
                secrets.said.append(page.text)
                home = await visitor.get("/hub/home")
                assert "login" in home.headers.get("location", ""), (what, endpoint)

    run_async(go())
    secrets.check()


@pytest.mark.parametrize("face", AT_EXCHANGE)
def test_faults_at_a_scripts_login(
    provider: IdentityProvider, face: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ExchangePage, "failures", Failures(most=1000))
    secrets = Secrets(provider)
    more: dict[str, Any] = {"token_exchange": True}
    if face == "oidc":
        more["issuer"] = f"{provider.url}/oidc/oidc"

    async def go() -> None:
        async with a_hub(face, provider, secrets, **more) as (hub, visitor):
            assert (await log_in(visitor, face, secrets)).status_code == 302
            kept = await hub.users[name_of(face)].get_auth_state()
            form = {
                "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
                "subject_token": kept["access_token"],
            }
            visitor.cookies.clear()
            for what, endpoint in product((*BROKEN, "different-sub"), AT_EXCHANGE[face]):
                forget_issuer(hub.authenticator)
                fault = provider.inject(what, endpoint=endpoint, seconds=0.01)
                reply = await visitor.post(EXCHANGE, data=form)
                provider.clear_faults()
                assert fault.struck or what not in EVERYWHERE, (what, endpoint)
                if what == "slow" or not fault.struck:
                    assert reply.status_code == 200, (what, endpoint, reply.text)
                    secrets.values.add(reply.json()["access_token"])
                else:
                    expected = 400 if what == "different-sub" else 503
                    assert reply.status_code == expected, (what, endpoint, reply.text)
                    secrets.said.append(reply.text)
            assert [user.name for user in hub.users.values()] == [name_of(face)]

    run_async(go())
    secrets.check()
