"""Made-up hubs and people: a number gives the same ones each time.

Hides: how values are written for each provider. Names, groups and domains come from small sets, so
that rules and people meet.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fedhub.access.cilogon import cilogon_claims
from fedhub.access.institutions import institution
from fedhub.access.persona import Persona
from fedhub.access.personas import github_claims, google_claims

CAMPUS = "https://idp.uni.example.edu/idp/shibboleth"
GOOGLE = "http://google.com/accounts/o8/id"
ELSEWHERE = "https://idp.elsewhere.example/idp/shibboleth"

USERS = ("ada", "eve", "olga")
GROUPS = ("staff", "students")
DOMAINS = ("uni.example.edu", "lab.org", "gmail.com")
ORGANISATIONS = ("lab", "lab:staff", "club")
KINDS = ("cilogon", "github", "generic-oauth", "keycloak", "google", "custos", "globus")
CLASSES = {
    "cilogon": "CILogonOAuthenticator",
    "github": "GitHubOAuthenticator",
    "generic-oauth": "GenericOAuthenticator",
    "keycloak": "KeycloakOAuthenticator",
    "google": "GoogleOAuthenticator",
    "custos": "CustosOAuthenticator",
    "globus": "GlobusOAuthenticator",
}
NAMESPACE, AUTHORITY = "urn:mace:egi.eu", "aai.egi.eu"

HOOK = """
async def hook(authenticator, handler, model):
    if "{name}" in model["name"]:
        {does}
    return model
c.Authenticator.post_auth_hook = hook
"""
HOOK_DOES = (
    "return None",
    "raise RuntimeError('no such record')",
    "raise __import__('tornado').web.HTTPError(403, '100% no')",
    "model['admin'] = True",
)
OURS = """
from oauthenticator.generic import GenericOAuthenticator

class Ours(GenericOAuthenticator):
    def user_info_to_username(self, user_info):
        return user_info["uid"]

