"""How a hub that runs is talked to: by whom it is reached, and what may be sent there."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urljoin

import httpx

from fedhub.errors import UsageError
from fedhub.hub.addresses import host_of, is_loopback

PATIENCE = 30.0
"""Seconds that the hub may take to say something."""
LONGEST = 60.0
"""Seconds that all of an answer may take."""
LARGEST = 5_000_000
"""Bytes that one may have; a page of the hub's users has some hundred thousand."""
_PLAIN = "identity"
"""How answers are to come: a few compressed bytes can become a great many."""

UNREACHED = (httpx.HTTPError, httpx.InvalidURL, UnicodeError)
"""What httpx raises where nobody answers; the last for a host name that can't be one."""


def connection(address: str) -> dict[str, Any]:
    """Return how a client of httpx is to talk to a hub; one on this machine through nobody's proxy.

    Whoever answers there can't keep it waiting, or fill the memory.
    """
    return {
        "timeout": PATIENCE,
        "trust_env": not is_loopback(host_of(address)),
        "verify": _trusted(),
        "event_hooks": {"request": [_ask_for_plain], "response": [_limit]},
    }


@cache
def _trusted() -> ssl.SSLContext:
    """Return whom TLS trusts; making it anew takes longer than a request."""
    return httpx.create_ssl_context()


def ask(method: str, address: httpx.URL | str, **what: Any) -> httpx.Response:
    """Return the answer to one request; where it leads to, nobody goes.

    Args:
        method: of HTTP.
        address: whom to ask.
        what: what else `httpx.Client.request` takes.

    Raises:
        UNREACHED: there is none, it takes too long or is too large.
    """
    with httpx.Client(**connection(str(address))) as http:
        return http.request(method, address, **what)


def _ask_for_plain(request: httpx.Request) -> None:
    request.headers["Accept-Encoding"] = _PLAIN


def _limit(response: httpx.Response) -> None:
    if response.headers.get("Content-Encoding", _PLAIN) != _PLAIN:
        raise httpx.DecodingError("the answer is compressed", request=response.request)
    assert isinstance(response.stream, httpx.SyncByteStream)
    response.stream = _Limited(response.stream)


class _Limited(httpx.SyncByteStream):
    """The body of an answer, as long as it is neither too large nor too slow."""

    def __init__(self, body: httpx.SyncByteStream) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        size, ends = 0, time.monotonic() + LONGEST
        for part in self._body:
            size += len(part)
            if size > LARGEST:
                raise httpx.ReadError("the answer is too large")
            if time.monotonic() > ends:
                raise httpx.ReadTimeout("the answer does not end")
            yield part

    def close(self) -> None:
        self._body.close()


def said_in(reply: httpx.Response) -> dict[str, Any]:
    """Return the JSON object that an answer is; an empty one for anything else."""
    try:
        said = reply.json()
    except (ValueError, RecursionError):
        said = None
    return said if isinstance(said, dict) else {}


def leads_to(reply: httpx.Response) -> str:
    """Return the address that an answer sends a browser to; "" where it sends it nowhere.

    Raises:
        UNREACHED: it is no address.
    """
    if not reply.has_redirect_location:
        return ""
    try:
        return urljoin(str(reply.url), reply.headers["location"])
    except ValueError as error:
        raise httpx.InvalidURL(str(error)) from None


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
