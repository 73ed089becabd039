"""Apache Airavata Custos, or a Keycloak that a Custos tenant has.

People sign in at the tenant's Keycloak; `flavour` says who is asked for tokens and about people:

- legacy: Custos v1.0.0 behind `/apiserver`. The client secret is Custos'. Inputs are a query
  string, never a form, and there is no `code_verifier`, so PKCE (RFC 7636) can't be used.
- v1: Custos of 2025 behind `/api/v1`. The client secret is the one that Keycloak made
  (`iam_client_secret` of the tenant). A form; with a `code_verifier` Custos forgets the secret, so
  no PKCE either. It does not forward refresh tokens: who needs one logs in again.
- keycloak: the realm's own addresses, OpenID Connect. The client secret is Keycloak's.
- auto: v1 or legacy, whichever Custos turns out to be.

What the two versions of Custos do is read from apache/airavata-custos@9013b6981 and @ed5c1c20f.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import jwt
from oauthenticator.oauth2 import OAuthenticator, OAuthLoginHandler
from tornado.httpclient import HTTPClientError
from tornado.httputil import url_concat

from fedhub_authenticators import events
from fedhub_authenticators.custos_discovery import CustosDiscovery, UnknownAddressError
from fedhub_authenticators.custos_groups import KEPT, CustosGroups
from fedhub_authenticators.custos_institutions import CustosInstitutions, is_entity_id
from fedhub_authenticators.issuer import Issuer
from fedhub_authenticators.provider import Provider
from fedhub_authenticators.refusals import Reason, Refused

TOKEN_PARAMETERS = ("grant_type", "code", "redirect_uri", "refresh_token")
"""What Custos v1.0.0's /token is sent; it answers 404 to any parameter that it does not know."""

LONGEST_HINT = 1500
"""Characters of entity IDs that an address can carry anywhere."""


class CustosLoginHandler(OAuthLoginHandler):
    """Sends people to the tenant's realm in Custos' Keycloak."""

    async def get(self) -> None:
        """Find out where that is first, where only Custos knows it.

        Raises:
            Refused: 503, it can't be found out.
        """
        try:
            await self.authenticator.find_addresses()
        except UnknownAddressError as error:
            events.login(self.log, self.authenticator.called, "failed", Reason.PROVIDER)
            status = HTTPStatus.SERVICE_UNAVAILABLE
            raise Refused(Reason.PROVIDER, str(error), status=status) from error
        super().get()

    def authorize_redirect(self, *args: Any, **kwargs: Any) -> None:
        """Ask Keycloak to pass people on to the identity broker, and which institutions to show."""
        extra = kwargs.setdefault("extra_params", {})
        authenticator = self.authenticator
        if authenticator.kc_idp_hint:
            extra.setdefault("kc_idp_hint", authenticator.kc_idp_hint)
            # An alias is for Keycloak, and nothing to CILogon.
            institutions = ",".join(one for one in authenticator.idps if is_entity_id(one))
            if 0 < len(institutions) <= LONGEST_HINT:
                # Custos has its broker forward it to CILogon.
                extra.setdefault("idphint", institutions)
        super().authorize_redirect(*args, **kwargs)


