"""Believes an ID token only after holding it against the issuer's keys and the login it is for.

OpenID Connect Core 1.0 section 3.1.3.7. Upstream decodes ID tokens without looking at the
signature, the issuer or the nonce, and takes any userinfo for the same person's.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Collection, Mapping
from time import time
from typing import Any

import jwt
from oauthenticator.oauth2 import OAuthenticator
from tornado.httpclient import HTTPClientError
from tornado.web import HTTPError
from traitlets import Bool, List, Unicode

from fedhub_authenticators import events
from fedhub_authenticators.fetching import Fetching
from fedhub_authenticators.issuer import GOOGLE, Document, Issuer, UnknownIssuerError, names_of
from fedhub_authenticators.login import nonce_for, state_id_of
from fedhub_authenticators.refusals import Reason, Refused
from fedhub_authenticators.renewal import under_way

ALGORITHMS = [
    *("RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
]
"""Signatures that need the issuer's private key: never `none`, never a shared secret."""

LEEWAY = 60
"""Seconds by which two clocks may differ."""

ISSUERS = {
    "GoogleOAuthenticator": GOOGLE,
    "GlobusOAuthenticator": "https://auth.globus.org",
}
"""Issuers of providers that have one address for all."""

_REALM = re.compile(r"(?P<issuer>https?://.+/realms/[^/]+)/protocol/openid-connect/token")
"""Keycloak's token endpoint tells its issuer."""


