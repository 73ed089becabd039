"""An OpenID Connect issuer without a key.

What signs ID tokens belongs into the encrypted values file, where `fedhub secrets generate` puts
it. Without it the chart is not installed, and the hub would not start.

Bad:

    global:
      fedhub:
        domain: hub.example.org
        oidc: {enabled: true}

Good, with the encrypted file:

    global:
      fedhub:
        domain: hub.example.org
        oidc: {enabled: true, privateKey: "ENC[AES256_GCM,data:0d9c41]"}
"""

from __future__ import annotations

from collections.abc import Iterator

from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.hub.providers import mapping
from fedhub.hub.values import Hub

ID = "issuer-key"
SEVERITY: Severity = "error"

_ENABLED = ("global", "fedhub", "oidc", "enabled")


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for an issuer that could not sign."""
    oidc = mapping(hub.get(*_ENABLED[:-1]))
    if oidc.get("enabled") is True and not oidc.get("privateKey"):
        yield Problem(
            ID,
            SEVERITY,
            hub.position(*_ENABLED),
            dotted(_ENABLED),
            "the hub is to sign ID tokens, and has no privateKey",
            f"`fedhub secrets generate {hub.name}` makes it in the encrypted file",
        )
