"""What `fedhub access` says of somebody is what a login through the hub's pages does with them.

Each made-up hub is asked twice: by the code that `fedhub access` runs, and by a browser's requests
from /hub/oauth_login to /hub/oauth_callback of a real JupyterHub. That one hub serves all of them
in turn: it gets each hub's authenticator, as if it had been started with it.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fedhub_authenticators.bindings import TABLE, ensure_table
from jupyterhub import orm
from jupyterhub.app import JupyterHub
from jupyterhub.crypto import CryptKeeper
from sqlalchemy import delete
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from traitlets.config import Config

from fedhub.preview.hubside import alone, rules, verdicts
from tests.asynchronous import run_async
from tests.preview.configurations import Made, made
from tests.preview.in_process import Provider, configured, provider_in_process

HOW_MANY = 500
PARTS = 4
"""So that several cores can share them."""


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
        ensure_table(app.db)
        app.db.execute(delete(TABLE))  # who had a name first
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
            return verdicts.REFUSED | {"page": _words(ended.text)}
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


def _words(page: str) -> str:
    """Return what people read on a page."""
    text = html.unescape(re.sub(r"<[^>]*>", " ", page))
    return " ".join(text.replace(" : ", " ").split())


@asynccontextmanager
async def real_hub() -> AsyncIterator[Hub]:
    c = Config()
    c.JupyterHub.db_url = "sqlite://"
    c.JupyterHub.cookie_secret = bytes(32)
    c.JupyterHub.log_level = "CRITICAL"
    c.JupyterHub.authenticator_class = "null"
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.auth_token = "0" * 32
    c.CryptKeeper.keys = [bytes(32)]
    CryptKeeper.clear_instance()
    CryptKeeper.instance(config=c)
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
        CryptKeeper.clear_instance()


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
def test_500_hubs_do_with_people_what_access_says(part: int) -> None:
    async def compare() -> Counter[str]:
        seen: Counter[str] = Counter()
        with provider_in_process() as provider:
            async with real_hub() as hub:
                for number in range(part, HOW_MANY, PARTS):
                    said, done = await both(number, hub, provider)
                    page = done.pop("page", "")
                    same = {key: said[key] for key in done}
                    assert same == done, f"hub {number}: {made(number)}\n{said}"
                    assert page == "" or _words(said["reason"]) in page, f"{number}: {said}\n{page}"
                    seen.update([key for key in ("allowed", "admin", "groups") if done.get(key)])
                    seen[said["decided"]] += 1
                    seen["hub failed"] += bool(said.get("note"))
        return seen

    seen = run_async(asyncio.wait_for(compare(), 300))
    # Neither everybody nor nobody gets in, so that there was something to compare.
    total = HOW_MANY / PARTS
    assert total * 0.25 < seen["allowed"] < total * 0.75, seen
    assert min(seen[one] for one in ("admin", "groups", "nothing", "rules")) > total * 0.05, seen
