"""What a login costs: oauthenticator's CILogonOAuthenticator and ours, in turn, in one run.

Each side is a real hub in a process of its own, whose CPU time is what counts; the identity
provider is a third process and the visitors a fourth, so that none of their work is taken for the
hub's. Prints a line of JSON for each figure. Run it with `make bench`.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin

import httpx

ENTITY = "https://idp.uni.example.edu/idp/shibboleth"
SIDES = ("stock", "ours")
ROUNDS = 4
PEOPLE = 100
CONCURRENT = (1, 20, 100)
TLS = ssl.create_default_context()
"""Not used, and slow to make: httpx would make one for each visitor."""


# --- the three other processes ------------------------------------------------------------


def serve_identity_provider() -> None:
    from fedhub.access.persona import Persona
    from fedhub.idp.client import Client
    from fedhub.idp.server import IdentityProvider

    with IdentityProvider(own_user_only=True) as provider:
        provider.set_personas(
            Persona(
                name=f"person-{number}",
                provider="login",
                idp=ENTITY,
                idp_name="University",
                about="",
                claims={"sub": f"http://cilogon.org/serverT/users/{number}"}
                | {"email": f"person-{number}@uni.example.edu", "idp": ENTITY},
            )
            for number in range(PEOPLE)
        )
        print(provider.url, flush=True)
        for line in sys.stdin:  # a hub that wants to be registered
            provider.add_client(
                Client("login", "cilogon", "the-hub", "s3cret", tuple(line.split()))
            )
            print("registered", flush=True)


def serve_hub(side: str, provider: str) -> None:
    """Run a hub without proxy and notebook servers, and tell what it has cost so far."""
    os.environ["JUPYTERHUB_CRYPT_KEY"] = "0" * 64
    asyncio.run(_serve_hub(side, provider))


async def _serve_hub(side: str, provider: str) -> None:
    from jupyterhub.app import JupyterHub
    from oauthenticator.cilogon import CILogonOAuthenticator
    from tornado.httpclient import AsyncHTTPClient
    from tornado.httpserver import HTTPServer
    from tornado.simple_httpclient import SimpleAsyncHTTPClient
    from tornado.testing import bind_unused_port
    from tornado.web import RequestHandler
    from traitlets.config import Config

    asked = 0

    class Counted(SimpleAsyncHTTPClient):
        def fetch_impl(self, request: Any, callback: Any) -> None:
            nonlocal asked
            asked += 1
            super().fetch_impl(request, callback)

    class Costs(RequestHandler):
        def get(self) -> None:
            self.finish({"cpu": time.process_time(), "asked": asked})

    class Refresh(RequestHandler):
        async def get(self, times: str) -> None:
            authenticator = self.settings["authenticator"]
            users = [user for user in app.users.values() if user.name.startswith("person-")]
            for number in range(int(times)):
                assert await authenticator.refresh_user(users[number % len(users)])
            self.finish()

    AsyncHTTPClient.configure(Counted, max_clients=1000)
    socket, port = bind_unused_port()
    c = Config()
    c.JupyterHub.authenticator_class = CILogonOAuthenticator
    c.JupyterHub.db_url = "sqlite://"
    c.JupyterHub.cookie_secret = bytes(32)
    c.JupyterHub.log_level = "ERROR"
    c.JupyterHub.extra_handlers = [("/costs", Costs), (r"/refresh/(\d+)", Refresh)]
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.auth_token = "0" * 32
    c.Authenticator.enable_auth_state = True
    c.Authenticator.auth_refresh_age = 0
    c.CILogonOAuthenticator.update(
        {
            "client_id": "the-hub",
            "client_secret": "s3cret",
            "oauth_callback_url": f"http://127.0.0.1:{port}/hub/oauth_callback",
            "authorize_url": f"{provider}/authorize",
            "token_url": f"{provider}/oauth2/token",
            "userdata_url": f"{provider}/oauth2/userinfo",
            "idps": {
                ENTITY: {"allow_all": True, "username_derivation": {"username_claim": "email"}}
            },
        }
    )
    if side == "ours":
        from fedhub_authenticators import configure

        c.CILogonOAuthenticator.issuer = provider
        c.CILogonOAuthenticator.jwks_url = f"{provider}/oauth2/certs"
        configure(c, {})
    app = JupyterHub(config=c)
    await app.initialize([])
    HTTPServer(app.tornado_application).add_socket(socket)
    print(f"http://127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


@contextmanager
def process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run one of the above until the block ends; yield it and the address it printed."""
    child = subprocess.Popen(
        [sys.executable, __file__, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout
    try:
        yield child, child.stdout.readline().strip()
    finally:
        child.terminate()
        child.wait()


# --- the visitors -------------------------------------------------------------------------


async def log_in(hub: str, number: int) -> float:
    """Log somebody in with a browser of their own; return seconds spent at the hub."""
    async with httpx.AsyncClient(trust_env=False, timeout=120, verify=TLS) as visitor:
        begun = time.perf_counter()
        reply = await visitor.get(f"{hub}/hub/oauth_login")
        at_hub = time.perf_counter() - begun
        reply = await visitor.post(
            reply.headers["location"], data={"persona": f"person-{number % PEOPLE}"}
        )
        begun = time.perf_counter()
        reply = await visitor.get(urljoin(hub, reply.headers["location"]))
        assert reply.is_redirect, reply.text
        return at_hub + time.perf_counter() - begun


async def logins(hub: str, concurrent: int, count: int) -> list[float]:
    numbers = iter(range(count))

    async def one_after_another() -> list[float]:
        return [await log_in(hub, number) for number in numbers]

    found = await asyncio.gather(*(one_after_another() for _ in range(concurrent)))
    return [seconds for each in found for seconds in each]


def costs(hub: str) -> dict[str, float]:
    found: dict[str, float] = httpx.get(f"{hub}/hub/costs", trust_env=False).json()
    return found


def measure(hub: str, concurrent: int, count: int) -> dict[str, float]:
    before = costs(hub)
    seconds = sorted(asyncio.run(logins(hub, concurrent, count)))
    after = costs(hub)
    return {
        "cpu_ms": (after["cpu"] - before["cpu"]) / count * 1000,
        "requests": (after["asked"] - before["asked"]) / count,
        "p50_ms": seconds[len(seconds) // 2] * 1000,
        "p95_ms": seconds[int(len(seconds) * 0.95)] * 1000,
    }


def measure_refreshes(hub: str, count: int) -> dict[str, float]:
    before = costs(hub)
    httpx.get(f"{hub}/hub/refresh/{count}", trust_env=False, timeout=300).raise_for_status()
    after = costs(hub)
    cpu = after["cpu"] - before["cpu"]
    return {
        "cpu_ms": cpu / count * 1000,
        "requests": (after["asked"] - before["asked"]) / count,
        "a_minute_on_one_core": count / cpu * 60,
    }


def import_times() -> dict[str, float]:
    """Return how long a hub's imports take, and how much longer ours make it."""
    code = (
        "from time import perf_counter as now; begun = now();"
        "import jupyterhub.app, oauthenticator.cilogon; hub = now();"
        "import fedhub_authenticators.providers, fedhub_authenticators.federated;"
        "print(hub - begun, now() - hub)"
    )
    child = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE)
    hub, ours = map(float, child.stdout.split())
    return {"hub_ms": hub * 1000, "ours_add_ms": ours * 1000}


# --- the table ----------------------------------------------------------------------------


def report(what: str, found: dict[str, list[dict[str, float]]]) -> None:
    """Print the medians of both sides, and the median of the ratios of each round."""
    row: dict[str, Any] = {"what": what}
    for figure in found["ours"][0]:
        pairs = [
            (ours[figure], stock[figure])
            for ours, stock in zip(found["ours"], found["stock"], strict=True)
        ]
        ours, stock = (round(statistics.median(side), 2) for side in zip(*pairs, strict=True))
        ratio = round(statistics.median(a / b for a, b in pairs), 2)
        row[figure] = {"ours": ours, "stock": stock, "ratio": ratio}
    print(json.dumps(row), flush=True)


def main() -> None:
    with process("identity-provider") as (provider, address):
        assert provider.stdin
        assert provider.stdout
        with (
            process("hub", "stock", address) as (_, stock),
            process("hub", "ours", address) as (
                _,
                ours,
            ),
        ):
            hubs = {"stock": stock, "ours": ours}
            callbacks = " ".join(f"{hub}/hub/oauth_callback" for hub in hubs.values())
            provider.stdin.write(callbacks + "\n")
            provider.stdin.flush()
            provider.stdout.readline()
            for hub in hubs.values():
                measure(hub, 10, PEOPLE)  # everybody is known, every cache is warm
            for concurrent in CONCURRENT:
                found: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
                for turn in range(ROUNDS):
                    for side in SIDES if turn % 2 else reversed(SIDES):
                        found[side].append(measure(hubs[side], concurrent, PEOPLE))
                report(f"login, {concurrent} at once", found)
            found = {side: [] for side in SIDES}
            for _ in range(ROUNDS):
                for side in SIDES:
                    found[side].append(measure_refreshes(hubs[side], 500))
            report("refresh", found)
    times = [import_times() for _ in range(2 * ROUNDS)]
    row = {figure: round(statistics.median(one[figure] for one in times), 1) for figure in times[0]}
    print(json.dumps({"what": "import"} | row))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["identity-provider"]:
            serve_identity_provider()
        case ["hub", side, provider]:
            serve_hub(side, provider)
        case _:
            main()
