"""A hub's registration at the embedded identity provider."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Face = Literal["cilogon", "keycloak", "custos", "github", "oidc"]
"""Which real server's addresses and manners a client meets."""


@dataclass(frozen=True)
class Client:
    """One OAuth client.

    Attributes:
        provider: the hub's login provider this client belongs to.
        face: the server it talks to.
        client_id: as the hub sends it.
        client_secret: as the hub sends it; never shown in a representation.
        redirect_uris: the registered callback URLs, compared exactly.
        post_logout_redirect_uris: where a logout may send a browser, compared exactly.
        realm: the Keycloak realm or Custos tenant id; empty for the others.
        refresh_tokens: whether the registration allows them.
        backchannel_logout_uri: where Keycloak and the issuers of `oidc` say that somebody's session
            is over (OpenID Connect Back-Channel Logout 1.0); "" for nowhere.
        leads_back: whether an issuer of `oidc` says where a logout begins that leads people back
            (OpenID Connect RP-Initiated Logout 1.0); Google's does not.
    """

    provider: str
    face: Face
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...] = ()
    realm: str = ""
    refresh_tokens: bool = True
    backchannel_logout_uri: str = ""
    leads_back: bool = True

    def is_same_as(self, other: Client) -> bool:
        """Whether it is the same registration, which may have been updated in between."""
        mine, theirs = (
            (self.face, self.realm, self.provider),
            (other.face, other.realm, other.provider),
        )
        return mine == theirs and self.client_id == other.client_id

    @classmethod
    def from_description(cls, description: dict[str, Any]) -> Client:
        """Return a client from what the hub process says of it, where tuples are lists."""
        lists = ("redirect_uris", "post_logout_redirect_uris")
        return cls(**description | {key: tuple(description.get(key, ())) for key in lists})
