"""What the provider remembers: registrations, personas, sign-ins, codes, tokens, sessions.

Everything lives in memory behind one lock, because the server answers in threads.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from fedhub.access.persona import Persona
from fedhub.idp.backchannel import tell
from fedhub.idp.client import Client, Face
from fedhub.idp.custos_tenants.registry import Tenants
from fedhub.idp.faults import Fault, Faults
from fedhub.idp.keycloak_clients.registry import Registry as RealmClients
from fedhub.idp.keys import Keys
from fedhub.idp.oa4mp.registry import Registry, Release
from fedhub.idp.records import Code, Session, SignIn, Token

CODE_LIFETIME = 600.0
"""Seconds; the most that RFC 6749 section 4.1.2 recommends."""


class State:
    """The memory of one provider.

    Args:
        clock: seconds since the epoch; tests hand in their own.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.keys = Keys()
        self.custos_keys = Keys()
        self.faults = Faults()
        self.url = ""
        self.secure = False
        self.control_token = ""
        self.sign_in_as = ""
        self.own_user_only = False
        self.oa4mp: Release = "6.3.2"
        self.registry = Registry(clock)
        self.realm_clients = RealmClients(clock)
        self.tenants = Tenants(clock)
        self.stopping = threading.Event()
        self._lock = threading.RLock()
        self._clients: dict[tuple[Face, str, str], Client] = {}
        self._iam_secrets: dict[tuple[str, str], str] = {}
        self._personas: dict[str, Persona] = {}
        self._codes: dict[str, Code] = {}
        self._forget_next = 0.0
        self._access: dict[str, Token] = {}
        self._refresh: dict[str, Token] = {}
        self._sessions: dict[str, Session] = {}
        self._seen: dict[tuple[str, str], SignIn] = {}
        self._disabled: set[str] = set()
        self._asked: Counter[str] = Counter()

    def inject(self, fault: Fault) -> None:
        """Put a fault in force; rotating the keys is done at once."""
        if fault.name == "rotated-keys":
            self.keys.rotate()
            self.custos_keys.rotate()
        else:
            self.faults.add(fault)

    # Requests

    def count(self, endpoint: str) -> None:
        """Note that an endpoint was asked."""
        with self._lock:
            self._asked[endpoint] += 1

    def requests(self, endpoint: str | None = None) -> int:
        """How often an endpoint was asked; None for all together."""
        with self._lock:
            return self._asked.total() if endpoint is None else self._asked[endpoint]

    def reset_counters(self) -> None:
        """Begin counting anew."""
        with self._lock:
            self._asked.clear()

    # Registrations

    def add_client(self, client: Client) -> None:
        """Register a client; one with the same face, realm and id is replaced."""
        with self._lock:
            # Each OIDC provider is an issuer of its own, with its own client ids.
            where = client.provider if client.face == "oidc" else client.realm
            self._clients[client.face, where, client.client_id] = client
            if client.face == "custos":
                key = (client.realm, client.client_id)
                self._iam_secrets.setdefault(key, secrets.token_urlsafe(24))

    def remove_client(self, client: Client) -> None:
        """Forget a registration, with the tokens issued to it; one that is not there is fine."""
        with self._lock:
            where = client.provider if client.face == "oidc" else client.realm
            self._clients.pop((client.face, where, client.client_id), None)
            self.revoke(lambda token: token.signin.client.is_same_as(client))

    def client(self, face: Face, client_id: str, realm: str = "") -> Client | None:
        """The registration of this id at this face and realm (the provider for `oidc`)."""
        with self._lock:
            return self._clients.get((face, realm, client_id))

    def clients(self, face: Face) -> list[Client]:
        """All registrations at a face."""
        with self._lock:
            return [client for client in self._clients.values() if client.face == face]

    def iam_secret(self, client: Client) -> str:
        """The secret that Custos' Keycloak made for a tenant; not the one Custos issued."""
        with self._lock:
            return self._iam_secrets[client.realm, client.client_id]

    # People

    def set_personas(self, personas: Iterable[Persona]) -> None:
        """Replace everybody who can sign in."""
        with self._lock:
            self._personas = {persona.name: persona for persona in personas}

    def personas(self, provider: str = "") -> list[Persona]:
        """The personas of one login provider, or everybody."""
        with self._lock:
            return [p for p in self._personas.values() if not provider or p.provider == provider]

    def update_claims(self, name: str, changes: Mapping[str, Any]) -> None:
        """Change what is known of a persona, also of whoever has signed in already.

        Args:
            name: the persona.
            changes: claim → value; None takes the claim away.

        Raises:
            ValueError: there is no such persona.
        """

        def changed(claims: Mapping[str, Any]) -> dict[str, Any]:
            new = {**claims, **changes}
            return {n: v for n, v in new.items() if v is not None or n not in changes}

        def changed_in(signin: SignIn) -> SignIn:
            mine = signin.persona == name
            return replace(signin, claims=changed(signin.claims)) if mine else signin

        with self._lock:
            persona = self._persona(name)
            self._personas[name] = replace(persona, claims=changed(persona.claims))
            self._seen = {key: changed_in(signin) for key, signin in self._seen.items()}
            holders: list[Code | Token | Session] = [*self._codes.values(), *self._access.values()]
            for holder in (*holders, *self._sessions.values()):
                holder.signin = changed_in(holder.signin)

    def set_disabled(self, name: str, *, disabled: bool) -> None:
        """Disable or enable the account of a persona.

        Raises:
            ValueError: there is no such persona.
        """
        with self._lock:
            self._persona(name)
            (self._disabled.add if disabled else self._disabled.discard)(name)

    def is_disabled(self, name: str) -> bool:
        """Whether a persona's account is disabled."""
        with self._lock:
            return name in self._disabled

    def _persona(self, name: str) -> Persona:
        if name not in self._personas:
            raise ValueError(f"there is no persona {name!r}")
        return self._personas[name]

    def remember(self, signin: SignIn, username: str) -> None:
        """Keep the claims a person signed in with, for lookups by user name."""
        with self._lock:
            self._seen[signin.client.provider, username] = signin

    def people(self, provider: str) -> dict[str, Mapping[str, Any]]:
        """User name → claims of a provider's personas, as last signed in."""
        with self._lock:
            known = {username_of(p.claims, p.name): p.claims for p in self.personas(provider)}
            seen = ((name, s.claims) for (at, name), s in self._seen.items() if at == provider)
            known.update(seen)
            return known

    # Codes

    def add_code(self, code: Code) -> None:
        """Keep a new code and forget those long expired."""
        with self._lock:
            self._forget_the_expired()
            self._codes[code.code] = code

    def redeem(
        self, value: str, together: Callable[[Token, SignIn], bool]
    ) -> tuple[Code | None, bool]:
        """Take a code, once.

        Args:
            value: the code.
            together: whether a token goes with a sign-in.

        Returns:
            The code (None when there is none) and whether this is its first use. Two threads
            that present the same code get True only once. A second use withdraws every token
            that was issued together with it (RFC 6749 section 4.1.2).
        """
        with self._lock:
            code = self._codes.get(value)
            if code is None:
                return None, False
            first, code.used = not code.used, True
            if not first:
                self.revoke(lambda token: together(token, code.signin))
            return code, first

    def peek_code(self, value: str) -> Code | None:
        """A code, without using it up."""
        with self._lock:
            return self._codes.get(value)

    def _forget_the_expired(self) -> None:
        """Drop codes and tokens long expired; now and then, since it looks at all of them."""
        now = self.clock()
        if now < self._forget_next:
            return
        self._forget_next = now + CODE_LIFETIME / 10
        before = now - CODE_LIFETIME
        self._codes = {k: code for k, code in self._codes.items() if code.expires_at >= before}
        for key, old in list(self._access.items()):
            if max(old.expires_at, old.refresh_expires_at) < before:
                del self._access[key]
                self._refresh.pop(old.refresh_token, None)

    # Tokens

    def add_token(self, token: Token) -> None:
        """Keep issued tokens and forget those expired for good."""
        with self._lock:
            self._forget_the_expired()
            self._access[token.access_token] = token
            if token.refresh_token:
                self._refresh[token.refresh_token] = token

    def token(self, access_token: str) -> Token | None:
        """What an access token stands for, valid or not."""
        with self._lock:
            return self._access.get(access_token)

    def refresh(self, refresh_token: str) -> Token | None:
        """What a refresh token stands for, valid or not."""
        with self._lock:
            return self._refresh.get(refresh_token)

    def is_live(self, token: Token) -> bool:
        """Whether an access token may still be used."""
        disabled = self.is_disabled(token.signin.persona)
        return not token.revoked and not disabled and self.clock() < token.expires_at

    def is_refreshable(self, token: Token) -> bool:
        """Whether a refresh token may still be used."""
        return not token.refresh_revoked and self.clock() < token.refresh_expires_at

    def spend_refresh(self, token: Token) -> bool:
        """Use a refresh token up; False when another request was first."""
        with self._lock:
            first, token.refresh_revoked = not token.refresh_revoked, True
            return first

    def revoke(self, which: Callable[[Token], bool]) -> None:
        """Withdraw the access and refresh tokens that match."""
        with self._lock:
            for token in self._access.values():
                if which(token):
                    token.revoked = token.refresh_revoked = True

    # Sessions

    def open_session(self, scope: str, signin: SignIn, *, withdraws_tokens: bool) -> SignIn:
        """Begin a browser's session; returns the sign-in bound to it."""
        bound = replace(signin, session=secrets.token_hex(16))
        secret = secrets.token_urlsafe(24)
        with self._lock:
            self._sessions[bound.session] = Session(
                bound.session, secret, scope, bound, withdraws_tokens
            )
        return bound

    def join(self, session: Session, client: Client, issuer: str) -> None:
        """Note that a client gets to know of a session, under this issuer."""
        with self._lock:
            session.clients[client] = issuer

    def session(self, scope: str, session_id: str) -> Session | None:
        """A live session of a site."""
        with self._lock:
            session = self._sessions.get(session_id)
        return session if session is not None and session.scope == scope else None

    def session_in(self, scope: str, cookie: str) -> Session | None:
        """The live session of the browser that sent this cookie."""
        session = self.session(scope, cookie.partition(".")[0])
        return session if session and same_secret(cookie, session.cookie) else None

    def close_session(self, session_id: str) -> list[Future[int]]:
        """End a session, with the tokens issued in it, and tell its clients.

        Tokens for `offline_access` stay (Back-Channel Logout 1.0 section 2.7).

        Returns:
            What the clients answer; empty when the session was over already.
        """
        with self._lock:
            session = self._sessions.pop(session_id, None)
            if session is None:
                return []
            for token in self._access.values() if session.withdraws_tokens else ():
                if token.signin.session == session_id and not token.is_offline:
                    token.revoked = token.refresh_revoked = True
        return tell(self, session)

    def leave_session(self, signin: SignIn) -> None:
        """Take a client out of its session, which ends with its last client; nobody is told."""
        with self._lock:
            session = self._sessions.get(signin.session)
            if session is None:
                return
            for client in [one for one in session.clients if one.is_same_as(signin.client)]:
                del session.clients[client]
            if not session.clients:
                del self._sessions[session.id]

    def close_sessions_of(self, persona: str) -> list[Future[int]]:
        """End every session of a persona, wherever."""
        with self._lock:
            theirs = [s.id for s in self._sessions.values() if s.signin.persona == persona]
        return [answer for session in theirs for answer in self.close_session(session)]


def username_of(claims: Mapping[str, Any], otherwise: str) -> str:
    """The local user name in a person's claims."""
    return str(claims.get("preferred_username") or claims.get("username") or otherwise)


def same_secret(given: str, expected: str) -> bool:
    """Compare two secrets in constant time; an empty expected secret never matches."""
    return bool(expected) and hmac.compare_digest(
        given.encode("utf-8", "replace"), expected.encode()
    )
