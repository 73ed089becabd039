"""A Keycloak realm that has nothing to do with Custos."""

from __future__ import annotations

from traitlets import default

from fedhub_authenticators.custos import CustosOAuthenticator
from fedhub_authenticators.custos_discovery import UnknownAddressError


class KeycloakOAuthenticator(CustosOAuthenticator):
    """Logs people in at a Keycloak realm that has nothing to do with Custos."""

    user_auth_state_key = "keycloak_user"

    @default("flavour")
    def _default_flavour(self) -> str:
        return "keycloak"

    @default("login_service")
    def _default_login_service(self) -> str:
        return "Keycloak"

    def leads_to_cilogon(self) -> bool:
        """Return whether institutions are CILogon's; else a broker may be anything."""
        return super().leads_to_cilogon() and bool(self.idps)

    @default("kc_idp_hint")
    def _default_kc_idp_hint(self) -> str:
        return ""

    @default("scope")
    def _default_scope(self) -> list[str]:
        return ["openid", "email", "profile"]

    @default("iam_url")
    def _default_iam_url(self) -> str:
        return ""

    @default("realm")
    def _default_realm(self) -> str:
        return ""

    async def find_addresses(self) -> None:
        """Say what is missing.

        Raises:
            UnknownAddressError: it is not configured where the realm is.
        """
        if not self.authorize_url:
            raise UnknownAddressError(
                "The hub does not know where to sign in. Tell its operator to set iam_url and "
                "realm of KeycloakOAuthenticator."
            )
