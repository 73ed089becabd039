"""Lets scripts in: an access token of the provider for a token of the hub, by the login's rules.

    a script → POST /hub/api/fedhub/token_exchange (`exchange_page`)
             → the token is checked (`subject_tokens`)
             → get_authenticated_user, as at a login, up to its hooks
             → the hub's database → a token of the hub: short-lived, and for little

Somebody whom no login lets in is not let in here, and whoever is thrown out later finds that
JupyterHub refuses the token too, since it refreshes those who come with a token as well.
"""

from __future__ import annotations

from typing import Any

from jupyterhub.handlers import BaseHandler
from traitlets import Bool, Integer, List, TraitError, Unicode, validate

from fedhub_authenticators.exchange_page import exchange_pages
from fedhub_authenticators.subject_tokens import ChecksTokens, Presented

OWN_SERVERS = ["servers!user", "access:servers!user"]
"""Start, stop and use one's own servers."""

_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"


class TokenExchange(ChecksTokens):
    """Takes a script's access token in place of a login."""

    token_exchange = Bool(
        False,
        config=True,
        help="""Let scripts exchange an access token of this provider for a token of the hub, at
        `/hub/api/fedhub/token_exchange`. See docs/tokens.md.""",
    )
    token_exchange_lifetime = Integer(
        600,
        min=60,
        max=3600,
        config=True,
        help="For how many seconds the hub's token is good; an hour at most.",
    )
    token_exchange_scopes = List(
        Unicode(),
        OWN_SERVERS,
        config=True,
        help="""What the hub's token may do, as scopes of JupyterHub. A script may ask for less.
        Default: start, stop and use the person's own servers.""",
    )

    @validate("token_exchange_scopes")
    def _not_everything(self, proposal: Any) -> Any:
        scopes = proposal["value"]
        if not scopes or "inherit" in scopes:
            raise TraitError(
                "token_exchange_scopes must name what a script may do; take scopes such as "
                f"{', '.join(OWN_SERVERS)}, and never inherit"
            )
        return scopes

    def get_handlers(self, app: Any) -> list[tuple[str, type[BaseHandler]]]:
        """Add the address where scripts come."""
        pages: list[tuple[str, type[BaseHandler]]] = super().get_handlers(app)
        return pages + ([] if getattr(self, "path", "") else exchange_pages([self]))

    def can_tell_who(self) -> bool:
        """Return whether the provider says whom an access token belongs to."""
        return not self._user_is_in_id_token()

    # --- in place of the provider's answer to a login -------------------------------------

    def build_access_tokens_request_params(self, handler: Any, data: Any = None) -> dict[str, Any]:
        """Ask for tokens, unless somebody comes with one."""
        if isinstance(data, Presented):
            self.use_client(self.current_client().client_id)
            return {"grant_type": _GRANT, "subject_token": data}
        params: dict[str, Any] = super().build_access_tokens_request_params(handler, data)
        return params

    async def get_token_info(self, handler: Any, params: dict[str, Any]) -> dict[str, Any]:
        """Get tokens; there is nothing to get for somebody who comes with one."""
        presented = params.get("subject_token")
        if isinstance(presented, Presented):
            return presented.as_token_response()
        found: dict[str, Any] = await super().get_token_info(handler, params)
        return found
