"""A hub that says what it is told to say."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask, Response, request
from joserfc.jwk import RSAKey
from pydantic import SecretStr
from werkzeug.serving import make_server

from fedhub.services.application import Issuer, discovered
from fedhub.services.handover import Handover

CALLBACK = "https://app.example.org/callback"
SECRET = "the-secret-of-the-service"
KEY = RSAKey.generate_key(2048, {"kid": "k", "alg": "RS256", "use": "sig"})


@dataclass
class Liar:
    """A hub.

    Attributes:
        home: its address.
        answers: by path below `/hub/` or `/hub/oidc/`: bytes as they are, what a function returns,
            or anything else as JSON.
    """

    home: str = ""
    answers: dict[str, Any] = field(default_factory=dict)

    @property
    def metadata(self) -> dict[str, Any]:
        issuer = f"{self.home}/oidc"
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "jwks_uri": f"{issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def handover(self) -> Handover:
        return Handover(
            hub="x",
            service="app",
            client_id="service-app",
            secret=SecretStr(SECRET),
            redirect_uri=CALLBACK,
            home=self.home,
            scopes=(),
            lifetime=600,
            issuer=f"{self.home}/oidc",
        )

    def honest(self) -> Issuer:
        """Say what an honest hub does; return it as an issuer."""
        self.answers = {
            ".well-known/openid-configuration": self.metadata,
            "jwks": {"keys": [KEY.as_dict(private=False)]},
            "userinfo": {"sub": "s", "preferred_username": "olga", "groups": ["a"]},
        }
        return discovered(f"{self.home}/oidc")


@pytest.fixture(scope="module")
def hub() -> Iterator[Liar]:
    liar, app = Liar(), Flask("hub")

    @app.route("/hub/<path:path>", methods=["GET", "POST"])
    def say(path: str) -> Response:
        answer = liar.answers.get(path.removeprefix("oidc/"), b"")
        if callable(answer):
            return answer()  # type: ignore[no-any-return]
        if isinstance(answer, bytes):
            return Response(answer)
        if path.endswith("token") and request.form.get("client_secret") != SECRET:
            return Response(status=401)
        return app.json.response(answer)

    server = make_server("127.0.0.1", 0, app, threaded=True)
    liar.home = f"http://127.0.0.1:{server.port}/hub"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield liar
    server.shutdown()
    thread.join()
    server.server_close()
