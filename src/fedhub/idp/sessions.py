"""Single sign-on: a browser that has signed in at a site goes on there without the page.

Every real server keeps such a session, and it outlives the hub's own: who logs out of the hub
only is logged straight back in. The cookie goes to the site's own paths, since browsers don't
tell a hub on the same host by its port.
"""

from __future__ import annotations

import uuid
from concurrent.futures import wait
from dataclasses import replace

from flask import Response, request

from fedhub.idp.client import Client
from fedhub.idp.records import Session, SignIn
from fedhub.idp.site import Site


def current(site: Site) -> Session | None:
    """The session of this request's browser."""
    return site.state.session_in(site.session_scope, request.cookies.get(site.session_cookie, ""))


def seen(site: Site, client: Client) -> SignIn | None:
    """Who is signed in with this browser, as this client is to learn it.

    A session of one login provider of the hub says nothing to another: their personas differ.
    """
    session = current(site)
    if session is None or session.signin.client.provider != client.provider:
        return None
    if site.state.is_disabled(session.signin.persona):
        return None
    return replace(session.signin, client=client, id=uuid.uuid4().hex)


def begin(site: Site, signin: SignIn) -> SignIn:
    """Begin a session; returns the sign-in bound to it."""
    return site.state.open_session(
        site.session_scope, signin, withdraws_tokens=site.logout_withdraws_tokens
    )


def remember(site: Site, reply: Response, signin: SignIn) -> None:
    """Let the browser keep the session, and the session know the client."""
    session = site.state.session(site.session_scope, signin.session)
    if session is None:
        return
    site.state.join(session, signin.client, site.issuer)
    for path in site.cookie_paths:
        reply.set_cookie(
            site.session_cookie,
            session.cookie,
            path=path,
            httponly=True,
            secure=site.state.secure,
            samesite="None" if site.state.secure else "Lax",
        )


def end(site: Site, session_id: str) -> None:
    """End a session of this site, and tell its clients; one of another site stays."""
    if site.state.session(site.session_scope, session_id) is not None:
        # Told before the browser goes on: whoever comes back to a hub is out there.
        wait(site.state.close_session(session_id))


def forget(site: Site, reply: Response) -> None:
    """Take the session from the browser."""
    for path in site.cookie_paths:
        reply.delete_cookie(site.session_cookie, path=path)
