"""CILogon, where the institution that somebody signed in at decides.

`idps` lists the institutions; each has its rules and its way from claims to user names. Upstream
asks for the institution and raises "500 : Internal Server Error" where CILogon does not name it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from oauthenticator.oauth2 import OAuthenticator
from tornado.httputil import url_concat

from fedhub_authenticators.answers import why_no_name
from fedhub_authenticators.plain_words import tidy
from fedhub_authenticators.refusals import Reason, Refused

IDPS = ("idps", "allowed_idps")
"""The trait, and what it was called before oauthenticator 17.4."""


class CILogonInstitutions(OAuthenticator):
    """Comes before `Provider` in the classes that build on `CILogonOAuthenticator`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._check_names_of_the_trait()
        self._check_prefixes()

    # --- settings -----------------------------------------------------------------------

    def _check_names_of_the_trait(self) -> None:
        """Make sure that one list of institutions is meant.

        Raises:
            ValueError: there are two, as when one file has the old name and another the new.
        """
        sections = [self.config[name] for name in self.section_names() if name in self.config]
        if all(any(section.get(trait) for section in sections) for trait in IDPS):
            raise ValueError(
                f"{type(self).__name__} has both idps and allowed_idps, so nobody can tell which "
                "institutions are meant; put all of them under idps, and remove allowed_idps, "
                "which is what idps was called before oauthenticator 17.4"
            )

    def _check_prefixes(self) -> None:
        """Make sure that prefixes are still different ones in the hub's user names.

        Raises:
            ValueError: two differ by upper and lower case alone.
        """
        written: dict[str, str] = {}
        for prefix in self._prefixes().values():
            other = written.setdefault(prefix.lower(), prefix)
            if other != prefix:
                raise ValueError(
                    f"{type(self).__name__}.idps has the prefixes {other!r} and {prefix!r}; user "
                    "names are written in lower case, where they are the same: change one"
                )

    def _prefixes(self) -> dict[str, str]:
        """Return the prefix of each institution whose names have one."""
        derivations = {idp: rule["username_derivation"] for idp, rule in self.idps.items()}
        return {
            idp: derivation["prefix"]
            for idp, derivation in derivations.items()
            if derivation.get("action") == "prefix"
        }

    def default_issuer(self) -> str:
        """Return the issuer of ID tokens, of CILogon itself or of one for tests."""
        return f"https://{self.cilogon_host}"

    def default_jwks_url(self) -> str:
        """Return where CILogon's keys are."""
        return f"https://{self.cilogon_host}/oauth2/certs"

    def default_idplist_url(self) -> str:
        """Return where CILogon lists institutions; a skin has its own list."""
        place = urlsplit(self.authorize_url)
        address = f"{place.scheme}://{place.netloc}/idplist/"
        return str(url_concat(address, {"skin": self.skin} if self.skin else {}))

    def institution_hint(self, entity_id: str) -> dict[str, str]:
        """Return what makes CILogon show one institution, in place of all of `idps`."""
        return {"selected_idp": entity_id}

    # --- a person -----------------------------------------------------------------------

    def user_info_to_username(self, user_info: dict[str, Any]) -> Any:
        """Return the user name that an institution's rule makes of the claims.

        Called at login and at every refresh.

        Raises:
            Refused: the institution is not told or not among `idps`, or its claim is no name.
        """
        idp = self._institution(user_info)
        claim = self.idps[idp]["username_derivation"]["username_claim"]
        # Before a domain is taken off: one that only looks like the institution's is another.
        if why := why_no_name(user_info.get(claim)):
            raise self.no_name(f"of {idp}, the claim {claim}: {why}")
        name = super().user_info_to_username(user_info)
        self._check_kept_for(idp, name)
        return name

    def _institution(self, user_info: Mapping[str, Any]) -> str:
        idp = user_info.get("idp")
        if not isinstance(idp, str) or not idp:
            self.log.error(
                "%s did not name the institution: the claim idp is %s. It comes with the scope "
                "org.cilogon.userinfo.",
                self.login_service,
                "missing" if idp is None else f"of type {type(idp).__name__}, or empty",
            )
            raise Refused(
                Reason.PROVIDER,
                f"{self.login_service} did not say at which institution you signed in, so the hub "
                "can't let you in. Start again from the hub's login page; if that does not help, "
                "tell the hub's operator.",
            )
        if idp not in self.idps:
            self.log.warning("An account of %s, which is not in idps", tidy(idp))
            told = user_info.get("idp_name")
            raise of_another_institution(idp, told=told, known=self.institution_name(idp))
        return idp

    def _check_kept_for(self, idp: str, name: str) -> None:
        """Make sure that a name does not start as another institution's do.

        Raises:
            Refused: it does, as `google:ada` of an institution without a prefix.
        """
        prefixes = self._prefixes()
        lower = name.lower()
        fitting = [prefix for prefix in prefixes.values() if lower.startswith(f"{prefix}:".lower())]
        if fitting and prefixes.get(idp) != max(fitting, key=len):
            self.log.warning(
                "Refused %r of %s: names that start like this are kept for another institution",
                name,
                idp,
            )
            raise Refused(
                Reason.NAME_TAKEN,
                "Your user name is one that this hub keeps for people of another institution. Sign "
                "in with another account, or tell the hub's operator.",
                username=name,
            )

    async def check_allowed(self, username: str, auth_model: dict[str, Any] | None) -> bool:
        """Hold somebody against what lets people in.

        Upstream takes what follows the last `@` for the domain, whatever is before it. A claim
        that does not tell one domain is kept from it, so that no domain lets anybody in.
        """
        if auth_model is not None:
            key = self.user_auth_state_key
            state = auth_model["auth_state"]
            user = self._without_doubtful_domain(state[key])
            auth_model = {**auth_model, "auth_state": {**state, key: user}}
        return bool(await super().check_allowed(username, auth_model))

    def _without_doubtful_domain(self, user: dict[str, Any]) -> dict[str, Any]:
        rule = self.idps[user["idp"]]
        if not rule.get("allowed_domains"):
            return user
        claim = rule.get("allowed_domains_claim") or rule["username_derivation"]["username_claim"]
        value: Any = user.get(claim)
        why = why_no_name(value) or ("it has more than one @" if value.count("@") > 1 else "")
        if not why:
            return user
        self.log.warning("No domain in the claim %s of %s: %s", claim, user["idp"], why)
        return {name: value for name, value in user.items() if name != claim}


def of_another_institution(entity_id: str, *, told: Any, known: str) -> Refused:
    """Return the refusal of somebody whose institution the hub does not list.

    Args:
        entity_id: the institution's, for the log.
        told: its name as the provider tells it, if it is one.
        known: what the hub calls it, shown where the provider tells none.
    """
    name = told if isinstance(told, str) and told else known
    return Refused(
        Reason.INSTITUTION,
        f"You signed in at {tidy(name)}, but this hub takes accounts of other institutions. Sign "
        "in with another account, or ask the hub's operator for access.",
        idp=entity_id,
    )
