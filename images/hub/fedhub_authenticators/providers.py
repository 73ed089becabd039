"""Which class a provider's name stands for, and how it becomes one of ours."""

from __future__ import annotations

import difflib
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from jupyterhub.auth import Authenticator
from oauthenticator.oauth2 import OAuthenticator

from fedhub_authenticators.cilogon import CILogonInstitutions
from fedhub_authenticators.github_groups import GitHubGroups
from fedhub_authenticators.provider import Provider

GROUP = "jupyterhub.authenticators"
"""The entry points that JupyterHub looks authenticators up in."""

OWN = {
    "custos": "fedhub_authenticators.custos.CustosOAuthenticator",
    "keycloak": "fedhub_authenticators.keycloak.KeycloakOAuthenticator",
    "federated": "fedhub_authenticators.federated.FederatedAuthenticator",
}
"""Names that JupyterHub does not know by itself."""


def find_class(name: str | type[Authenticator]) -> type[Authenticator]:
    """Return the authenticator class that a name stands for, as JupyterHub finds it.

    Args:
        name: an entry point's name, the dotted path of a class, or a class.

    Raises:
        ValueError: there is no such class, or it is no authenticator.
    """
    found: Any = name
    if isinstance(name, str):
        registered = {point.name.lower(): point.value for point in entry_points(group=GROUP)}
        path = (registered | OWN).get(name.lower(), name)
        if "." not in path:
            raise ValueError(_unknown(name, {*registered, *OWN}))
        found = _load(name, path)
    if not (isinstance(found, type) and issubclass(found, Authenticator)):
        raise ValueError(f"{name!r} is not a JupyterHub authenticator class; name one that is")
    return found


def class_called(name: str) -> type[Authenticator]:
    """Return our class of the name of one of oauthenticator's, or of this package's own.

    Raises:
        AttributeError: there is none.
    """
    own = [path for path in OWN.values() if path.endswith(f".{name}")]
    oauth = [
        point.value
        for point in entry_points(group=GROUP)
        if point.value.startswith("oauthenticator.") and point.attr == name
    ]
    if not own + oauth:
        raise AttributeError(f"there is no authenticator class {name!r} in fedhub_authenticators")
    return ours(find_class((own + oauth)[0]))


def _load(name: str, path: str) -> Any:
    module, _, attribute = path.replace(":", ".").rpartition(".")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"the authenticator {name!r} can't be loaded ({error}); correct its name, or install "
            "its package into the hub image"
        ) from error


def _unknown(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name.lower(), known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"one of: {', '.join(sorted(known))}"
    return f"there is no authenticator called {name!r}; {hint}"


_made: dict[type, type] = {}


def ours(cls: type[Authenticator]) -> type[Authenticator]:
    """Return an OAuth class with what ours add; any other class as it is.

    The class keeps its name, so every `c.<ClassName>` section applies to it as before.
    """
    if not issubclass(cls, OAuthenticator) or issubclass(cls, Provider):
        return cls
    if cls not in _made:
        _made[cls] = _make(cls)
    return _made[cls]


def _make(cls: type[OAuthenticator]) -> type[Provider]:
    upstream = {base.__module__ for base in cls.__mro__}
    bases: tuple[type, ...] = (Provider, cls)
    if "oauthenticator.cilogon" in upstream:
        bases = (CILogonInstitutions, Provider, cls)
    elif "oauthenticator.github" in upstream:
        bases = (Provider, GitHubGroups, cls)
    return type(cls.__name__, bases, {"__module__": __name__, "__doc__": cls.__doc__})
