"""Trust in an e-mail address that people choose themselves.

Everybody can open a tenant at Microsoft and give its accounts any e-mail address. Through the
tenant for all (`common`), the address proves nothing: neither `allowed_domains` nor a user name
may rest on it.

Bad:

    hub:
      config:
        JupyterHub:
          authenticator_class: cilogon
        CILogonOAuthenticator:
          idps:
            http://login.microsoftonline.com/common/oauth2/v2.0/authorize:
              username_derivation: {username_claim: email}
              allowed_domains: [uni.example.edu]

Good, the institution's own identity provider, which vouches for its addresses:

    hub:
      config:
        JupyterHub:
          authenticator_class: cilogon
        CILogonOAuthenticator:
          idps:
            https://idp.uni.example.edu/idp/shibboleth:
              username_derivation: {username_claim: email}
              allowed_domains: [uni.example.edu]
"""

from __future__ import annotations

from collections.abc import Iterator

from fedhub.checks.entity_ids import MICROSOFT
from fedhub.checks.facts import Idp, idps
from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.hub.providers import login
from fedhub.hub.values import Hub

ID = "chosen-email"
SEVERITY: Severity = "warning"


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem where Microsoft's common tenant decides by e-mail address."""
    for provider in login(hub).providers:
        for idp in idps(hub, provider):
            if idp.entity_id == MICROSOFT and _rests_on_email(idp):
                yield Problem(
                    ID,
                    SEVERITY,
                    idp.position,
                    dotted(idp.path),
                    "allowed_domains trusts e-mail addresses that people choose at Microsoft",
                    "use the institution's own entity ID, or list people in allowed_users",
                )


def _rests_on_email(idp: Idp) -> bool:
    claim = idp.rule.get("allowed_domains_claim") or idp.derivation.get("username_claim")
    return bool(idp.rule.get("allowed_domains")) and claim == "email"
