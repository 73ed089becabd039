"""What is looked at from outside, one probe for each thing that a login rests on.

A probe asks as a browser does, follows no redirect, and sends no secret.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from fedhub.errors import FedhubError
from fedhub.findings import Finding, failed, of_error, ok, skipped
from fedhub.hub.addresses import callback_url
from fedhub.hub.providers import Provider
from fedhub.hub.values import Hub
from fedhub.registration.login_redirect import LoginRedirect, check_accepted, login_redirect
from fedhub.registration.stored import place_of, stored

PATIENCE = 10.0
"""Seconds that an answer may take."""
SOON = 14
"""Days before its end at which a certificate should have been renewed."""
_WELL_KNOWN = ".well-known/openid-configuration"


def dns(home: str) -> Finding:
    """Whether the hub's name leads anywhere."""
    host = urlsplit(home).hostname or ""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        fix = "see that the name has an A, AAAA or CNAME record"
        return failed(
            "dns", host, f"the name is not known: {getattr(error, 'strerror', None) or error}", fix
        )
    addresses = sorted({str(entry[4][0]) for entry in found})
    return ok("dns", host, ", ".join(addresses))


def certificate(home: str, now: datetime | None = None) -> Finding:
    """Whether browsers trust the hub's certificate, and for how long (RFC 5280 section 4.1.2.5)."""
    parts = urlsplit(home)
    host, port = parts.hostname or "", parts.port or 443
    if parts.scheme != "https":
        return skipped("certificate", host, "the hub is asked without TLS")
    try:
        with (
            socket.create_connection((host, port), PATIENCE) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) as wrapped,
        ):
            peer = wrapped.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        fix = "see the Certificate and its Secret; cert-manager says why it is not issued"
        return failed("certificate", host, f"not trusted: {error.verify_message}", fix)
    except OSError as error:
        fix = "see that the route to the hub is there, with TLS"
        return failed("certificate", host, f"no TLS: {error.strerror or type(error).__name__}", fix)
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(peer["notAfter"])), UTC)
    days = (ends - (now or datetime.now(UTC))).days
    detail = f"{days} days left, until {ends:%Y-%m-%d}"
    if days < SOON:
        return failed("certificate", host, detail, "see why it was not renewed")
    return ok("certificate", host, detail)


def health(home: str) -> Finding:
    """Whether the hub answers, and which JupyterHub it is."""
    host = urlsplit(home).netloc
    try:
        said = _json(f"{home}/health"), _json(f"{home}/api/")
    except FedhubError as error:
        return of_error("hub", host, error)
    version = said[1].get("version")
    if not isinstance(version, str):
        return failed("hub", host, "what answers is no JupyterHub", "see where the route leads")
    return ok("hub", host, f"JupyterHub {version}")


def login_of(hub: Hub, provider: Provider) -> Iterator[Finding]:
    """Whether a login leads to the provider, as the client of the values, and is taken there."""
    callback = callback_url(hub, provider)
    if callback is None:
        yield skipped("login", provider.name, "the callback URL can't be told from the values")
        return
    try:
        redirect = login_redirect(callback)
    except FedhubError as error:
        yield of_error("login", provider.name, error)
        return
    yield _redirect(hub, provider, callback, redirect)
    if provider.is_a("CILogonOAuthenticator", "CustosOAuthenticator"):
        yield issuer(provider.name, redirect)


def _redirect(hub: Hub, provider: Provider, callback: str, redirect: LoginRedirect) -> Finding:
    kept = stored(hub, place_of(hub, provider))
    if redirect.callback != callback:
        return failed(
            "login",
            provider.name,
            f"people are sent back to {redirect.callback!r}, not to {callback}",
            "deploy the hub as its values are",
        )
    if kept is not None and redirect.client_id != kept.client_id:
        return failed(
            "login",
            provider.name,
            f"the hub is {redirect.client_id!r}; the values have {kept.client_id}",
            "deploy the hub as its values are; a changed Secret takes a minute to reach it",
        )
    try:
        check_accepted(redirect)
    except FedhubError as error:
        return of_error("login", provider.name, error)
    host = urlsplit(redirect.address).hostname
    return ok("login", provider.name, f"{host} takes {redirect.client_id}")


def issuer(name: str, redirect: LoginRedirect) -> Finding:
    """Whether the provider's tokens can be checked: discovery, and keys (OpenID Connect)."""
    # CILogon's issuer is its host; Keycloak's is the realm, above `protocol/openid-connect/auth`.
    parts = urlsplit(redirect.address)
    path = parts.path.partition("/protocol/openid-connect/")
    above = path[0] if path[1] else ""
    base = f"{parts.scheme}://{parts.netloc}{above}"
    try:
        discovery = _json(f"{base}/{_WELL_KNOWN}")
        keys = _json(str(discovery.get("jwks_uri"))).get("keys")
    except FedhubError as error:
        return of_error("issuer", name, error)
    if not isinstance(keys, list) or not keys:
        return failed("issuer", name, f"{base} has no keys", "ask the provider's operator")
    return ok("issuer", name, f"{discovery.get('issuer')}, {len(keys)} keys")


def service(home: str, name: str, declared: Any) -> Finding:
    """Whether an application's login leads to the hub's own.

    Which application it is, JupyterHub looks at only when somebody has logged in.
    """
    client_id = declared.get("oauth_client_id") or f"service-{name}"
    redirect_uri = declared.get("oauth_redirect_uri")
    query = {"client_id": client_id, "redirect_uri": redirect_uri, "response_type": "code"}
    address = f"{home}/api/oauth2/authorize?{urlencode(query)}"
    try:
        reply = httpx.get(address, timeout=PATIENCE)
    except httpx.HTTPError as error:
        fix = "see that the hub runs"
        return failed("service", name, f"no answer ({type(error).__name__})", fix)
    where = reply.headers.get("Location", "")
    if not reply.is_redirect or not urlsplit(where).path.endswith("login"):
        fix = "see the hub's log"
        return failed("service", name, f"its login answers {reply.status_code}", fix)
    return ok("service", name, "its login leads to the hub's")


def _json(address: str) -> dict[str, Any]:
    host = urlsplit(address).netloc or address
    try:
        reply = httpx.get(address, timeout=PATIENCE, headers={"Accept": "application/json"})
        said = reply.json() if reply.content else {}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise FedhubError(
            f"{host} does not answer as it should ({type(error).__name__})",
            fix="see that it runs and is reached from here",
        ) from None
    if reply.status_code != httpx.codes.OK:
        raise FedhubError(
            f"{urlsplit(address).path} answers {reply.status_code}", fix="see the log there"
        )
    return said if isinstance(said, dict) else {}
