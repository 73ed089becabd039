"""Tells hubs that somebody's session is over: OpenID Connect Back-Channel Logout 1.0."""

from __future__ import annotations

import logging
import secrets
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from fedhub.idp.client import Client
from fedhub.idp.records import Session

if TYPE_CHECKING:
    from fedhub.idp.state import State

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LIFETIME = 120
"""Seconds; the most that section 2.4 recommends."""
PATIENCE = 5.0
"""Seconds a hub gets for its answer."""

log = logging.getLogger("fedhub.idp")


def tell(state: State, session: Session) -> list[Future[int]]:
    """Post a logout token to every client of a session that has an address for it.

    Each is told by a thread of its own, so that none waits for another.

    Args:
        state: signs the tokens.
        session: one that has ended.

    Returns:
        What each hub answers, as an HTTP status; 0 where there is no answer in time.
    """
    said = []
    for client, issuer in session.clients.items():
        if client.backchannel_logout_uri:
            token = logout_token(state, session, client, issuer)
            answer: Future[int] = Future()
            arguments = (client.backchannel_logout_uri, token, answer)
            threading.Thread(target=_post, args=arguments, daemon=True).start()
            said.append(answer)
    return said


def logout_token(state: State, session: Session, client: Client, issuer: str) -> str:
    """A logout token (section 2.4), which has no `nonce`, so as not to pass for an ID token."""
    now = int(state.clock())
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": client.client_id,
        "iat": now,
        "exp": now + LIFETIME,
        "jti": secrets.token_hex(16),
        "sub": session.signin.claims.get("sub"),
        "sid": session.id,
        "events": {EVENT: {}},
    }
    if client.face == "keycloak":
        claims["typ"] = "Logout"
    return state.keys.sign(claims, kind="logout+jwt")


def _post(address: str, token: str, answer: Future[int]) -> None:
    import httpx

    status = 0
    try:
        status = httpx.post(
            address,
            data={"logout_token": token},
            timeout=PATIENCE,
            trust_env=False,
            verify=address.startswith("https:"),  # certificates take long to load
        ).status_code
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        log.warning("a hub can't be told of a logout: %s", type(error).__name__)
    finally:
        answer.set_result(status)
