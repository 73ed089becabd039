"""What stands under `global.fedhub`."""

from __future__ import annotations

from itertools import combinations
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from fedhub.hub.model.login import Provider
from fedhub.hub.model.oidc import Oidc
from fedhub.hub.model.release import Release
from fedhub.hub.model.route import HttpRoute, Ingress, Tls
from fedhub.hub.model.service import Service
from fedhub.hub.text import (
    ONLY_THESE,
    HostName,
    ProviderName,
    ServiceName,
    Strict,
    without_nulls,
)


class Fedhub(Strict):
    """What fedhub knows of a hub: stated once, and everything else follows from it."""

    domain: HostName = Field(
        description="The hub's host name. Ingress hosts, TLS and callback URLs follow from it."
    )
    login: Annotated[dict[ProviderName, Provider], BeforeValidator(without_nulls)] = Field(
        {},
        json_schema_extra=ONLY_THESE,
        description="Who logs people in, by a name of your choice.",
    )
    services: Annotated[dict[ServiceName, Service], BeforeValidator(without_nulls)] = Field(
        {},
        json_schema_extra=ONLY_THESE,
        description="External applications that log their users in through the hub, by name.",
    )
    oidc: Oidc | None = Field(
        None, description="The hub as an OpenID Connect issuer for these services."
    )
    ingress: Ingress | None = Field(None, description="How the domain leads to the hub.")
    http_route: HttpRoute | None = Field(
        None, alias="httpRoute", description="The same through the Gateway API."
    )
    tls: Tls | None = Field(None, description="The domain's certificate.")
    release: Release | None = Field(None, description="Where the hub is installed.")

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        for one, other in combinations(self.services, 2):
            token = self.services[one].api_token
            if self.client_id(one) == self.client_id(other):
                what = "oauth_client_id"
            elif token is not None and token == self.services[other].api_token:
                what = "api_token"
            else:
                continue
            raise ValueError(
                f"the services {one} and {other} must each have an {what} of its own, or one could "
                "act as the other"
            )
        return self

    def prefix(self, provider: str) -> str:
        """Return what the user names of a provider start with."""
        declared = self.login[provider].prefix
        if declared is not None:
            return declared
        return f"{provider}:" if len(self.login) > 1 else ""

    def client_id(self, service: str) -> str:
        """Return a service's client id at the hub."""
        return self.services[service].oauth_client_id or f"service-{service}"
