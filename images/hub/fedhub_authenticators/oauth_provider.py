"""JupyterHub's OAuth provider, with PKCE: only who began a login can redeem its code.

JupyterHub takes a `code_challenge` (RFC 7636) and looks at it no more. It knows a code by itself
alone; here a code is known by itself and the challenge, so that nothing else has to be kept: a hub
that restarts in the middle of a login still knows it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from jupyterhub import app
from jupyterhub.oauth.provider import JupyterHubOAuthServer, JupyterHubRequestValidator
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749 import errors

from fedhub_authenticators.oidc_issuer import may_use
from fedhub_authenticators.pkce import challenge_of, check_challenge
from fedhub_authenticators.services import without_lost_roles

_LENGTH = 36
"""Characters that JupyterHub's database has for a code: 216 bits of a hash."""


def forget_named(request: Request) -> None:
    """Forget the person whom an address names: oauthlib takes the word for JupyterHub's user."""
    if isinstance(request.user, str):
        request.user = None


class _Validator(JupyterHubRequestValidator):
    """JupyterHub's rules, and PKCE; and who may use a service, asked again as a login ends.

    Args:
        db: the hub's database session.
        needing: the client ids whose logins are refused without.
    """

    def __init__(self, db: Any, needing: Collection[str]) -> None:
        super().__init__(db)
        self._needing = needing

    def validate_client_id(self, client_id: str, request: Request, *_: Any, **__: Any) -> bool:
        """Return whether there is such a client; oauthlib asks this first."""
        forget_named(request)
        return bool(super().validate_client_id(client_id, request))

    def validate_redirect_uri(
        self, client_id: str, redirect_uri: str, request: Request, *_: Any, **__: Any
    ) -> bool:
        """Return whether a redirect address is the registered one; JupyterHub logs another."""
        return redirect_uri.isprintable() and bool(
            super().validate_redirect_uri(client_id, redirect_uri, request)
        )

    def is_pkce_required(self, client_id: str, request: Request) -> bool:
        """Return whether the operator asks for PKCE; oauthlib asks before it reads a challenge.

        Raises:
            InvalidRequestError: see `check_challenge`.
        """
        check_challenge(request)
        return client_id in self._needing

    def save_authorization_code(
        self, client_id: str, code: Mapping[str, str], request: Request, *_: Any, **__: Any
    ) -> None:
        """Keep what a code stands for, for whoever knows the verifier."""
        kept = {**code, "code": _known_as(code["code"], request.code_challenge)}
        super().save_authorization_code(client_id, kept, request)

    def validate_code(
        self, client_id: str, code: str, client: Any, request: Request, *_: Any, **__: Any
    ) -> bool:
        """Return that a code is the client's.

        Raises:
            InvalidGrantError: it is not, the verifier is not that of its login, or the person may
                not use the service any more. A verifier that comes though the login had no
                challenge is refused, too (RFC 9700 section 4.8.2).
        """
        if not super().validate_code(client_id, _brought(code, request), client, request):
            raise errors.InvalidGrantError(
                "There is no such code of this client: it was used, is older than five minutes, "
                "its person has logged out, or the code_verifier does not fit the code_challenge "
                "that the login began with.",
                request=request,
            )
        # JupyterHub asks when somebody comes, and answers 500 where that has changed since.
        if client.service and not may_use(request.user, client):
            words = "The person may not use the service any more."
            raise errors.InvalidGrantError(words, request=request)
        request.scopes = without_lost_roles(request.scopes, request.user, client)
        return True

    def get_code_challenge(self, _: str, request: Request) -> str | None:
        """Return the challenge of the login: the code would not have been found by another."""
        return None if request.code_verifier is None else challenge_of(request.code_verifier)

    def get_code_challenge_method(self, *_: Any) -> str:
        """Return the only one there is."""
        return "S256"

    def invalidate_authorization_code(
        self, client_id: str, code: str, request: Request, *_: Any, **__: Any
    ) -> None:
        """Forget a code that was used."""
        super().invalidate_authorization_code(client_id, _brought(code, request), request)


def _brought(code: str, request: Request) -> str:
    verifier = request.code_verifier
    return _known_as(code, None if verifier is None else challenge_of(verifier))


def _known_as(code: str, challenge: str | None) -> str:
    """Return what the database knows a code by; whoever reads it there can't redeem it."""
    digest = hashlib.sha256(f"{code} {challenge or ''}".encode()).digest()
    return base64.urlsafe_b64encode(digest).decode()[:_LENGTH]


def install(needing: Collection[str]) -> None:
    """Have the hub hold logins of applications against PKCE; JupyterHub has no setting for that.

    Args:
        needing: the client ids whose logins are refused without.

    Raises:
        ValueError: this JupyterHub makes its provider in another way.
    """
    if not hasattr(app, "make_provider"):
        raise ValueError(
            "fedhub_authenticators can't hold logins of applications against PKCE in this version "
            "of JupyterHub; build the image with the one that its requirements name"
        )
    app.make_provider = partial(_make_provider, frozenset(needing))


def _make_provider(
    needing: Collection[str], session_factory: Callable[[], Any], *_: Any, **settings: Any
) -> JupyterHubOAuthServer:
    """Do what JupyterHub's own does (jupyterhub/oauth/provider.py)."""
    db = session_factory()
    return JupyterHubOAuthServer(db, _Validator(db, needing), **settings)
