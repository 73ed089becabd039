"""A callback URL on another host than the hub's.

The provider sends people back to the callback URL. On another host than the one they came from,
the hub finds no cookie there ("OAuth state missing from cookies"), or there is no hub at all.

Bad:

    hub:
      config:
        JupyterHub: {authenticator_class: github}
        GitHubOAuthenticator:
          oauth_callback_url: https://jupyter.example.org/hub/oauth_callback
    ingress:
      hosts: [hub.example.org]

Good:

    hub:
      config:
        JupyterHub: {authenticator_class: github}
        GitHubOAuthenticator:
          oauth_callback_url: https://hub.example.org/hub/oauth_callback
    ingress:
      hosts: [hub.example.org]
"""

from __future__ import annotations

from collections.abc import Iterator

from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.hub.addresses import host_of, hosts, is_loopback
from fedhub.hub.providers import login
from fedhub.hub.values import Hub

ID = "callback-host"
SEVERITY: Severity = "error"


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each callback that is on none of the hub's hosts."""
    places = hosts(hub)
    for provider in login(hub).providers:
        setting = provider.traits.get("oauth_callback_url")
        if setting is None or not isinstance(setting.value, str):
            continue
        host = host_of(setting.value)
        if not host or is_loopback(host):
            continue
        for place in places:
            if not place.cover(host):
                name = place.names[0]
                yield Problem(
                    ID,
                    SEVERITY,
                    setting.value_position,
                    dotted(setting.path),
                    f"the callback is on {host}, but {place.label} is {name}",
                    f"write {name} in the callback URL, and register it at the provider",
                )
                break
