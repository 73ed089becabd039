"""A login and a refresh ask the provider no more often than oauthenticator's own class does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import User, authenticator_of, configured, one, stock
from tests.unit.authenticators.mocked import PROVIDERS, Provider, attach

UPSTREAM = {"cilogon", "github", "gitlab", "google", "globus", "generic"}
"""Providers that upstream has a class for, which takes the same settings."""


class Counted:
    """A provider's people at an authenticator; what the provider is asked for is noted."""

    def __init__(self, provider: Provider, authenticator: Any) -> None:
        self.provider = provider
        self.authenticator = authenticator
        self.asked: list[str] = []
        authenticator.enable_auth_state = True

    def _attach(self) -> Any:
        client = attach(self.provider, self.authenticator, self.provider.ada)
        fetch = client.fetch

        async def counted(request: Any, **options: Any) -> Any:
            self.asked.append(request.url.partition("?")[0])
            return await fetch(request, **options)

        client.fetch = counted
        self.asked.clear()
        return client

    async def log_in(self) -> dict[str, Any]:
        handler = self._attach().handler_for_user(dict(self.provider.ada.claims))
        model: dict[str, Any] = await self.authenticator.get_authenticated_user(handler, None)
        return model

    async def refresh(self, model: dict[str, Any]) -> None:
        state = model["auth_state"]
        client = self._attach()
        token = state["token_response"]["access_token"]
        client.access_tokens[token] = dict(self.provider.ada.claims)
        assert isinstance(await self.authenticator.refresh_user(User(model["name"], state)), dict)


def requests(provider: Provider, authenticator: Any) -> tuple[list[str], list[str]]:
    """What a login asks for once the issuer's keys are known, and what a refresh does."""
    counted = Counted(provider, authenticator)

    async def go() -> tuple[list[str], list[str]]:
        await counted.log_in()
        model = await counted.log_in()
        at_login = list(counted.asked)
        await counted.refresh(model)
        return at_login, list(counted.asked)

    return run_async(go())


@pytest.mark.parametrize("name", sorted(UPSTREAM))
@pytest.mark.parametrize("rule", ["everybody", "staff"])
def test_no_request_more_than_upstream(name: str, rule: str) -> None:
    provider = PROVIDERS[name]
    allow = {"allow_all": True} if rule == "everybody" else dict(provider.staff)
    config = {**provider.config, **allow}
    login, refresh = requests(
        provider, authenticator_of(configured(one(provider.authenticator, config)))
    )
    their_login, their_refresh = requests(provider, stock(provider.authenticator, config))
    assert login == their_login
    # Upstream does not ask again whether a rule lets somebody in.
    assert refresh == (their_refresh if rule == "everybody" else login[1:])


@pytest.mark.parametrize("name", ["cilogon", "generic", "keycloak", "custos v1"])
def test_two_requests_for_a_login_and_one_for_a_refresh(name: str) -> None:
    provider = PROVIDERS[name]
    config = {**provider.config, "allow_all": True}
    found = requests(provider, authenticator_of(configured(one(provider.authenticator, config))))
    assert [len(asked) for asked in found] == [2, 1]
