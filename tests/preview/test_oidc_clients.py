"""Applications that nobody here wrote log people in through the hub, by discovery alone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import KeySet

from fedhub.preview.processes import free_port, proxy_command
from tests.apache import apache, has_mod_auth_openidc
from tests.oidc_hub import GRAFANA, INSIDER, OUTSIDER, VERIFIER, Application, Person, write_values
from tests.previews import RunningHub, running_hub

SCRIPT = Path(__file__).with_name("log_in_with_openid_client.mjs")
ELSEWHERE = Application("grafana", f"http://127.0.0.1:{free_port()}/app/callback")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    values = write_values(tmp_path_factory.mktemp("hub"), callback=ELSEWHERE.callback)
    with running_hub(values) as running:
        yield running


def issuer_of(hub: RunningHub) -> str:
    return f"{hub.url}hub/oidc"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlib_logs_somebody_in(hub: RunningHub, method: str) -> None:
    metadata = OpenIDProviderMetadata(
        httpx.get(f"{issuer_of(hub)}/.well-known/openid-configuration").json()
    )
    metadata.validate_issuer()
    metadata.validate_token_endpoint_auth_methods_supported()
    metadata.validate_id_token_signing_alg_values_supported()
    with OAuth2Client(
        ELSEWHERE.client_id,
        ELSEWHERE.secret,
        scope="openid profile email",
        redirect_uri=ELSEWHERE.callback,
        token_endpoint_auth_method=method,
        code_challenge_method="S256",
        trust_env=False,
    ) as client:
        address, state = client.create_authorization_url(
            metadata["authorization_endpoint"], nonce="n", code_verifier=VERIFIER
        )
        with Person(hub, INSIDER) as person:
            back = person.go(address).headers["location"]
        token = client.fetch_token(
            metadata["token_endpoint"],
            authorization_response=back,
            state=state,
            code_verifier=VERIFIER,
        )
        claims = id_token_claims(metadata, token)
        assert claims["preferred_username"] == "gil-instructors"
        info = client.get(metadata["userinfo_endpoint"]).json()
    assert info == {name: claims[name] for name in info}
    assert set(info) == {"sub", "name", "preferred_username", "groups"}


def id_token_claims(metadata: dict[str, Any], token: dict[str, Any]) -> CodeIDToken:
    keys = KeySet.import_key_set(httpx.get(metadata["jwks_uri"]).json())
    signed = jwt.decode(token["id_token"], keys, metadata["id_token_signing_alg_values_supported"])
    claims = CodeIDToken(
        signed.claims,
        signed.header,
        {
            "iss": {"essential": True, "value": metadata["issuer"]},
            "aud": {"essential": True, "value": ELSEWHERE.client_id},
        },
        {"nonce": "n", "client_id": ELSEWHERE.client_id, **token},
    )
    claims.validate()
    return claims


@pytest.mark.parametrize("basic", [True, False])
def test_openid_client_logs_somebody_in(hub: RunningHub, basic: bool) -> None:
    given = {
        "issuer": issuer_of(hub),
        "clientId": ELSEWHERE.client_id,
        "clientSecret": ELSEWHERE.secret,
        "callback": ELSEWHERE.callback,
        "basic": basic,
    }
    node, *_ = proxy_command()
    with (
        subprocess.Popen(
            [node, str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as script,
        Person(hub, INSIDER) as person,
    ):
        assert script.stdin is not None
        assert script.stdout is not None
        script.stdin.write(json.dumps(given) + "\n")
        script.stdin.flush()
        address = script.stdout.readline().strip()
        back = person.go(address).headers["location"] if address else ""
        said, wrong = script.communicate(back + "\n")
    assert script.returncode == 0, wrong
    found = json.loads(said)
    assert found["claims"]["preferred_username"] == "gil-instructors"
    assert found["claims"]["iss"] == issuer_of(hub)
    assert found["userInfo"]["groups"] == ["instructors"]


@pytest.mark.skipif(not has_mod_auth_openidc(), reason="no Apache with mod_auth_openidc here")
def test_apache_logs_somebody_in(hub: RunningHub) -> None:
    with (
        apache(issuer_of(hub), ELSEWHERE) as application,
        Person(hub, INSIDER) as person,
        Person(hub, OUTSIDER) as outsider,
    ):
        page = person.go(application, application)
        assert page.status_code == 200, page.text
        assert page.text.strip() == "gil-instructors is in instructors"
        refused = outsider.go(application, application)
        assert refused.status_code == 403
        assert str(refused.url).startswith(hub.url)


def test_grafanas_callback_is_another(hub: RunningHub) -> None:
    with Person(hub, INSIDER) as person:
        assert person.go(GRAFANA.address(hub)).status_code == 400
