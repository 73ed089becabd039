"""A realm's manners, as those of a Keycloak 26; a Custos tenant is a realm too.

Error shapes are held against a real Keycloak's in `tests/peers`. A Custos tenant's client is found
here under the secret that Keycloak made for it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from flask import Response

from fedhub.idp.claims import select_oidc
from fedhub.idp.client import Client, Face
from fedhub.idp.custos_tenants.owners import duplicate_of
from fedhub.idp.faces.keycloak_words import PAGES, REFUSALS, denial
from fedhub.idp.keycloak_clients.registry import Registered
from fedhub.idp.keycloak_clients.representation import scopes_of
from fedhub.idp.records import SignIn, Token
from fedhub.idp.refusals import Reason
from fedhub.idp.site import Site, error_page, no_store, send_back
from fedhub.idp.state import State, same_secret

DEFAULT_SCOPES = ("email", "profile")
"""Granted without being asked for; those of its default scopes that Keycloak tells of."""


class KeycloakSite(Site):
    """A realm's manners.

    Args:
        state: the provider's memory.
        realm: the realm's name.
        prefix: `/auth` where the client uses the addresses from before Keycloak 17.
    """

    face: ClassVar[Face] = "keycloak"
    session_cookie = "KEYCLOAK_IDENTITY"
    access_lifetime = 300.0
    refresh_lifetime = 1800.0
    id_token_lifetime = access_lifetime
    offline_lifetime = 30 * 86400.0
    strangers_use_codes_up = True
    understood_prompts = frozenset({"none", "login", "consent"})
    cancelled_words = ""
    refusals = REFUSALS

    def __init__(self, state: State, realm: str, prefix: str = "") -> None:
        super().__init__(state, realm)
        self.prefix = prefix

    @property
    def title(self) -> str:
        """The realm."""
        return f"the Keycloak realm “{self.realm}”"

    @property
    def issuer(self) -> str:
        """The realm's address."""
        return f"{self.state.url}{self.prefix}/realms/{self.realm}"

    @property
    def introspects_for_all(self) -> bool:
        """Whether clients may introspect tokens that are not meant for them, as they once could."""
        return bool(self.prefix)

    @property
    def exists(self) -> bool:
        """Whether any client is registered in the realm."""
        both = self.state.clients("keycloak") + self.state.clients("custos")
        here = any(client.realm == self.realm for client in both)
        return here or bool(self.state.realm_clients.accounts(self.realm))

    @property
    def cookie_paths(self) -> tuple[str, ...]:
        """The realm's."""
        return (f"{self.prefix}/realms/{self.realm}/",)

    def client(self, client_id: str) -> Client | None:
        """A client of the realm, a registered one too; a Custos tenant's is one."""
        own = self.state.client("keycloak", client_id, self.realm)
        registered = self._registered(client_id)
        if own is None and registered is not None:
            own = registered.as_client(self.realm)
        return own or self.state.client("custos", client_id, self.realm)

    def _registered(self, client_id: str) -> Registered | None:
        found = self.state.realm_clients.get(self.realm, client_id)
        return found if found and found.representation["enabled"] else None

    def has_secret(self, client: Client, secret: str) -> bool:
        """Custos' Keycloak knows another secret than Custos."""
        if client.face == "custos":
            return same_secret(secret, self.state.iam_secret(client))
        return super().has_secret(client, secret)

    def granted_scope(self, scope: str) -> str:
        """`email` and `profile` are default client scopes: granted without being asked for."""
        return " ".join(dict.fromkeys([*scope.split(), *DEFAULT_SCOPES]))

    def refreshed_scope(self, asked: str, granted: str) -> str:
        """Those asked for that were granted before, and the default ones."""
        if not asked:
            return granted
        kept = {*asked.split(), *DEFAULT_SCOPES}
        return " ".join(word for word in granted.split() if word in kept)

    def prompts(self, asked: set[str]) -> set[str]:
        """`none` wins."""
        return {"none"} if "none" in asked else super().prompts(asked)

    def refresh_lifetime_of(self, scope: str) -> float:
        """That of an offline session outlives the browser's."""
        offline = "offline_access" in scope.split()
        return self.offline_lifetime if offline else self.refresh_lifetime

    def issued_together(self, token: Token, signin: SignIn) -> bool:
        """All of a client's tokens in a session go together."""
        theirs = token.signin
        return theirs.session == signin.session and theirs.client.is_same_as(signin.client)

    def dead_refresh(self, token: Token) -> Reason:
        """What is over: the token, its session, or its client's part in it."""
        if not token.refresh_revoked:
            return Reason.REFRESH_EXPIRED
        if token.is_offline:
            return Reason.OFFLINE_SESSION_OVER
        live = self.state.session(self.session_scope, token.signin.session)
        return Reason.SESSION_LEFT if live else Reason.SESSION_OVER

    def refused_scope(self, scope: str, client: Client) -> str:
        """Of a registered client its scopes are known; of another one any scope will do."""
        registered = self._registered(client.client_id)
        if registered is None:
            return ""
        known = {"openid", *scopes_of(registered.representation)}
        return "" if set(scope.split()) <= known else f"Invalid scopes: {scope}"

    def callback_parameters(self, signin: SignIn, code: str, state: str) -> list[tuple[str, str]]:
        """In Keycloak's order, with the session and the issuer (RFC 9207)."""
        first = [("state", state)] if state else []
        return [*first, ("session_state", signin.session), ("iss", self.issuer), ("code", code)]

    def deny(self, redirect_uri: str, error: str, words: str, state: str) -> Response:
        """In Keycloak's words and order, with the issuer (RFC 9207)."""
        said = denial(error, words)
        parameters = [("error", error)] + ([("error_description", said)] if said else [])
        parameters += [("state", state)] if state else []
        return send_back(redirect_uri, [*parameters, ("iss", self.issuer)])

    def claims(self, signin: SignIn, scope: str) -> dict[str, Any]:
        """As the realm's mappers give them; Custos keeps its groups to itself."""
        claims = select_oidc(signin.claims, scope)
        if signin.client.face == "custos":
            claims.pop("groups", None)
        return claims

    def id_token_claims(self, signin: SignIn, scope: str) -> dict[str, Any]:
        """With the session, which logout needs."""
        client_id = signin.client.client_id
        extras = {"typ": "ID", "azp": client_id, "sid": signin.session, "acr": "1"}
        return self.claims(signin, scope) | extras | {"jti": str(uuid.uuid4())}

    def new_access_token(self, signin: SignIn, scope: str) -> str:
        """A signed token, as Keycloak's are."""
        return self.state.keys.sign(self.access_token_claims(signin, scope))

    def access_token_claims(self, signin: SignIn, scope: str) -> dict[str, Any]:
        """What an access token says; the roles are those that a realm gives everybody."""
        now = int(self.state.clock())
        everybodys = [f"default-roles-{self.realm}", "offline_access", "uma_authorization"]
        account = ["manage-account", "manage-account-links", "view-profile"]
        roles = {
            "realm_access": {"roles": everybodys},
            "resource_access": {"account": {"roles": account}},
        }
        claims = (
            roles
            | self.claims(signin, scope)
            | {
                "iss": self.issuer,
                "aud": "account",
                "azp": signin.client.client_id,
                "typ": "Bearer",
                "iat": now,
                "exp": now + int(self.access_lifetime),
                "auth_time": int(signin.auth_time),
                "acr": "1",
                "sid": signin.session,
                "jti": str(uuid.uuid4()),
                "allowed-origins": origins(signin.client),
                "scope": scope,
            }
        )
        self.state.faults.spoil_groups(claims, "token")
        return claims

    def introspection(self, token: Token) -> dict[str, Any]:
        """What the token says itself, and who it is."""
        said = self.state.keys.read(token.access_token)
        if said is None:  # signed with a key of before
            return {"active": False}
        return said | self.introspected(token)

    def introspected(self, token: Token) -> dict[str, Any]:
        """What introspection says beside the token itself."""
        names = ("active", "client_id", "username", "token_type")
        usual = super().introspection(token)
        return {name: usual[name] for name in names}

    def may_introspect(self, client: Client, token: Token) -> bool:
        """Every client of the realm may."""
        return True

    def token_extras(self, token: Token) -> dict[str, Any]:
        """Keycloak's own keys."""
        extras: dict[str, Any] = {
            "not-before-policy": 0,
            "session_state": token.signin.session,
        }
        if token.refresh_token:
            extras["refresh_expires_in"] = 0 if token.is_offline else int(self.refresh_lifetime)
        return extras

    def dead_token_words(self, token: Token) -> str:
        """A token of an ended session is told from one that expired or was withdrawn alone."""
        over = token.revoked and (token.refresh_revoked or not token.refresh_token)
        return "user_session_not_found" if over else "Token verification failed"

    def refuse_token(self, reason: Reason, *, basic: bool) -> Response:
        """Without a challenge for HTTP Basic."""
        return super().refuse_token(reason, basic=False)

    def refuse_authorize(self, reason: Reason, redirect_uri: str) -> Response:
        """In Keycloak's words."""
        return error_page(self.title, PAGES[reason], 400)

    def refuse_bearer(self, *, given: bool, description: str = "") -> Response:
        """An empty text and a header."""
        words = description or "Token verification failed"
        detail = f', error="invalid_token", error_description="{words}"' if given else ""
        return self.challenge(401, detail)

    def refuse_disabled(self) -> Response:
        """In Keycloak's words."""
        return self.refuse_bearer(given=True, description="User disabled")

    def challenge(self, status: int, detail: str) -> Response:
        """An empty answer with a `WWW-Authenticate` header (RFC 6750 section 3)."""
        reply = Response(status=status, content_type="text/plain;charset=utf-8")
        reply.headers["WWW-Authenticate"] = f'Bearer realm="{self.realm}"{detail}'
        return no_store(reply)


class CustosRealmSite(KeycloakSite):
    """A realm that belongs to a Custos tenant: longer-lived tokens."""

    access_lifetime = 1800.0
    id_token_lifetime = access_lifetime
    refresh_lifetime = 3600.0
    introspects_for_all = True

    @property
    def title(self) -> str:
        """Both names."""
        return f"Custos (its Keycloak realm “{self.realm}”)"

    def refused_person(self, claims: Mapping[str, Any]) -> str:
        """Who comes from CILogon under the name of the tenant's owner, who does not."""
        return duplicate_of(self.state.tenants.by_id(self.realm), claims)


def origins(client: Client) -> list[str]:
    """Where a client's pages may come from: the origins of its callbacks."""
    parts = [urlsplit(uri) for uri in client.redirect_uris]
    return list(dict.fromkeys(f"{part.scheme}://{part.netloc}" for part in parts))
