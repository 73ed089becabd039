"""How a Custos or a Keycloak realm is addressed: the settings, and what follows from them.

People sign in at the tenant's realm in Custos' Keycloak, whichever API Custos has: its ID tokens
are Keycloak's, untouched, so Keycloak is their issuer. Custos v1 has an authorize address of its
own, which forwards people to the realm without the nonce and the hint; the hub takes the short
way. (IdentityManagementService.authorize and .token of apache/airavata-custos@ed5c1c20f.)
"""

from __future__ import annotations

import os
import re
from typing import Any

from oauthenticator.oauth2 import OAuthenticator
from traitlets import Bool, Enum, TraitError, Unicode, default, observe, validate

from fedhub_authenticators.client_credentials import read_secret

LEGACY = "/apiserver/{service}/v1.0.0"
V1 = "/api/v1/{service}"
"""Where a Custos has a service, such as `identity-management`."""

AUTO = "auto"
"""The flavour that stands for "ask Custos"."""

KEYCLOAK_HOSTS = {
    f"{stage}.custos.usecustos.org": f"{stage}.keycloak.usecustos.org"
    for stage in ("dev", "staging", "prod")
}
"""Where the known installations of Custos have their Keycloak; others are asked for it."""

REALM = re.compile(
    r"(?P<base>(?P<scheme>https?)://[^/?#@]+(/[^?#]*)?)/realms/(?P<realm>[\w-][\w.-]*)/"
)
"""An address in a Keycloak realm."""

FOLLOWING = (
    *("scope", "username_claim", "enable_pkce", "iam_url"),
    *("authorize_url", "token_url", "userdata_url"),
)
"""Traits whose defaults follow from the flavour and from where the realm is."""


