"""Logins over plain http.

Codes and tokens that travel unencrypted can be read and used by others. Providers refuse such
callbacks, except on this machine.

Bad:

    hub:
      config:
        JupyterHub: {authenticator_class: github}
        GitHubOAuthenticator:
          oauth_callback_url: http://hub.example.org/hub/oauth_callback

Good:

    hub:
      config:
        JupyterHub: {authenticator_class: github}
        GitHubOAuthenticator:
          oauth_callback_url: https://hub.example.org/hub/oauth_callback
"""

from __future__ import annotations

from collections.abc import Iterator

from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.hub.addresses import host_of, is_loopback
from fedhub.hub.providers import login
from fedhub.hub.values import Hub

ID = "plain-http"
SEVERITY: Severity = "error"

_CALLBACK = "oauth_callback_url"
_ENDPOINTS = ("authorize_url", "token_url", "userdata_url")


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each http:// address that a login goes through."""
    found = login(hub)
    settings = [
        setting
        for provider in found.providers
        for trait, setting in provider.traits.items()
        if trait in (_CALLBACK, *_ENDPOINTS)
    ]
    settings += [
        setting
        for setting in found.settings
        if (setting.section, setting.trait) == ("JupyterHub", "public_url")
    ]
    for setting in settings:
        if not isinstance(setting.value, str) or not setting.value.lower().startswith("http://"):
            continue
        host = host_of(setting.value)
        local = is_loopback(host)
        if setting.trait in _ENDPOINTS and (local or _inside_cluster(host)):
            continue
        here = "; only a browser on this machine gets there" if local else ""
        yield Problem(
            ID,
            "warning" if local else SEVERITY,
            setting.value_position,
            dotted(setting.path),
            f"{setting.trait} is plain http{here}",
            "write https://",
        )


def _inside_cluster(host: str) -> bool:
    return "." not in host or host.endswith((".svc", ".svc.cluster.local"))
