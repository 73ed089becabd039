"""Tells whether an access token that somebody sends is one to believe.

A token is believed when its issuer says that it holds, and when it was made for this hub: one that
another application was given, as everybody's application is who has users at the same provider,
must open nothing here.

    a JSON Web Token    signature, issuer, end: as for an ID token; and that it is none (RFC 9068)
    any other token     the issuer is asked (RFC 7662)
    both                who it was made for: `aud`, or the client that asked for it

Whether it has been withdrawn shows when the provider is asked who it belongs to, as at a login.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import time
from typing import Any
from urllib.parse import urlencode

import jwt
from tornado.httpclient import HTTPClientError
from traitlets import Set, Unicode

from fedhub_authenticators.access_tokens import EXPIRES_AT, number
from fedhub_authenticators.fetching import reason_of
from fedhub_authenticators.refusals import Reason, Refused
from fedhub_authenticators.revocation import Revokes

PATIENCE = 5.0
"""Seconds to wait for the issuer's word on a token."""

AT_ONCE = 20
"""Questions about tokens under way: anybody can send one, and each would be the provider's load."""

BY_SCRIPT = "presented_by_script"
"""The key of a token response that a script sent; a login's is never replaced by one."""

_MARKS = frozenset({"nonce", "at_hash", "c_hash", "s_hash", "events"})
"""Claims of ID tokens and logout tokens, which access tokens do not have."""


@dataclass(frozen=True)
class Presented:
    """A token that a script sent and that was checked; only code can make one, no request."""

    token: str = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)

    def as_token_response(self) -> dict[str, Any]:
        """Return what a provider would have answered with it."""
        scope = self.claims.get("scope", self.claims.get("scp", ""))
        found = {
            "access_token": self.token,
            "token_type": "Bearer",
            "scope": " ".join(map(str, scope)) if isinstance(scope, list) else str(scope),
            BY_SCRIPT: True,
        }
        ends = number(self.claims.get("exp"))
        return found if ends is None else {**found, EXPIRES_AT: ends}


def came_by_script(state: Mapping[str, Any] | None) -> bool:
    """Return whether what is kept of somebody came from a script, not from a login."""
    response = (state or {}).get("token_response")
    return isinstance(response, Mapping) and bool(response.get(BY_SCRIPT))


