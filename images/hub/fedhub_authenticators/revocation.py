"""Withdraws a person's tokens at the provider, so that nothing is left to be used after a logout.

Token revocation is RFC 7009. GitHub has a call of its own (docs.github.com, REST, "Delete an app
token"), and Google takes a token without the client's secret and withdraws all that came with
it (developers.google.com/identity/protocols/oauth2/web-server, "Revoking a token").
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from oauthenticator.oauth2 import OAuthenticator
from traitlets import Bool, Unicode, default

from fedhub_authenticators.client_credentials import ClientCredentials
from fedhub_authenticators.fetching import Fetching
from fedhub_authenticators.id_token import VerifiedIdToken

PATIENCE = 3.0
"""Seconds that a person who logs out waits for the provider, whatever is done there."""

TOKENS = ("refresh_token", "access_token")
"""Tokens in auth_state that can be withdrawn, called as RFC 7009's `token_type_hint`."""


class Revokes(VerifiedIdToken, ClientCredentials, Fetching, OAuthenticator):
    """Withdraws tokens."""

    revocation_url = Unicode(
        config=True,
        help="""Where tokens are withdrawn (RFC 7009); default: `revocation_endpoint` of the
        issuer's discovery document. GitHub's call of its own is known.""",
    )
    revoke_tokens_on_logout = Bool(
        True,
        config=True,
        help="""Withdraw a person's tokens at the provider when they log out. A notebook server
        that goes on running can no longer use those that it was given.""",
    )

    @default("revocation_url")
    def _default_revocation_url(self) -> str:
        """Return what upstream's class knows, as Globus' does."""
        known = (
            vars(cls).get("revocation_url") for cls in type(self).__mro__ if cls is not Revokes
        )
        return next((trait.default_value for trait in known if trait is not None), "")

    def is_a(self, *names: str) -> bool:
        """Return whether this is one of these classes of upstream's, or built on one."""
        return any(cls.__name__ in names for cls in type(self).__mro__)

    async def revoke_tokens(self, kept: Mapping[str, Any]) -> None:
        """Withdraw the tokens of somebody's auth_state, all at once.

        Raises:
            HTTPClientError, OSError, ValueError: not all of them could be.
        """
        held = {name: kept[name] for name in TOKENS if isinstance(kept.get(name), str)}
        tokens = {name: token for name, token in held.items() if token}
        if not tokens:
            return
        if self.is_a("GitHubOAuthenticator"):
            if "access_token" in tokens:
                await self._revoke_at_github(tokens["access_token"])
            return
        address = self.revocation_url or await self.advertised("revocation_endpoint")
        if not address:
            return
        if self.is_a("GoogleOAuthenticator"):
            await self._send_form(address, {"token": next(iter(tokens.values()))}, {})
            return
        await asyncio.gather(*(self._revoke(address, *item) for item in tokens.items()))

    async def advertised(self, endpoint: str) -> str:
        """Return an address of the issuer's discovery document, "" where it has none.

        One that is less safe than the provider's own addresses counts as none.

        Raises:
            HTTPClientError, OSError, ValueError: the issuer did not answer as it should.
        """
        address = (await self.metadata()).get(endpoint)
        plain = str(self.token_url).startswith("http://")
        safe = ("https://", "http://") if plain else ("https://",)
        return address if isinstance(address, str) and address.startswith(safe) else ""

    async def _revoke(self, address: str, kind: str, token: str) -> None:
        await self.send_as_client(address, {"token": token, "token_type_hint": kind})

    async def send_as_client(self, address: str, form: Mapping[str, str]) -> None:
        """Send a form, authenticated as the token endpoint wants it.

        Raises:
            HTTPClientError, OSError: it was not taken, or not in time.
        """
        client = self.client_in_use()
        who = {"client_id": client.client_id, "client_secret": client.client_secret}
        named = {} if self.basic_auth else {key: value for key, value in who.items() if value}
        headers = self.build_token_info_request_headers()
        await self._send_form(address, {**form, **named}, headers)

    async def _send_form(
        self, address: str, form: Mapping[str, str], headers: Mapping[str, str]
    ) -> None:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        await self._send(address, "POST", {**headers, **kind}, urlencode(form))

    async def _revoke_at_github(self, token: str) -> None:
        client = self.client_in_use()
        pair = base64.b64encode(f"{client.client_id}:{client.client_secret}".encode()).decode()
        headers = {"Accept": "application/vnd.github+json", "Authorization": f"Basic {pair}"}
        page = f"{self.github_api}/applications/{quote(client.client_id, safe='')}/token"
        await self._send(page, "DELETE", headers, json.dumps({"access_token": token}))

    async def _send(self, address: str, method: str, headers: Mapping[str, str], body: str) -> None:
        """Send something secret, and never on to where a redirect leads."""
        await self.httpfetch(
            address,
            label="logging out",
            parse_json=False,
            method=method,
            headers=dict(headers),
            body=body,
            allow_nonstandard_methods=True,  # a DELETE with a body
            follow_redirects=False,
            validate_cert=self.validate_server_cert,
            connect_timeout=PATIENCE,
            request_timeout=PATIENCE,
        )
