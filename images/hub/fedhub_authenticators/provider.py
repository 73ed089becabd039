"""What every provider's class of ours has, whichever oauthenticator class it builds on."""

from __future__ import annotations

from inspect import isawaitable
from typing import Any

from jupyterhub.handlers import BaseHandler
from oauthenticator.oauth2 import (
    OAuthCallbackHandler,
    OAuthenticator,
    OAuthLoginHandler,
    OAuthLogoutHandler,
)
from traitlets import Unicode

from fedhub_authenticators import events
from fedhub_authenticators.another_account import (
    AsksAnew,
    OffersAnotherAccount,
    RemembersRefused,
)
from fedhub_authenticators.answers import SaneAnswers
from fedhub_authenticators.auth_state import PROVIDER, KeepsAuthState
from fedhub_authenticators.backchannel import LogsOutWhenTold
from fedhub_authenticators.bindings import Bound
from fedhub_authenticators.client_credentials import CLIENT, ClientCredentials
from fedhub_authenticators.fetching import Fetching
from fedhub_authenticators.groups import Groups
from fedhub_authenticators.id_token import VerifiedIdToken
from fedhub_authenticators.identity import ADDRESS, provider_address
from fedhub_authenticators.institution_choice import ChosenInstitution, OffersInstitutions
from fedhub_authenticators.login import BeginLogin
from fedhub_authenticators.logout import LogoutPage
from fedhub_authenticators.notebook_tokens import TokensForServers
from fedhub_authenticators.pages import add_templates, hub_pages
from fedhub_authenticators.plain_words import PlainCallback, PlainWords
from fedhub_authenticators.renewal import NotesRenewals
from fedhub_authenticators.services import define_gone_roles
from fedhub_authenticators.staying_in import StayingIn
from fedhub_authenticators.token_exchange import TokenExchange
from fedhub_authenticators.verified_email import VerifiedEmail
from fedhub_authenticators.who_tried import KnowsWhoTried

_PAGES: tuple[tuple[type[BaseHandler], type[BaseHandler]], ...] = (
    (OAuthLoginHandler, AsksAnew),
    (OAuthLoginHandler, BeginLogin),
    (OAuthCallbackHandler, RemembersRefused),
    (OAuthCallbackHandler, PlainCallback),
    (OAuthLogoutHandler, LogoutPage),
)
"""Upstream's pages, and what ours put before each."""

_LAST: tuple[tuple[type[BaseHandler], type[BaseHandler]], ...] = (
    (OAuthLoginHandler, ChosenInstitution),
)
"""What ours put after those of upstream's, to have the last word."""


class Provider(
    KnowsWhoTried,
    KeepsAuthState,
    LogsOutWhenTold,
    StayingIn,
    Bound,
    TokensForServers,
    TokenExchange,
    OffersAnotherAccount,
    OffersInstitutions,
    VerifiedIdToken,
    NotesRenewals,
    ClientCredentials,
    PlainWords,
    VerifiedEmail,
    Groups,
    SaneAnswers,
    Fetching,
    OAuthenticator,
):
    """Knows its name, and keeps it with everybody who logs in.

    Comes before the class that it adds to, so that what it guarantees holds whatever that class
    does. Our classes are called as the class that they build on, so that the operator's
    `c.GitHubOAuthenticator` reaches them.
    """

    provider_name = Unicode(
        "",
        config=True,
        help="The provider's name under `global.fedhub.login`; kept in auth_state.",
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        events.begin(self.called)

    @classmethod
    def section_names(cls) -> list[str]:
        """Each section once: read twice, a `c.GitHubOAuthenticator.scope.append` counts twice."""
        return list(dict.fromkeys(super().section_names()))

    def get_handlers(self, app: Any) -> list[tuple[str, type[BaseHandler]]]:
        """Return the provider's pages, with what ours do beside upstream's."""
        add_templates(app)
        pages = [(path, _with_ours(page)) for path, page in super().get_handlers(app)]
        if getattr(self, "path", ""):
            return pages  # it is one of several, and the hub's own come once
        define_gone_roles(app.db)
        return pages + hub_pages()

    async def build_auth_state_dict(
        self, token_info: dict[str, Any], user_info: dict[str, Any]
    ) -> dict[str, Any]:
        """Add the provider's name to what upstream keeps."""
        found = super().build_auth_state_dict(token_info, user_info)
        state: dict[str, Any] = await found if isawaitable(found) else found
        if self.provider_name:
            state[PROVIDER] = self.provider_name
        state[CLIENT] = self.client_in_use().client_id
        state[ADDRESS] = provider_address(self)
        return state


def _with_ours(page: type[BaseHandler]) -> type[BaseHandler]:
    """Return a provider's page that does what ours do, then what it does itself."""
    ours = [own for upstream, own in _PAGES if issubclass(page, upstream)]
    bases = [own for own in ours if not issubclass(page, own)]
    if not bases:
        return page
    last = [own for upstream, own in _LAST if issubclass(page, upstream)]
    if not any(issubclass(own, page) for own in bases + last):
        bases.append(page)
    bases += last
    return type(page.__name__, tuple(bases), {"__module__": __name__, "__doc__": page.__doc__})
