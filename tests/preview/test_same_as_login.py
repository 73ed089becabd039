"""What `fedhub access` says of somebody is what a login through the hub's pages does with them.

Each made-up hub is asked twice: by the code that `fedhub access` runs, and by a browser's requests
from /hub/oauth_login to /hub/oauth_callback of a real JupyterHub. That one hub serves all of them
in turn: it gets each hub's authenticator, as if it had been started with it.
"""

from __future__ import annotations

import asyncio
import functools
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.metadata import entry_points
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from jupyterhub import orm
from jupyterhub.app import JupyterHub
from ruamel.yaml import YAML
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders
from tornado.simple_httpclient import SimpleAsyncHTTPClient
from tornado.testing import bind_unused_port
from traitlets.config import Config
from werkzeug.test import Client as WebClient

from fedhub.idp.client import Client
from fedhub.idp.server import IdentityProvider
from fedhub.preview.hubside import alone, rules, verdicts
from fedhub.preview.hubside.configuration import configure_as_pod
from fedhub.preview.hubside.setup import Setup
from tests.asynchronous import run_async
from tests.preview.configurations import Made, made

HOW_MANY = 500
PARTS = 4
"""So that several cores can share them."""

IDP = "http://127.0.0.1:9"
"""Nothing listens there: the identity provider is called in this process."""


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take back what configuring a hub changes in its process; read files of packages once."""
    installed = functools.cache(lambda group: entry_points(group=group))
    monkeypatch.setattr("fedhub_authenticators.providers.entry_points", installed)
    monkeypatch.setattr("jupyterhub.traitlets.entry_points", installed)
    schema = functools.cache(lambda path: YAML(typ="safe").load(Path(path)))
    parser = SimpleNamespace(load=lambda file: schema(file.name))
    monkeypatch.setattr("oauthenticator.cilogon.yaml", parser)
    modules = sys.modules.get("z2jh")
    yield
    AsyncHTTPClient.configure(None)
    sys.modules.pop("z2jh", None)
    if modules is not None:
        sys.modules["z2jh"] = modules


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


class Hub:
    """A real JupyterHub that can be given another authenticator."""

    def __init__(self, app: JupyterHub, server: HTTPServer, browser: httpx.AsyncClient) -> None:
        self.app = app
        self.server = server
        self.browser = browser

    async def become(self, authenticator: Any, load_groups: dict[str, Any]) -> None:
        """Do what a start with this authenticator does, on an empty database."""
        app = self.app
        for kind in (orm.User, orm.Group):
            app.db.query(kind).delete()
        app.db.commit()
        app.db.expunge_all()
        app.users.clear()
        app.authenticator = authenticator
        app.load_groups = load_groups
        await app.init_users()
        await app.init_groups()
        app.tornado_settings["authenticator"] = authenticator
        app.tornado_settings["login_url"] = authenticator.login_url(app.hub.base_url)
        app.init_handlers()
        app.init_tornado_application()
        self.server.request_callback = app.tornado_application

    async def log_in(self, person: Made, provider: Provider) -> dict[str, Any]:
        """Log somebody in as a browser does; return whom the hub takes them for."""
        name = person.person.provider
        path = f"/hub/{name}" if len(person.kinds) > 1 else "/hub"
        self.browser.cookies.clear()
        begun = await self.browser.get(f"{path}/oauth_login")
        assert begun.status_code == 302, begun.text
        form = {"persona": person.person.name}
        signed_in = provider.ask("POST", begun.headers["location"], form, {})
        assert signed_in.status_code == 302, signed_in.text
        back = urlsplit(signed_in.headers["location"])
        ended = await self.browser.get(f"{back.path}?{back.query}")
        if ended.status_code != 302:
            return dict(verdicts.REFUSED)
        xsrf = self.browser.cookies.get("_xsrf", path="/hub/") or ""
        user = await self.browser.get("/hub/api/user", params={"_xsrf": xsrf})
        user.raise_for_status()
        about = user.json()
        return {
            "allowed": True,
            "username": about["name"],
            "admin": about["admin"],
            "groups": sorted(about["groups"]),
        }


@asynccontextmanager
async def real_hub() -> AsyncIterator[Hub]:
    c = Config()
    c.JupyterHub.db_url = "sqlite://"
    c.JupyterHub.cookie_secret = bytes(32)
    c.JupyterHub.log_level = "CRITICAL"
    c.JupyterHub.authenticator_class = "null"
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.auth_token = "0" * 32
    app = JupyterHub(config=c)
    await app.initialize([])
    socket, port = bind_unused_port()
    server = HTTPServer(app.tornado_application)
    server.add_socket(socket)
    try:
        address = f"http://127.0.0.1:{port}"
        # A connection that is kept would go on with the application before.
        navigating = {"Sec-Fetch-Mode": "navigate", "Connection": "close"}
        async with httpx.AsyncClient(
            base_url=address, headers=navigating, trust_env=False
        ) as browser:
            yield Hub(app, server, browser)
    finally:
        server.stop()
        app.db.close()
        app.session_factory.kw["bind"].dispose()


def configured(values: dict[str, Any], provider: Provider) -> tuple[Config, list[dict[str, Any]]]:
    """Configure as `fedhub access` does."""
    c = Config()
    described = configure_as_pod(c, Setup(values=values, identity_provider=IDP, answer_fd=-1))
    AsyncHTTPClient.configure(ToProvider)
    c.Authenticator.enable_auth_state = False
    for one in described:
        provider.add_client(Client.from_description(one["client"]))
    return c, described


async def both(number: int, hub: Hub, provider: Provider) -> tuple[Any, Any]:
    """Return what `fedhub access` says of somebody, and what a login makes of them."""
    one = made(number)
    c, _ = configured(one.values, provider)
    provider.set_personas([one.person])
    load_groups = c.JupyterHub.get("load_groups") or {}
    asked = c.JupyterHub.authenticator_class(config=c)
    logs_in = c.JupyterHub.authenticator_class(config=c)
    try:
        alone.start(asked, load_groups)
    except ValueError as error:
        with pytest.raises(ValueError, match="valid"):
            await hub.become(logs_in, load_groups)
        return {"decided": "no hub", "reason": str(error)}, {}
    groups = verdicts.loaded_groups(asked, load_groups)
    person = one.person
    said = await rules.explained(asked, person.provider, person.name, person.idp, groups)
    await hub.become(logs_in, load_groups)
    return said, await hub.log_in(one, provider)


@pytest.mark.parametrize("part", range(PARTS))
def test_500_hubs_do_with_people_what_access_says(part: int, untouched: None) -> None:
    async def compare() -> Counter[str]:
        seen: Counter[str] = Counter()
        provider = ToProvider.provider = Provider()
        async with real_hub() as hub:
            for number in range(part, HOW_MANY, PARTS):
                said, done = await both(number, hub, provider)
                same = {key: said[key] for key in done}
                assert same == done, f"hub {number}: {made(number)}\n{said}"
                seen.update([key for key in ("allowed", "admin", "groups") if done.get(key)])
                seen[said["decided"]] += 1
        return seen

    seen = run_async(asyncio.wait_for(compare(), 300))
    # Neither everybody nor nobody gets in, so that there was something to compare.
    total = HOW_MANY / PARTS
    assert total * 0.25 < seen["allowed"] < total * 0.75, seen
    assert min(seen[one] for one in ("admin", "groups", "nothing", "rules")) > total * 0.05, seen
