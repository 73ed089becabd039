"""Begins a login: what the hub sends along, so that the callback can tell whose login it ends."""

from __future__ import annotations

import base64
import hashlib
from http import HTTPStatus
from typing import Any

from oauthenticator.oauth2 import OAuthCallbackHandler, OAuthLoginHandler, _deserialize_state

from fedhub_authenticators import events
from fedhub_authenticators.refusals import Reason, Refused


class BeginLogin(OAuthLoginHandler):
    """Sends people to the provider with a nonce, and remembers with which client they went."""

    def get(self) -> Any:
        """Go, unless the hub has no client to go with yet.

        Raises:
            Refused: 503, its credentials are still to come.
        """
        authenticator = self.authenticator
        if authenticator.client_id_file and not authenticator.current_client().client_id:
            events.login(self.log, authenticator.called, "failed", Reason.CLIENT)
            raise Refused(
                Reason.CLIENT,
                f"This hub is not registered at {authenticator.login_service} yet. Tell the hub's "
                "operator.",
                status=HTTPStatus.SERVICE_UNAVAILABLE,
            )
        return super().get()

    def _generate_state_id(self) -> str:
        client = self.authenticator.current_client()
        return f"{super()._generate_state_id()}-{fingerprint(client.client_id)}"

    def authorize_redirect(self, *args: Any, **kwargs: Any) -> None:
        """Add the nonce."""
        extra = kwargs.setdefault("extra_params", {})
        if self.authenticator.expects_id_token():
            extra["nonce"] = nonce_for(_deserialize_state(extra["state"]).get("state_id") or "")
        super().authorize_redirect(*args, **kwargs)


def nonce_for(state_id: str) -> str:
    """Return the nonce of a login, which its ID token must repeat.

    It is a hash of what stands in the browser's cookie, as OpenID Connect Core 1.0 section
    15.5.2 proposes; so there is nothing more to keep.
    """
    digest = hashlib.sha256(b"nonce " + state_id.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def fingerprint(client_id: str) -> str:
    """Return a short name of a client, for the state that travels through the browser."""
    return hashlib.sha256(client_id.encode()).hexdigest()[:12]


def state_id_of(handler: OAuthCallbackHandler) -> str:
    """Return the id of the login that a callback ends, from the browser's cookie; "" if none."""
    cookie = handler.get_state_cookie()
    found = _deserialize_state(cookie).get("state_id") if cookie else None
    return found if isinstance(found, str) else ""