class ChecksTokens(Revokes):
    """Checks access tokens that come from elsewhere than from the provider itself."""

    token_exchange_audiences = Set(
        Unicode(),
        config=True,
        help="""For whom a token that is exchanged may be made, beside this hub's own client id:
        values of `aud`, or client ids. Whoever has a token for one of them gets into the hub as
        the person that it is about.""",
    )
    introspection_url = Unicode(
        config=True,
        help="""Where the issuer tells whether a token holds (RFC 7662); default:
        `introspection_endpoint` of its discovery document.""",
    )

    _questions = 0

    async def check_token(self, token: str, *, as_assertion: bool = False) -> Mapping[str, Any]:
        """Return the claims of an access token of this provider, made for this hub.

        Args:
            token: what somebody sent.
            as_assertion: it must be a JSON Web Token with an `aud` that names the hub (RFC 7523
                section 3, item 3). Otherwise the hub's client may also be who asked for it.

        Raises:
            Refused: it is not to be believed, or that can't be found out.
            HTTPClientError, OSError, ValueError: the issuer did not answer as it should.
        """
        claims: Mapping[str, Any]
        header = _header(token)
        if header is not None:
            claims = await self._signed(token, header)
        elif not as_assertion:
            claims = await self._introspected(token)
        else:
            raise self._not_believed("it is no JSON Web Token")
        if "cnf" in claims:
            # RFC 7800: bound to a key of whom it was given to (RFC 8705, RFC 9449).
            raise self._not_believed("it is good only with a proof, which can't be taken here")
        self._check_audience(claims, as_assertion)
        return claims

    async def _signed(self, token: str, header: Mapping[str, Any]) -> Mapping[str, Any]:
        if not self.issuer_address():
            # Never the issuer that the token itself names: anybody can be one.
            self.log.error("Set issuer of %s, so that tokens can be verified", self.called)
            raise self._not_believed("the hub does not know its issuer")
        try:
            claims = await self.verify_jwt(token, audience=None, required=("exp", "iss"))
        except Refused as refused:
            raise self._not_believed("it does not hold") from refused
        if not _is_access_token(header, claims):
            raise self._not_believed("it is not an access token")
        return claims

    async def _introspected(self, token: str) -> Mapping[str, Any]:
        address = self.introspection_url or await self.advertised("introspection_endpoint")
        if not address:
            raise self._not_believed(f"{self.login_service} does not say who it was made for")
        if self._questions >= AT_ONCE:
            raise Refused(Reason.TOO_MANY, "Too many ask at once. Try again soon.", status=503)
        self._questions += 1
        try:
            found = await self._ask_about(address, token)
        finally:
            self._questions -= 1
        if not isinstance(found, Mapping) or found.get("active") is not True:
            raise self._not_believed("it has ended, or never was one")
        ends = number(found.get("exp"))
        if ends is not None and ends <= time():
            raise self._not_believed("it has ended")
        issuer = self.issuer_address()
        if issuer and found.get("iss", issuer) != issuer:
            raise self._not_believed("it is another issuer's")
        return found

    async def _ask_about(self, address: str, token: str) -> Any:
        client = self.current_client()
        form = {"token": token, "token_type_hint": "access_token"}
        if not self.basic_auth:
            form |= {"client_id": client.client_id, "client_secret": client.client_secret}
        try:
            return await self.httpfetch(
                address,
                label="asking about a token",
                method="POST",
                headers={
                    **self.build_token_info_request_headers(),
                    "Content-Type": "application/x-www-form-urlencoded",
                },
                body=urlencode(form),
                follow_redirects=False,
                validate_cert=self.validate_server_cert,
                connect_timeout=PATIENCE,
                request_timeout=PATIENCE,
            )
        except HTTPClientError as error:
            # RFC 7662 section 2.3: it is the hub's client that was refused, not the token.
            self.log.error("%s does not tell this client about tokens", self.called)
            words = f"{self.login_service} did not tell the hub whether your token holds."
            raise Refused(reason_of(error), words, status=503) from error

    def _check_audience(self, claims: Mapping[str, Any], as_assertion: bool) -> None:
        ours = {*self.known_client_ids(), *self.token_exchange_audiences}
        named = claims.get("aud")
        parties = list(named) if isinstance(named, list) else [named]
        if not as_assertion:
            parties += [claims.get("azp"), claims.get("client_id")]
        if not (ours - {""}) & {party for party in parties if isinstance(party, str)}:
            raise self._not_believed("it was made for another application")

    def _not_believed(self, why: str) -> Refused:
        return Refused(Reason.TOKEN, f"The hub does not take this token: {why}.", status=400)


def _header(token: str) -> Mapping[str, Any] | None:
    """Return a JSON Web Token's header, None for any other token."""
    try:
        return dict(jwt.get_unverified_header(token))
    except (jwt.PyJWTError, ValueError):
        return None


def _is_access_token(header: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
    """Tell an access token from an ID token of the same issuer, for the same client.

    RFC 9068 section 2.1 has a type for it. Others say so in a claim: Keycloak in `typ`, Amazon in
    `token_use`; elsewhere the claims tell that only ID tokens have.
    """
    kind = str(header.get("typ") or "JWT").lower().removeprefix("application/")
    if kind == "at+jwt":
        return True
    said = str(claims.get("typ", "Bearer")).lower(), str(claims.get("token_use", "access")).lower()
    return kind == "jwt" and said == ("bearer", "access") and not _MARKS & claims.keys()
