"""A small application that logs people in through the hub; it runs in the cluster.

With the variables that the chart gives a service of its own; elsewhere also with `CLIENT_SECRET`,
the file of its secret, and `TLS`, the folder of a certificate to serve HTTPS with.
"""

import os
import secrets
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from tornado import ioloop, web

os.environ["JUPYTERHUB_API_TOKEN"] = Path(
    os.environ.get("CLIENT_SECRET", "/var/run/secrets/fedhub/client_secret")
).read_text()

from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated

PREFIX = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
CALLBACK = urlsplit(os.environ["JUPYTERHUB_OAUTH_CALLBACK_URL"]).path


class Page(HubOAuthenticated, web.RequestHandler):  # type: ignore[misc]
    """Says who is there."""

    @web.authenticated
    def get(self) -> None:
        self.write(f"this is {self.current_user['name']}")


def main() -> None:
    """Serve until the pod ends."""
    handlers = [(PREFIX, Page), (CALLBACK, HubOAuthCallbackHandler)]
    application = web.Application(handlers, cookie_secret=secrets.token_bytes())
    if folder := os.environ.get("TLS"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(Path(folder, "tls.crt"), Path(folder, "tls.key"))
        application.listen(443, ssl_options=context)
    else:
        application.listen(8000)
    ioloop.IOLoop.current().start()


if __name__ == "__main__":
    main()
