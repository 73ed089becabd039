"""The processes of `login.py`: an identity provider, and a hub for each side.

Each is a process of its own, so that none of their work is taken for another's.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

ENTITY = "https://idp.uni.example.edu/idp/shibboleth"
SIDES = ("stock", "ours")
PEOPLE = 100


@contextmanager
def hubs() -> Iterator[dict[str, str]]:
    """Run an identity provider and both hubs; yield the hubs' addresses by side."""
    with ExitStack() as stack:
        provider, address = stack.enter_context(_process("identity-provider"))
        found = {side: stack.enter_context(_process(side, address))[1] for side in SIDES}
        assert provider.stdin
        assert provider.stdout
        callbacks = " ".join(f"{hub}/hub/oauth_callback" for hub in found.values())
        provider.stdin.write(callbacks + "\n")
        provider.stdin.flush()
        provider.stdout.readline()
        yield found


@contextmanager
def _process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run one of the below until the block ends; yield it and the address it printed."""
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
        for line in sys.stdin:  # the hubs that want to be registered
            provider.add_client(
                Client("login", "cilogon", "the-hub", "s3cret", tuple(line.split()))
            )
            print("registered", flush=True)


async def serve_hub(side: str, provider: str) -> None:
    """Run a hub without proxy and notebook servers, and tell what it has cost so far."""
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

    class TidyUp(RequestHandler):
        """Frees what is left of before, which no measurement is to pay for."""

        def get(self) -> None:
            gc.collect()

    class Costs(RequestHandler):
        def get(self) -> None:
            used = resource.getrusage(resource.RUSAGE_SELF)
            self.finish({"user": used.ru_utime, "system": used.ru_stime, "asked": asked})

    class Later(RequestHandler):
        """Lets as much time pass as JupyterHub waits before it refreshes somebody."""

        def get(self) -> None:
            for user in app.users.values():
                user._auth_refreshed = None

    AsyncHTTPClient.configure(Counted, max_clients=1000)
    socket, port = bind_unused_port()
    c = Config()
    c.JupyterHub.authenticator_class = CILogonOAuthenticator
    c.JupyterHub.db_url = "sqlite://"
    c.JupyterHub.cookie_secret = bytes(32)
    c.JupyterHub.log_level = "ERROR"
    c.JupyterHub.extra_handlers = [("/costs", Costs), ("/tidy", TidyUp), ("/later", Later)]
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.auth_token = "0" * 32
    c.Authenticator.enable_auth_state = True
    c.Authenticator.auth_refresh_age = 24 * 3600
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


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["identity-provider"]:
            serve_identity_provider()
        case [side, provider]:
            os.environ["JUPYTERHUB_CRYPT_KEY"] = "0" * 64
            asyncio.run(serve_hub(side, provider))
