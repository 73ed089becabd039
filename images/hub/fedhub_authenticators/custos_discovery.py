"""Asks a Custos which API it has, and where its Keycloak is.

Only where nobody said so. What was found is kept while the hub runs; what was not found is never
guessed: the answer is "not now", and the next login asks again.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from re import Match
from typing import Any

from oauthenticator.oauth2 import OAuthenticator
from tornado.httpclient import HTTPClientError
from tornado.httputil import url_concat

from fedhub_authenticators.custos_settings import AUTO, LEGACY, REALM, V1, CustosSettings

IDENTITY = "identity-management"
WELL_KNOWN = "/.well-known/openid-configuration"

ENDPOINTS = {"v1": "end_session_endpoint", "legacy": "authorization_endpoint"}
"""What of a discovery document is Keycloak's own address, rather than Custos'."""


class UnknownAddressError(OSError):
    """It can't be found out where to sign in; the text is for the person who wants to."""


class CustosDiscovery(CustosSettings, OAuthenticator):
    """Finds what the settings leave open."""

    async def find_addresses(self) -> None:
        """Make sure that the hub knows whom to talk to.

        Raises:
            UnknownAddressError: it can't be found out; nothing has changed.
        """
        if self.authorize_url and self.flavour != AUTO:
            return
        for flavour in (self.flavour,) if self.flavour in ENDPOINTS else ENDPOINTS:
            found = await self._ask(flavour)
            if found is not None:
                self._settle(flavour, found)
                return
        if self.flavour == AUTO and "iam_url" in self._given and await self._ask("keycloak"):
            self._settle("keycloak", {})
            return
        raise self._unknown("it is no Custos of that kind, or has no such tenant")

    async def _ask(self, flavour: str) -> Mapping[str, Any] | None:
        """Return the discovery document of a flavour, None where Custos has none.

        Raises:
            UnknownAddressError: Custos did not answer, so it can't be told.
        """
        try:
            found = await self.httpfetch(
                self._discovery_address(flavour),
                label=f"asking whether this is {flavour}",
                validate_cert=self.validate_server_cert,
            )
        except HTTPClientError as error:
            if HTTPStatus.BAD_REQUEST <= error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
                return None
            raise self._unknown(f"it answers {error.code}") from error
        except OSError as error:
            raise self._unknown(type(error).__name__) from error
        except ValueError:
            return None  # a page, as single-page applications show at any address
        is_document = isinstance(found, Mapping) and isinstance(found.get("issuer"), str)
        return found if is_document else None

    def _discovery_address(self, flavour: str) -> str:
        if flavour == "keycloak":
            return f"{self.default_issuer()}{WELL_KNOWN}"
        if flavour == "v1":
            service = f"{self.custos_url}{V1.format(service=IDENTITY)}"
            return f"{service}/tenant/{self.realm}{WELL_KNOWN}"
        service = f"{self.custos_url}{LEGACY.format(service=IDENTITY)}"
        return str(url_concat(f"{service}{WELL_KNOWN}", {"client_id": self.client_id}))

    def _settle(self, flavour: str, found: Mapping[str, Any]) -> None:
        """Keep what was found.

        Raises:
            UnknownAddressError: it does not say where the realm is.
        """
        if not self.authorize_url:
            realm = self._realm_in(found.get(ENDPOINTS[flavour]))
            self.iam_url, self.realm = realm["base"], realm["realm"]
            self._given |= {"iam_url"}
        if self.flavour == AUTO:
            self.flavour = flavour
            self.log.info("%s speaks as %s", self.custos_url, flavour)
        self.follow()

    def _realm_in(self, said: Any) -> Match[str]:
        realm = REALM.match(said) if isinstance(said, str) else None
        # http is for a preview, where Custos itself is reached that way.
        if (
            realm is None
            or (realm["scheme"] == "http" and self.custos_url.startswith("https:"))
            or self.realm not in ("", realm["realm"])
        ):
            raise self._unknown("it does not say where its Keycloak is")
        return realm

    def _unknown(self, why: str) -> UnknownAddressError:
        self.log.error("Nobody knows where to sign in, and %s can't tell: %s", self.custos_url, why)
        return UnknownAddressError(
            f"{self.login_service} does not say where to sign in. Try again in a few minutes. If "
            f"that does not help, tell the hub's operator: {type(self).__name__}.flavour or "
            "iam_url is not set, and Custos does not tell."
        )
