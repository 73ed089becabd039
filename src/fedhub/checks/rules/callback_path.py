"""A callback URL with a path that the hub does not answer.

oauthenticator takes the answer of the provider at `oauth_callback` below the hub, which z2jh
puts below `hub.baseUrl`. Of several providers under `global.fedhub.login`, each has a path of its
own, `<name>/oauth_callback`.

Bad:

    hub:
      config:
        JupyterHub: {authenticator_class: github}
        GitHubOAuthenticator:
          oauth_callback_url: https://hub.example.org/oauth_callback

Good:

    hub:
      config:
        JupyterHub: {authenticator_class: github}
        GitHubOAuthenticator:
          oauth_callback_url: https://hub.example.org/hub/oauth_callback
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.hub.addresses import callback_path, host_of
from fedhub.hub.providers import login
from fedhub.hub.values import Hub

ID = "callback-path"
SEVERITY: Severity = "error"


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for a callback beside the hub's own."""
    for provider in login(hub).providers:
        setting = provider.traits.get("oauth_callback_url")
        if setting is None or not isinstance(setting.value, str):
            continue
        if not provider.is_a("OAuthenticator") or not host_of(setting.value):
            continue
        expected = callback_path(hub, provider)
        if urlsplit(setting.value).path != expected:
            yield Problem(
                ID,
                SEVERITY,
                setting.value_position,
                dotted(setting.path),
                "the hub does not answer at this callback URL's path",
                f"end it with {expected}, or leave it out",
            )
