"""When services were last used, as the hub that runs knows it: by the tokens that it gave them.

JupyterHub keeps no such time for a service. It keeps one for each token, with the application that
has it (jupyterhub/apihandlers/base.py, `token_model`), until the token ends or its person logs out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from fedhub.errors import FedhubError
from fedhub.services.connection import UNREACHED, check_private, connection
from fedhub.services.hub_token import SCOPES, VARIABLE

_AT_ONCE = 4
_PAGES = "application/jupyterhub-pagination+json"
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def last_uses(home: str, token: SecretStr, names: Sequence[str]) -> dict[str, datetime | None]:
    """Return when each service was last used; None where the hub knows of no use.

    A use is a login, or the application asking the hub in somebody's name.

    Args:
        home: the hub's address, without a slash at the end.
        token: of the hub, with SCOPES.
        names: the services'.

    Raises:
        UsageError: the token would travel where others can read it.
        FedhubError: the hub does not answer, or not to this token.
    """
    check_private(home)
    kept = token.get_secret_value()
    if not (kept.isascii() and kept.isprintable()):
        raise FedhubError(f"{VARIABLE} holds no token of a hub", fix="set it to one line")
    # What JupyterHub calls a service's client (jupyterhub/app.py, init_services).
    services = {f"JupyterHub service {name}": name for name in names}
    found: dict[str, datetime | None] = dict.fromkeys(names)
    headers = {"Authorization": f"token {kept}"}
    try:
        with (
            httpx.Client(base_url=f"{home}/api/", headers=headers, **connection(home)) as http,
            ThreadPoolExecutor(_AT_ONCE) as pool,
        ):
            for tokens in pool.map(lambda user: _tokens(http, user), list(_users(http))):
                for name, used in _uses(tokens, services):
                    found[name] = max(used, found[name] or used)
    except UNREACHED as error:
        raise FedhubError(
            f"the hub at {home} does not answer ({type(error).__name__})",
            fix="see that it runs and is reached from here",
        ) from None
    return found


def _users(http: httpx.Client) -> Iterator[str]:
    """Yield the names of the hub's users, page after page."""
    offset: int | None = 0
    while offset is not None:
        page = _said(http.get("users", params={"offset": offset}, headers={"Accept": _PAGES}))
        items = page.get("items")
        for user in items if isinstance(items, list) else []:
            if isinstance(user, dict) and isinstance(user.get("name"), str):
                yield user["name"]
        following = _map(_map(page.get("_pagination")).get("next")).get("offset")
        # A hub that leads back would be asked for ever.
        offset = following if isinstance(following, int) and following > offset else None


def _tokens(http: httpx.Client, user: str) -> list[Any]:
    reply = http.get(f"users/{quote(user, safe='')}/tokens")
    if reply.status_code == HTTPStatus.NOT_FOUND:  # who was removed meanwhile
        return []
    found = _said(reply).get("api_tokens")
    return found if isinstance(found, list) else []


def _uses(tokens: list[Any], services: Mapping[str, str]) -> Iterator[tuple[str, datetime]]:
    for token in map(_map, tokens):
        name = services.get(str(token.get("oauth_client")))
        times = [_time(token.get(key)) for key in ("created", "last_activity")]
        known = [time for time in times if time is not None]
        if name is not None and known:
            yield name, max(known)


def _time(said: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(said)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None


def _said(reply: httpx.Response) -> dict[str, Any]:
    if reply.status_code in _REFUSED:
        raise FedhubError(
            f"the hub does not let the token of {VARIABLE} look ({reply.status_code})",
            fix=f"give it the scopes {' and '.join(SCOPES)}",
        )
    try:
        said = reply.json() if reply.is_success else None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise FedhubError(
            f"the hub answers {reply.status_code} at {reply.url.path}, and not as JupyterHub",
            fix="see where its address leads",
        )
    return said


def _map(said: Any) -> dict[str, Any]:
    return said if isinstance(said, dict) else {}
