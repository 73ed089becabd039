"""Lets people choose their institution on the hub's own page, and remembers what they chose.

A class with institutions says how its provider is told of one (`institution_hint`); the list is
its trait `idps`, or what it finds out (`institutions_of_provider`). Names come from the operator,
else from CILogon's list (`/idplist/`), fetched in the background and kept for a day: no page
waits for it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping
from time import monotonic
from typing import Any

from jupyterhub.handlers import BaseHandler
from oauthenticator.oauth2 import OAuthenticator, OAuthLoginHandler
from tornado.httpclient import HTTPClientError
from traitlets import Bool, Dict, Unicode

from fedhub_authenticators import events
from fedhub_authenticators.fetching import Fetching
from fedhub_authenticators.institutions import Institution, institutions, names_in, place

COOKIE = "fedhub-institution"
"""The cookie that remembers the institution which somebody chose last."""

DAYS = 365
"""How long it does."""

KEEP_FOR = 24 * 3600.0
"""Seconds after which names are fetched again."""

RETRY_AFTER = 300.0
"""Seconds after which names that could not be had are asked for again."""

PATIENCE = 20.0
"""Seconds that CILogon's list, of some thousand institutions, may take."""

Names = Mapping[str, tuple[str, ...]]
"""The names of institutions by entity ID."""


class OffersInstitutions(Fetching, OAuthenticator):
    """Knows the institutions that a provider's people may come from."""

    institution_chooser = Bool(
        True,
        config=True,
        help="""Whether the login page lets people choose among the institutions of `idps`;
        otherwise the provider asks them.""",
    )
    institution_names = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        config=True,
        help="""What people call institutions, by entity ID; default: their names in CILogon's
        list, else the host of the entity ID.""",
    )
    idplist_url = Unicode(
        config=True,
        help="""Where the names of institutions are, in the format of
        https://cilogon.org/idplist/; default: CILogon's own list, where people sign in through
        CILogon.""",
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._known: Names = {}
        self._fetch_again_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None
        self._made: list[Institution] | None = None

    def offered_institutions(self) -> Collection[str]:
        """Return the entity IDs of the institutions to choose from."""
        if not hasattr(self, "institution_hint"):
            return ()
        return [one for one in self._taken_institutions() if self.institution_hint(one)]

    def _taken_institutions(self) -> Collection[str]:
        taken = self._known if self._provider_lists() else getattr(self, "idps", None)
        return taken or ()

    def only_institution(self) -> str:
        """Return the entity ID of the only institution that people can come from.

        Returns:
            "" where there are others, where nothing leads there, or where the operator leaves
            the choice to the provider.
        """
        offered = list(self.offered_institutions()) if self.institution_chooser else []
        return offered[0] if len(offered) == len(self._taken_institutions()) == 1 else ""

    def institutions(self) -> list[Institution]:
        """Return the institutions to choose from, by name; none where there is no choice."""
        if not self.institution_chooser:
            return []
        self.learn_names()
        if self._made is None:
            # Some thousand names are sorted once, not for everybody who looks.
            offered = self.offered_institutions()
            self._made = institutions(offered, self.institution_names, self._known)
        return self._made

    def institution_name(self, entity_id: str) -> str:
        """Return what people call an institution."""
        (one,) = institutions([entity_id], self.institution_names, self._known)
        return one.name

    def button_label(self) -> str:
        """Return what to sign in with, where there is nothing to choose.

        The only institution says more to people than "CILogon", unless the operator has other
        words, or nobody knows the institution's name.
        """
        service = str(self.login_service)
        only = self.institutions()
        if len(only) != 1 or service != self.trait_defaults("login_service"):
            return service
        name = only[0].name
        return service if name == place(only[0].entity_id) else name

    def learn_names(self) -> None:
        """Begin to fetch the names where that is due; return at once."""
        if monotonic() < self._fetch_again_at or self._fetching is not None:
            return
        if not (self._provider_lists() or self._unnamed()):
            return
        try:
            self._fetching = asyncio.get_running_loop().create_task(self._learn())
        except RuntimeError:
            return  # nobody is served yet

    def _provider_lists(self) -> bool:
        """Return whether the provider says which institutions there are."""
        return bool(getattr(self, "idps_from_custos", False))

    def _unnamed(self) -> list[str]:
        return [one for one in getattr(self, "idps", ()) if one not in self.institution_names]

    async def _learn(self) -> None:
        again = KEEP_FOR
        try:
            self._known = await asyncio.wait_for(self._fetch_names(), PATIENCE)
            self._made = None
        except (HTTPClientError, OSError, ValueError, TimeoutError) as error:
            again = RETRY_AFTER
            about = {"provider": self.called, "error": type(error).__name__}
            self.log.warning("%s", events.line("institutions", "unnamed", **about))
        finally:
            self._fetch_again_at = monotonic() + again
            self._fetching = None

    async def _fetch_names(self) -> Names:
        """Return the names that the provider, or CILogon, has for the institutions.

        Raises:
            HTTPClientError, OSError, ValueError: they did not answer as they should.
        """
        if self._provider_lists():
            listed: Mapping[str, str] = await self.institutions_of_provider()
            return {entity_id: (name,) if name else () for entity_id, name in listed.items()}
        address = self.idplist_url or self._idplist()
        if not address:
            return {}
        found = await self.httpfetch(
            address,
            label="asking for the names of institutions",
            validate_cert=self.validate_server_cert,
            request_timeout=PATIENCE,
        )
        return names_in(found, self._unnamed())

    def _idplist(self) -> str:
        """Return where CILogon's list is, "" where people do not sign in through CILogon."""
        known = getattr(self, "default_idplist_url", None)
        return str(known()) if known else ""


class ChosenInstitution(OAuthLoginHandler):
    """Takes people to the institution that they chose, and remembers the choice.

    Comes after upstream's page, so that the choice replaces the whole list that CILogon's adds.
    """

    def authorize_redirect(self, *args: Any, **kwargs: Any) -> None:
        """Pass the choice on; one that the hub does not offer is as good as none.

        Where there is nothing to choose, nobody is asked again at the provider.
        """
        authenticator = self.authenticator
        chosen = self.get_argument("idp", "")
        if chosen and chosen in authenticator.offered_institutions():
            remember(self, chosen)
        else:
            chosen = authenticator.only_institution()
        if chosen:
            hint = authenticator.institution_hint(chosen)
            kwargs.setdefault("extra_params", {}).update(hint)
        super().authorize_redirect(*args, **kwargs)


def remember(handler: BaseHandler, entity_id: str) -> None:
    """Remember an institution in the browser, for this hub's pages alone."""
    handler._set_cookie(
        COOKIE,
        json.dumps([handler.authenticator.called, entity_id]),
        path=handler.hub.base_url,
        expires_days=DAYS,
        samesite="Lax",
    )


def remembered(handler: BaseHandler, provider: Any) -> Institution | None:
    """Return the institution that somebody chose last, where it is one of a provider's."""
    cookie = handler.get_secure_cookie(COOKIE, max_age_days=DAYS)
    called, entity_id = json.loads(cookie) if cookie else ("", "")
    if called != provider.called:
        return None
    return next((one for one in provider.institutions() if one.entity_id == entity_id), None)
