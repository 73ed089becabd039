"""An application as JupyterHub's documentation has it, which says who its user is. Run by a test.

    service_app.py FOLDER    FOLDER is what the pod has as /var/run/secrets/fedhub

All else comes from its environment. Where that has no token, it takes the one of the folder.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler, HubOAuthenticated
from tornado.ioloop import IOLoop
from tornado.web import Application, RequestHandler, authenticated


class Whoami(HubOAuthenticated, RequestHandler):
    @authenticated
    def get(self) -> None:
        self.write(f"you are {self.current_user['name']}")


def main() -> None:
    if "JUPYTERHUB_API_TOKEN" not in os.environ:
        token = Path(sys.argv[1], "client_secret").read_text()
        Whoami._hub_auth = HubOAuthCallbackHandler._hub_auth = HubOAuth.instance(api_token=token)
    prefix = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
    pages = [(prefix, Whoami), (f"{prefix}oauth_callback", HubOAuthCallbackHandler)]
    address = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    Application(pages, cookie_secret=os.urandom(32)).listen(address.port, address.hostname)
    print("ready", flush=True)
    IOLoop.current().start()


if __name__ == "__main__":
    main()
