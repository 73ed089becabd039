"""Which providers the finished configuration has, and how each is pointed at the preview's own.

Reads the configuration after every `extraConfig` block has run, so what a block sets in
Python counts as what stands in the values.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from fedhub_authenticators.custos import CustosOAuthenticator
from fedhub_authenticators.federated import FederatedAuthenticator
from jupyterhub.app import JupyterHub
from jupyterhub.auth import Authenticator
from oauthenticator.oauth2 import OAuthenticator
from traitlets import Undefined

from fedhub.preview.hubside import z2jh
from fedhub.preview.hubside.setup import Setup

SINGLE = "login"
"""The name of the only provider of a plain z2jh file."""

_CALLBACK = "hub/oauth_callback"

_KEYCLOAK = re.compile(r"/realms/(?P<realm>[^/]+)/protocol/openid-connect")
_LEAD_NOBODY_BACK = {"GoogleOAuthenticator", "GlobusOAuthenticator"}
"""Whose discovery documents have no `end_session_endpoint`."""

_SECRET_TRAITS = {"client_secret", "custos_client_secret", "http_client", "db"}


def authenticator_class(c: Any) -> type[Authenticator]:
    """Return the class that `c.JupyterHub.authenticator_class` names, as JupyterHub finds it."""
    trait = JupyterHub.class_traits()["authenticator_class"]
    # A JupyterHub to ask would load every authenticator and spawner that is installed.
    found: type[Authenticator] = trait.validate(None, c.JupyterHub.authenticator_class)
    return found


def point_at_identity_provider(c: Any, setup: Setup) -> list[dict[str, Any]]:
    """Make every OAuth provider talk to the embedded identity provider.

    Returns:
        One description per provider, as JSON takes it: name, label, authenticator, face,
        realm, client, traits, and the addresses that were replaced.
    """
    cls = authenticator_class(c)
    c.JupyterHub.authenticator_class = cls
    descriptions = []
    for name, section, configured in _providers(c, cls):
        if isinstance(configured, OAuthenticator):
            changes = _addresses(configured, name, setup, c)
            description = _describe(name, configured, changes, setup)
            section.update(changes)
            descriptions.append(description)
    for name, _, moved in _providers(c, cls):
        _check_moved(name, moved, setup)
    return descriptions


def _check_moved(name: str, moved: Authenticator, setup: Setup) -> None:
    """Make sure that a provider's credentials can only go to the embedded identity provider.

    Raises:
        ValueError: an address stayed where it was, as with a class that has it as a plain
            attribute.
    """
    if not isinstance(moved, OAuthenticator):
        return
    for trait in ("authorize_url", "token_url", "userdata_url", "provider_logout_url"):
        address = getattr(moved, trait, "")
        if address and not address.startswith(f"{setup.identity_provider}/"):
            raise ValueError(
                f"{type(moved).__name__}.{trait} of provider {name} can't be pointed at the "
                f"preview's identity provider: it stays at {urlsplit(address).netloc}; let the "
                "class have it as a trait, so that configuration can set it"
            )


def _providers(
    c: Any, cls: type[Authenticator]
) -> Iterator[tuple[str, dict[str, Any], Authenticator]]:
    """Yield each provider's name, where its traits are set, and an instance to read them from."""
    if issubclass(cls, FederatedAuthenticator):
        federated = cls(config=c)
        for name, configured in federated.authenticators.items():
            yield (
                name,
                c.FederatedAuthenticator.providers[name].setdefault("config", {}),
                configured,
            )
    else:
        declared = list(z2jh.get_config("global.fedhub.login") or [])
        yield (declared or [SINGLE])[0], c[cls.__name__], cls(config=c)


