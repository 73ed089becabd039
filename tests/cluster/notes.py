"""A small application that logs people in through the hub; it runs in the cluster."""

import os
import secrets
from pathlib import Path

from tornado import ioloop, web

os.environ["JUPYTERHUB_API_TOKEN"] = Path("/var/run/secrets/fedhub/client_secret").read_text()

from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated

PREFIX = os.environ["JUPYTERHUB_SERVICE_PREFIX"]


class Page(HubOAuthenticated, web.RequestHandler):  # type: ignore[misc]
    """Says who is there."""

    @web.authenticated
    def get(self) -> None:
        self.write(f"this is {self.current_user['name']}")


if __name__ == "__main__":
    handlers = [(PREFIX, Page), (PREFIX + "oauth_callback", HubOAuthCallbackHandler)]
    web.Application(handlers, cookie_secret=secrets.token_bytes()).listen(8000)
    ioloop.IOLoop.current().start()
