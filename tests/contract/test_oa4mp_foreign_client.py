"""A client that nobody here wrote registers at `/oauth2/oidc-cm` and logs somebody in.

oauth4webapi, from npm, speaks RFC 7591: CILogon's bearer is its "initial access token".
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from fedhub.preview.processes import proxy_command
from tests.contract.oa4mp_endpoint import ADMIN, BODY, Endpoint, bearer

SCRIPT = Path(__file__).with_name("register_with_oauth4webapi.mjs")


def test_oauth4webapi_registers_and_logs_in(endpoint: Endpoint) -> None:
    metadata = BODY | {"grant_types": ["authorization_code", "refresh_token"]}
    given = {
        "issuer": endpoint.provider.url,
        "registration": endpoint.address,
        "token": bearer(ADMIN.client_id, ADMIN.client_secret).removeprefix("Bearer "),
        "metadata": metadata,
        "persona": "ada-cilogon",
    }
    node, *_ = proxy_command()
    done = subprocess.run(
        [node, str(SCRIPT)], input=json.dumps(given), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["claims"]["email"] == "ada@example.edu"
    assert said["claims"]["aud"] == said["registered"]["client_id"]
    assert said["refreshes"]
    assert endpoint.shown(said["registered"]["client_id"])["client_name"] == BODY["client_name"]
