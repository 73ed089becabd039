"""The institutions behind a provider, as people know them, and the one they chose last.

Names come from the operator, else from CILogon's list (`/idplist/`), fetched in the background and
kept for a day: the login page never waits for it. An institution without a name goes by the host
of its entity ID.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from jupyterhub.handlers import BaseHandler
from oauthenticator.oauth2 import OAuthenticator, OAuthLoginHandler
from tornado.httpclient import HTTPClientError
from traitlets import Bool, Dict, Unicode

from fedhub_authenticators.fetching import Fetching

COOKIE = "fedhub-institution"
"""The cookie that remembers the institution which somebody chose last."""

REMEMBERED_DAYS = 365

KEPT_FOR = 24 * 3600.0
"""Seconds after which the list is fetched again."""

AGAIN_AFTER = 60.0
"""Seconds after which a list that could not be had is asked for again."""

WELL_KNOWN = {
    "http://google.com/accounts/o8/id": "Google",
    "http://github.com/login/oauth/authorize": "GitHub",
    "http://orcid.org/oauth/authorize": "ORCID",
    "http://login.microsoftonline.com/common/oauth2/v2.0/authorize": "Microsoft",
}
"""CILogon's entity IDs that say nothing to people; note `http`."""


_STROKES = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"})
"""Letters that Unicode does not take apart."""


@dataclass(frozen=True)
class Institution:
    """An institution that people can sign in at.

    Attributes:
        entity_id: what the provider calls it.
        name: what people call it.
    """

    entity_id: str
    name: str

    def fits(self, words: Iterable[str]) -> bool:
        """Return whether all words are in its name or its entity ID; see `plain`."""
        text = plain(f"{self.name} {self.entity_id}")
        return all(word in text for word in words)


def plain(text: str) -> str:
    """Return a text without accents and capitals: who looks for Zurich means Zürich."""
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_STROKES))
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


class OffersInstitutions(Fetching, OAuthenticator):
    """Knows the institutions that a provider's people may come from."""

    institution_chooser = Bool(
        True,
        config=True,
        help="""Whether the login page lets people choose among the provider's institutions;
        otherwise, the provider asks them.""",
    )
    institution_names = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        config=True,
        help="What people call institutions, by entity ID; default: their names at CILogon.",
    )

    _listed_names: Mapping[str, str] = {}
    _names_until = float("-inf")
    _listing: asyncio.Future[None] | None = None

    def institutions(self) -> list[Institution]:
        """Return the institutions to choose from, by name; none where there is no choice."""
        entity_ids = list(getattr(self, "idps", None) or []) if self.institution_chooser else []
        found = [Institution(one, self.institution_name(one)) for one in entity_ids]
        return sorted(found, key=lambda institution: plain(institution.name))

    def institution_name(self, entity_id: str) -> str:
        """Return what people call an institution."""
        return str(
            self.institution_names.get(entity_id)
            or self._listed_names.get(entity_id)
            or WELL_KNOWN.get(entity_id)
            or urlsplit(entity_id).hostname
            or entity_id
        )

    def button_label(self) -> str:
        """Return what to sign in with, where there is nothing to choose.

        The only institution says more to people than "CILogon", unless the operator has other
        words, or nobody knows the institution's name.
        """
        service = str(self.login_service)
        institutions = self.institutions()
        if len(institutions) != 1 or service != self.trait_defaults("login_service"):
            return service
        name = institutions[0].name
        return service if name == urlsplit(institutions[0].entity_id).hostname else name

    def learn_names(self) -> None:
        """Begin to fetch the names, where that is due; returns at once."""
        due = monotonic() >= self._names_until and (self._listing is None or self._listing.done())
        unknown = set(getattr(self, "idps", None) or []) - set(self.institution_names)
        if due and unknown and self.is_a("CILogonOAuthenticator"):
            self._listing = asyncio.ensure_future(self._fetch_names())

    async def _fetch_names(self) -> None:
        place = urlsplit(self.authorize_url)
        try:
            found = await self.httpfetch(
                f"{place.scheme}://{place.netloc}/idplist/",
                label="asking for the institutions' names",
                validate_cert=self.validate_server_cert,
            )
            self._listed_names = names_in(found)
            self._names_until = monotonic() + KEPT_FOR
        except (HTTPClientError, OSError, ValueError) as error:
            self._names_until = monotonic() + AGAIN_AFTER
            self.log.warning("The institutions' names are not known: %s", type(error).__name__)


def names_in(idplist: Any) -> dict[str, str]:
    """Return the names in CILogon's list.

    Raises:
        ValueError: it is none, or empty, which is how CILogon says that it failed.
    """
    entries = idplist if isinstance(idplist, list) else []
    found = {}
    for entry in entries:
        if isinstance(entry, Mapping):
            entity_id = entry.get("EntityID")
            name = entry.get("DisplayName") or entry.get("OrganizationName")
            if isinstance(entity_id, str) and isinstance(name, str) and name.strip():
                found[entity_id] = " ".join(name.split())
    if not found:
        raise ValueError("the list of institutions is empty")
    return found


class ChosenInstitution(OAuthLoginHandler):
    """Begins a login at the institution that somebody chose, and remembers the choice."""

    _chosen = ""

    def get(self) -> Any:
        """Take only an institution that the hub takes people of."""
        asked = self.get_argument("idp", "")
        if asked and any(asked == one.entity_id for one in self.authenticator.institutions()):
            self._chosen = asked
            remember(self, asked)
        return super().get()

    def authorize_redirect(self, *args: Any, **kwargs: Any) -> None:
        """Pass the choice on: CILogon takes `idphint`, Custos' broker forwards it there."""
        if self._chosen:
            kwargs.setdefault("extra_params", {})["idphint"] = self._chosen
        super().authorize_redirect(*args, **kwargs)


def remember(handler: BaseHandler, entity_id: str) -> None:
    """Remember an institution in the browser."""
    handler.set_cookie(
        COOKIE,
        quote(entity_id, safe=""),
        path=handler.hub.base_url,
        expires_days=REMEMBERED_DAYS,
        httponly=True,
        samesite="Lax",
        secure=handler.request.protocol == "https",
    )


def remembered(handler: BaseHandler) -> str:
    """Return the institution which somebody chose last, "" without one."""
    return unquote(handler.get_cookie(COOKIE, "") or "")
