"""A handover as text, as JSON, as variables, as an application's configuration, and sealed."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fedhub.errors import FedhubError, UsageError
from fedhub.hub.credentials import HIDDEN
from fedhub.services.declared import role_scope, roles_in
from fedhub.services.handover import DAY, Handover

# --- as text -------------------------------------------------------------------------------


def as_text(found: Handover, *, reveal: bool) -> str:
    """Return it for a person to read.

    Args:
        found: the handover.
        reveal: whether the secret is in it.
    """
    rows = {
        "client id": found.client_id,
        "client secret": found.secret.get_secret_value() if reveal else HIDDEN,
        "callback URL": f"{found.redirect_uri}, exactly",
        "authorization URL": found.authorization_url,
        "token URL": found.token_url,
        "user information URL": f"{found.userinfo_url}, with the access token as Bearer",
        **({"or an issuer": found.issuer} if found.issuer else {}),
        "the secret is sent": "in the body of the token request (client_secret_post), not as Basic",
        "PKCE": _pkce(found),
        "user name": "the field name",
        "groups": f"the field groups, a list{_if_allowed(found)}",
        **({"roles": _where_roles_are(found)} if _roles(found) else {}),
        "scopes": " ".join(found.scopes) or "none; the hub refuses an empty scope=",
        "an access token lasts": _in_words(found.lifetime),
        "the secret lasts": "until the hub's operator makes a new one",
    }
    width = max(map(len, rows))
    return "".join(f"{label:<{width}}  {value}\n" for label, value in rows.items())


def _pkce(found: Handover) -> str:
    return f"{'has to' if found.needs_pkce else 'may'} be used, with S256 alone"


def _if_allowed(found: Handover) -> str:
    listed = [scope for scope in found.scopes if not scope.startswith("custom:")]
    return "; empty if none of the scopes below is for it" if listed else ""


def _roles(found: Handover) -> tuple[str, ...]:
    return roles_in(found.service, found.scopes)


def _where_roles_are(found: Handover) -> str:
    claim = "; of the issuer, the claim roles" if found.issuer else ""
    return f"{role_scope(found.service, '<role>')} in the field scopes, a list{claim}"


def _in_words(seconds: int) -> str:
    return f"{seconds // DAY} days" if seconds % DAY == 0 else f"{seconds} seconds"


def as_json(found: Handover, *, reveal: bool) -> str:
    """Return it with the names of RFC 8414 and RFC 7591 where those have one."""
    data = {
        "hub": found.hub,
        "service": found.service,
        "client_id": found.client_id,
        "client_secret": found.secret.get_secret_value() if reveal else None,
        "client_secret_expires_at": 0,
        "redirect_uri": found.redirect_uri,
        "authorization_endpoint": found.authorization_url,
        "token_endpoint": found.token_url,
        "token_endpoint_auth_method": "client_secret_post",
        "code_challenge_methods_supported": ["S256"],
        "pkce_required": found.needs_pkce,
        "userinfo_endpoint": found.userinfo_url,
        "issuer": found.issuer,
        "username_claim": "name",
        "groups_claim": "groups",
        "roles": _roles(found),
        "scope": " ".join(found.scopes),
        "access_token_expires_in": found.lifetime,
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def as_env(found: Handover, *, reveal: bool) -> str:
    """Return it as variables, one a line."""
    secret = {"OAUTH_CLIENT_SECRET": found.secret.get_secret_value()}
    variables = {
        "OAUTH_CLIENT_ID": found.client_id,
        **(secret if reveal else {}),
        "OAUTH_CALLBACK_URL": found.redirect_uri,
        "OAUTH_AUTHORIZATION_URL": found.authorization_url,
        "OAUTH_TOKEN_URL": found.token_url,
        "OAUTH_USERINFO_URL": found.userinfo_url,
        "OAUTH_SCOPE": " ".join(found.scopes),
    }
    return "".join(
        f"{name}={shlex.quote(value) if value else ''}\n" for name, value in variables.items()
    )


# --- as an application's configuration -----------------------------------------------------

_FILES = {
    "grafana": "grafana.ini",
    "superset": "superset.txt",
    "authlib": "authlib.txt",
    "passport": "passport.txt",
    "curl": "curl.sh",
    "oauth2-proxy": "oauth2-proxy.cfg",
}
_GAP = re.compile("@([a-z_]+)@")
CONFIGURATIONS = tuple(_FILES)
"""Those that can be written. None holds the secret: each takes OAUTH_CLIENT_SECRET."""


def as_configuration(found: Handover, kind: str) -> str:
    """Return the configuration of an application, or a program that logs in.

    Args:
        found: the handover.
        kind: one of CONFIGURATIONS.

    Raises:
        UsageError: the application takes OpenID Connect alone, and the hub is no issuer.
        FedhubError: a value can't be written into such a file.
    """
    if kind == "oauth2-proxy" and not found.issuer:
        raise UsageError(
            f"{kind} takes OpenID Connect alone, and the hub is no issuer for {found.service}",
            fix="have it under global.fedhub.services, and write oidc: {enabled: true} beside",
        )
    text = (Path(__file__).with_name("configurations") / _FILES[kind]).read_text(encoding="utf-8")
    values = _values(found)
    text = text.replace("@role_path@", _role_path(found))  # it has quotes of its own
    return _GAP.sub(lambda gap: _quoted(values[gap[1]], kind), text)


def _values(found: Handover) -> Mapping[str, str]:
    last = urlsplit(found.redirect_uri).path.rstrip("/").rpartition("/")[2]
    return {
        "client_id": found.client_id,
        "redirect_uri": found.redirect_uri,
        "callback_path": urlsplit(found.redirect_uri).path or "/",
        "provider": last or "hub",
        "authorization_url": found.authorization_url,
        "token_url": found.token_url,
        "userinfo_url": found.userinfo_url,
        "scope": " ".join(found.scopes),
        "no_scope": str(not found.scopes).lower(),
        "host": found.host,
        "issuer": found.issuer or "",
    }


def _role_path(found: Handover) -> str:
    """Return JMESPath that finds the role of Grafana that fits somebody's scopes; "" for none."""
    fitting = [
        f"contains(scopes[*], '{role_scope(found.service, role)}') && '{role.capitalize()}'"
        for role in ("admin", "editor")
        if role_scope(found.service, role) in found.scopes
    ]
    return " || ".join([*fitting, "'Viewer'"]) if fitting else ""


