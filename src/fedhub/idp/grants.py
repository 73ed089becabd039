"""Authlib's grants over the provider's memory: authorization code with PKCE, and refresh.

Authlib decides what is valid; this module tells it what is registered and remembered, and gives
each refusal a name that the site turns into its server's own words.
"""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6749.errors import InvalidGrantError, OAuth2Error
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode, OpenIDToken

from fedhub.idp import tokens
from fedhub.idp.protocol import AUTH_METHODS, ProtocolRequest, Registration
from fedhub.idp.records import Code, SignIn, Token
from fedhub.idp.refusals import Reason, Refused
from fedhub.idp.site import current_site, send_back
from fedhub.idp.state import CODE_LIFETIME


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib is untyped
    """The authorization code grant."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

    def create_authorization_response(self, redirect_uri: str, grant_user: SignIn) -> Any:
        """Issue a code and send it to the callback in the site's manner."""
        self.request.user = grant_user
        code = current_site().new_code()
        self.save_authorization_code(code, self.request)
        state = self.request.payload.state or ""
        parameters = current_site().callback_parameters(grant_user, code, state)
        return 302, "", list(send_back(redirect_uri, parameters).headers)

    def save_authorization_code(self, code: str, request: ProtocolRequest) -> None:
        """Remember a code and what it was asked for with."""
        data = request.payload.data
        state = current_site().state
        state.add_code(
            Code(
                code=code,
                signin=request.user,
                redirect_uri=data.get("redirect_uri", ""),
                scope=request.scope or "",
                nonce=data.get("nonce", ""),
                code_challenge=data.get("code_challenge", ""),
                code_challenge_method=data.get("code_challenge_method"),
                expires_at=state.clock() + CODE_LIFETIME,
            )
        )

    def query_authorization_code(self, value: str, registration: Registration) -> Code:
        """Take the code.

        Raises:
            Refused: it is unknown, used, expired, another client's or another callback's.
        """
        site = current_site()
        state = site.state
        peeked = state.peek_code(value)
        if peeked is None:
            raise Refused(Reason.CODE_UNKNOWN)
        stranger = not peeked.signin.client.is_same_as(registration.client)
        if stranger and not site.strangers_use_codes_up:
            raise Refused(Reason.CODE_OF_ANOTHER_CLIENT)
        code, first_use = state.redeem(value, site.issued_together)
        if code is None:
            raise Refused(Reason.CODE_UNKNOWN)
        if not first_use:
            raise Refused(Reason.CODE_REUSED)
        if stranger:
            raise Refused(Reason.CODE_OF_ANOTHER_CLIENT)
        if state.clock() >= code.expires_at:
            raise Refused(Reason.CODE_EXPIRED)
        if code.redirect_uri and self.request.payload.redirect_uri != code.redirect_uri:
            raise Refused(Reason.CALLBACK_MISMATCH)
        return code

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Nothing to do: `redeem` used it up, and it stays known so that reuse is seen."""

    def authenticate_user(self, authorization_code: Code) -> SignIn:
        """Who signed in.

        Raises:
            Refused: their account was disabled since.
        """
        signin: SignIn = authorization_code.signin
        if current_site().state.is_disabled(signin.persona):
            raise Refused(Reason.USER_DISABLED)
        return signin


class RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]  # Authlib is untyped
    """The refresh token grant; every refresh brings a new refresh token."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Token:
        """Find a refresh token that may still be used.

        Raises:
            Refused: it may not.
        """
        site = current_site()
        state = site.state
        token = state.refresh(refresh_token)
        if token is None:
            raise Refused(Reason.REFRESH_INVALID)
        if not token.check_client(self.request.client):
            raise Refused(Reason.REFRESH_OF_ANOTHER_CLIENT)
        if not state.is_refreshable(token):
            raise Refused(site.dead_refresh(token))
        if state.is_disabled(token.signin.persona):
            raise Refused(Reason.USER_DISABLED)
        return token

    def authenticate_user(self, refresh_token: Token) -> SignIn:
        """Who signed in.

        Raises:
            Refused: another request spent the token since it was looked up.
        """
        site = current_site()
        if site.refresh_is_single_use and not site.state.spend_refresh(refresh_token):
            raise Refused(Reason.REFRESH_INVALID)
        return refresh_token.signin

    def issue_token(self, user: SignIn, refresh_token: Token) -> dict[str, Any]:
        """The reply, with the scopes that the site grants."""
        asked = self.request.payload.scope or ""
        scope = current_site().refreshed_scope(asked, refresh_token.scope)
        issued: dict[str, Any] = self.generate_token(
            user=user, scope=scope, include_refresh_token=self.INCLUDE_NEW_REFRESH_TOKEN
        )
        return issued

    def _validate_token_scope(self, token: Token) -> None:
        """Nothing to do: `issue_token` asks the site."""

    def revoke_old_credential(self, refresh_token: Token) -> None:
        """Nothing more to do: single-use tokens were spent above."""


class Challenge(CodeChallenge):  # type: ignore[misc]  # Authlib is untyped
    """PKCE (RFC 7636), with a name for each way to fail it."""

    def validate_code_verifier(self, grant: CodeGrant, result: Any) -> None:
        """Check the verifier.

        Raises:
            Refused: it is missing, wrong or unexpected.
        """
        try:
            super().validate_code_verifier(grant, result)
        except InvalidGrantError:
            raise Refused(Reason.VERIFIER_WRONG) from None
        except OAuth2Error:
            if not grant.request.authorization_code.code_challenge:
                raise Refused(Reason.VERIFIER_UNEXPECTED) from None
            given = grant.request.form.get("code_verifier")
            raise Refused(Reason.VERIFIER_MALFORMED if given else Reason.VERIFIER_MISSING) from None


class RefreshedIdToken(OpenIDToken):  # type: ignore[misc]  # Authlib is untyped
    """Adds an ID token to the reply for a refresh token."""

    def process_token(self, grant: Any, response: Any) -> dict[str, Any]:
        """Add it, except where a fault has it missing."""
        reply: dict[str, Any] = super().process_token(grant, response)
        if current_site().state.faults.strike("no-id-token", "token"):
            reply.pop("id_token", None)
        return reply

    def encode_id_token(self, token: dict[str, Any], request: ProtocolRequest) -> str:
        """The signed token, with the nonce the code was asked for with."""
        code: Code | None = request.authorization_code
        nonce = code.nonce if code else ""  # Keycloak and OA4MP leave it out after a refresh
        site = current_site()
        return tokens.id_token(site, request.user, token["scope"], token["access_token"], nonce)


class IdToken(RefreshedIdToken, OpenIDCode):  # type: ignore[misc]  # Authlib is untyped
    """Adds an ID token to the reply for a code."""

    def exists_nonce(self, nonce: str, request: ProtocolRequest) -> bool:
        """None of the real servers remembers nonces; clients check them."""
        return False
