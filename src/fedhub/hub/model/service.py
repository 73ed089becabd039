"""Applications that log people in through the hub: `global.fedhub.services`."""

from __future__ import annotations

from pydantic import Field, SecretStr

from fedhub.hub.model.text import Address, ClientId, Strict


class Service(Strict):
    """An external application that logs its users in through the hub."""

    url: Address | None = Field(None, description="Where the service is.")
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
        [], description="Scopes the service may have beyond knowing who its user is."
    )
    display: bool = Field(True, description="Whether the hub's pages list it.")
    api_token: SecretStr | None = Field(
        None,
        min_length=1,
        description="Its token at the hub, and its client secret. Belongs in the encrypted file.",
    )
    users: list[str] = Field([], description="The users who may use it.")
    groups: list[str] = Field([], description="The groups whose members may use it.")