class CustosSettings(OAuthenticator):
    """The traits of a Custos tenant, and the addresses that follow from them."""

    flavour = Enum(
        ["legacy", "v1", "keycloak", AUTO],
        "legacy",
        config=True,
        help="""What to talk to: Custos v1.0.0 (`legacy`), Custos of 2025 (`v1`), or the Keycloak
        behind either (`keycloak`). `auto` asks Custos whether it is v1 or legacy; where it is
        neither, and `iam_url` is set, it is the Keycloak there.""",
    )
    custos_host = Unicode(
        config=True, help="Host name of Custos; default: `$CUSTOS_HOST`, else the public service."
    )
    custos_url = Unicode(
        config=True, help="Base address of Custos; default: `https://<custos_host>`."
    )
    iam_url = Unicode(
        config=True,
        help="""Base address of the Keycloak that people sign in at, such as
        `https://iam.example.org/auth`. Known for Custos' public hosts; any other Custos is
        asked for it.""",
    )
    realm = Unicode(
        config=True,
        help="The Keycloak realm; default: the last part of the client id, Custos' tenant id.",
    )
    kc_idp_hint = Unicode(
        "oidc",
        config=True,
        help="The identity provider that Keycloak passes people on to; empty shows its own page.",
    )
    custos_client_secret = Unicode(
        config=True,
        help="""The secret that Custos v1.0.0 knows, to ask it for groups with `flavour` keycloak,
        where `client_secret` is another. Without it, groups come from the `groups` claim.""",
    )
    custos_client_secret_file = Unicode(
        config=True, help="A file with it, read at every use; instead of `custos_client_secret`."
    )
    groups_by_name = Bool(
        False,
        config=True,
        help="""Call groups by their names instead of their ids. Whoever may make a group in the
        tenant can give it any name: only when you trust all of them.""",
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._given = frozenset(name for name in FOLLOWING if self.trait_has_value(name))

    def follow(self) -> None:
        """Let the traits that nobody set follow from what was found out."""
        for name in FOLLOWING:
            if name not in self._given:
                self.set_trait(name, self.trait_defaults(name))

    @default("login_service")
    def _default_login_service(self) -> str:
        return "Custos Login"

    @default("custos_host")
    def _default_custos_host(self) -> str:
        return os.environ.get("CUSTOS_HOST") or "prod.custos.usecustos.org"

    @validate("custos_host")
    def _check_custos_host(self, proposal: Any) -> str:
        host: str = proposal["value"]
        if "/" in host:
            raise TraitError(
                f"custos_host is a host name, not {host!r}; an address belongs in custos_url"
            )
        return host

    @default("custos_url")
    def _default_custos_url(self) -> str:
        return f"https://{self.custos_host}"

    @validate("custos_url", "iam_url")
    def _check_address(self, proposal: Any) -> str:
        address: str = proposal["value"]
        if address and not address.startswith(("https://", "http://")):
            raise TraitError(
                f"{proposal['trait'].name} is an address that starts with https://, not {address!r}"
            )
        return address.rstrip("/")

    @default("iam_url")
    def _default_iam_url(self) -> str:
        if self.trait_has_value("authorize_url"):
            realm = REALM.match(self.authorize_url or "")
            if realm:
                return realm["base"]
        host = KEYCLOAK_HOSTS.get(self.custos_host)
        return f"https://{host}/auth" if host else ""

    @default("realm")
    def _default_realm(self) -> str:
        return str(self.client_id.rpartition("-")[2])

    def custos_secret(self) -> str:
        """Return the secret that Custos v1.0.0 knows, "" where nobody said."""
        if self.custos_client_secret_file:
            try:
                self.custos_client_secret = read_secret(self.custos_client_secret_file)
            except (OSError, ValueError) as error:
                self.log.error("Custos' client secret can't be read: %s", error)
        if self.custos_client_secret or self.flavour != "legacy":
            return str(self.custos_client_secret)
        return str(self.client_in_use().client_secret)

    @default("enable_pkce")
    def _default_enable_pkce(self) -> bool:
        return bool(self.flavour == "keycloak")

    @default("scope")
    def _default_scope(self) -> list[str]:
        profile = ["profile"] if self.flavour in ("v1", "keycloak") else []
        return ["openid", "email", *profile, "org.cilogon.userinfo"]

    @validate("scope")
    def _check_scope(self, proposal: Any) -> list[str]:
        return list(dict.fromkeys(["openid", *proposal["value"]]))

    @default("username_claim")
    def _default_username_claim(self) -> str:
        return "username" if self.flavour in ("legacy", AUTO) else "preferred_username"

    def realm_address(self, page: str) -> str:
        """Return a page of the realm, empty while it is not known where the realm is."""
        if not (self.iam_url and self.realm):
            return ""
        return f"{self.iam_url}/realms/{self.realm}/protocol/openid-connect/{page}"

    def default_issuer(self) -> str:
        """Return the issuer of ID tokens, empty while it is not known where the realm is."""
        return f"{self.iam_url}/realms/{self.realm}" if self.iam_url and self.realm else ""

    def default_jwks_url(self) -> str:
        """Return where the realm's keys are."""
        return self.realm_address("certs")

    def default_end_session_url(self) -> str:
        """Return the realm's logout page."""
        return self.realm_address("logout")

    @default("authorize_url")
    def _default_authorize_url(self) -> str:
        return self.realm_address("auth")

    def service(self, name: str) -> str:
        """Return the address of one of Custos' services."""
        where = V1 if self.flavour == "v1" else LEGACY
        return f"{self.custos_url}{where.format(service=name)}"

    @default("token_url")
    def _default_token_url(self) -> str:
        if self.flavour == AUTO:
            return ""
        if self.flavour == "keycloak":
            return self.realm_address("token")
        return f"{self.service('identity-management')}/token"

    @default("userdata_url")
    def _default_userdata_url(self) -> str:
        if self.flavour == AUTO:
            return ""
        if self.flavour == "keycloak":
            return self.realm_address("userinfo")
        if self.flavour == "v1":
            return f"{self.service('user-management')}/userinfo"
        return f"{self.service('identity-management')}/user"

    @default("manage_groups")
    def _default_manage_groups(self) -> bool:
        return bool(self.allowed_groups or self.admin_groups or self.auth_state_groups_key)

    @observe("allowed_groups", "admin_groups", "auth_state_groups_key")
    def _requires_manage_groups(self, change: Any) -> None:
        """Let a rule about groups turn groups on; upstream refuses to start without the switch.

        Raises:
            ValueError: the operator turned them off, so that the rule could never hold.
        """
        if change.new and self.trait_has_value("manage_groups") and not self.manage_groups:
            raise ValueError(
                f"{type(self).__name__}.{change.name} can't be checked with manage_groups off; "
                "remove one of them"
            )