c.JupyterHub.authenticator_class = Ours
"""
"""A class of the operator's own, which nothing of fedhub's is in."""


@dataclass
class Made:
    """One hub, and somebody who wants in.

    Attributes:
        values: the hub's values, as Helm has them.
        kinds: which provider each login is, by its name.
        person: who wants in.
    """

    values: dict[str, Any]
    kinds: dict[str, str]
    person: Persona = field(init=False)


def made(number: int) -> Made:
    """Return the hub and the person of a number."""
    draw = random.Random(number)
    names = ["main"] if draw.random() < 0.7 else draw.sample(["campus", "staff", "lab"], 2)
    kinds = {name: draw.choice(KINDS) for name in names}
    plain = len(kinds) == 1 and draw.random() < 0.4
    config: dict[str, Any] = {"Authenticator": _shared(draw, kinds)}
    hub: dict[str, Any] = {"config": config}
    values: dict[str, Any] = {"hub": hub}
    if plain:
        ((_, kind),) = kinds.items()
        kinds = {"login": kind}
        config["JupyterHub"] = {"authenticator_class": kind}
        config[CLASSES[kind]] = _traits(draw, kind)
    else:
        login = {name: _entry(draw, kind) for name, kind in kinds.items()}
        if len(login) > 1 and draw.random() < 0.5:
            login[names[0]]["prefix"] = ""
        values["global"] = {"fedhub": {"domain": "hub.example.org", "login": login}}
    code = dict(_code(draw, kinds, plain=plain))
    if "own" in code:
        config["Ours"] = config.pop(CLASSES["generic-oauth"])
    if code:
        hub["extraConfig"] = code
    if not _manages_groups(values) and draw.random() < 0.3:
        users = draw.sample(USERS, 2)
        config.setdefault("JupyterHub", {})["load_groups"] = {"loaded": {"users": users}}
    found = Made(values, kinds)
    found.person = _person(draw, kinds)
    return found


def _code(draw: random.Random, kinds: dict[str, str], *, plain: bool) -> Iterator[tuple[str, str]]:
    """Yield entries of `hub.extraConfig`."""
    if plain and set(kinds.values()) == {"generic-oauth"} and draw.random() < 0.4:
        yield "own", OURS
    elif "generic-oauth" in kinds.values() and draw.random() < 0.2:
        username = 'lambda user: user["email"].lower()'
        yield "username", f"c.GenericOAuthenticator.username_claim = {username}"
    if draw.random() < 0.25:
        yield "hook", HOOK.format(name=draw.choice(USERS), does=draw.choice(HOOK_DOES))


def _manages_groups(values: Any) -> bool:
    if isinstance(values, dict):
        return "manage_groups" in values or any(map(_manages_groups, values.values()))
    return False


def _some(draw: random.Random, names: tuple[str, ...]) -> list[str]:
    return draw.sample(names, draw.randint(1, len(names)))


def _shared(draw: random.Random, kinds: dict[str, str]) -> dict[str, Any]:
    traits: dict[str, Any] = {}
    prefixes = ("", *(f"{name}:" for name in kinds)) if len(kinds) > 1 else ("",)
    if draw.random() < 0.3:
        traits["admin_users"] = [draw.choice(prefixes) + name for name in _some(draw, USERS)]
    if draw.random() < 0.2:
        traits["allowed_users"] = [draw.choice(prefixes) + draw.choice(USERS)]
    if draw.random() < 0.15:
        traits["blocked_users"] = [draw.choice(prefixes) + draw.choice(USERS)]
    return traits


def _entry(draw: random.Random, kind: str) -> dict[str, Any]:
    return {"authenticator": kind, "config": _traits(draw, kind)}


def _traits(draw: random.Random, kind: str) -> dict[str, Any]:
    traits: dict[str, Any] = {}
    if draw.random() < 0.2:
        traits["allow_all"] = True
    if draw.random() < 0.3:
        # Operators write names as people are called; the hub knows them in lower case.
        traits["allowed_users"] = [_spelt(draw, name) for name in _some(draw, USERS)]
    if draw.random() < 0.3:
        traits["admin_users"] = [_spelt(draw, draw.choice(USERS))]
    if draw.random() < 0.1:
        traits["blocked_users"] = [draw.choice(USERS)]
    if draw.random() < 0.1:
        traits["username_pattern"] = "[a-z:@.]*a"
    if draw.random() < 0.1:
        traits["username_map"] = {"eve": "ada"}
    return traits | _OWN[kind](draw)


def _spelt(draw: random.Random, name: str) -> str:
    return draw.choice((name, name, name.capitalize()))


def _cilogon(draw: random.Random) -> dict[str, Any]:
    idps = {CAMPUS: _idp(draw), GOOGLE: _idp(draw)}
    kept = draw.sample(sorted(idps), draw.randint(1, 2))
    return {"idps": {idp: idps[idp] for idp in kept}}


def _idp(draw: random.Random) -> dict[str, Any]:
    derivation: dict[str, Any] = {"username_claim": draw.choice(("email", "eppn", "sub"))}
    if draw.random() < 0.6:
        strip = {"action": "strip_idp_domain", "domain": "uni.example.edu"}
        prefix = {"action": "prefix", "prefix": "google"}
        derivation = {"username_claim": "email"} | draw.choice((strip, prefix))
    rule: dict[str, Any] = {"username_derivation": derivation}
    if draw.random() < 0.3:
        rule["allow_all"] = True
    if draw.random() < 0.4:
        rule["allowed_domains"] = draw.sample((*DOMAINS, "*.EDU"), 2)
    if draw.random() < 0.2:
        rule["allowed_domains_claim"] = draw.choice(("email", "hd"))
    return rule


def _github(draw: random.Random) -> dict[str, Any]:
    traits: dict[str, Any] = {}
    if draw.random() < 0.6:
        traits["allowed_organizations"] = _some(draw, ORGANISATIONS)
    if draw.random() < 0.8:
        traits["scope"] = ["read:org"]
    if draw.random() < 0.2:
        traits["allowed_scopes"] = traits.setdefault("scope", ["read:org"])
    return traits


def _google(draw: random.Random) -> dict[str, Any]:
    return {"hosted_domain": draw.sample(DOMAINS, 1)} if draw.random() < 0.5 else {}


def _generic(draw: random.Random) -> dict[str, Any]:
    base = "https://sso.example.org"
    addresses = {
        "authorize_url": f"{base}/authorize",
        "token_url": f"{base}/token",
        "userdata_url": f"{base}/userinfo",
        "scope": ["openid", "email", "profile"],
    }
    claim = draw.choice(("preferred_username", "email"))
    rules = _group_rules(draw, "oauth_user.groups")
    if rules and draw.random() < 0.3:
        rules |= {
            "auth_state_groups_key": "oauth_user.eduperson_entitlement",
            "groups_format": "entitlements",
            "entitlement_namespaces": [NAMESPACE],
            "entitlement_authorities": [AUTHORITY],
            "entitlement_names": "group",
        }
    return addresses | {"username_claim": claim} | rules


def _keycloak(draw: random.Random) -> dict[str, Any]:
    realm = {"iam_url": "https://iam.example.org/auth", "realm": "lab"}
    return realm | _institutions(draw) | _group_rules(draw, "")


def _custos(draw: random.Random) -> dict[str, Any]:
    tenant = {
        "custos_url": "https://custos.example.org",
        "iam_url": "https://iam.example.org/auth",
        "client_id": f"custos-lab-{draw.randint(10**7, 10**8)}",
        "flavour": draw.choice(("legacy", "v1")),
    }
    return tenant | _institutions(draw) | _group_rules(draw, "")


def _institutions(draw: random.Random) -> dict[str, Any]:
    return {"idps": draw.sample((CAMPUS, GOOGLE), 1)} if draw.random() < 0.4 else {}


def _globus(draw: random.Random) -> dict[str, Any]:
    traits: dict[str, Any] = {}
    if draw.random() < 0.6:
        traits["allowed_globus_groups"] = _some(draw, GROUPS)
    if draw.random() < 0.3:
        traits["admin_globus_groups"] = [draw.choice(GROUPS)]
    return traits


def _group_rules(draw: random.Random, key: str) -> dict[str, Any]:
    if draw.random() < 0.4:
        return {}
    traits: dict[str, Any] = {"manage_groups": True}
    if key:
        traits["auth_state_groups_key"] = key
    if draw.random() < 0.7:
        traits["allowed_groups"] = _some(draw, GROUPS)
    if draw.random() < 0.5:
        traits["admin_groups"] = [draw.choice(GROUPS)]
    if draw.random() < 0.3:
        traits["groups_mapping"] = draw.choice(({"staff": "students"}, {"st*": "st*"}, {"x": "y"}))
    return traits


_OWN = {
    "cilogon": _cilogon,
    "github": _github,
    "generic-oauth": _generic,
    "keycloak": _keycloak,
    "google": _google,
    "custos": _custos,
    "globus": _globus,
}


def _person(draw: random.Random, kinds: dict[str, str]) -> Persona:
    provider, kind = draw.choice(sorted(kinds.items()))
    user, domain = draw.choice(USERS), draw.choice(DOMAINS)
    idp = draw.choice((CAMPUS, CAMPUS, GOOGLE, ELSEWHERE))
    at = institution(idp)
    if kind == "cilogon":
        claims = cilogon_claims(at, _spelt(draw, user), domain)
    elif kind == "github":
        claims = github_claims(_spelt(draw, user), *_some(draw, ORGANISATIONS))
    elif kind == "google":
        claims = google_claims(f"{user}@{domain}", hosted=domain != "gmail.com")
        claims["verified_email"] = draw.random() < 0.9
    else:
        claims = {
            "sub": f"sub-of-{user}",
            "preferred_username": _spelt(draw, user),
            "email": f"{user}@{domain}",
            "groups": draw.sample(GROUPS, draw.randint(0, 2)),
        }
        if draw.random() < 0.7:
            claims["uid"] = user
        claims["eduperson_entitlement"] = [
            f"{NAMESPACE}:group:{group}:role=member#{draw.choice((AUTHORITY, 'evil.example'))}"
            for group in claims["groups"]
        ]
        if kind in ("custos", "keycloak") and draw.random() < 0.9:
            claims["idp"] = idp
    if draw.random() < 0.1:
        claims.pop(draw.choice(sorted(claims.keys() - {"sub", "preferred_username"})))
    return Persona("somebody", provider, idp, at.name, "", claims)
