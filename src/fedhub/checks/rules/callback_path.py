"""A callback URL with a path that the hub does not answer.

oauthenticator takes the answer of the provider at `oauth_callback` below the hub, which z2jh
puts below `hub.baseUrl`.

Bad:

    hub:
      config:
        GitHubOAuthenticator:
          oauth_callback_url: https://hub.example.org/oauth_callback

Good:

    hub:
      config:
        GitHubOAuthenticator:
          oauth_callback_url: https://hub.example.org/hub/oauth_callback
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from fedhub.checks.facts import host_of
from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.hub.providers import SINGLE, login
from fedhub.hub.values import Hub

ID = "callback-path"
SEVERITY: Severity = "error"


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for a callback beside the hub's own."""
    base = hub.z2jh_get("hub", "baseUrl")
    prefix = base.strip("/") if isinstance(base, str) else ""
    expected = f"/{prefix}/hub/oauth_callback" if prefix else "/hub/oauth_callback"
    for provider in login(hub).providers:
        setting = provider.traits.get("oauth_callback_url")
        if setting is None or not isinstance(setting.value, str) or provider.name != SINGLE:
            continue
        if not provider.is_a("OAuthenticator") or not host_of(setting.value):
            continue
        if urlsplit(setting.value).path != expected:
            yield Problem(
                ID,
                SEVERITY,
                setting.value_position,
                dotted(setting.path),
                "the hub does not answer at this callback URL's path",
                f"end it with {expected}",
            )
