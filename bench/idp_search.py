"""How long `fedhub idp search` takes in a list of 6,000 that is kept, beside `fedhub --version`.

The list is made up; CILogon's own is of this size. Run it with `make bench`.
"""

from __future__ import annotations

import json
import random
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from startup import BIN, command, compare

SIZE = 6000
WORDS = ("Universität", "College", "Institute", "Technology", "State", "München", "Norte")


def listed() -> list[dict[str, object]]:
    draw = random.Random(6)
    return [
        {
            "EntityID": f"https://idp.school{number}.example.edu/idp/shibboleth",
            "OrganizationName": f"{' '.join(draw.sample(WORDS, 3))} {number}",
            "DisplayName": f"{' '.join(draw.sample(WORDS, 3))} of Place {number}",
            "RandS": bool(number % 2),
        }
        for number in range(SIZE)
    ]


class IdpList(BaseHTTPRequestHandler):
    content = json.dumps(listed()).encode()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    fedhub = str(BIN / "fedhub")
    with tempfile.TemporaryDirectory() as folder, HTTPServer(("127.0.0.1", 0), IdpList) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host = ["--host", f"http://127.0.0.1:{server.server_port}"]
        env = {"XDG_CACHE_HOME": folder}
        search = [fedhub, "idp", "search", "munchen", "place", "4711", *host]
        command(*search, env=env)()
        assert list(Path(folder).glob("fedhub/*.json")), "no list is kept"
        server.shutdown()
        version = command(fedhub, "--version")
        compare(
            "fedhub idp search (one of 6,000) / --version", command(*search, env=env), version, 25
        )
        many = [fedhub, "idp", "search", "university", "e", *host]
        compare("fedhub idp search (thousands) / --version", command(*many, env=env), version, 25)


if __name__ == "__main__":
    main()