def _quoted(value: str, kind: str) -> str:
    if kind == "grafana":
        return _ini(value)
    return shlex.quote(value) if kind == "curl" else json.dumps(value)


def _ini(value: str) -> str:
    if any(sign in value for sign in "\"'`;#\n\r"):
        raise FedhubError(
            f"{value!r} can't be written into Grafana's file", fix="use --format env and variables"
        )
    return value


def holds_secret(kind: str) -> bool:
    """Whether a form has a place for the secret."""
    return kind not in CONFIGURATIONS


def handed_over(found: Handover, kind: str, *, reveal: bool, recipient: str | None = None) -> str:
    """Return a handover in one of its forms.

    Args:
        found: the handover.
        kind: `text`, `json`, `env`, or one of CONFIGURATIONS.
        reveal: whether the secret is in it, where it has a place for it.
        recipient: whose public key it is sealed with; None for nobody's.

    Raises:
        UsageError: the recipient is no public key.
        FedhubError: a value can't be written in this form.
    """
    if kind in CONFIGURATIONS:
        text = as_configuration(found, kind)
    else:
        text = {"text": as_text, "json": as_json, "env": as_env}[kind](found, reveal=reveal)
    return sealed(text, recipient) if recipient else text


# --- sealed --------------------------------------------------------------------------------


def sealed(text: str, recipient: str) -> str:
    """Return text that only the owner of a key can read, safe to e-mail.

    Args:
        text: what is to be sealed; it exists in this process only.
        recipient: an age or SSH public key.

    Raises:
        UsageError: it is no public key.
    """
    import pyrage  # type: ignore[import-untyped]  # it has no types

    kind: Any = pyrage.ssh if recipient.startswith("ssh-") else pyrage.x25519
    try:
        key = kind.Recipient.from_str(recipient.strip())
    except pyrage.RecipientError:
        raise UsageError(
            "--age takes a public key, and this is none",
            fix="ask for the line age1… that `age-keygen` prints, or for an SSH public key",
        ) from None
    done: bytes = pyrage.encrypt(text.encode(), [key], armored=True)
    return done.decode()
