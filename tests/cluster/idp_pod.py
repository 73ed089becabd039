"""The embedded identity provider as a server of its own: a realm, its clients, its people.

Runs in a pod: `python3 idp_pod.py FOLDER`, where the folder has `setup.json` (`url`, `clients`,
`people`), `tls.crt` and `tls.key`.
"""

from __future__ import annotations

import json
import signal
import ssl
import sys
from pathlib import Path

from fedhub.access.persona import Persona
from fedhub.idp.client import Client
from fedhub.idp.server import IdentityProvider


def main(folder: Path) -> None:
    """Serve until the pod ends."""
    setup = json.loads((folder / "setup.json").read_text(encoding="utf-8"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    with IdentityProvider(
        host="0.0.0.0", port=443, public_url=setup["url"], ssl_context=context
    ) as provider:
        for client in setup["clients"]:
            provider.add_client(Client.from_description(client))
        provider.set_personas(Persona(**person) for person in setup["people"])
        signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main(Path(sys.argv[1]))