def _face(authenticator: OAuthenticator) -> tuple[str, str]:
    """Return which face of the embedded identity provider stands in, and its realm."""
    names = {cls.__name__ for cls in type(authenticator).__mro__}
    if "CILogonOAuthenticator" in names:
        return "cilogon", ""
    if isinstance(authenticator, CustosOAuthenticator):
        face = "keycloak" if authenticator.flavour == "keycloak" else "custos"
        # Without a client id there is no realm yet; any will do here.
        return face, authenticator.realm or "preview"
    if "GitHubOAuthenticator" in names:
        return "github", ""
    if realm := _KEYCLOAK.search(authenticator.authorize_url or ""):
        return "keycloak", realm["realm"]
    return "oidc", ""


def _custos(authenticator: CustosOAuthenticator, realm: str, idp: str) -> dict[str, str]:
    """Return every address of a Custos tenant or Keycloak realm that is served at `idp`."""
    # Groups come from Custos only with the secret that it knows, which is made up below.
    secret = {"custos_client_secret_file": ""}
    if authenticator.flavour != "legacy":
        secret["custos_client_secret"] = ""
    moved = {"custos_url": idp, "iam_url": f"{idp}/auth", "realm": realm, **secret}
    there = type(authenticator)(flavour=authenticator.flavour, **moved)
    addresses = ("authorize_url", "token_url", "userdata_url")
    # With `flavour` auto, the hub asks whoever stands in at `custos_url`.
    return moved | {name: found for name in addresses if (found := getattr(there, name))}


def _endpoints(face: str, realm: str, name: str, authenticator: Any, idp: str) -> dict[str, str]:
    if isinstance(authenticator, CustosOAuthenticator):
        return _custos(authenticator, realm, idp)
    if face == "cilogon":
        return {
            "authorize_url": f"{idp}/authorize",
            "token_url": f"{idp}/oauth2/token",
            "userdata_url": f"{idp}/oauth2/userinfo",
        }
    if face == "keycloak":
        base = f"{idp}/realms/{realm}/protocol/openid-connect"
        return {
            "authorize_url": f"{base}/auth",
            "token_url": f"{base}/token",
            "userdata_url": f"{base}/userinfo",
        }
    if face == "github":
        return {
            "authorize_url": f"{idp}/login/oauth/authorize",
            "token_url": f"{idp}/login/oauth/access_token",
            "github_api": f"{idp}/api/v3",
            "userdata_url": f"{idp}/api/v3/user",
        }
    base = f"{idp}/oidc/{name}"
    groups = {"globus_groups_url": f"{base}/v2/groups/my_groups"}
    return {
        "authorize_url": f"{base}/authorize",
        "token_url": f"{base}/token",
        "userdata_url": f"{base}/userinfo",
        **{trait: url for trait, url in groups.items() if authenticator.has_trait(trait)},
    }


def _issuer(face: str, realm: str, name: str, authenticator: Any, idp: str) -> str:
    """Return the issuer of ID tokens, "" where it follows from the addresses or there is none."""
    if isinstance(authenticator, CustosOAuthenticator):
        return ""
    return {"cilogon": idp, "keycloak": f"{idp}/realms/{realm}", "oidc": f"{idp}/oidc/{name}"}.get(
        face, ""
    )


