"""A service at the hub as it runs: all that can be told without a person, and one who logs in.

JupyterHub 5.5 looks at callback URLs only when somebody has logged in, and takes no API token there
(`OAuthAuthorizeHandler` accepts cookies alone): a login needs a browser. As an issuer it looks
at once where `prompt=none` asks (OpenID Connect Core 1.0 section 3.1.2.1).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from fedhub.errors import FedhubError
from fedhub.findings import Finding, failed, of_error, ok, skipped
from fedhub.services.application import Application, Issuer, discovered
from fedhub.services.connection import UNREACHED, ask, check_private, leads_to, said_in
from fedhub.services.handover import Handover

OAUTH, OIDC = "OAuth 2", "OpenID Connect"
"""What a finding is about."""
_DEPLOY = "deploy the hub as its values are"


def look(found: Handover) -> list[Finding]:
    """Look at everything that needs no person.

    Args:
        found: what the service's owner is handed, with the hub's address.

    Raises:
        UsageError: the client secret would travel where others can read it.
    """
    check_private(found.home)
    try:
        return list(_findings(found))
    except UNREACHED as error:
        fix = "see that the hub runs and is reached from here"
        return [failed("hub", found.host, f"does not answer ({type(error).__name__})", fix)]


def log_in(found: Handover, ask: Callable[[str], str]) -> Finding:
    """Have a person log in, and take their browser's word for where that ends.

    Args:
        found: what the service's owner is handed.
        ask: given the address to open, returns the one at which the browser ends; "" for none.
    """
    try:
        application = Application(found, discovered(found.issuer) if found.issuer else None)
        answer = ask(application.address).strip()
        if not answer:
            return skipped("login", found.service, "nobody logged in")
        if not application.is_back(answer):
            return failed(
                "login",
                found.service,
                f"the browser did not get to {found.redirect_uri}",
                "where the hub answered 403, name the person in users or groups of the service; "
                "where it had a complaint about the request, deploy it as its values are",
            )
        told = application.told(answer)
    except FedhubError as error:
        return of_error("login", found.service, error)
    groups = f"in {', '.join(told.groups)}" if told.groups else "in no group that it learns of"
    roles = f", as {', '.join(told.roles)}" if told.roles else ""
    claims = f"; the ID token has {', '.join(told.claims)}" if told.claims else ""
    return ok("login", found.service, f"{told.user} gets in, {groups}{roles}{claims}")


def _findings(found: Handover) -> Iterator[Finding]:
    yield (page := _login_page(found))
    if page.state == "failed":
        return
    yield _secret(found, OAUTH, found.token_url)
    if found.issuer is None:
        why = "JupyterHub looks at it only when somebody has logged in"
        yield skipped("callback", OAUTH, why)
        return
    try:
        issuer = discovered(found.issuer)
    except FedhubError as error:
        yield of_error("issuer", OIDC, error)
        return
    yield ok("issuer", OIDC, f"{found.issuer}, {len(issuer.keys.keys)} keys")
    yield _secret(found, OIDC, issuer.metadata["token_endpoint"])
    yield _callback(found, issuer)
    yield _pkce(found, issuer)


def _login_page(found: Handover) -> Finding:
    reply = ask("GET", Application(found).address)
    if urlsplit(leads_to(reply)).path.endswith("login"):
        return ok("page", OAUTH, "the application's login leads to the hub's")
    return failed("page", OAUTH, f"the hub answers {reply.status_code}", "see the hub's log")


def _secret(found: Handover, way: str, address: str) -> Finding:
    """Whether the client id and secret of the values are taken, and no others.

    A code that the hub never gave tells: `invalid_grant` comes after the client is known, and
    `invalid_client` before (RFC 6749 section 5.2).
    """
    right = _error_for(found, address, found.secret.get_secret_value())
    if right == "invalid_client":
        detail = f"the hub has no {found.client_id}, or another secret of it"
        return failed("secret", way, detail, _DEPLOY)
    wrong = _error_for(found, address, secrets.token_hex(32))
    if (right, wrong) != ("invalid_grant", "invalid_client"):
        detail = f"the token URL answers {right!r}, and {wrong!r} to a wrong secret"
        return failed("secret", way, detail, "see the hub's log, and what answers at that address")
    return ok("secret", way, f"the hub takes that of {found.client_id}, and no other")


def _error_for(found: Handover, address: str, secret: str) -> str:
    form = {
        "grant_type": "authorization_code",
        "code": secrets.token_hex(16),
        "redirect_uri": found.redirect_uri,
        "client_id": found.client_id,
        "client_secret": secret,
    }
    reply = ask("POST", address, data=form)
    error = said_in(reply).get("error")
    return error if isinstance(error, str) else f"HTTP {reply.status_code}"


def _callback(found: Handover, issuer: Issuer) -> Finding:
    """Whether the hub sends people back to the callback URL of the values, and nowhere else."""
    if _silently(found, issuer) != "login_required":
        detail = f"the hub does not send people back to {found.redirect_uri}"
        return failed("callback", OIDC, detail, _DEPLOY)
    if _silently(found, issuer, redirect_uri=f"{found.redirect_uri}x") is not None:
        return failed("callback", OIDC, "the hub takes another as well", "see what answers there")
    return ok("callback", OIDC, f"{found.redirect_uri}, and no other")


def _pkce(found: Handover, issuer: Issuer) -> Finding:
    """Whether PKCE is more than words, and needed where the values say so.

    `plain` protects nobody (RFC 7636 section 7.2).
    """
    if _silently(found, issuer, code_challenge_method="plain") != "invalid_request":
        return failed("pkce", OIDC, "the hub takes another method than S256", "see its log")
    bare = _silently(found, issuer, code_challenge=None, code_challenge_method=None)
    if bare != ("invalid_request" if found.needs_pkce else "login_required"):
        does = "takes" if found.needs_pkce else "does not take"
        what = f"the hub {does} a login without PKCE, and the values say otherwise"
        return failed("pkce", OIDC, what, _DEPLOY)
    needed = "has to be sent" if found.needs_pkce else "may be left out"
    return ok("pkce", OIDC, f"S256 alone; it {needed}")


def _silently(found: Handover, issuer: Issuer, **change: str | None) -> str | None:
    """Return the error that a login of nobody ends with; None where it leads nowhere.

    Args:
        change: other parameters than the application's; None leaves one out.
    """
    address = httpx.URL(Application(found, issuer).address)
    asked: dict[str, Any] = {**address.params, "prompt": "none", **change}
    kept = {name: value for name, value in asked.items() if value is not None}
    reply = ask("GET", address.copy_with(params=kept))
    where = reply.headers.get("Location", "") if reply.is_redirect else ""
    if where.partition("?")[0] != kept["redirect_uri"].partition("?")[0]:
        return None
    return parse_qs(urlsplit(where).query).get("error", [""])[0]
