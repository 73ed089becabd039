"""A running hub that is an OpenID Connect issuer, and applications that log in through it.

Hides: the hub's values, logging in on the way, and what requests of an application look like.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from tests.previews import RunningHub, Visitor

INSIDER, OUTSIDER = "campus-group-instructors", "campus-group-researchers"
GUEST = "campus-group-guests"
VERIFIER = "verifier-of-the-tests-" + "0123456789" * 3
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)

_LOG_COMES = 20.0
"""Seconds that a line of the log may take on a busy machine."""

VALUES = """\
global:
  fedhub:
    domain: hub.example.org
    login:
      campus:
        authenticator: generic-oauth
        config:
          authorize_url: https://login.uni.example.edu/oauth2/authorize
          token_url: https://login.uni.example.edu/oauth2/token
          userdata_url: https://login.uni.example.edu/oauth2/userinfo
          scope: [openid, email, profile]
          username_claim: preferred_username
          manage_groups: true
          auth_state_groups_key: oauth_user.groups
          allowed_groups: [researchers, instructors, guests]
    oidc: {enabled: true, requirePkce: {pkce}}
    services:
      grafana:
        oauth_redirect_uri: {callback}
        oauth_no_confirm: true
        oauth_client_allowed_scopes: ["read:users:groups!user"]
        groups: [instructors]
        api_token: {grafana}
      asks:
        oauth_redirect_uri: https://asks.example.org/callback?from=hub
        requirePkce: {asks_pkce}
        groups: [instructors, researchers, guests]
        api_token: {asks}
jupyterhub:
  hub:
    services:
      operator: {apiToken: {operator}}
      other:
        apiToken: {other}
        oauth_client_id: service-other
        oauth_redirect_uri: https://other.example.org/callback
        oauth_no_confirm: true
    loadRoles:
      operator: {scopes: ["admin:users"], services: [operator]}
      other: {scopes: ["access:services!service=other"], groups: [instructors]}
"""

PLAIN = "api/oauth2/"
"""Where JupyterHub's own OAuth is, below `/hub/`."""

OPERATOR = "token-of-the-operator-" + "0123456789" * 3
"""Of a service that may remove people."""


@dataclass(frozen=True)
class Application:
    """A client of the issuer, as it is registered."""

    name: str
    callback: str

    @property
    def secret(self) -> str:
        return f"secret-of-{self.name}-" + "0123456789" * 3

    @property
    def client_id(self) -> str:
        return f"service-{self.name}"

    def address(self, hub: RunningHub, *, at: str = "oidc/authorize", **change: str | None) -> str:
        """Return where it sends people; None leaves a parameter out."""
        asked = {
            "client_id": self.client_id,
            "redirect_uri": self.callback,
            "response_type": "code",
            "scope": "openid profile",
            "state": "the-state",
            "nonce": "the-nonce",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **change,
        }
        query = {name: value for name, value in asked.items() if value is not None}
        return str(httpx.URL(f"{hub.url}hub/{at}", params=query))

    def redeem(
        self, hub: RunningHub, code: str, *, at: str = "oidc/token", **change: str | None
    ) -> httpx.Response:
        """Bring a code; the secret goes into the body."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.callback,
            "client_id": self.client_id,
            "client_secret": self.secret,
            "code_verifier": VERIFIER,
            **change,
        }
        data = {name: value for name, value in form.items() if value is not None}
        return httpx.post(f"{hub.url}hub/{at}", data=data, trust_env=False)


GRAFANA = Application("grafana", "http://127.0.0.1:9/login/callback")
ASKS = Application("asks", "https://asks.example.org/callback?from=hub")
OTHER = Application("other", "https://other.example.org/callback")
"""A service of z2jh's values, for JupyterHub's own OAuth alone."""


def write_values(
    folder: Path,
    *,
    callback: str = GRAFANA.callback,
    require_pkce: bool = False,
    asks_pkce: bool | None = None,
) -> Path:
    """Write the values of the hub; `asks_pkce` is what one service says otherwise."""
    path = folder / "issuer.values.yaml"
    text = VALUES
    for name, value in {
        "pkce": json.dumps(require_pkce),
        "asks_pkce": json.dumps(asks_pkce),
        "callback": callback,
        "grafana": GRAFANA.secret,
        "asks": ASKS.secret,
        "operator": OPERATOR,
        "other": OTHER.secret,
    }.items():
        text = text.replace(f"{{{name}}}", value)
    path.write_text(text)
    return path


class Person(Visitor):
    """Somebody whom an application sends to the hub, and who logs in there when asked."""

    def __init__(self, hub: RunningHub, persona: str) -> None:
        super().__init__()
        self._hub = hub
        self._persona = persona

    def go(self, address: str, application: str = "") -> httpx.Response:
        """Follow an address while it leads within the hub, its provider and an application."""
        inside = (self._hub.url, self._hub.data["identity_provider"], application)
        here = {urlsplit(one).netloc for one in inside}
        reply = self.get(address)
        while True:
            if reply.is_redirect:
                onward = urljoin(str(reply.url), reply.headers["location"])
                if urlsplit(onward).netloc not in here:
                    return reply
                reply = self.get(onward)
            elif str(reply.url).startswith(self._hub.data["identity_provider"]):
                reply = self.post(reply.url, data={"persona": self._persona})
            else:
                return reply

    def agree_to(self, hub: RunningHub, application: Application) -> httpx.Response:
        """Go to an application that people are asked about, and say yes where the hub asks."""
        page = self.go(application.address(hub))
        if page.is_redirect:
            return page
        hidden = re.findall(r'<input type="hidden" name="(\S+)" value="(\S+)"', page.text)
        scopes = [unescape(value) for name, value in hidden if name == "scopes"]
        return self.post(page.url, data={"_xsrf": dict(hidden)["_xsrf"], "scopes": scopes})


@contextlib.contextmanager
def logged_in(hub: RunningHub) -> Iterator[Person]:
    """Somebody who is logged in and may use the application."""
    with Person(hub, INSIDER) as found:
        assert found.go(GRAFANA.address(hub)).is_redirect
        yield found


def answer_of(reply: httpx.Response) -> dict[str, str]:
    """Return what a redirect tells the application."""
    query = parse_qs(urlsplit(reply.headers["location"]).query, strict_parsing=True)
    return {name: values[0] for name, values in query.items()}


def log_until(hub: RunningHub, words: str) -> str:
    """Return what a hub has logged, once it has these words: the log comes through a pipe."""
    end = time.monotonic() + _LOG_COMES
    while words not in (log := hub.log()):
        assert time.monotonic() < end, f"{words!r} is not in the log:\n{log}"
        with contextlib.suppress(subprocess.TimeoutExpired):
            hub.process.wait(timeout=0.05)
    return log


def code_for(hub: RunningHub, application: Application = GRAFANA, **change: Any) -> str:
    """Have somebody who may use it log in to an application; return the code it gets."""
    with Person(hub, INSIDER) as person:
        return answer_of(person.go(application.address(hub, **change)))["code"]