def _addresses(authenticator: Any, name: str, setup: Setup, c: Any) -> dict[str, Any]:
    """Return the traits that differ from what a hub pod would have."""
    face, realm = _face(authenticator)
    ours = {"issuer": _issuer(face, realm, name, authenticator, setup.identity_provider)}
    ours |= dict.fromkeys(("jwks_url", "client_id_file", "client_secret_file"), "")
    ours |= dict.fromkeys(("end_session_url", "revocation_url", "introspection_url"), "")
    ours |= {"idplist_url": f"{setup.identity_provider}/idplist/"}
    if getattr(authenticator, "provider_logout_url", ""):
        page = {"github": "/logout", "oidc": f"/oidc/{name}/logout"}.get(face, "/logout/")
        ours["provider_logout_url"] = f"{setup.identity_provider}{page}"
    if getattr(authenticator, "post_logout_redirect_uri", ""):
        path = urlsplit(authenticator.post_logout_redirect_uri).path
        ours["post_logout_redirect_uri"] = (
            f"{_origin(_callback_url(authenticator, setup, c))}{path}"
        )
    changes: dict[str, Any] = {
        **_endpoints(face, realm, name, authenticator, setup.identity_provider),
        **{trait: value for trait, value in ours.items() if authenticator.has_trait(trait)},
        "oauth_callback_url": _callback_url(authenticator, setup, c),
        "client_id": authenticator.client_id or f"preview-{name}",
        "client_secret": authenticator.client_secret or secrets.token_urlsafe(32),
    }
    if "AzureAdOAuthenticator" in {cls.__name__ for cls in type(authenticator).__mro__}:
        # Azure gives an id_token unasked; an issuer that keeps to the standard wants the scope.
        changes["scope"] = sorted({"openid", "profile", "email", *authenticator.scope})
    logout = urlsplit(authenticator.logout_redirect_url or "")
    if logout.netloc:
        changes["logout_redirect_url"] = f"{setup.identity_provider}/logout/"
    return changes


def _callback_url(authenticator: Any, setup: Setup, c: Any) -> str:
    """Return the configured callback URL, moved to where the preview is."""
    base_url = str(c.JupyterHub.get("base_url", "/")).strip("/")
    configured = authenticator.oauth_callback_url or ""
    path = urlsplit(configured).path or "/".join(["", *filter(None, [base_url]), _CALLBACK])
    if setup.public_url:
        return setup.public_url + path
    return configured or f"http://127.0.0.1:8000{path}"


def _origin(address: str) -> str:
    """Return an address without path and query."""
    return urlsplit(address)._replace(path="", query="", fragment="").geturl()


def _describe(
    name: str, authenticator: Any, changes: Mapping[str, Any], setup: Setup
) -> dict[str, Any]:
    face, realm = _face(authenticator)
    bases = type(authenticator).__mro__
    return {
        "name": name,
        "label": authenticator.login_service,
        "authenticator": type(authenticator).__name__,
        "classes": [cls.__name__ for cls in bases],
        "user_key": authenticator.user_auth_state_key,
        "replaced": _host(authenticator),
        "traits": _rules(authenticator),
        "client": {
            "provider": name,
            "face": face,
            "client_id": changes["client_id"],
            "client_secret": changes["client_secret"],
            "redirect_uris": [changes["oauth_callback_url"]],
            "post_logout_redirect_uris": _after_logout(
                changes["oauth_callback_url"], changes.get("post_logout_redirect_uri", "")
            ),
            "realm": realm,
            "leads_back": not any(base.__name__ in _LEAD_NOBODY_BACK for base in bases),
        },
    }


def _host(authenticator: Any) -> str:
    """Return the host that people would be sent to; for Custos, the one that would say."""
    address = authenticator.authorize_url or getattr(authenticator, "custos_url", "")
    return str(urlsplit(address).netloc)


def _after_logout(callback: str, chosen: str) -> list[str]:
    """Return the addresses of the hub that a browser may be sent to after logout."""
    origin, _, _ = callback.partition("/hub/")
    # Keycloak takes a callback URL after a logout too, unless told otherwise.
    return [
        callback,
        *([chosen] if chosen else []),
        origin,
        f"{origin}/",
        f"{origin}/hub/",
        f"{origin}/hub/login",
        f"{origin}/hub/logout",
    ]


def _rules(authenticator: Any) -> dict[str, Any]:
    """Return the traits that JSON can carry and that are no secret."""
    rules = {}
    for trait in authenticator.traits(config=True):
        if trait in _SECRET_TRAITS:
            continue
        value = getattr(authenticator, trait)
        if isinstance(value, set | frozenset):
            value = sorted(value)
        if value is Undefined or callable(value):
            continue
        try:
            json.dumps(value)
        except TypeError:
            continue
        rules[trait] = value
    return rules