class CustosTenant(CustosInstitutions, CustosGroups, CustosDiscovery, OAuthenticator):
    """A tenant's own ways, as far as they differ from OAuth 2.0's."""

    user_auth_state_key = "custos_user"
    login_handler = CustosLoginHandler

    _tokens_issuer: Issuer | None = None

    async def authenticate(self, handler: Any, data: Any = None, **kwargs: Any) -> Any:
        """Log somebody in, at a hub that may have started after they began."""
        await self.find_addresses()
        return await super().authenticate(handler, data, **kwargs)

    async def refresh_user(self, user: Any, handler: Any = None, **kwargs: Any) -> Any:
        """Refresh somebody, at a hub where nobody may have logged in yet."""
        await self.find_addresses()
        return await super().refresh_user(user, handler, **kwargs)

    async def get_token_info(self, handler: Any, params: dict[str, Any]) -> dict[str, Any]:
        """Get tokens for a code or a refresh token.

        Raises:
            HTTPClientError: 401, a refresh token is no use here.
        """
        if self.flavour == "legacy":
            return await self._tokens_of_legacy(params)
        if self.flavour == "v1" and params.get("grant_type") == "refresh_token":
            raise HTTPClientError(401, "Custos v1 does not forward refresh tokens")
        found: dict[str, Any] = await super().get_token_info(handler, params)
        return found

    async def _tokens_of_legacy(self, params: Mapping[str, Any]) -> dict[str, Any]:
        query = {name: params[name] for name in TOKEN_PARAMETERS if params.get(name)}
        tokens = await self.custos(
            url_concat(self.token_url, query),
            label="getting tokens from Custos",
            secret=self.client_in_use().client_secret,
            method="POST",
            body=b"",
        )
        if not isinstance(tokens, Mapping) or not isinstance(tokens.get("access_token"), str):
            raise self.makes_no_sense("there is no access token")
        return {"token_type": "Bearer", **tokens}

    async def token_to_user(self, token_info: dict[str, Any]) -> dict[str, Any]:
        """Ask who somebody is."""
        if self.flavour == "legacy":
            user = await self.custos(
                url_concat(self.userdata_url, {"access_token": token_info["access_token"]}),
                label="asking Custos who it is",
                secret=self.client_in_use().client_secret,
            )
        else:
            if self.flavour == "v1":
                _check_still_good(token_info["access_token"])
            user = await super().token_to_user(token_info)
        if self.flavour == "v1" and isinstance(user, dict) and "groups" not in user:
            # Custos' userinfo repeats those of the access token.
            user = user | {"groups": (await self.access_token_claims(token_info)).get("groups")}
        if not isinstance(user, dict):
            raise self.makes_no_sense("userinfo is no JSON object")
        return user

    async def access_token_claims(self, token_info: Mapping[str, Any]) -> dict[str, Any]:
        """Return what an access token says, empty for one that only its issuer can read.

        Raises:
            Refused: its signature does not hold.
        """
        token = token_info.get("access_token")
        if not isinstance(token, str) or token.count(".") != 2:  # noqa: PLR2004 - RFC 7515
            return {}
        found: dict[str, Any] = await self.verify_jwt(
            token,
            audience=None,  # it is for Custos' or Keycloak's own services
            required=("exp", "iss"),
            issuer=self._issuer_of_v1() if self.flavour == "v1" else None,
        )
        return found

    def _issuer_of_v1(self) -> Issuer:
        """Return Custos v1, which signs Keycloak's access tokens anew, with the groups."""
        # The name that it signs with is no address that answers.
        name = f"https://{self.realm}.usecustos.org"
        if self._tokens_issuer is None or self._tokens_issuer.address != name:
            keys = f"{self.service('identity-management')}/.well-known/jwks.json"
            self._tokens_issuer = Issuer(name, self._get, jwks_url=keys)
        return self._tokens_issuer

    async def build_auth_state_dict(
        self, token_info: dict[str, Any], user_info: dict[str, Any]
    ) -> dict[str, Any]:
        """Keep the person's groups with their tokens.

        Raises:
            Refused: their institution is not one that the hub takes, or their groups are unknown.
        """
        await self.check_institution(token_info, user_info)
        state: dict[str, Any] = super().build_auth_state_dict(token_info, user_info)
        if self.asks_for_groups():
            state[KEPT] = await self.memberships(user_info)
        return state

    async def end_session_with(self, refresh_token: str) -> None:
        """End the session that a refresh token is of, single sign-on included.

        Raises:
            HTTPClientError, OSError, ValueError: Custos or Keycloak did not do it.
        """
        if self.flavour == "legacy":
            await self.custos(
                self.token_url.removesuffix("/token") + "/user/logout",
                label="logging out of Custos",
                secret=self.client_in_use().client_secret,
                method="POST",
                headers={"Content-Type": "application/json"},
                body=json.dumps({"refresh_token": refresh_token}),
                follow_redirects=False,
            )
        elif page := self.realm_address("logout"):
            await self.send_as_client(page, {"refresh_token": refresh_token})


class CustosOAuthenticator(Provider, CustosTenant):
    """Logs people in through Custos."""


def _check_still_good(access_token: str) -> None:
    """Make sure that an access token has not expired: Custos v1 may answer 500 to one that has.

    Raises:
        HTTPClientError: 401, it has.
    """
    try:
        jwt.decode(access_token, options={"verify_signature": False, "verify_exp": True})
    except jwt.ExpiredSignatureError as error:
        raise HTTPClientError(401, "the access token has expired") from error
    except jwt.PyJWTError:
        return
