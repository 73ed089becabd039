"""Takes people of some institutions only, whichever Custos or Keycloak lets in.

Custos' own filter decides which institutions CILogon's page shows; nothing keeps a person from
signing in at another. So the hub asks, at login and at every refresh, and refuses where it is
not told. Keycloak says at which institution somebody signed in only where two mappers carry it
through: docs/custos.md has them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from time import monotonic
from typing import Any

import jwt
from oauthenticator.oauth2 import OAuthenticator
from traitlets import Bool, List, TraitError, Unicode, validate

from fedhub_authenticators.cilogon import of_another_institution
from fedhub_authenticators.custos_rest import CustosRest
from fedhub_authenticators.custos_settings import CustosSettings
from fedhub_authenticators.plain_words import tidy
from fedhub_authenticators.refusals import Reason, Refused

CILOGONS_LIST = "https://cilogon.org/idplist/"
"""Where the names of the institutions behind Custos are."""

CILOGONS_LOGOUT = "https://cilogon.org/logout/"
"""Where people log out of the CILogon behind Custos; it leads nobody back."""

LIST_KEPT_FOR = 300.0
"""Seconds for which Custos' list of institutions is good."""


class CustosInstitutions(CustosRest, CustosSettings, OAuthenticator):
    """Enforces a list of institutions."""

    idps = List(
        Unicode(),
        config=True,
        help="""Entity IDs of the only institutions whose people are taken, as in
        https://cilogon.org/idplist. A limit, no permission: they still need to be allowed.""",
    )
    idps_from_custos = Bool(
        False,
        config=True,
        help="""Take people of the institutions that Custos v1.0.0 shows for this tenant only,
        in place of `idps`.""",
    )
    idp_claims = List(
        Unicode(),
        ["idp", "identity_provider"],
        minlen=1,
        config=True,
        help="""The claims that may name the institution; the first that is there counts. With
        `identity_provider`, Keycloak's own note, `idps` lists the aliases of its brokers.""",
    )

    _listed: Collection[str] = ()
    _listed_at = float("-inf")

    @validate("idps")
    def _check_idps(self, proposal: Any) -> list[str]:
        entity_ids: list[str] = proposal["value"]
        if not entity_ids or not all(entity_id.strip() for entity_id in entity_ids):
            raise TraitError(
                f"{type(self).__name__}.idps is empty, or an entity ID in it is, so nobody could "
                "log in; name the institutions, or remove it to take people of all"
            )
        return entity_ids

    def leads_to_cilogon(self) -> bool:
        """Return whether CILogon is behind the realm, as the broker that people are passed on to.

        Institutions that are all aliases are brokers of the realm themselves.
        """
        return bool(self.kc_idp_hint) and (not self.idps or any(map(is_entity_id, self.idps)))

    def default_idplist_url(self) -> str:
        """Return where the institutions' names are, where CILogon is behind the realm."""
        return CILOGONS_LIST if self.leads_to_cilogon() else ""

    def default_provider_logout_url(self) -> str:
        """Return where CILogon's own session ends, which the realm's logout leaves alone."""
        return CILOGONS_LOGOUT if self.leads_to_cilogon() else ""

    def institution_hint(self, institution: str) -> dict[str, str]:
        """Return what makes Keycloak pass people on to an institution, nothing if nothing does.

        An entity ID is for the CILogon behind the broker, which Custos has forward `idphint`;
        anything else is the alias of a broker of the realm.
        """
        if not is_entity_id(institution):
            return {"kc_idp_hint": institution}
        return {"idphint": institution} if self.kc_idp_hint else {}

    def limits_institutions(self) -> bool:
        """Return whether it matters at which institution somebody signed in."""
        return bool(self.idps or self.idps_from_custos)

    async def check_institution(
        self, token_info: Mapping[str, Any], user_info: Mapping[str, Any]
    ) -> None:
        """Make sure that somebody signed in at an institution that the hub takes.

        Raises:
            Refused: at another, or it is not told.
            HTTPClientError, OSError, ValueError: Custos did not give its list.
        """
        if not self.limits_institutions():
            return
        said = await self._said_of_institution(token_info, user_info)
        taken = await self._taken()
        for institution in said:
            if institution not in taken:
                self.log.warning("An account of %r, which is not in idps", institution)
                raise of_another_institution(
                    institution,
                    told=user_info.get("idp_name"),
                    known=self.institution_name(institution),
                )

    async def _said_of_institution(
        self, token_info: Mapping[str, Any], user_info: Mapping[str, Any]
    ) -> list[str]:
        """Return the institution that each source names; all of them must be taken.

        The access token is asked where neither userinfo nor ID token says: it must be verified.
        """
        told = [user_info, _unverified(token_info.get("id_token"))]
        if not any(claim in claims for claims in told for claim in self.idp_claims):
            told.append(await self.access_token_claims(token_info))
        for claim in self.idp_claims:
            values = [claims[claim] for claims in told if claims.get(claim) is not None]
            if not values:
                continue
            if all(isinstance(value, str) and value for value in values):
                return values
            self.log.error(
                "The claim %s of %s is no text; in its mapper, switch “multivalued” off",
                claim,
                self.login_service,
            )
            raise self._not_told()
        self.log.error(
            "%s does not tell at which institution somebody signed in: none of the claims %s is in "
            "userinfo, ID token or access token. In Keycloak's realm, add to the identity provider "
            "a mapper “Attribute Importer” (claim idp to user attribute idp, sync mode override "
            "“force”), and to the client a mapper “User Attribute” (idp to token claim idp, in ID "
            "token and userinfo).",
            self.login_service,
            ", ".join(self.idp_claims),
        )
        raise self._not_told()

    def _not_told(self) -> Refused:
        return Refused(
            Reason.INSTITUTION,
            f"{self.login_service} did not say at which institution you signed in, and this hub "
            "takes people of some institutions only. Tell the hub's operator.",
        )

    async def _taken(self) -> Collection[str]:
        if not self.idps_from_custos:
            return frozenset(self.idps)
        if monotonic() - self._listed_at >= LIST_KEPT_FOR:
            self._listed = await self.institutions_of_provider()
            self._listed_at = monotonic()
        return self._listed

    async def institutions_of_provider(self) -> Mapping[str, str]:
        """Return the names, by entity ID, of the institutions that Custos shows for this tenant.

        Raises:
            HTTPClientError, OSError, ValueError: Custos did not answer as it should.
        """
        answer = await self.custos(
            f"{self.service('tenant-management')}/institutions/CILogon",
            label="asking Custos for its institutions",
            secret=self.custos_secret(),
        )
        listed = answer.get("institutions") if isinstance(answer, Mapping) else None
        entries = [entry if isinstance(entry, Mapping) else {} for entry in listed or []]
        entity_ids = [entry.get("entity_id") for entry in entries]
        # Empty is what CILogon's list is when it fails.
        if not entity_ids or not all(isinstance(one, str) and one for one in entity_ids):
            raise ValueError("Custos' list of institutions is empty or not as it should be")
        names = [entry.get("display_name") or entry.get("organization_name") for entry in entries]
        return {
            str(entity_id): tidy(name) if isinstance(name, str) else ""
            for entity_id, name in zip(entity_ids, names, strict=True)
        }


def is_entity_id(institution: str) -> bool:
    """Return whether an institution is called as CILogon calls it, not as a broker of a realm."""
    return ":" in institution


def _unverified(token: Any) -> dict[str, Any]:
    """Return the claims of an ID token, which was verified when it came."""
    if not isinstance(token, str) or not token:
        return {}
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims
