"""Applications that log people in through the hub: `global.fedhub.services`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr

from fedhub.hub.text import (
    ONLY_THESE,
    Address,
    ClientId,
    RoleName,
    Strict,
    without_nulls,
)


class Role(Strict):
    """Who has a role of a service's own."""

    users: list[str] = Field([], description="The users who have it.")
    groups: list[str] = Field([], description="The groups whose members have it.")


class Service(Strict):
    """An external application that logs its users in through the hub."""

    url: Address | None = Field(
        None,
        description="Where the hub's proxy leads from `/services/<name>/`, which the hub's pages "
        "list; leave it out for a service that people reach at an address of its own.",
    )
    oauth_redirect_uri: Address = Field(
        description="The service's callback URL: where the hub sends people back to."
    )
    oauth_client_id: ClientId | None = Field(
        None, description="Its client id at the hub; default: `service-<name>`."
    )
    oauth_no_confirm: bool = Field(
        False, description="Whether people reach it without being asked to confirm."
    )
    oauth_client_allowed_scopes: list[str] = Field(
        [],
        description="What the service may do in the name of who uses it, as far as they may: "
        "scopes of JupyterHub, or its custom ones. Default: know who they are.",
    )
    display: bool = Field(True, description="Whether the hub's pages list it.")
    api_token: SecretStr | None = Field(
        None,
        min_length=1,
        description="Its token at the hub, and its client secret. Belongs in the encrypted file.",
    )
    users: list[str] = Field([], description="The users who may use it.")
    groups: list[str] = Field([], description="The groups whose members may use it.")
    roles: Annotated[dict[RoleName, Role], BeforeValidator(without_nulls)] = Field(
        {},
        json_schema_extra=ONLY_THESE,
        description="Its own roles, by name. Who has one may use it, and their access tokens have "
        "the scope `custom:<service>:<role>`.",
    )
    require_pkce: bool | None = Field(
        None,
        alias="requirePkce",
        description="Whether its logins without PKCE are refused; default: by OpenID Connect what "
        "`oidc.requirePkce` says, else no.",
    )
