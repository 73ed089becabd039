"""Who somebody is, whatever the hub calls them: provider, institution, subject.

A hub's user name is not that: two institutions behind CILogon can both say `ada@example.org`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.auth import Authenticator
from oauthenticator.oauth2 import OAuthenticator

from fedhub_authenticators.access_tokens import unverified_claims
from fedhub_authenticators.issuer import names_of

SUBJECT_CLAIMS = ("sub", "id", "uuid", "account_id")
"""What identifies a person at a provider for good, in the order of preference: OpenID Connect's
`sub` (Core 1.0 section 2), GitHub's and GitLab's `id`, Bitbucket's `uuid` and `account_id`."""

INSTITUTION_CLAIMS = ("idp", "identity_provider")
"""The entity ID of the institution: CILogon's claim, and that of Keycloak's broker."""

ADDRESS = "provider_address"
"""The key of auth_state that says at which provider somebody logged in, as an address."""


@dataclass(frozen=True)
class Identity:
    """A person, as a provider knows them.

    Attributes:
        provider: the issuer's address; without OpenID Connect, that of the provider. Not the name
            in the values, so that a provider can be renamed.
        idp: the institution's entity ID where the provider has several, else "".
        subject: what identifies the person there.
    """

    provider: str
    idp: str
    subject: str

    def continues(self, known: Identity, addresses: Collection[str]) -> bool:
        """Return whether this is who was known before.

        An institution that was not told then says nothing against it: a Keycloak may be given
        the mapper that tells it later. A subject is never given to another (OpenID Connect Core
        1.0 section 2), so nothing is lost by it.

        Args:
            known: who had the name.
            addresses: all of this person's provider, which may have been known by another.
        """
        same = known.provider == self.provider or known.provider in addresses
        return same and known.subject == self.subject and known.idp in ("", self.idp)


def identity_of(authenticator: Authenticator, user_info: Any) -> Identity | None:
    """Return who a provider's answer is about; None where it does not say.

    Args:
        authenticator: one of ours.
        user_info: what the provider says of the person.
    """
    if not isinstance(user_info, Mapping):
        return None
    subject = _first(user_info, SUBJECT_CLAIMS)
    provider = provider_address(authenticator)
    if not subject or not provider:
        return None
    return Identity(provider, _first(user_info, INSTITUTION_CLAIMS), subject)


def provider_address(authenticator: Any) -> str:
    """Return what identifies a provider: its issuer, else the origin of its login page."""
    issuer: str = authenticator.known_issuer()
    return issuer or _origin(authenticator)


def addresses_of(authenticator: Any) -> frozenset[str]:
    """Return all by which a provider may have been known: an issuer may be found out, or set,
    after people have logged in."""
    return frozenset({provider_address(authenticator), _origin(authenticator)} - {""})


def _origin(authenticator: Any) -> str:
    address = urlsplit(authenticator.authorize_url or "")
    return f"{address.scheme}://{address.netloc}" if address.netloc else ""


def identity_in(authenticator: OAuthenticator, auth_state: Any) -> Identity | None:
    """Return whose login an auth state was kept of; None where it does not say.

    The login may have been at another provider than the hub has now: it is of the one that the
    state says, or that signed its ID token.
    """
    if not isinstance(auth_state, Mapping):
        return None
    found = identity_of(authenticator, auth_state.get(authenticator.user_auth_state_key))
    if found is None:
        return None
    then = auth_state.get(ADDRESS) or unverified_claims(auth_state.get("id_token")).get("iss")
    if not isinstance(then, str) or then in names_of(found.provider):
        return found
    return Identity(then, found.idp, found.subject)


def _first(user_info: Mapping[str, Any], claims: tuple[str, ...]) -> str:
    """Return the first claim that is there, "" where it is not of a kind that identifies."""
    for claim in claims:
        value = user_info.get(claim)
        if value is None or value == "":
            continue
        # True and False are numbers to Python.
        return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return ""
