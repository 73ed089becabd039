"""A real login redirect: which client a running hub sends people with, and whether it is taken."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import httpx

from fedhub.errors import FedhubError

_PATIENCE = 10.0  # seconds


@dataclass(frozen=True)
class LoginRedirect:
    """Where a hub sends people to log in.

    Attributes:
        address: the provider's, with the parameters.
        client_id: the client that the hub uses.
        callback: where people are to come back to.
    """

    address: str
    client_id: str
    callback: str


def login_redirect(callback: str, *, otherwise: str = "") -> LoginRedirect:
    """Begin a login at a running hub, as a browser does.

    Args:
        callback: the callback URL of the hub's provider, next to which the login begins.
        otherwise: what else can be done where the hub does not answer.

    Raises:
        FedhubError: the hub does not answer, or not with a redirect.
    """
    login = f"{callback.removesuffix('oauth_callback')}oauth_login"
    reply = _get(login, "the hub", otherwise)
    location = _location(reply)
    query = parse_qs(urlsplit(location).query)
    if not reply.is_redirect or "client_id" not in query:
        raise FedhubError(
            f"{login} answers {reply.status_code}, and does not lead to a login",
            fix="look at the hub's log",
        )
    return LoginRedirect(location, query["client_id"][0], query.get("redirect_uri", [""])[0])


def check_accepted(redirect: LoginRedirect, *, otherwise: str = "") -> None:
    """See that the provider takes a hub's client and callback URL.

    A provider that does not know one of them answers with an error of its own (RFC 6749 section
    4.1.2.1), and sends nobody back.

    Args:
        redirect: where the hub sends people.
        otherwise: what else can be done where the provider does not answer.

    Raises:
        FedhubError: it does not, or does not answer.
    """
    reply = _get(redirect.address, "the provider", otherwise)
    query = parse_qs(urlsplit(_location(reply)).query)
    if reply.is_error or "error" in query:
        said = query.get("error", [f"HTTP {reply.status_code}"])[0]
        raise FedhubError(
            f"the provider does not take the login of {redirect.client_id}: {said!r}",
            fix="see that the client and its callback URL are registered: `fedhub register show`",
        )


def _location(reply: httpx.Response) -> str:
    """Return where a reply leads to; "" where that is nowhere."""
    try:
        address = str(reply.url.join(reply.headers.get("Location", "")))
        urlsplit(address)
    except (httpx.InvalidURL, ValueError):
        return ""
    return address


def _get(address: str, who: str, otherwise: str) -> httpx.Response:
    host = urlsplit(address).hostname or address
    try:
        return httpx.get(address, timeout=_PATIENCE)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FedhubError(
            f"{who} at {host} does not answer ({type(error).__name__})",
            fix="; ".join(filter(None, ("see that it runs and is reached from here", otherwise))),
        ) from None
