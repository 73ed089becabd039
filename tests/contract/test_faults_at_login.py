"""Every fault of the identity provider, at every endpoint, against a real hub with our classes.

Whatever happens, nobody gets in under a name that is not theirs, nobody reads an internal error,
and no code, token or secret stands in a log, on a page or in the metrics.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import product

import pytest
from fedhub_authenticators import issuer

from fedhub.idp.faults import FAULTS
from fedhub.idp.server import IdentityProvider
from tests.asynchronous import run_async
from tests.contract.overheard import (
    EVERYWHERE,
    PROVIDERS,
    Secrets,
    a_hub,
    forget_issuer,
    listening,
    log_in,
    name_of,
)
from tests.providers import SECRET

OPENID = ("token", "userinfo", "certs", "discovery")
ASKED = {
    "cilogon": ("token", "userinfo", "certs"),
    "keycloak": OPENID,
    "custos": ("token", "user", "certs", "groups"),
    "custos-v1": ("token", "userinfo", "certs"),
    "github": ("token", "userinfo", "orgs", "teams"),
    "oidc": OPENID,
}
"""What a login asks for at a face."""


def everything_that_can_go_wrong(face: str) -> Iterator[tuple[str, str]]:
    return product(FAULTS, ASKED[face])


@pytest.mark.parametrize("face", PROVIDERS)
def test_faults_at_login(provider: IdentityProvider, face: str) -> None:
    secrets = Secrets(provider)

    async def go() -> None:
        async with a_hub(face, provider, secrets) as (hub, visitor):
            for what, endpoint in everything_that_can_go_wrong(face):
                forget_issuer(hub.authenticator)
                fault = provider.inject(what, endpoint=endpoint, seconds=0.01)
                visitor.cookies.clear()
                reply = await log_in(visitor, face, secrets)
                provider.clear_faults()
                assert fault.struck or what not in EVERYWHERE, (what, endpoint)
                if reply is not None:
                    assert reply.status_code in (302, 400, 403, 502, 503), (what, endpoint)
                    assert "Internal" not in reply.text, (what, endpoint)
                known = {user.name for user in hub.users.values()}
                assert known <= {name_of(face)}, (what, endpoint)
            metrics = (await visitor.get("/hub/metrics")).text
            assert "fedhub_logins_total" in metrics
            secrets.said.append(metrics)

    run_async(go())
    secrets.check()


@pytest.mark.parametrize("face", PROVIDERS)
def test_faults_at_refresh(
    provider: IdentityProvider, face: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A real issuer publishes a key before it uses it; this one has not got the minute.
    monkeypatch.setattr(issuer, "REFETCH_AFTER", 0)
    secrets = Secrets(provider)

    async def go() -> None:
        async with a_hub(face, provider, secrets) as (hub, visitor):
            assert (await log_in(visitor, face, secrets)).status_code == 302
            name = name_of(face)
            user = hub.users[name]
            for fault, endpoint in everything_that_can_go_wrong(face):
                provider.inject(fault, endpoint=endpoint, seconds=0.01)
                model = await hub.authenticator.refresh_user(user)
                provider.clear_faults()
                assert model is False or model["name"] == name, (fault, endpoint)
            # And all is well when the provider is.
            visitor.cookies.clear()
            assert (await log_in(visitor, face, secrets)).status_code == 302
            assert await hub.authenticator.refresh_user(user)

    run_async(go())
    secrets.check()


def test_the_net_catches_what_it_is_for(provider: IdentityProvider) -> None:
    secrets = Secrets(provider)
    with listening(secrets):
        logging.getLogger("tornado.application").debug("the secret is %s", SECRET)
    with pytest.raises(AssertionError):
        secrets.check()
