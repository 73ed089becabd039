"""Settings of an identity provider that oauthenticator refuses.

Below each entity ID come `username_derivation` and, as wanted, `allow_all`, `allowed_domains`,
`allowed_domains_claim`, `default`. oauthenticator checks them when somebody logs in or the hub
starts, and answers with an error.

Bad:

    hub:
      config:
        JupyterHub:
          authenticator_class: cilogon
        CILogonOAuthenticator:
          idps:
            https://idp.uni.example.edu/idp/shibboleth:
              allowed_domain: [uni.example.edu]
              username_derivation:
                username_claim: email
                action: strip_idp_domain

Good:

    hub:
      config:
        JupyterHub:
          authenticator_class: cilogon
        CILogonOAuthenticator:
          idps:
            https://idp.uni.example.edu/idp/shibboleth:
              allowed_domains: [uni.example.edu]
              username_derivation:
                username_claim: email
                action: strip_idp_domain
                domain: uni.example.edu
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fedhub.checks.facts import Idp, called, idps
from fedhub.checks.problem import Problem, Severity, dotted
from fedhub.checks.spelling import did_you_mean
from fedhub.hub.extra_config import UNKNOWN
from fedhub.hub.providers import login
from fedhub.hub.values import Hub

ID = "idp-settings"
SEVERITY: Severity = "error"

_TEXT, _FLAG, _LIST, _MAP = "text", "true or false", "a list of domains", "a map"
_KEYS = {
    "username_derivation": _MAP,
    "allow_all": _FLAG,
    "allowed_domains": _LIST,
    "allowed_domains_claim": _TEXT,
    "default": _FLAG,
}
_DERIVATION_KEYS = {"username_claim": _TEXT, "action": _TEXT, "domain": _TEXT, "prefix": _TEXT}
_BESIDE = {"allowed_users", "admin_users", "blocked_users", "allowed_groups", "admin_groups"}
"""Rules about people of all identity providers alike."""
_NEEDED = {"strip_idp_domain": "domain", "prefix": "prefix"}


def check(hub: Hub) -> Iterator[Problem]:
    """Yield a problem for each setting that is missing, unknown, or of a wrong type."""
    for provider in login(hub).providers:
        setting = provider.traits.get("idps") or provider.traits.get("allowed_idps")
        if not provider.is_a("CILogonOAuthenticator") or provider.opaque:
            continue
        if setting is None or setting.value == {}:
            yield Problem(
                ID,
                SEVERITY,
                provider.position,
                dotted(provider.path),
                f"{called(provider)} lists no identity provider",
                "list at least one below idps, by its entity ID",
            )
            continue
        if setting.value is UNKNOWN:
            continue
        for idp in idps(hub, provider):
            for below, message, fix in _wrong(idp.setting.value[idp.entity_id]):
                yield _problem(hub, idp, below, message, fix)


def _wrong(rule: Any) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield what is wrong: the keys below the entity ID, the message, the fix."""
    if not isinstance(rule, Mapping):
        yield (), "an identity provider's settings are a map", "write `key: value` lines below it"
        return
    yield from _wrong_keys(rule, _KEYS, ())
    derivation = rule.get("username_derivation")
    at = ("username_derivation",)
    if derivation is None:
        fix = "say which claim is the user name: `username_derivation: {username_claim: email}`"
        yield (), "username_derivation is missing", fix
    if not isinstance(derivation, Mapping):
        return
    yield from _wrong_keys(derivation, _DERIVATION_KEYS, at)
    if "username_claim" not in derivation:
        yield at, "username_claim is missing", "name the claim that makes the user name"
    action = derivation.get("action")
    if isinstance(action, str) and action not in _NEEDED:
        fix = did_you_mean(action, _NEEDED, f"write one of {', '.join(_NEEDED)}")
        yield (*at, "action"), f"there is no action {action}", fix
    needed = _NEEDED.get(action) if isinstance(action, str) else None
    if needed and needed not in derivation:
        yield at, f"the action {action} needs {needed}", f"add `{needed}: …`"


def _wrong_keys(
    given: Mapping[str, Any], known: Mapping[str, str], at: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str, str]]:
    for key, value in given.items():
        if key in _BESIDE:
            yield (*at, key), f"there is no setting {key} here", "move it beside idps"
        elif key not in known:
            fix = did_you_mean(str(key), known, f"the keys there are {', '.join(known)}")
            yield (*at, str(key)), f"there is no setting {key}", fix
        elif not _is(known[key], value):
            yield (*at, key), f"{key} is not {known[key]}", f"write {known[key]}"
        elif key == "allowed_domains" and any("@" in domain for domain in value):
            # What stands after the @ is compared, so such an entry matches nobody.
            yield (*at, key), "an allowed domain with an @ matches nobody", "leave the @ out"


def _is(kind: str, value: Any) -> bool:
    if kind == _LIST:
        return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
    return isinstance(value, {_TEXT: str, _FLAG: bool, _MAP: Mapping}[kind])


def _problem(hub: Hub, idp: Idp, below: tuple[str, ...], message: str, fix: str) -> Problem:
    path = idp.path if "extraConfig" in idp.path else (*idp.path, *below)
    position = idp.position if path == idp.path else hub.position(*path)
    return Problem(ID, SEVERITY, position, dotted(path), message, fix)
