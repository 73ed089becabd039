"""The pages of the hub as an issuer: discovery, keys, authorization, tokens, user information."""

from __future__ import annotations

from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from jupyterhub.apihandlers.auth import OAuthTokenHandler
from jupyterhub.apihandlers.base import APIHandler
from oauthlib.oauth2.rfc6749 import errors
from tornado.web import HTTPError, RequestHandler

from fedhub_authenticators.authorization import Authorize
from fedhub_authenticators.oidc_grants import Grants, refused
from fedhub_authenticators.oidc_issuer import (
    AUTHORIZE,
    DISCOVERY,
    JWKS,
    TOKEN,
    USERINFO,
    HubIssuer,
    claims_about,
    may_use,
)

FIELDS = 20
"""How many a form may have."""


def pages(issuer: HubIssuer) -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
    """Return the pages, as JupyterHub takes them in `extra_handlers`."""
    shared = {"issuer": issuer}
    return [
        (DISCOVERY, _Discovery, shared),
        (JWKS, _Jwks, shared),
        (AUTHORIZE, _Authorize, shared),
        (TOKEN, _Token, shared),
        (USERINFO, _UserInfo, shared),
    ]


class _Shares(RequestHandler):
    """A page that has the issuer."""

    def initialize(self, issuer: HubIssuer) -> None:
        self.issuer = issuer


class _Discovery(_Shares):
    def get(self) -> None:
        self.finish(self.issuer.metadata())


class _Jwks(_Shares):
    def get(self) -> None:
        # Not for long: a key that has leaked is to be forgotten.
        self.set_header("Cache-Control", "public, max-age=300")
        self.finish(self.issuer.keys.public())


class _Grants(_Shares):
    """A page behind which our grants stand in for JupyterHub's OAuth provider."""

    @cached_property
    def oauth_provider(self) -> Grants:
        return Grants(self.db, self.issuer, logged_in=self.current_user is not None)  # type: ignore[attr-defined]


class _Authorize(_Grants, Authorize):  # type: ignore[misc]  # tornado types `post` too narrowly
    """JupyterHub's authorization page: it lets people in, or not, by its own rules."""

    async def get(self) -> None:
        """Send somebody back with a code, ask them first, or have them log in."""
        if self.current_user is None and "none" in self.get_argument("prompt", "").split():
            self._refuse_silently()
        else:
            await Authorize.get(self)

    def _refuse_silently(self) -> None:
        """Tell the application that nobody is logged in, if the request is all right."""
        uri, method, body, headers = self.extract_oauth_params()
        try:
            self.oauth_provider.validate_authorization_request(uri, method, body, headers)
        except errors.FatalClientError as error:
            raise HTTPError(error.status_code, error.description) from error
        except errors.OAuth2Error as error:
            self.redirect(error.in_uri(error.redirect_uri))

    def needs_oauth_confirm(self, user: Any, client: Any, scopes: Any) -> bool:
        """Return whether somebody has to be asked; an error where the application forbids it."""
        asks = bool(super().needs_oauth_confirm(user, client, scopes))
        if asks and "none" in self.get_argument("prompt", "").split():
            words = "The person has not agreed yet."
            request = self.oauth_provider.asked
            raise errors.CustomOAuth2Error("consent_required", words, request=request)
        return asks


class _Token(_Grants, OAuthTokenHandler):
    """Takes codes; applications come here themselves, and no browser."""

    _accept_cookie_auth = False
    _accept_token_auth = False

    def check_xsrf_cookie(self) -> None:
        """There is nothing to check: cookies do not count."""

    def post(self) -> None:
        """Exchange a code for tokens; errors are those of RFC 6749 section 5.2."""
        self.set_header("Cache-Control", "no-store")
        if not self._is_form():
            refused(None, "the request for a token is no form")
            self.set_status(HTTPStatus.BAD_REQUEST)
            self.finish({"error": "invalid_request", "error_description": "Send a form."})
            return
        super().post()
        if self.get_status() == HTTPStatus.UNAUTHORIZED:
            self.set_header("WWW-Authenticate", 'Basic realm="JupyterHub"')

    def _is_form(self) -> bool:
        """Return whether it is a form, with each field once and nothing in the address.

        RFC 6749 sections 2.3.1 (no secret belongs into an address) and 3.2, appendix B.
        """
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded" or self.request.query:
            return False
        try:
            body = self.request.body.decode("ascii")
            pairs = parse_qsl(body, strict_parsing=True, max_num_fields=FIELDS, errors="strict")
        except ValueError:
            return False
        return len(dict(pairs)) == len(pairs)


class _UserInfo(_Shares, APIHandler):
    """Says who somebody is, to an application that brings their token."""

    _accept_cookie_auth = False

    def check_xsrf_cookie(self) -> None:
        """There is nothing to check: cookies do not count."""

    def get(self) -> None:
        """Answer as OpenID Connect Core 1.0 section 5.3 has it."""
        self.set_header("Cache-Control", "no-store")
        token = self.get_token()
        client = token.oauth_client if token else None
        good = (
            client is not None
            and client.identifier in self.issuer.clients
            and self.current_user is not None
            and token.user is not None
            and may_use(token.user, client)
        )
        if good:
            self.finish(claims_about(token.user, client))
            return
        refused(client and client.identifier, "the access token is not good, or not any more")
        self.set_status(HTTPStatus.UNAUTHORIZED)
        self.set_header("WWW-Authenticate", 'Bearer error="invalid_token"')
        self.finish({"error": "invalid_token"})

    def post(self) -> None:
        """Answer the same: both must be there."""
        self.get()
