"""How a hub that runs is talked to: by whom it is reached, and what may be sent there."""

from __future__ import annotations

import ssl
from functools import cache
from typing import Any

import httpx

from fedhub.errors import UsageError
from fedhub.hub.addresses import host_of, is_loopback

PATIENCE = 30.0
"""Seconds that an answer of the hub may take."""

UNREACHED = (httpx.HTTPError, httpx.InvalidURL, UnicodeError)
"""What httpx raises where nobody answers; the last for a host name that can't be one."""


def connection(address: str) -> dict[str, Any]:
    """Return how httpx is to talk to a hub; one on this machine through nobody's proxy."""
    environment = not is_loopback(host_of(address))
    return {"timeout": PATIENCE, "trust_env": environment, "verify": _trusted()}


@cache
def _trusted() -> ssl.SSLContext:
    """Return whom TLS trusts; making it anew takes longer than a request."""
    return httpx.create_ssl_context()


def check_private(address: str) -> None:
    """Make sure that what is sent to a hub is for its eyes only.

    Raises:
        UsageError: it would go over http, to another machine.
    """
    if not address.startswith("https://") and not is_loopback(host_of(address)):
        raise UsageError(
            f"a secret would travel unencrypted to {address}",
            fix="give an address with https://; http:// is for this machine alone",
        )
