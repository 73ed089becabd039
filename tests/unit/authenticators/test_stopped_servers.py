"""The server of somebody who is out is stopped, where the operator wants that: on a real hub."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fedhub_authenticators import staying_in
from jupyterhub.proxy import Proxy
from jupyterhub.spawner import Spawner
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from tests.asynchronous import run_async
from tests.unit.authenticators.logins import DOMAIN, GENERIC, configured, running

ADA = {"sub": "1", "name": "ada"}


class Routes(Proxy):
    """A proxy that only remembers where to."""

    should_start = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.routes: dict[str, Any] = {}

    async def add_route(self, routespec: str, target: str, data: Any) -> None:
        self.routes[routespec] = {"routespec": routespec, "target": target, "data": data}

    async def delete_route(self, routespec: str) -> None:
        self.routes.pop(routespec, None)

    async def get_all_routes(self) -> dict[str, Any]:
        return self.routes


class Page(RequestHandler):
    def get(self) -> None:
        self.set_header("X-JupyterHub-Version", "5")


class InThisProcess(Spawner):
    """Starts a server that answers, and stops it."""

    server_here: HTTPServer | None = None

    async def start(self) -> tuple[str, int]:
        socket, port = bind_unused_port()
        self.server_here = HTTPServer(Application([(r".*", Page)]))
        self.server_here.add_socket(socket)
        return "127.0.0.1", port

    async def stop(self, now: bool = False) -> None:
        if self.server_here is not None:
            self.server_here.stop()
            self.server_here = None

    async def poll(self) -> int | None:
        return 0 if self.server_here is None else None


@pytest.mark.parametrize("setting", ["alone", "one of several"])
@pytest.mark.parametrize("wanted", [True, False])
def test_the_server_of_somebody_who_is_out(setting: str, wanted: bool) -> None:
    config = GENERIC | {"username_claim": "name", "allow_all": True}
    config |= {"stop_servers_when_out": wanted}
    main = {"authenticator": "generic-oauth", "config": config, "prefix": ""}
    login = {"main": main}
    if setting != "alone":
        login["other"] = {"authenticator": "github", "config": {"allow_all": True}}

    async def go() -> None:
        c = configured({"domain": DOMAIN, "login": login})
        c.JupyterHub.proxy_class = Routes
        c.JupyterHub.spawner_class = InThisProcess
        async with running(c) as (app, visitor):
            alone = setting == "alone"
            own = app.authenticator if alone else app.authenticator.authenticators["main"]
            await visitor.log_in(own, ADA, "" if alone else "/main")
            user = app.users["ada"]
            await visitor.get("/hub/spawn")
            assert user.spawner.active
            assert "/user/ada/" in app.proxy.routes

            own.blocked_users = {"ada"}
            user._auth_refreshed = None
            assert (await visitor.get("/hub/home")).status_code == 302
            while staying_in._under_way:
                await asyncio.gather(*staying_in._under_way)
            assert user.spawner.active is not wanted
            assert (await user.spawner.poll() is None) is not wanted
            assert ("/user/ada/" in app.proxy.routes) is not wanted
            await user.stop()

    run_async(go())
