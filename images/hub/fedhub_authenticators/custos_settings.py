"""How a Custos or a Keycloak realm is addressed: the settings, and what follows from them."""

from __future__ import annotations

import os
import re
from typing import Any

from oauthenticator.oauth2 import OAuthenticator
from tornado.httpclient import HTTPClientError
from tornado.httputil import url_concat
from tornado.web import HTTPError
from traitlets import Bool, Enum, TraitError, Unicode, default, observe, validate

IDENTITY = "/apiserver/identity-management/v1.0.0"
GROUPS = "/apiserver/group-management/v1.0.0"

KEYCLOAK_HOSTS = {
    f"{stage}.custos.usecustos.org": f"{stage}.keycloak.usecustos.org"
    for stage in ("dev", "staging", "prod")
}
"""Where the known installations of Custos have their Keycloak; others are asked for it."""

_REALM = re.compile(
    r"(?P<base>(?P<scheme>https?)://[^/?#@]+(/[^?#]*)?)/realms/(?P<realm>[\w-][\w.-]*)/"
)


class CustosSettings(OAuthenticator):
    """The traits of a Custos tenant, and the addresses that follow from them."""

    flavour = Enum(
        ["legacy", "keycloak"],
        "legacy",
        config=True,
        help="What to talk to: Custos v1.0.0 (`legacy`), or the Keycloak behind it (`keycloak`).",
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
        help="""The secret that Custos knows, to ask it for groups. The same as `client_secret`
        with `flavour` legacy; without it, groups come from the `groups` claim.""",
    )
    groups_by_name = Bool(
        False,
        config=True,
        help="""Call groups by their names instead of their ids. Whoever may make a group in the
        tenant can give it any name: only when you trust all of them.""",
    )

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
        host = KEYCLOAK_HOSTS.get(self.custos_host)
        return f"https://{host}/auth" if host else ""

    @default("realm")
    def _default_realm(self) -> str:
        return str(self.client_id.rpartition("-")[2])

    @default("custos_client_secret")
    def _default_custos_client_secret(self) -> str:
        return self.client_secret if self.flavour == "legacy" else ""

    @default("enable_pkce")
    def _default_enable_pkce(self) -> bool:
        return bool(self.flavour != "legacy")

    @default("scope")
    def _default_scope(self) -> list[str]:
        profile = [] if self.flavour == "legacy" else ["profile"]
        return ["openid", "email", *profile, "org.cilogon.userinfo"]

    @validate("scope")
    def _check_scope(self, proposal: Any) -> list[str]:
        return list(dict.fromkeys(["openid", *proposal["value"]]))

    @default("username_claim")
    def _default_username_claim(self) -> str:
        return "username" if self.flavour == "legacy" else "preferred_username"

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

    @default("token_url")
    def _default_token_url(self) -> str:
        if self.flavour == "legacy":
            return f"{self.custos_url}{IDENTITY}/token"
        return self.realm_address("token")

    @default("userdata_url")
    def _default_userdata_url(self) -> str:
        if self.flavour == "legacy":
            return f"{self.custos_url}{IDENTITY}/user"
        return self.realm_address("userinfo")

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

    async def find_realm(self) -> None:
        """Ask Custos where its Keycloak is, when nobody said so and it is none of the known.

        Raises:
            HTTPError: 503, it can't be found out.
        """
        if self.authorize_url:
            return
        found = None
        try:
            found = await self.httpfetch(
                url_concat(
                    f"{self.custos_url}{IDENTITY}/.well-known/openid-configuration",
                    {"client_id": self.client_id},
                ),
                label="asking Custos for its Keycloak",
                validate_cert=self.validate_server_cert,
            )
        except (HTTPClientError, OSError, ValueError) as error:
            self.log.error("Custos did not say where its Keycloak is: %s", error)
        said = found.get("authorization_endpoint") if isinstance(found, dict) else None
        realm = _REALM.match(said) if isinstance(said, str) else None
        # http is for a preview, where Custos itself is reached that way.
        if (
            realm is None
            or (realm["scheme"] == "http" and self.custos_url.startswith("https:"))
            or self.realm not in ("", realm["realm"])
        ):
            raise HTTPError(
                503,
                f"{self.login_service} does not say where to sign in. Tell the hub's operator: "
                f"{type(self).__name__}.iam_url is not set, and Custos does not know it.",
            )
        self.iam_url, self.realm = realm["base"], realm["realm"]
        pages = {"authorize_url": "auth", "token_url": "token", "userdata_url": "userinfo"}
        for trait, page in pages.items():
            if not getattr(self, trait):
                self.set_trait(trait, self.realm_address(page))
