"""Keeps a preview's hub from talking to anybody outside this machine.

An authenticator may hold addresses that nobody could point elsewhere, in a class of the
operator's own or in code of a library: real credentials must not follow them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from tornado.simple_httpclient import SimpleAsyncHTTPClient

_NO_CONNECTION = 599
"""tornado's code for a request that got no answer."""


class LoopbackOnly(SimpleAsyncHTTPClient):
    """Tornado's HTTP client, for loopback addresses alone; redirects are held to it too."""

    def fetch_impl(self, request: HTTPRequest, callback: Callable[[HTTPResponse], None]) -> None:
        """Refuse a request that would leave this machine."""
        host = urlsplit(request.url).hostname or ""
        if is_loopback(host):
            super().fetch_impl(request, callback)
            return
        words = f"a preview talks to this machine only, and {host} was asked for"
        error: Any = HTTPClientError(_NO_CONNECTION, words)
        callback(HTTPResponse(request, _NO_CONNECTION, error=error))


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is surely this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def stay_on_this_machine() -> None:
    """Use it for every request of this process from now on."""
    AsyncHTTPClient.configure(LoopbackOnly)
