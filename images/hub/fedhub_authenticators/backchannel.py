"""Logs people out because their provider says so: OpenID Connect Back-Channel Logout 1.0.

The provider posts a logout token to `/hub[/<provider>]/backchannel_logout`, from server to
server: there is no browser, no cookie, and no XSRF token. Only the token counts (section 2.6):
signed by the issuer, for this client, an `events` member, no `nonce`, fresh, and not seen before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from time import time
from typing import Any
from urllib.parse import parse_qs

import jwt
from jupyterhub import orm
from jupyterhub.handlers import BaseHandler
from oauthenticator.oauth2 import OAuthenticator
from sqlalchemy import select
from tornado.web import stream_request_body

from fedhub_authenticators import events
from fedhub_authenticators.auth_state import PROVIDER
from fedhub_authenticators.bindings import TABLE, ensure_table
from fedhub_authenticators.hub_sessions import end_sessions
from fedhub_authenticators.id_token import LEEWAY
from fedhub_authenticators.identity import ADDRESS, addresses_of
from fedhub_authenticators.short_memory import ShortMemory

PAGE = "/backchannel_logout"

EVENT = "http://schemas.openid.net/event/backchannel-logout"
"""The member of `events` that makes a token a logout token (section 2.4)."""

REQUIRED = ("iss", "aud", "iat", "jti", "events")

TYPES = ("logout+jwt", "jwt", "")
"""What a token's header may say it is; the standard recommends the first and allows none."""

FRESH = 300
"""Seconds after which a logout token is too old; issuers are advised to let it end after 120."""

MAX_BODY = 16 * 1024
"""Bytes of a request."""

MOST_SEEN = 10_000
"""How many tokens are remembered as seen."""


class UnusableTokenError(Exception):
    """A logout token says nothing that the hub may act upon; the text holds no part of it."""


class LogsOutWhenTold(OAuthenticator):
    """Takes logout tokens of the provider; stands beside `VerifiedIdToken` and `StayingIn`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._seen = ShortMemory[bool](seconds=FRESH + 2 * LEEWAY, most=MOST_SEEN)

    def get_handlers(self, app: Any) -> list[tuple[str, type[BaseHandler]]]:
        """Add the endpoint."""
        return [*super().get_handlers(app), (PAGE, BackchannelLogout)]

    async def told_to_log_out(self, token: str) -> tuple[str, str]:
        """Return whom a logout token is about.

        Args:
            token: as the provider sent it.

        Returns:
            `sub` and `sid`; one of them may be "".

        Raises:
            UnusableTokenError: it does not hold, or was seen before.
            HTTPClientError, OSError: the issuer's keys can't be had.
        """
        self._check_issuer(token)
        claims = await self.verify_jwt(
            token,
            audience=self.known_client_ids(),
            required=REQUIRED,
            typ=TYPES,
        )
        about = told(claims, time())
        if claims["jti"] in self._seen:
            raise UnusableTokenError("it was used before")
        self._seen.put(claims["jti"], True)
        return about

    def _check_issuer(self, token: str) -> None:
        """Make sure that the token names our issuer, before anything is fetched for it.

        A login may learn its issuer from a token, since that token comes from the provider;
        this one comes from anybody.
        """
        ours = self.known_issuer()
        named = jwt.decode(token, options={"verify_signature": False}).get("iss")
        if not ours or named != ours:
            raise UnusableTokenError("it is not of our issuer")

    async def is_about(self, user: Any, sub: str, sid: str) -> bool:
        """Return whether somebody logged in last as this subject, or in this session."""
        state = await user.get_auth_state()
        if not state:
            # Nothing was kept; whose name it is says the bindings table, if that knows them.
            return bool(sub)
        if state.get(PROVIDER, self.provider_name) != self.provider_name:
            return False
        claims = _claims(state.get("id_token"))
        if not sub:
            return claims.get("sid") == sid
        user_info = state.get(self.user_auth_state_key)
        about = user_info.get("sub") if isinstance(user_info, Mapping) else None
        return sub in (claims.get("sub"), about)

    async def identity_kept(self, user: Any) -> dict[str, Any]:
        """Return what of somebody's auth_state says who they are, without a token."""
        state = await user.get_auth_state() or {}
        keys = (PROVIDER, ADDRESS, self.user_auth_state_key)
        return {key: state[key] for key in keys if key in state}


