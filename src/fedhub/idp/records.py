"""What the provider keeps records of: sign-ins, codes, tokens and sessions."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fedhub.idp.client import Client


@dataclass(frozen=True)
class SignIn:
    """One person who signed in for one client: what every code and token of it stands for.

    Attributes:
        client: the registration that asked.
        persona: the persona's name.
        claims: all that is known of the person, `sub` included.
        idp: the institution's entity ID.
        idp_name: the institution's display name.
        auth_time: when the person was seen, seconds since the epoch.
        session: the single sign-on session, empty where the face has none.
        id: tells sign-ins apart; withdrawing one withdraws all its tokens.
    """

    client: Client
    persona: str
    claims: Mapping[str, Any]
    idp: str
    idp_name: str
    auth_time: float
    session: str = ""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass
class Code:
    """An authorization code (RFC 6749 section 4.1.2), with the names Authlib reads."""

    code: str = field(repr=False)
    signin: SignIn
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str | None
    expires_at: float
    used: bool = False

    def get_redirect_uri(self) -> str:
        """The callback the code was sent to."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """The scopes granted."""
        return self.scope


@dataclass
class Token:
    """An access token and the refresh token that came with it."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    signin: SignIn
    scope: str
    expires_at: float
    refresh_expires_at: float
    revoked: bool = False
    refresh_revoked: bool = False

    @property
    def is_offline(self) -> bool:
        """Whether it outlives its session (OpenID Connect Core 1.0 section 11)."""
        return "offline_access" in self.scope.split()

    def check_client(self, registration: Any) -> bool:
        """Whether it was issued to this registration (Authlib's question)."""
        client: Client = registration.client
        mine = self.signin.client
        return (mine.client_id, mine.realm) == (client.client_id, client.realm)

    def get_scope(self) -> str:
        """The scopes granted."""
        return self.scope


@dataclass
class Session:
    """A single sign-on session of one browser at one site.

    Attributes:
        id: the `sid` that clients learn (OpenID Connect Back-Channel Logout 1.0 section 2.1).
        secret: what the browser shows beside it; clients never learn it.
        scope: the site's `session_scope`.
        signin: who signed in.
        withdraws_tokens: whether those issued in it end with it.
        clients: those that got a code in it, and the issuer each knows.
    """

    id: str
    secret: str = field(repr=False)
    scope: str
    signin: SignIn
    withdraws_tokens: bool = True
    clients: dict[Client, str] = field(default_factory=dict)

    @property
    def cookie(self) -> str:
        """What the browser keeps."""
        return f"{self.id}.{self.secret}"