class VerifiedIdToken(Fetching, OAuthenticator):
    """Verifies ID tokens, and that userinfo is about the same person."""

    issuer = Unicode(
        config=True,
        help="""The issuer of ID tokens, an address as in its discovery document. Known for
        CILogon, Custos, Keycloak, Google, Globus and Auth0. Left empty elsewhere, a token's own
        issuer is taken if its discovery document names our `token_url`.""",
    )
    jwks_url = Unicode(
        config=True,
        help="Where the issuer's keys are; default: where its discovery document says.",
    )
    verify_id_token = Bool(
        True,
        config=True,
        help="""Refuse logins without a valid ID token where there must be one (`openid` is in
        `scope`). Off, nothing shows that the provider's answer is for this login.""",
    )
    id_token_algorithms = List(
        Unicode(),
        ALGORITHMS,
        config=True,
        help="Signature algorithms that are taken, of those with a private key.",
    )

    _issuer: Issuer | None = None
    _candidate: Issuer | None = None

    # --- the issuer ---------------------------------------------------------------------

    def issuer_address(self) -> str:
        """Return the issuer's address, "" where only a token can tell."""
        if self.issuer:
            return str(self.issuer)
        if default := getattr(self, "default_issuer", None):
            return str(default())
        names = {base.__name__ for base in type(self).__mro__}
        if "Auth0OAuthenticator" in names:
            return f"https://{self.auth0_domain}/"
        for name, address in ISSUERS.items():
            if name in names:
                return address
        realm = _REALM.fullmatch(self.token_url or "")
        return realm["issuer"] if realm else ""

    def known_issuer(self) -> str:
        """Return the issuer's address, also where a login has told it; "" where none has."""
        return self.issuer_address() or (self._issuer.address if self._issuer else "")

    async def metadata(self) -> Mapping[str, Any]:
        """Return the issuer's discovery document, empty where there is no issuer to ask.

        Raises:
            HTTPClientError, OSError, ValueError: the issuer did not answer as it should.
        """
        issuer = self._issuer_at(self.issuer_address()) or self._issuer
        if issuer is None:
            return {}
        try:
            return await issuer.metadata()
        except UnknownIssuerError as error:
            raise ValueError(str(error)) from error

    def _issuer_at(self, address: str) -> Issuer | None:
        if not address:
            return None
        if self._issuer is None or self._issuer.address != address:
            default = getattr(self, "default_jwks_url", None)
            # Keys of a configured issuer are not where the default one has them.
            known = str(default()) if default and not self.issuer else ""
            self._issuer = Issuer(address, self._get, jwks_url=self.jwks_url or known)
        return self._issuer

    async def _get(self, address: str, document: Document) -> Any:
        outcome = "failed"
        try:
            found = await self.httpfetch(
                address, label=document.value, validate_cert=self.validate_server_cert
            )
            outcome = "ok"
            return found
        finally:
            if document is Document.KEYS:
                events.KEY_FETCHES.labels(self.called, outcome).inc()

    async def _issuer_of(self, token: str, *, learn: bool) -> Issuer:
        """Return the issuer that a token must be of.

        Raises:
            UnknownIssuerError: it can't be found out.
        """
        known = self._issuer_at(self.issuer_address()) or self._issuer
        if known is not None:
            return known
        if not learn:
            # A stranger's token must not make the hub ask, or believe, whom the stranger names.
            raise UnknownIssuerError("the issuer is not known before the first login")
        named = _unverified(token).get("iss")
        safe = ("https://",) if self.token_url.startswith("https://") else ("https://", "http://")
        if not isinstance(named, str) or not named.startswith(safe):
            raise UnknownIssuerError("the token names no issuer")
        if self._candidate is None or self._candidate.address != named:
            self._candidate = Issuer(named, self._get, jwks_url=self.jwks_url)
        learned = self._candidate
        try:
            metadata = await learned.metadata()
        except (HTTPClientError, OSError, ValueError) as error:
            raise UnknownIssuerError(f"{named} has no discovery document") from error
        if metadata.get("token_endpoint") != self.token_url:
            raise UnknownIssuerError(
                f"{named} does not name our token_url as its own; set issuer to the right one"
            )
        self._issuer = learned
        return learned

    async def learn_issuer(self, token: str) -> None:
        """Find out who the issuer is from an ID token that a login brought.

        Raises:
            UnknownIssuerError: it can't be found out.
        """
        await self._issuer_of(token, learn=True)

    # --- tokens -------------------------------------------------------------------------

    def expects_id_token(self) -> bool:
        """Return whether a login must bring an ID token."""
        return bool(self.verify_id_token) and (
            "openid" in self.scope or self._user_is_in_id_token()
        )

    def _user_is_in_id_token(self) -> bool:
        names = {base.__name__ for base in type(self).__mro__}
        return bool(self.userdata_from_id_token) or "AzureAdOAuthenticator" in names

    async def verify_jwt(
        self,
        token: str,
        *,
        audience: Collection[str] | None,
        required: Collection[str] = ("exp", "iat", "iss", "aud"),
        typ: Collection[str] | None = None,
        issuer: Issuer | None = None,
        learn: bool = False,
    ) -> dict[str, Any]:
        """Return the claims of a token that the issuer signed.

        Args:
            token: a JSON Web Token (RFC 7519).
            audience: one of these must be in `aud`; None leaves that to the caller.
            required: claims that must be there.
            typ: what its header may say it is, in lower case; None takes any.
            issuer: another issuer than that of ID tokens.
            learn: whether the token comes from the provider itself, so that it may name its
                issuer where nobody else does.

        Raises:
            Refused: it does not hold; the log says why.
            HTTPClientError, OSError, JSONDecodeError: the issuer's keys can't be had.
        """
        try:
            issuer = issuer or await self._issuer_of(token, learn=learn)
            return await self._verified(token, audience, required, typ, issuer)
        except json.JSONDecodeError:
            raise  # of the keys; what is wrong with a token's own JSON, PyJWT says in its own way
        except (jwt.PyJWTError, UnknownIssuerError, ValueError, TypeError) as error:
            # PyJWT's texts hold no part of a token.
            self.log.warning("A token of %s does not hold: %s", self.called, error)
            raise Refused(
                Reason.ID_TOKEN,
                f"{self.login_service} answered with a token that the hub can't trust. Start again "
                "from the hub's login page; if that does not help, tell the hub's operator.",
            ) from error

    async def _verified(
        self,
        token: str,
        audience: Collection[str] | None,
        required: Collection[str],
        typ: Collection[str] | None,
        issuer: Issuer,
    ) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm not in self.id_token_algorithms or algorithm not in ALGORITHMS:
            raise jwt.InvalidAlgorithmError(f"{algorithm!r} is not among id_token_algorithms")
        if typ is not None and str(header.get("typ", "")).lower() not in typ:
            raise jwt.InvalidTokenError(f"its type is {header.get('typ')!r}")
        claims: dict[str, Any] = jwt.decode(
            token,
            await issuer.key(header.get("kid"), algorithm),
            algorithms=[algorithm],
            audience=list(audience) if audience is not None else None,
            issuer=names_of(issuer.address),
            leeway=LEEWAY,
            options={
                "require": list(required),
                "verify_aud": audience is not None,
                "verify_iat": False,  # a hub's clock that is slow must not lock everybody out
            },
        )
        return claims

    async def get_token_info(self, handler: Any, params: dict[str, Any]) -> dict[str, Any]:
        """Get tokens, and hold the ID token among them against the login.

        Raises:
            Refused: there is none, or it is not this login's.
        """
        tokens = await self._tokens(handler, params)
        login = params.get("grant_type") == "authorization_code"
        token = tokens.get("id_token")
        if not self.verify_id_token or (token is None and not (login and self.expects_id_token())):
            return tokens
        if not isinstance(token, str):
            self.log.warning(
                "%s sent no ID token. Ask for one with the scope openid, or set verify_id_token "
                "to false if it has none.",
                self.called,
            )
            raise self._no_proof()
        claims = await self.verify_jwt(
            token,
            audience=[self.client_in_use().client_id],
            required=("exp", "iat", "iss", "aud", "sub"),
            learn=True,
        )
        self._check_party(claims)
        if login:
            self._check_nonce(claims, state_id_of(handler))
        return tokens

    async def _tokens(self, handler: Any, params: dict[str, Any]) -> dict[str, Any]:
        try:
            found = await super().get_token_info(handler, params)
        except Refused:
            raise
        except HTTPError as error:
            # Upstream's texts quote the provider's whole answer.
            self.log.warning("%s gave no access token", self.called)
            raise Refused(
                Reason.PROVIDER,
                f"{self.login_service} did not finish your login. Start again from the hub's login "
                "page; if that does not help, tell the hub's operator.",
                status=error.status_code,
            ) from None
        if not isinstance(found, dict):
            raise ValueError("the answer about tokens is no JSON object")
        return found

    def _check_party(self, claims: Mapping[str, Any]) -> None:
        """Make sure that a token for several is ours (section 3.1.3.7, items 3 to 5).

        Raises:
            Refused: another client asked for it.
        """
        party = claims.get("azp")
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (party is None and several) or party not in (None, self.client_in_use().client_id):
            self.log.warning("An ID token of %s is for another client", self.called)
            raise self._no_proof()

    def _check_nonce(self, claims: Mapping[str, Any], state_id: str) -> None:
        nonce = claims.get("nonce")
        expected = nonce_for(state_id)
        if not isinstance(nonce, str) or not hmac.compare_digest(
            nonce.encode(errors="replace"), expected.encode()
        ):
            self.log.warning("An ID token of %s is for another login", self.called)
            raise self._no_proof()

    def _no_proof(self) -> Refused:
        return Refused(
            Reason.ID_TOKEN,
            f"{self.login_service} did not prove that this login is yours. Start again from the "
            "hub's login page; if that does not help, tell the hub's operator.",
        )

    # --- the person ---------------------------------------------------------------------

    async def token_to_user(self, token_info: dict[str, Any]) -> dict[str, Any]:
        """Ask who somebody is, and make sure that the ID token is about the same person.

        Raises:
            Refused: it is not (OpenID Connect Core 1.0 section 5.3.2).
            HTTPClientError: 401, the only source is an ID token that is too old.
        """
        if self.verify_id_token and self._user_is_in_id_token():
            return self._user_in_id_token(token_info)
        token = token_info.get("id_token")
        if not (self.verify_id_token and isinstance(token, str)):
            found: dict[str, Any] = await super().token_to_user(token_info)
            return found
        claims = _unverified(token)  # verified when it came
        user: dict[str, Any] = await super().token_to_user(token_info)
        about = user.get("sub", user.get("id")) if isinstance(user, dict) else None
        if str(about) != claims.get("sub"):
            self.log.warning("Userinfo and ID token of %s are about two people", self.called)
            raise Refused(
                Reason.SUBJECT,
                f"{self.login_service} answered about two different accounts. Start again from the "
                "hub's login page; if that does not help, tell the hub's operator.",
            )
        return user

    def _user_in_id_token(self, token_info: dict[str, Any]) -> dict[str, Any]:
        """Return the claims of the ID token, where there is nobody to ask.

        Raises:
            Refused: there is none.
            HTTPClientError: 401, it has expired; or it is the login's, and there is a refresh token
                that brings what is true now.
        """
        refresh = under_way()
        before = refresh.before if refresh else {}
        if refresh and not refresh.renewed and token_info.get("refresh_token"):
            raise HTTPClientError(401, "the ID token is the login's")
        token = token_info.get("id_token") or before.get("id_token")
        if not isinstance(token, str):
            raise self._no_proof()
        claims = _unverified(token)  # verified when it came
        if float(claims.get("exp", 0)) + LEEWAY < time():
            raise HTTPClientError(401, "the ID token has expired")
        return claims


def _unverified(token: str) -> dict[str, Any]:
    """Return the claims of a token without asking whether they are true."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims
