"""Apache Airavata Custos, or a Keycloak that a Custos tenant has.

- `flavour` legacy: Custos v1.0.0's REST calls behind `/apiserver`; people sign in at its Keycloak.
  The client secret is Custos'.
- `flavour` keycloak: the realm's own addresses, OpenID Connect. The client secret is the one that
  Keycloak made (`iam_client_secret` of the tenant).

Custos' calls are those of apache/airavata-custos@9013b6981: client credentials as
`Authorization: Bearer base64(id:secret)`, inputs as a query string, never a form, and no
`code_verifier`, so PKCE (RFC 7636) can't be used with it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from oauthenticator.oauth2 import OAuthenticator, OAuthLoginHandler
from tornado.httpclient import HTTPClientError
from tornado.httputil import url_concat
from tornado.web import HTTPError

from fedhub_authenticators.custos_settings import GROUPS, CustosSettings
from fedhub_authenticators.provider import Provider

TOKEN_PARAMETERS = ("grant_type", "code", "redirect_uri", "refresh_token")
"""What Custos' /token is sent; it answers 404 to any parameter that it does not know."""

_SESSION_OVER = ("expired", "invalid_grant", "not active", "session", "token is not valid")
"""Words in Custos' 500s that mean "log in again"."""


class CustosLoginHandler(OAuthLoginHandler):
    """Sends people to the tenant's realm in Custos' Keycloak."""

    async def get(self) -> None:
        """Find the realm first, where only Custos knows it."""
        await self.authenticator.find_realm()
        super().get()

    def authorize_redirect(self, *args: Any, **kwargs: Any) -> None:
        """Ask Keycloak to pass people on to the identity broker at once."""
        extra = kwargs.setdefault("extra_params", {})
        if self.authenticator.kc_idp_hint:
            extra.setdefault("kc_idp_hint", self.authenticator.kc_idp_hint)
        super().authorize_redirect(*args, **kwargs)


class CustosTenant(CustosSettings, OAuthenticator):
    """Custos' own calls, as far as they differ from OAuth 2.0's."""

    user_auth_state_key = "custos_user"
    login_handler = CustosLoginHandler

    async def custos(self, call: str, *, label: str, secret: str, **request: Any) -> Any:
        """Call Custos as the tenant's client.

        Args:
            call: path and query.
            label: what is going on, for the log.
            secret: the client secret that Custos knows.
            request: what tornado's HTTPRequest takes.

        Returns:
            The answer's JSON.

        Raises:
            HTTPClientError: Custos refused or failed; 401 where the session is over.
        """
        credentials = base64.b64encode(f"{self.client_in_use().client_id}:{secret}".encode())
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {credentials.decode()}",
            **request.pop("headers", {}),
        }
        try:
            return await self.httpfetch(
                call,
                label=label,
                headers=headers,
                validate_cert=self.validate_server_cert,
                **request,
            )
        except HTTPClientError as error:
            if _session_is_over(error):
                raise HTTPClientError(401, "the session is over", error.response) from error
            raise

    async def get_token_info(self, handler: Any, params: dict[str, Any]) -> dict[str, Any]:
        """Get tokens for a code or a refresh token."""
        if self.flavour != "legacy":
            found: dict[str, Any] = await super().get_token_info(handler, params)
            return found
        query = {name: params[name] for name in TOKEN_PARAMETERS if params.get(name)}
        tokens = await self.custos(
            url_concat(self.token_url, query),
            label="getting tokens from Custos",
            secret=self.client_secret,
            method="POST",
            body=b"",
        )
        if not isinstance(tokens, Mapping) or not isinstance(tokens.get("access_token"), str):
            raise self._makes_no_sense("tokens")
        return {"token_type": "Bearer", **tokens}

    async def token_to_user(self, token_info: dict[str, Any]) -> dict[str, Any]:
        """Ask who somebody is."""
        if self.flavour != "legacy":
            user = await super().token_to_user(token_info)
        else:
            user = await self.custos(
                url_concat(self.userdata_url, {"access_token": token_info["access_token"]}),
                label="asking Custos who it is",
                secret=self.client_secret,
            )
        if not isinstance(user, dict):
            raise self._makes_no_sense("user")
        return user

    async def build_auth_state_dict(
        self, token_info: dict[str, Any], user_info: dict[str, Any]
    ) -> dict[str, Any]:
        """Keep the person's groups with their tokens."""
        state: dict[str, Any] = super().build_auth_state_dict(token_info, user_info)
        if self.manage_groups and self.custos_client_secret:
            state["custos_groups"] = await self._memberships(user_info)
        return state

    async def _memberships(self, user_info: Mapping[str, Any]) -> list[dict[str, Any]]:
        name = user_info.get("username") or user_info.get("preferred_username")
        if not isinstance(name, str) or not name:
            raise self._makes_no_sense("user")
        try:
            answer = await self.custos(
                url_concat(
                    f"{self.custos_url}{GROUPS}/user/group/memberships", {"profile.username": name}
                ),
                label="asking Custos for groups",
                secret=self.custos_client_secret,
            )
        except (HTTPClientError, OSError, ValueError) as error:
            raise self._makes_no_sense("groups") from error
        groups = answer.get("groups") if isinstance(answer, Mapping) else None
        if not isinstance(groups, list) or not all(self._group(group) for group in groups):
            raise self._makes_no_sense("groups")
        return groups

    def _group(self, group: Any) -> str:
        """Return what the hub calls a group, empty where Custos' answer is not as it should be."""
        name = group.get("name" if self.groups_by_name else "id") if isinstance(group, dict) else ""
        return name if isinstance(name, str) else ""

    async def get_user_groups(self, auth_state: dict[str, Any]) -> set[str]:
        """Return the ids of somebody's groups, or their names with `groups_by_name`.

        Raises:
            HTTPError: there are none to be found where they should be: nobody gets in on doubt.
        """
        if self.auth_state_groups_key:
            found: set[str] = await super().get_user_groups(auth_state)
            return found
        if "custos_groups" in auth_state:
            return {self._group(group) for group in auth_state["custos_groups"]}
        claimed = auth_state[self.user_auth_state_key].get("groups")
        if not isinstance(claimed, list) or not all(isinstance(name, str) for name in claimed):
            raise self._makes_no_sense("groups")
        return set(claimed)

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

    def _makes_no_sense(self, what: str) -> HTTPError:
        self.log.error("The answer about %s from %s is not as it should be", what, self.token_url)
        return HTTPError(
            502,
            f"{self.login_service} did not tell the hub your {what} as it should, so the hub can't "
            "let you in. Try again in a few minutes; if that does not help, tell its operator.",
        )


class CustosOAuthenticator(Provider, CustosTenant):
    """Logs people in through Custos."""


def _session_is_over(error: HTTPClientError) -> bool:
    """Tell an ended session from a failure: Custos reports some of both as 500, gRPC code 13."""
    if error.code != 500 or error.response is None:  # noqa: PLR2004 - HTTP's
        return False
    try:
        said = json.loads(error.response.body or b"")
    except ValueError:
        return False
    message = str(said.get("message", "")) if isinstance(said, Mapping) else ""
    return any(words in message.lower() for words in _SESSION_OVER)
