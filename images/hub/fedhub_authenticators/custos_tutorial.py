"""Makes the import of the Custos tutorial work: `from custosauthenticator.custos import …`.

The tutorial has operators write that line into `hub.extraConfig`. The class of that name in the
PyPI package `custos-jupyterhub-authenticator` 1.0.5 can't log anybody in on oauthenticator 17
(it sends a PKCE challenge that it never redeems, and with `allowed_groups` the hub does not
start). So that a working hub is one image away and no configuration has to change, the import
gets our class, whether the package is installed or not.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

PACKAGE = "custosauthenticator"


def install() -> None:
    """Answer imports of `custosauthenticator.custos`; doing it again changes nothing."""
    try:
        package = import_module(PACKAGE)
    except ImportError:
        package = sys.modules[PACKAGE] = ModuleType(PACKAGE, __doc__)
        package.__path__ = []
    module = ModuleType(f"{PACKAGE}.custos", __doc__)
    # Ours is imported when somebody asks for it: most hubs never do.
    module.__getattr__ = _from_ours  # type: ignore[method-assign]  # PEP 562
    sys.modules[module.__name__] = module
    package.custos = module  # type: ignore[attr-defined]  # as an import would set it


def _from_ours(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(import_module("fedhub_authenticators.custos"), name)
