"""Configures hubs in this process, and lets people sign in without a socket between.

Hides: what configuring a hub changes in its process, the embedded identity provider's WSGI
application, tornado's HTTP client.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.httputil import HTTPHeaders
from tornado.simple_httpclient import SimpleAsyncHTTPClient
from traitlets.config import Config
from werkzeug.test import Client as WebClient

from fedhub.idp.client import Client
from fedhub.idp.server import IdentityProvider
from fedhub.preview.hubside.alone import ReadOnce
from fedhub.preview.hubside.configuration import configure_as_pod
from fedhub.preview.hubside.setup import Setup

IDP = "http://127.0.0.1:9"
"""Nothing listens there: the identity provider is called in this process."""


class Provider(IdentityProvider):
    """The embedded identity provider, without a socket."""

    def __init__(self) -> None:
        super().__init__(public_url=IDP)
        self.web = WebClient(self.app)

    def ask(self, method: str, url: str, body: Any, headers: dict[str, str]) -> Any:
        """Return its answer to a request."""
        there = urlsplit(url)
        assert f"{there.scheme}://{there.netloc}" == IDP, url
        path = there.path + (f"?{there.query}" if there.query else "")
        self.web = WebClient(self.app)  # no cookies: everybody is a new browser
        return self.web.open(path, method=method, data=body, headers=headers)


class ToProvider(SimpleAsyncHTTPClient):
    """Tornado's HTTP client, with the identity provider at the other end of every request."""

    provider: Provider

    def fetch_impl(self, request: HTTPRequest, callback: Any) -> None:
        headers = dict(request.headers)
        if request.body and "Content-Type" not in headers:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        reply = self.provider.ask(request.method, request.url, request.body, headers)
        found = HTTPHeaders()
        for name, value in reply.headers:
            found.add(name, value)
        callback(HTTPResponse(request, reply.status_code, found, BytesIO(reply.data)))


@contextmanager
def provider_in_process() -> Iterator[Provider]:
    """Configure hubs and ask the provider in this block; after it, this process is as before."""
    modules = sys.modules.get("z2jh")
    provider = ToProvider.provider = Provider()
    try:
        with pytest.MonkeyPatch.context() as patch:
            _read_packages_once(patch)
            yield provider
    finally:
        AsyncHTTPClient.configure(None)
        sys.modules.pop("z2jh", None)
        if modules is not None:
            sys.modules["z2jh"] = modules


def _read_packages_once(patch: pytest.MonkeyPatch) -> None:
    """Keep what is read from the files of packages: it takes longer than a login."""
    installed = functools.cache(lambda group: entry_points(group=group))
    patch.setattr("fedhub_authenticators.providers.entry_points", installed)
    patch.setattr("jupyterhub.traitlets.entry_points", installed)
    patch.setattr("oauthenticator.cilogon.yaml", ReadOnce())


def configured(values: dict[str, Any], provider: Provider) -> tuple[Config, list[dict[str, Any]]]:
    """Configure as `fedhub access` does; return what is said of each provider as well."""
    c = Config()
    described = configure_as_pod(c, Setup(values=values, identity_provider=IDP, answer_fd=-1))
    AsyncHTTPClient.configure(ToProvider)
    for one in described:
        provider.add_client(Client.from_description(one["client"]))
    return c, described
