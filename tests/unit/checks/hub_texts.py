"""How the tests of rules write a hub."""

from __future__ import annotations

CAMPUS = "https://idp.uni.example.edu/idp/shibboleth"
GOOGLE = "http://google.com/accounts/o8/id"
MICROSOFT = "http://login.microsoftonline.com/common/oauth2/v2.0/authorize"


def plain(authenticator: str, section: str, *traits: str, more: str = "") -> str:
    """Return a plain z2jh file; each trait is a line of its class's section."""
    lines = "".join(f"      {trait}\n" for trait in traits)
    return (
        "hub:\n  config:\n"
        f"    JupyterHub: {{authenticator_class: {authenticator}}}\n"
        f"    {section}:\n      enable_pkce: true\n{lines}{more}"
    )


def cilogon(*idps: str) -> str:
    """Return a CILogon hub; each entry is `entity ID: {settings}`."""
    lines = [f'"{idp.split(" ")[0]}": {idp.partition(" ")[2]}' for idp in idps]
    return plain("cilogon", "CILogonOAuthenticator", f"idps: {{{', '.join(lines)}}}")


def by(claim: str = "email", **more: str) -> str:
    derivation = ", ".join(f"{k}: {v}" for k, v in {"username_claim": claim, **more}.items())
    return f"{{allow_all: true, username_derivation: {{{derivation}}}}}"