def told(claims: Mapping[str, Any], now: float) -> tuple[str, str]:
    """Return `sub` and `sid` of a logout token that its issuer signed.

    Args:
        claims: what it says.
        now: seconds since 1970.

    Raises:
        UnusableTokenError: it is no logout token, or an old one.
    """
    happened = claims.get("events")
    if not isinstance(happened, Mapping) or not isinstance(happened.get(EVENT), Mapping):
        raise UnusableTokenError("it does not say that somebody logged out")
    if "nonce" in claims:
        raise UnusableTokenError("it has a nonce, as an ID token has")
    issued = claims.get("iat")
    if not isinstance(issued, int | float) or not abs(now - issued) <= FRESH + LEEWAY:
        raise UnusableTokenError("it is not fresh")
    if not isinstance(claims.get("jti"), str) or not claims["jti"]:
        raise UnusableTokenError("it has no jti")
    sub, sid = claims.get("sub", ""), claims.get("sid", "")
    if not (isinstance(sub, str) and isinstance(sid, str) and (sub or sid)):
        raise UnusableTokenError("it does not say who")
    return sub, sid


def logout_token_of(body: bytes) -> str:
    """Return the logout token of a request's form (section 2.5).

    Raises:
        UnusableTokenError: there is not exactly one.
    """
    try:
        form = parse_qs(body.decode("ascii"), max_num_fields=20, errors="strict")
    except ValueError as error:
        raise UnusableTokenError("the request is no form") from error
    tokens = form.get("logout_token", [])
    if len(tokens) != 1:
        raise UnusableTokenError("there is not one logout_token")
    return tokens[0]


@stream_request_body
class BackchannelLogout(BaseHandler):
    """Where the provider posts its logout tokens."""

    def initialize(self) -> None:
        """Begin with nothing received."""
        self._body = bytearray()

    async def prepare(self) -> None:
        """Take no more than a token's size."""
        self.request.connection.set_max_body_size(MAX_BODY)
        await super().prepare()

    def data_received(self, chunk: bytes) -> None:
        """Keep what came."""
        self._body += chunk

    def check_xsrf_cookie(self) -> None:
        """Ask for none: a server has no cookies, and a browser's count for nothing here."""

    async def get_current_user(self) -> None:
        """Know nobody, whatever cookies came along."""
        self._jupyterhub_user = None

    async def post(self) -> None:
        """End the sessions of whom the provider logged out."""
        self.set_header("Cache-Control", "no-store")
        authenticator = self.authenticator
        try:
            token = logout_token_of(bytes(self._body))
            if not authenticator.known_issuer():
                await self._learn_issuer()
            sub, sid = await authenticator.told_to_log_out(token)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it ends nothing
            said = (
                str(error)
                if isinstance(error, UnusableTokenError)
                else "it is no token that our issuer signed"
            )
            self.log.warning(
                "%s",
                events.line(
                    "backchannel-logout", "refused", provider=authenticator.called, reason=said
                ),
            )
            self.set_status(HTTPStatus.BAD_REQUEST)
            self.finish({"error": "invalid_request", "error_description": said})
            return
        for user in await self._people(sub, sid):
            await end_sessions(user, self.db, await authenticator.identity_kept(user))
            authenticator.stop_servers_if_wanted(user, self)
            about = {"provider": authenticator.called, "user": user.name}
            self.log.info("%s", events.line("backchannel-logout", "out", **about))
        self.finish({})

    async def _learn_issuer(self) -> None:
        """Find out who the issuer is from a login that was kept: a hub that starts has seen none.

        Raises:
            UnknownIssuerError: it does not answer as it should.
        """
        for user in self.db.query(orm.User).filter(orm.User.encrypted_auth_state.isnot(None)):
            state = await self._user_from_orm(user).get_auth_state() or {}
            called = self.authenticator.provider_name
            token = state.get("id_token") if state.get(PROVIDER, called) == called else None
            if isinstance(token, str):
                await self.authenticator.learn_issuer(token)
                return

    async def _people(self, sub: str, sid: str) -> list[Any]:
        """Return the users of the hub whom it is about; nobody is no error (section 2.8).

        Those who logged in before there were bindings are found by their auth_state.
        """
        addresses = addresses_of(self.authenticator)
        known = self.db.query(orm.User)
        if sub and (names := names_bound_to(self.db, addresses, sub)):
            known = known.filter(orm.User.name.in_(names))
        else:
            known = known.filter(orm.User.encrypted_auth_state.isnot(None))
        users = [self._user_from_orm(user) for user in known]
        return [user for user in users if await self.authenticator.is_about(user, sub, sid)]


def names_bound_to(db: Any, addresses: Iterable[str], subject: str) -> list[str]:
    """Return the hub's names of a person, as the bindings table has them.

    Args:
        db: the hub's database session.
        addresses: the provider's.
        subject: the person's `sub`.
    """
    ensure_table(db)
    which = (TABLE.c.provider.in_(addresses), TABLE.c.subject == subject, ~TABLE.c.observed)
    return list(db.execute(select(TABLE.c.name).where(*which)).scalars())


def _claims(id_token: Any) -> Mapping[str, Any]:
    """Return what a kept ID token says, which was verified when it came."""
    if not isinstance(id_token, str):
        return {}
    try:
        claims: dict[str, Any] = jwt.decode(id_token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return {}
    return claims
